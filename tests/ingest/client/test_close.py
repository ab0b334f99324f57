"""Client close events."""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.errors import OptionError
from wslog.ingest.client.close import CLIENT_CLOSE
from wslog.ingest.format import Config, LineParser, Parsed

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")
OWN = CLIENT_CLOSE.samples[0]
CLOSED = dt.datetime(2026, 3, 10, 10, 1, 0, 1000, tzinfo=dt.UTC)
MS = 1773136860001
ANY = {"code": 1006, "wasClean": False, "ts": MS}


def detect(*lines: str, config: Config | None = None) -> LineParser:
    parser = CLIENT_CLOSE.detect(lines, config or Config())
    assert parser is not None
    return parser


def run(parser: LineParser, *lines: str) -> Parsed:
    schema = {"line": pl.Int64, "text": pl.String}
    return parser.parse(pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema=schema))


def one(record: dict[str, Any] | str, config: Config | None = None) -> dict[str, Any]:
    line = record if isinstance(record, str) else json.dumps(record)
    parsed = run(detect(line, config=config), line)
    assert parsed.rejects.is_empty(), parsed.rejects
    return parsed.events.row(0, named=True)


def at(ms: int) -> dt.datetime:
    return dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(milliseconds=ms)


def test_our_own_record() -> None:
    """Our own record keeps every field, its times in ms as written."""
    event = one(OWN)
    assert event["at"] == event["closed_at"] == CLOSED
    assert event["created_at"] == at(1773136799620)
    assert event["opened_at"] == at(1773136799637)
    assert event["last_received_at"] == at(1773136800000)
    assert event["last_sent_at"] is None
    assert (event["lifetime_s"], event["handshake_s"], event["is_opened"]) == (60.364, 0.017, True)
    assert (event["close_code"], event["close_reason"], event["was_clean"]) == (1006, "", False)
    assert (event["host"], event["path"], event["query"]) == ("rt.example.com", "/ws/chat", "room=7")
    assert (event["connection_id"], event["session_id"], event["attempt"]) == ("a7bd41", "bz74", 0)
    assert (event["visibility"], event["is_online"], event["user_agent"]) == ("visible", True, "Mozilla/5.0")
    assert (event["has_zone"], event["at_resolution_s"], event["is_websocket"]) == (True, 0.001, True)


@pytest.mark.parametrize(
    "extra", [{}, {"@timestamp": "2026-03-10T12:00:00Z"}, {"zz": {"a": [1]}}, {"clientIp": "203.0.113.7"}]
)
def test_the_fast_and_the_slow_way_agree(extra: dict[str, object]) -> None:
    """What a collector adds to our record changes nothing else, whichever way the line takes."""
    line = json.dumps(json.loads(OWN) | extra)
    slow = one(line, Config(client_fields={"is_persisted": "nowhere"}))  # a mapping has `record.py` read it
    assert one(line) == slow
    assert slow["client_ip"] == extra.get("clientIp")
    assert {k: v for k, v in slow.items() if k != "client_ip"} == {
        k: v for k, v in one(OWN).items() if k != "client_ip"
    }


def test_never_opened() -> None:
    """`openedAt: null` means that it never opened; without the key it is not known."""
    record = json.loads(OWN)
    assert one(record | {"openedAt": None})["is_opened"] is False
    del record["openedAt"]
    assert one(record)["is_opened"] is None


def test_pagehide_is_no_close() -> None:
    """A pagehide has no code and says whether the page was kept."""
    event = one(CLIENT_CLOSE.samples[1])
    assert (event["event"], event["close_code"], event["is_persisted"]) == ("pagehide", None, True)


@pytest.mark.parametrize("key", ["code", "closeCode", "close_code", "event.code", "CloseCode", "wsCloseCode"])
@pytest.mark.parametrize("value", [1006, "1006", 1006.0])
def test_code_aliases(key: str, value: object) -> None:
    """The code is found under its usual names, as number or as text."""
    assert one({key: value, "ts": MS, "wasClean": "false"})["close_code"] == 1006


@pytest.mark.parametrize("value", [0, None, "", 999, 5000, "abc", True, 1006.5, -1, [1006], 10**30])
def test_codes_that_are_none(value: object) -> None:
    """A code that is no close code is null, and the record stays a close."""
    event = one({"code": value, "wasClean": False, "ts": MS})
    assert (event["event"], event["close_code"]) == ("close", None)


