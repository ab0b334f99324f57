"""nginx access lines as JSON, also where they are not quite JSON, without their log_format."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from wslog.ingest.format import Config, Parsed
from wslog.ingest.nginx.access import NGINX_ACCESS
from wslog.ingest.nginx.access_json import NGINX_JSON
from wslog.schema import EVENTS, conform

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")
NUMBERS = '{"t":1773136860.123,"status":101,"rt":60.004,"urt":60.003,"us":101,"path":"/ws","ua":"x"}'


def block(lines: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String})


def parse(*lines: str) -> Parsed:
    parser = NGINX_JSON.detect(lines, Config())
    assert parser is not None
    return parser.parse(block(list(lines)))


def events(*lines: str) -> list[dict[str, object]]:
    parsed = parse(*lines)
    assert parsed.rejects.is_empty()
    return conform(parsed.events, EVENTS).to_dicts()


@pytest.mark.parametrize(
    ("change", "lifetime_s", "upstream_status", "status"),
    [
        ((), 60.004, 101, 101),
        (('"urt":60.003,"us":101', '"urt":,"us":'), 60.004, None, 101),
        (('"urt":60.003,"us":101', '"urt":0.000, 60.001,"us":502, 101'), 60.004, 101, 101),
        (('"urt":60.003,"us":101', '"urt":0.000 : 60.001,"us":502 : 504'), 60.004, 504, 101),
        (('"us":101', '"us":-'), 60.004, None, 101),
        (('"status":101', '"status":000'), 60.004, 101, 0),
        (('"status":101', '"status":009'), 60.004, 101, 9),
    ],
)
@pytest.mark.parametrize("is_alone", [True, False])
def test_what_is_not_quite_json_is_read(
    change: tuple[str, str], lifetime_s: float, upstream_status: int | None, status: int, is_alone: bool
) -> None:
    """Absent numbers, lists without quotes, leading zeros: as the only line of a file and among good ones."""
    line = NUMBERS.replace(*change) if change else NUMBERS
    found = events(line)[0] if is_alone else events(NUMBERS, NUMBERS, line)[2]
    assert (found["lifetime_s"], found["upstream_status"], found["status"]) == (lifetime_s, upstream_status, status)
    assert (found["path"], found["user_agent"], found["at_resolution_s"]) == ("/ws", "x", 0.001)


def test_strings_for_numbers_and_empty_for_absent() -> None:
    """`escape=json` with every value quoted: an empty text is absent, not zero."""
    line = json.dumps(
        {
            "time": "2026-03-10T10:01:00+01:00", "request": "GET /ws?a=b HTTP/1.1", "status": "499",
            "request_time": "0.056",
            "upstream_status": "", "upstream_response_time": "", "http_upgrade": "websocket", "request_completion": "",
        }
    )  # fmt: skip
    found = events(line)[0]
    assert (found["status"], found["lifetime_s"], found["upstream_status"]) == (499, 0.056, None)
    assert (found["is_websocket"], found["is_opened"], found["is_complete"]) == (True, False, False)
    assert (found["at_resolution_s"], found["query"]) == (1.0, "a=b")


def test_shipped_json_in_any_key_order_and_one_level_deep() -> None:
    """Log shippers nest and reorder: such lines are read one by one, to the same columns."""
    first = (
        '{"@timestamp":"2026-03-10T10:01:00.250Z","http":{"status":101,"method":"GET"},"url":{"path":"/ws"},"rt":0.5}'
    )
    second = (
        '{"rt":0.5,"url":{"path":"/ws"},"http":{"method":"GET","status":101},"@timestamp":"2026-03-10T10:01:00.250Z"}'
    )
    one, two = events(first, second)
    assert one == two
    assert (one["status"], one["method"], one["path"], one["lifetime_s"]) == (101, "GET", "/ws", 0.5)
    assert one["at_resolution_s"] == 0.001


def test_escapes_are_undone() -> None:
    r"""JSON's own escapes, and `\xHH` of a JSON log_format that forgot `escape=json`."""
    line = NUMBERS.replace('"ua":"x"', r'"ua":"a \"b\" \\ \u00e9"')
    assert events(line)[0]["user_agent"] == 'a "b" \\ é'
    line = NUMBERS.replace('"ua":"x"', r'"ua":"a \x22b\x22 \xC3\xA9"')
    assert events(NUMBERS, line)[1]["user_agent"] == 'a "b" é'


def test_durations_in_milliseconds_are_seconds() -> None:
    """A key that names milliseconds is taken by its name."""
    assert events(NUMBERS.replace('"rt":60.004', '"duration_ms":60004'))[0]["lifetime_s"] == pytest.approx(60.004)


def test_ua_is_told_by_its_values() -> None:
    """`ua` with addresses is the upstream's address."""
    found = events(NUMBERS.replace('"ua":"x"', '"ua":"10.0.0.1:80, 10.0.0.2:80"'))[0]
    assert (found["upstream"], found["user_agent"]) == ("10.0.0.2:80", None)