@pytest.mark.parametrize("container", ["event", "detail", "data", "payload", "context", "attributes"])
def test_nested(container: str) -> None:
    """A close event may stand inside another object."""
    event = one({"name": "app", "ts": MS, container: {"code": 1001, "reason": "bye", "wasClean": True}})
    assert (event["close_code"], event["close_reason"], event["was_clean"], event["at"]) == (1001, "bye", True, CLOSED)


@pytest.mark.parametrize(
    "record",
    [
        {
            "level": 30,
            "time": MS,
            "pid": 1,
            "hostname": "h",
            "msg": "ws closed",
            **{k: ANY[k] for k in ("code", "wasClean")},
        },
        {
            "v": 0,
            "level": 30,
            "name": "app",
            "time": "2026-03-10T10:01:00.001Z",
            "msg": "socket disconnected",
            "code": 1006,
        },
        {"level": "info", "message": "websocket closed", "timestamp": "2026-03-10T10:01:00.001Z", "code": "1006"},
        {"level": "info", "message": json.dumps(ANY)},
        {"type": "websocket.close", "date": MS, "closeStatusCode": 1006},
        {
            "event": "disconnect",
            "time": MS,
            "user": {"id": 7},
            "connection": {"id": "c"},
            "target": {"url": "wss://h/p"},
            "code": 1006,
        },
    ],
)
def test_wrappers(record: dict[str, object]) -> None:
    """What pino, bunyan, winston and home-made loggers put around a close does not hide it."""
    event = one(record)
    assert (event["event"], event["close_code"], event["at"]) == ("close", 1006, CLOSED)
    if "user" in record:
        assert (event["session_id"], event["connection_id"], event["path"]) == ("7", "c", "/p")


@pytest.mark.parametrize("record", [{"isTrusted": True}, {"ts": MS, "event": {"isTrusted": True}}])
def test_a_stringified_event_has_no_code(record: dict[str, object]) -> None:
    """`JSON.stringify(event)` loses the code: the close is counted, and the limits say what to log instead."""
    line = json.dumps(record)
    parser = detect(line)
    event = run(parser, line).events.row(0, named=True)
    assert (event["event"], event["close_code"], event["is_websocket"]) == ("close", None, True)
    assert any(limit.startswith("no code in 1 of 1") for limit in parser.limits)


def test_an_empty_object_is_a_close_without_code() -> None:
    """`{}` is what the `ws` package's event becomes; alone it does not make a file ours."""
    assert CLIENT_CLOSE.detect(["{}"], Config()) is None
    events = run(detect(OWN), OWN, "{}").events
    assert events["close_code"].to_list() == [1006, None]
    assert events["event"].to_list() == ["close", "close"]


def test_a_collector_comes_later_than_its_client() -> None:
    """Around JSON inside a text stands the time at which it arrived; the record's own time is the close's."""
    own = ANY | {"timestamp": "2026-03-10T10:01:00.001Z"}
    for outer in ({"message": json.dumps(own)}, {"event": {"message": json.dumps(own)}}):
        assert one(outer | {"ts": MS + 90_000, "timestamp": MS + 90_000})["at"] == CLOSED


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [
        ("Error: WebSocket closed with status code: 1006 (no reason given).", 1006, "no reason given"),
        ("Connection disconnected: 'Websocket closed with status code: 1011 (boom).'", 1011, "boom"),
        ("WebSocket closed with status code: 4000", 4000, None),
        ("WebSocket closed with status code: 9999 (x).", None, "x"),
    ],
)
def test_a_code_in_a_text(text: str, code: int | None, reason: str | None) -> None:
    """SignalR writes code and reason into its message and nowhere else."""
    event = one({"timestamp": MS, "level": "Information", "message": text})
    assert (event["event"], event["close_code"], event["close_reason"]) == ("close", code, reason)


@pytest.mark.parametrize(
    "time", [{"$date": "2026-03-10T10:01:00.001Z"}, {"$date": MS}, {"$date": {"$numberLong": str(MS)}}]
)
def test_times_of_a_mongo_export(time: object) -> None:
    """Extended JSON wraps them."""
    assert one(ANY | {"ts": time})["at"] == CLOSED


def test_closes_that_cannot_be_read_are_rejected_one_by_one() -> None:
    """A file of closes whose times are of no known form is a file of closes, and says what is wrong with each."""
    line = json.dumps(ANY | {"ts": "11/22/2026, 3:59:38 PM"})
    parsed = run(detect(line), line)
    assert parsed.events.is_empty()
    assert parsed.rejects["reason"].to_list() == ["a time that cannot be read"]


def test_a_buffer_reason() -> None:
    """The reason of Node's `ws` is a Buffer: its bytes are the text."""
    assert one(ANY | {"reason": {"type": "Buffer", "data": [98, 121, 101]}})["close_reason"] == "bye"


@pytest.mark.parametrize(
    ("time", "resolution_s"),
    [
        (1773136860, 1.0),
        ("1773136860001", 0.001),
        (1773136860001000, 1e-6),
        (1773136860001000000, 1e-6),
        ("2026-03-10T10:01:00.001Z", 0.001),
        ("2026-03-10 11:01:00+01:00", 1.0),
    ],
)
def test_time_units(time: object, resolution_s: float) -> None:
    """s, ms, µs and ns are told by their size; the resolution is that of the writing."""
    event = one(ANY | {"ts": time})
    assert event["at"] == (CLOSED if resolution_s < 1 else CLOSED.replace(microsecond=0))
    assert event["at_resolution_s"] == pytest.approx(resolution_s)
    assert event["has_zone"] is True


def test_a_time_without_zone() -> None:
    """A time without zone is read as UTC, or as the caller says, and never claims to name one."""
    record = ANY | {"ts": "2026-03-10T11:01:00.001"}
    assert one(record)["at"] == CLOSED + dt.timedelta(hours=1)
    assert one(record)["has_zone"] is False
    berlin = one(record, Config(zones={"client-close": "Europe/Berlin"}))
    assert (berlin["at"], berlin["has_zone"]) == (CLOSED, False)


@pytest.mark.parametrize("time", [1e300, -MS, "1e400", "soon", "0001-01-01T00:00:00Z", 10**400])
def test_times_that_cannot_be_used(time: object) -> None:
    """A close whose only time is out of range or unreadable is a reject with its reason."""
    line = json.dumps(ANY | {"ts": time})
    rejects = run(detect(OWN), line).rejects
    assert rejects["reason"].to_list()[0] in {"time out of range", "a time that cannot be read"}


def test_our_own_time_out_of_range() -> None:
    """Our own times are ms; a closedAt of 1970 is out of range."""
    line = OWN.replace(str(MS), "86400000")
    assert run(detect(OWN), line).rejects["reason"].to_list() == ["time out of range"]


@pytest.mark.parametrize(
    "span", [{"durationMs": 60001}, {"duration_s": 60.001}, {"duration": "60.001s"}, {"uptime_ms": "60001"}]
)
def test_durations(span: dict[str, object]) -> None:
    """Where a duration is logged and no open time, the open time follows from it; whether it opened does not."""
    event = one(ANY | span)
    assert event["lifetime_s"] == pytest.approx(60.001)
    assert event["opened_at"] == CLOSED - dt.timedelta(seconds=60.001)
    assert event["is_opened"] is None
    assert one(ANY | span | {"opened": False})["opened_at"] is None
    assert one(ANY | span | {"opened": "true"})["is_opened"] is True


@pytest.mark.parametrize(("values", "seconds"), [((60000, 4000, 45000), 60.0), ((60, 4.5, 45), 60.0)])
def test_a_duration_without_unit(values: tuple[float, ...], seconds: float) -> None:
    """The unit of a bare `duration` is the same in the whole file, told by its values together."""
    lines = [json.dumps(ANY | {"duration": value}) for value in values]
    assert run(detect(*lines), *lines).events["lifetime_s"][0] == pytest.approx(seconds)


def test_silence() -> None:
    """Last-message times or an idle time give the silence; without either the limits say so."""
    assert one(ANY | {"last_message_at": MS - 45_000})["last_received_at"] == at(MS - 45_000)
    assert one(ANY | {"idle_ms": 45_000})["last_received_at"] == at(MS - 45_000)
    assert "no last-message times: idle duration unknown" in detect(json.dumps(ANY)).limits
    assert "no last-message times: idle duration unknown" not in detect(OWN).limits