def test_bad_lines_are_rejected_with_a_reason() -> None:
    """A torn line, chatter and an object without what an access line needs."""
    parsed = parse(NUMBERS, NUMBERS, NUMBERS[:50], "chatter", '{"level":"info"}', "")
    assert parsed.events["line"].to_list() == [1, 2]
    assert parsed.rejects.select("line", "reason").rows() == [
        (3, "torn line"),
        (4, "not a JSON object"),
        (5, "JSON without time, status and request"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        '{"event":"ws_close","code":1006,"reason":"","wasClean":false,"url":"/ws","closedAt":1773136860123}',
        '{"ts":1773136860123,"url":"/ws","status":"101","wasClean":"false","code":"1006"}',
        '{"elb_status_code":101,"time":"2026-03-10T10:01:00.123456Z","request_line":"GET /ws","status":101,"path":"/"}',
        '{"level":30,"time":1773136860123,"msg":"request completed","status":200,"url":"/x"}',
        '{"status":101,"path":"/ws"}',
        "[1,2]",
        "{}",
        '"text"',
    ],
)
def test_other_records_are_left_alone(line: str) -> None:
    """Close records, load balancer entries and application logs are not access lines."""
    assert NGINX_JSON.detect([line], Config()) is None


def test_a_configured_format_knows_its_keys_better() -> None:
    """With the log_format at hand the lines are read by it, not by the names of the keys."""
    line = '{"t":1773136860.123,"status":101,"path":"/ws","rt":60.003,"total":60.004}'
    text = 'escape=json {"t":$msec,"status":$status,"path":"$uri","rt":$upstream_response_time,"total":$request_time}'
    config = Config(log_formats={"odd": text})
    assert NGINX_JSON.detect([line], config) is None
    parser = NGINX_ACCESS.detect([line], config)
    assert parser is not None
    assert parser.parse(block([line])).events["lifetime_s"].to_list() == [60.004]
    assert events(line)[0]["lifetime_s"] == 60.003  # all that the names say


@recorded
def test_no_recorded_client_log_is_claimed() -> None:
    """None of the pages' own records is taken for an access line."""
    files = sorted((SHARED / "lab" / "logs" / "client").glob("*.jsonl"))
    assert files
    for file in files:
        assert NGINX_JSON.detect(file.read_text().splitlines()[:200], Config()) is None


@recorded
@pytest.mark.parametrize("run", ["run-b", "run-c-ws"])
@pytest.mark.parametrize("log", ["json", "jsonnum"])
def test_captured_json_agrees_with_the_true_values(run: str, log: str) -> None:
    """Every line of both recorded JSON formats, the broken ones included, has the values that nginx had."""
    folder = SHARED / "formats" / "nginx-captured" / run
    lines = (folder / f"access.{log}.log").read_text(encoding="utf-8", errors="replace").splitlines()
    truth = [json.loads(line) for line in (folder / "access.kv.expected.jsonl").read_text().splitlines()]
    found = events(*lines)
    assert len(found) == len(truth)
    for event, true in zip(found, truth, strict=True):
        assert event["status"] == int(true["status"])
        assert event["lifetime_s"] == pytest.approx(float(true["request_time"]))
        assert event["at"].timestamp() == pytest.approx(float(true["msec"]), abs=1e-4)
        last = true["upstream_status"].split(" : ")[-1].split(", ")[-1]
        assert event["upstream_status"] == (None if last == "-" else int(last))


@pytest.mark.parametrize(
    ("key", "column"),
    [("request_time", "lifetime_s"), ("upstream_response_time", None), ("upstream_header_time", "handshake_s"),
     ("status", "status"), ("connection", "connection_no"), ("bytes_sent", "bytes_out"), ("msec", None)],
)  # fmt: skip
def test_digits_of_another_script_are_no_number(key: str, column: str | None) -> None:
    """One such line must not end the run: the value is left out, and a line without a time is rejected."""
    usual = {
        "msec": "1795363312.870", "request": "GET /ws HTTP/1.1", "status": "101", "request_time": "0.302",
        "upstream_response_time": "0.302", "upstream_header_time": "0.001", "connection": "67", "bytes_sent": "39",
        "remote_addr": "127.0.0.1",
    }  # fmt: skip
    odd = usual | {key: usual[key].translate({ord("0") + n: chr(0x660 + n) for n in range(10)})}
    lines = [json.dumps(record, ensure_ascii=False) for record in (usual, usual, usual, odd)]
    parser = NGINX_JSON.detect(lines[:3], Config())
    assert parser is not None
    parsed = parser.parse(pl.DataFrame({"line": [1, 2, 3, 4], "text": lines}))
    assert parsed.events.height + parsed.rejects.height == 4
    assert parsed.rejects["line"].to_list() == ([4] if key == "msec" else [])
    if column:
        assert parsed.events[column].null_count() == 1


def test_names_of_elastics_common_schema() -> None:
    """Several levels deep, and the duration in nanoseconds."""
    record = {
        "@timestamp": "2026-03-10T10:01:00.250Z",
        "source": {"address": "203.0.113.7"},
        "http": {"request": {"method": "GET"}, "response": {"status_code": 101, "body": {"bytes": 4}}},
        "url": {"original": "/ws?x=1", "domain": "rt.example.com"},
        "user_agent": {"original": "Mozilla/5.0"},
        "event": {"duration": 60_004_000_000},
    }
    (found,) = events(json.dumps(record))
    assert (found["path"], found["host"], found["status"], found["method"]) == ("/ws", "rt.example.com", 101, "GET")
    assert (found["client_ip"], found["lifetime_s"]) == ("203.0.113.7", 60.004)


def test_several_days_in_milliseconds() -> None:
    """A long connection is no damaged number."""
    (found,) = events('{"timeMs":1773136860250,"status":101,"uri":"/ws","durationMs":604800000}')
    assert found["lifetime_s"] == 604_800.0