def test_the_websocket_is_preferred_to_the_page() -> None:
    """Where a record has the page's URL and the WebSocket's, the WebSocket's counts."""
    event = one(ANY | {"url": "https://app.example.com/board", "endpoint": "wss://rt.example.com/ws"})
    assert (event["host"], event["path"]) == ("rt.example.com", "/ws")


@pytest.mark.parametrize(
    ("ip", "read"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[2001:DB8::7]", "2001:db8::7"),
        ("me", None),
    ],
)
def test_addresses(ip: str, read: str | None) -> None:
    """Only an IP address is one, in its usual form."""
    assert one(ANY | {"remote_ip": ip})["client_ip"] == read


def test_other_events_are_of_no_concern() -> None:
    """Open, error and message records in the same file are events that are no WebSocket's end."""
    lines = [
        OWN,
        *(json.dumps({"event": name, "ts": MS, "code": 1}) for name in ("open", "ws_error", "message", "login")),
    ]
    parsed = run(detect(*lines), *lines)
    assert parsed.events["is_websocket"].to_list() == [True, False, False, False, False]
    assert parsed.rejects.is_empty()


def test_a_mapping_wins() -> None:
    """`--client-field` names win over the tables, as dotted paths and under either of our names."""
    record = {
        "kind": "x",
        "t": {"done": MS},
        "ws.status": 1011,
        "code": 1000,
        "who": ["a", "b"],
        "body": '{"why":"oops"}',
    }
    fields = {"closed_at": "t.done", "code": "ws.status", "sessionId": "who.1", "closeReason": "body.why"}
    event = one(record, Config(client_fields=fields))
    assert (event["close_code"], event["at"], event["session_id"], event["close_reason"]) == (1011, CLOSED, "b", "oops")
    with pytest.raises(OptionError, match="no client field is called 'nonsense'"):
        one(record, Config(client_fields={"nonsense": "x"}))


def test_an_array_that_stands_one_record_a_line() -> None:
    """Brackets around and commas after the records are no rejects."""
    lines = ["[", OWN + ",", OWN, "]"]
    parsed = run(detect(*lines), *lines)
    assert parsed.events["line"].to_list() == [2, 3]
    assert parsed.rejects.is_empty()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (OWN[:-20], "not valid JSON"),
        ("[" + OWN + "]", "a JSON array; one record a line is needed"),
        ('"text"', "not a JSON object"),
        ('{"a":' + "[" * 200_000, "not valid JSON"),
        ('{"a":' + "9" * 5_000 + "}", "not valid JSON"),
        ("null", "not a JSON object"),
        (OWN + OWN, "not valid JSON"),
    ],
)
def test_rejects(line: str, reason: str) -> None:
    """A bad line is one reject with its reason, and its neighbours are read."""
    parsed = run(detect(OWN), OWN, line, OWN)
    assert parsed.rejects.rows() == [(2, reason, line[:200])]
    assert parsed.events["line"].to_list() == [1, 3]


def test_odd_json_is_read() -> None:
    """Lone surrogates, duplicate keys, NaN and 1e400 neither raise nor spoil the rest of the record."""
    line = OWN[:-1] + ',"reason":"\\ud800x","lastRecvAt":1e400,"attempt":NaN,"code":1001}'
    event = run(detect(OWN), line).events.row(0, named=True)
    assert (event["close_code"], event["close_reason"], event["last_received_at"], event["attempt"]) == (
        1001,
        "\ufffdx",
        None,
        None,
    )


@pytest.mark.parametrize(
    "line",
    [
        '{"time":"2026-03-10T10:01:00+00:00","status":101,"remote_addr":"203.0.113.7","request_time":60.001,"event":"close"}',
        '{"type":"wss","elb_status_code":101,"target_status_code":101,"code":1006}',
        '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"code","value":{"intValue":1006}}]}]}]}]}',
        '{"date":1773136860001,"view":{"url":"https://a"},"service":"web","code":1006,"wasClean":false}',
        '{"order":7,"code":1002,"event":"order_failed"}',
        '{"level":30,"time":1773136860001,"msg":"listening"}',
        '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 0',
        "[]",
    ],
)
def test_what_is_not_ours(line: str) -> None:
    """Server logs, vendor exports and unrelated JSON are not claimed."""
    assert CLIENT_CLOSE.detect([line] * 5, Config()) is None


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text()
    | st.sampled_from([1006, "close", MS, "{}", '{"code":1006}']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "event", "ts", "reason", "type", "data", "x"]) | st.text(), inner, max_size=4
        )
    ),
    max_leaves=8,
)
_KEYS = st.sampled_from(
    [
        "event",
        "code",
        "ts",
        "url",
        "duration",
        "opened",
        "openedAt",
        "closedAt",
        "lastMessageAt",
        "idle",
        "hidden",
        "ip",
        "msg",
        "wasClean",
    ]
)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.one_of(st.text(), st.dictionaries(_KEYS, _JSON).map(json.dumps), st.integers(0, 400).map(lambda n: OWN[:n])),
        max_size=5,
    )
)
def test_any_lines(lines: list[str]) -> None:
    """Arbitrary text and JSON never raise, and each line is an event, a reject or ignored, once."""
    CLIENT_CLOSE.detect(lines, Config())
    parsed = run(detect(OWN), *lines, OWN)
    seen = parsed.events["line"].to_list() + parsed.rejects["line"].to_list()
    assert len(seen) == len(set(seen))
    ignored = set(range(1, len(lines) + 2)) - set(seen)
    assert all(
        lines[n - 1].strip().removesuffix(",") in {"", "[", "]"} or lines[n - 1].strip()[0] == "#" for n in ignored
    )
    assert len(lines) + 1 in set(parsed.events["line"])


@recorded
def test_recorded_lines() -> None:
    """Every recorded client line parses, with the code and lifetime of the truth."""
    with (SHARED / "lab/truth.csv").open() as file:
        truth = {row["conn_id"]: row for row in csv.DictReader(file)}
    for path in sorted((SHARED / "lab/logs/client").glob("*.jsonl")):
        lines = path.read_text().splitlines()
        parser = detect(*lines[:200])
        parsed = run(parser, *lines)
        assert (len(parsed.events), parser.score, parser.limits) == (len(lines), 1.0, ())
        for event in parsed.events.iter_rows(named=True):
            row = truth[event["connection_id"]]
            assert event["session_id"] == row["session_id"]
            assert event["is_opened"] is (row["opened"] == "1")
            if event["line"] == int(row["client_log_line"]) and event["event"] == "close":
                assert str(event["close_code"]) == row["client_code"]


@recorded
def test_what_chrome_recorded() -> None:
    """A hand-written onclose logger's records give codes, opens and lifetimes."""
    lines = (SHARED / "formats/nginx-captured/run-c-ws/client.chrome.jsonl").read_text().splitlines()
    events = run(detect(*lines), *lines).events
    assert events["close_code"].to_list() == [1000, 1006, 1006, 1001, 1006, 1006, 1006, 1006, 1006, 1000, 1006]
    assert events["is_opened"].to_list() == [True] * 5 + [False] * 4 + [True] * 2
    assert events["lifetime_s"][4] == pytest.approx(4.003)
    assert events["lifetime_s"][5] is None


@pytest.mark.parametrize("is_own", [True, False])
def test_a_clock_set_while_connected_gives_no_years_of_connection(*, is_own: bool) -> None:
    """An opening decades before the close is no opening time: the close stays, without a lifetime, and that is said."""
    own = json.loads(OWN)
    record = {**own, "openedAt": 1_000_000_000_000, "createdAt": 1_000_000_000_000, "lastRecvAt": 1_000_000_000_000}
    if not is_own:
        record = {"type": "ws close", **{key: value for key, value in record.items() if key != "event"}}
    row = one(record)
    assert (row["close_code"], row["is_opened"], row["closed_at"]) == (1006, True, at(own["closedAt"]))
    names = ("opened_at", "created_at", "last_received_at", "lifetime_s", "handshake_s")
    assert [row[name] for name in names] == [None] * 5
    parser = detect(*[OWN] * 3, json.dumps(record))
    assert any("no usable opening time in 1 of 4" in limit for limit in parser.limits)
