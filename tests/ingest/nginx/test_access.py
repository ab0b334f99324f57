"""nginx access lines as text: recognised, guessed, and turned into events."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import re
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.errors import OptionError
from wslog.ingest.format import Config, Parsed
from wslog.ingest.nginx.access import COMBINED, NGINX_ACCESS, OPTION, STOCK
from wslog.ingest.nginx.access_json import NGINX_JSON
from wslog.ingest.nginx.error import NGINX_ERROR
from wslog.ingest.nginx.log_format_infer import infer_format
from wslog.schema import EVENTS, conform

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")
KV = (
    '203.0.113.7:51552 [2026-03-10T10:01:00+01:00] msec=1773133260.123 conn=67/1 "GET /ws?a=b HTTP/1.1" status=101 '
    'bs=188 bbs=4 rl=289 compl="OK" rt=60.004 uct=0.001 uht=0.002 urt=60.003 ua=10.0.0.7:9000 us=101 upg="websocket" '
    'host=RT.example.com:443 xff="198.51.100.4" trace="Self=1-a;Root=1-67891233-abcdef012345678912345678" '
    'ua="Mozilla/5.0 (X)"'
)


def block(lines: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String})


def parse(*lines: str, config: Config | None = None) -> Parsed:
    parser = NGINX_ACCESS.detect(lines, config or Config())
    assert parser is not None
    return parser.parse(block(list(lines)))


def event(*lines: str, config: Config | None = None) -> dict[str, object]:
    return conform(parse(*lines, config=config).events, EVENTS).to_dicts()[0]


def read_lines(path: Path) -> list[str]:
    data = path.read_bytes()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return data.decode("utf-8", errors="replace").splitlines()


@pytest.mark.parametrize("sample", [*NGINX_ACCESS.samples, *NGINX_JSON.samples])
def test_each_sample_is_claimed_by_its_own_format_only(sample: str) -> None:
    """One line is enough to recognise each layout, and every sample gives one event."""
    own, other = (NGINX_JSON, NGINX_ACCESS) if sample.startswith("{") else (NGINX_ACCESS, NGINX_JSON)
    parser = own.detect([sample], Config())
    assert parser is not None
    assert parser.score == 1
    assert parser.parse(block([sample])).events.height == 1
    assert other.detect([sample], Config()) is None
    assert NGINX_ERROR.detect([sample], Config()) is None


def test_a_guessed_key_value_line_fills_every_column() -> None:
    """Keys by alias lists; `ua=` is the upstream's address or the user agent by its values."""
    found = event(KV)
    closed = dt.datetime(2026, 3, 10, 9, 1, 0, 123000, tzinfo=dt.UTC)
    expected = {
        "event": "request", "at": closed, "at_resolution_s": 0.001, "has_zone": True, "closed_at": closed,
        "opened_at": closed - dt.timedelta(seconds=60.004), "lifetime_s": 60.004, "handshake_s": 0.002,
        "is_opened": True, "is_websocket": True, "status": 101, "upstream_status": 101, "method": "GET",
        "host": "rt.example.com", "path": "/ws", "query": "a=b", "client_ip": "203.0.113.7", "client_port": 51552,
        "forwarded_for": "198.51.100.4", "upstream": "10.0.0.7:9000", "bytes_in": 289, "bytes_out": 188,
        "body_bytes": 4, "trace_id": "1-67891233-abcdef012345678912345678", "connection_no": 67, "is_complete": True,
        "user_agent": "Mozilla/5.0 (X)",
    }  # fmt: skip
    assert {key: value for key, value in found.items() if value is not None} == expected


def test_combined_knows_the_end_only() -> None:
    """No duration and no finer clock than a second: nothing is made up, and the limits say so."""
    line = '203.0.113.7 - - [10/Mar/2026:10:01:00 +0200] "GET /ws HTTP/1.1" 101 4 "-" "x"'
    found = event(line)
    assert found["closed_at"] == dt.datetime(2026, 3, 10, 8, 1, tzinfo=dt.UTC)
    assert (found["at_resolution_s"], found["opened_at"], found["lifetime_s"]) == (1.0, None, None)
    assert (found["bytes_out"], found["body_bytes"], found["is_complete"]) == (None, 4, None)
    parser = NGINX_ACCESS.detect([line], Config())
    assert parser is not None
    assert parser.why == "stock format `combined`"
    assert any("$request_time" in limit for limit in parser.limits)
    assert any("whole seconds" in limit for limit in parser.limits)


def test_lingering_close_is_taken_off() -> None:
    """Nginx waits for a client after the end: the end is earlier than the line by what outlasts the upstream."""
    line = (
        KV.replace("rt=60.004", "rt=63.590")
        .replace("urt=60.003", "urt=0.010, 60.004")
        .replace(" us=101", " us=502, 101")
    )
    found = conform(parse(KV, line).events, EVENTS).to_dicts()[1]
    assert found["lifetime_s"] == pytest.approx(60.014)
    assert found["at"] - found["closed_at"] == dt.timedelta(seconds=3.576)
    assert found["at"] - found["opened_at"] == dt.timedelta(seconds=63.590)


@pytest.mark.parametrize(
    ("status", "upgrade", "is_websocket", "is_opened"),
    [
        ("101", "websocket", True, True),
        ("101", "-", True, True),
        ("502", "WebSocket", True, False),
        ("200", "websocket", True, False),
        ("200", "-", False, None),
        ("404", "-", False, False),
        ("400", "-", None, False),
        ("404", None, None, False),
        ("302", None, False, None),
        ("000", None, None, False),
    ],
)
def test_is_it_a_websocket_and_did_it_open(
    status: str, upgrade: str | None, is_websocket: bool | None, is_opened: bool | None
) -> None:
    """A 101 or an Upgrade header is sure; a plain success is not one; a failure without the header may be one."""
    text = "$time_iso8601 $status" + (" $http_upgrade" if upgrade else "")
    line = f"2026-03-10T10:01:00+00:00 {status}" + (f" {upgrade}" if upgrade else "")
    found = event(line, config=Config(log_formats={OPTION: text}))
    assert (found["is_websocket"], found["is_opened"]) == (is_websocket, is_opened)


@pytest.mark.parametrize(
    ("request_line", "method", "path", "query"),
    [
        ("GET /ws?a=b?c HTTP/1.1", "GET", "/ws", "a=b?c"),
        ("GET https://h:1/ws?x HTTP/1.1", "GET", "/ws", "x"),
        ("GET /with space HTTP/1.1", "GET", "/with space", None),
        ("GET /", "GET", "/", None),
        ("", None, None, None),
        ("-", None, None, None),
        (r"\x16\x03\x01\x02", None, None, None),
    ],
)
def test_requests(request_line: str, method: str | None, path: str | None, query: str | None) -> None:
    """Raw request lines of every kind; junk has neither method nor path."""
    found = event(f'203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "{request_line}" 400 4 "-" "x"')
    assert (found["method"], found["path"], found["query"]) == (method, path, query)


def test_an_empty_completion_is_not_an_unlogged_one() -> None:
    """`compl=""` is false: nginx cut the session; a format without it gives null."""
    assert event(KV.replace('compl="OK"', 'compl=""'), KV)["is_complete"] is False


def test_upstream_lists_give_their_last_entry() -> None:
    """Next tries and internal redirects: the last entry carried the WebSocket; a group name is an address too."""
    text = 'escape=default $msec $status "$upstream_addr" "$upstream_status" "$upstream_header_time"'
    config = Config(log_formats={OPTION: text})
    line = '1773133260.123 101 "10.0.0.1:1, 10.0.0.2:1 : unix:/run/a.sock" "502, 504 : 101" "-, - : 0.004"'
    found = event(line, config=config)
    assert (found["upstream"], found["upstream_status"], found["handshake_s"]) == ("unix:/run/a.sock", 101, 0.004)
    found = event('1773133260.123 502 "app" "502" "-"', config=config)
    assert (found["upstream"], found["upstream_status"], found["handshake_s"]) == ("app", 502, None)


def test_combined_with_timings_behind_it_is_guessed() -> None:
    """The widespread `combined` plus `rt=… uct="…"` needs no configuration."""
    line = (
        '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "Mozilla/5.0 (X)" "198.51.100.4" '
        'rt=60.004 uct="0.001" uht="0.002" urt="60.003"'
    )
    found = event(line)
    assert (found["lifetime_s"], found["handshake_s"], found["status"], found["body_bytes"]) == (60.004, 0.002, 101, 4)
    assert (found["user_agent"], found["forwarded_for"]) == ("Mozilla/5.0 (X)", "198.51.100.4")


def test_numbers_without_names_are_read_only_when_clear() -> None:
    """Two sizes after the status stay unread; a lone duration that is never absent is the request time."""
    lines = [
        f'203.0.113.{n} [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 363 7013 {n}.138 "x100" {dash} 42'
        for n, dash in ((1, "92"), (2, "-"), (3, "7"))
    ]
    found = event(*lines)
    assert (found["lifetime_s"], found["body_bytes"], found["bytes_out"]) == (1.138, None, None)


def test_unclear_durations_stay_unread() -> None:
    """Of two durations, one longer in one line and the other in the next, neither is taken for the request time."""
    line = '203.0.113.1 [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 {} {}'
    found = event(line.format("1.000", "2.000"), line.format("2.000", "1.000"))
    assert found["lifetime_s"] is None


def test_a_host_column_in_front() -> None:
    """Some wrappers put the host, with or without port, before a stock format; lines may differ in it."""
    line = '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "x"'
    found = parse(line, f"rt.example.com {line}", f"RT.example.com:443 {line}").events
    assert found["host"].to_list() == [None, "rt.example.com", "rt.example.com"]
    assert found["client_ip"].to_list() == ["203.0.113.7"] * 3


def test_lines_of_two_formats_in_one_stream() -> None:
    """Lines that the best format leaves are read by the next; what fits none is rejected with a reason."""
    line = '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "x"'
    parsed = parse(line, line, line + ' "198.51.100.4"', "", "what is this", line[:60])
    assert parsed.events["line"].to_list() == [1, 2, 3]
    assert parsed.events["forwarded_for"].to_list() == [None, None, "198.51.100.4"]
    assert parsed.rejects.select("line", "reason").rows() == [
        (5, "does not match the log_format"),
        (6, "torn line: begins like the log_format and ends early"),
    ]


def test_a_time_that_cannot_be_is_rejected() -> None:
    """The 31st of February matches the form and is no time."""
    line = '203.0.113.7 - - [28/Feb/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "x"'
    parsed = parse(line, line.replace("28/Feb", "31/Feb"))
    assert parsed.events["line"].to_list() == [1]
    assert parsed.rejects.rows() == [(2, "no readable time", line.replace("28/Feb", "31/Feb"))]


def test_the_callers_format_wins_over_a_guess() -> None:
    """A configured format that matches as well is taken, under its own name."""
    text = COMBINED.replace("$body_bytes_sent", "$bytes_sent")
    line = '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 188 "-" "x"'
    config = Config(log_formats={"sizes": text})
    parser = NGINX_ACCESS.detect([line], config)
    assert parser is not None
    assert parser.why == "log_format `sizes`"
    assert event(line, config=config)["bytes_out"] == 188


def test_a_bad_option_is_an_error_and_a_bad_configuration_a_limit() -> None:
    """`--log-format` must be usable; a format of nginx.conf that is not is named among the limits."""
    line = '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 188 "-" "x"'
    with pytest.raises(OptionError) as caught:
        NGINX_ACCESS.detect([line], Config(log_formats={OPTION: "$status$msec"}))
    assert caught.value.where == OPTION
    parser = NGINX_ACCESS.detect([line], Config(log_formats={"odd": "$status$msec"}))
    assert parser is not None
    assert any("`odd`" in limit for limit in parser.limits)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello world",
        '{"event":"ws_close","code":1006,"wasClean":false,"url":"wss://a/ws","closedAt":1773133260123,"status":101}',
        "ws 2018-07-02T22:23:00.186641Z app/lb/50dc 10.0.0.140:40914 10.0.1.192:8010 0.001 0.003 0.000 101 101 218 587 "
        '"GET http://10.0.0.30:80/ HTTP/1.1" "-" - - arn:aws:x "Root=1-58337364-23a8c76965a2ef7629b185e3" "-" "-" 1 '
        '2018-07-02T22:22:48.364000Z "forward" "-" "-" 10.0.1.192:8010 101 "-" "-"',
        "2015-05-13T23:39:43.945958Z my-lb 192.168.131.39:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "
        '"GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -',
        "tls 2.0 2018-12-20T02:59:40 net/lb/c6e77e28c25b2234 g3d4b5e8bb8464cd 72.21.218.154:51341 172.100.100.185:443",
        '{"type":"wss","time":"2026-03-10T10:01:00.123456Z","elb_status_code":101,"request_line":"GET /ws HTTP/1.1"}',
        "2026/03/10 10:04:10 [alert] 30#30: worker process 31 exited on signal 9",
    ],
)
def test_other_formats_lines_are_left_alone(line: str) -> None:
    """Load balancers, client records, error lines and chatter are not taken for access lines."""
    for log_format in (NGINX_ACCESS, NGINX_JSON):
        assert log_format.detect([line] * 5, Config()) is None


VRL = {
    "client": "client_ip", "remote_addr": "client_ip", "status": "status", "size": "body_bytes",
    "body_bytes_size": "body_bytes", "request_length": "bytes_in", "request_time": "lifetime_s", "req_id": "request_id",
    "http_x_forwarded_for": "forwarded_for", "timestamp": "at",
}  # fmt: skip


def vrl_cases() -> list[dict]:
    path = SHARED / "formats" / "vrl" / "nginx.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@recorded
@pytest.mark.parametrize("case", [case for case in vrl_cases() if case["format"] != "error"], ids=lambda c: c["case"])
def test_vectors_of_another_parser(case: dict) -> None:
    """Where another tool's test vectors name a field of ours, the values agree."""
    found = event(case["line"])
    for theirs, ours in VRL.items():
        if theirs in case["expected"]:
            value = found[ours].strftime("%Y-%m-%dT%H:%M:%SZ") if ours == "at" else found[ours]
            assert value == case["expected"][theirs]


@recorded
@pytest.mark.parametrize(
    ("name", "n_rejected"),
    [
        ("gonx/access.log", 0),
        ("lnav/access_log.gz", 0),
        ("lnav/logfile_access_log.0", 0),
        ("lnav/logfile_access_log.1", 0),
        ("crowdsecurity-hub/nginx-bad-user-agent__nginx-bad-user-agent.log", 0),
        ("crowdsecurity-hub/nginx-http-path-traversal__nginx-http-path-traversal.log", 0),
        ("crowdsecurity-hub/nginx_http-logs__nginx_http-logs.log", 1),  # an error line among them
    ],
)
def test_logs_of_other_projects_are_read(name: str, n_rejected: int) -> None:
    """Every access line of the collected samples becomes an event."""
    lines = read_lines(SHARED / "formats" / name)
    parsed = parse(*lines)
    assert parsed.rejects.height == n_rejected
    assert parsed.events.height == len([line for line in lines if line.strip()]) - n_rejected


@recorded
def test_the_three_lab_logs_say_the_same() -> None:
    """Combined, key=value and JSON of one run agree line by line; combined lines may swap within a second."""

    def read(name: str) -> pl.DataFrame:
        lines = read_lines(SHARED / "lab" / "logs" / "nginx" / name)
        log_format = NGINX_JSON if "json" in name else NGINX_ACCESS
        parser = log_format.detect(lines[:200], Config())
        assert parser is not None
        parsed = parser.parse(block(lines))
        assert parsed.rejects.is_empty()
        return conform(parsed.events, EVENTS).drop("pid")  # only the JSON prints it

    combined, timing, as_json = read("access.log"), read("access-timing.log"), read("access-json.log")
    assert timing.height == 3967
    assert timing.equals(as_json)
    seen = ["at", "status", "path", "query", "method", "client_ip", "user_agent", "body_bytes"]
    in_seconds = timing.with_columns(pl.col("at").dt.truncate("1s"))
    assert in_seconds["at"].equals(combined["at"])
    assert in_seconds.select(seen).sort(seen).equals(combined.select(seen).sort(seen))


@recorded
def test_the_captured_layouts_are_guessed_alike() -> None:
    """Key=value guessed from the lines gives the columns that its configuration gives."""
    for run in ("run-b", "run-c-ws"):
        lines = read_lines(SHARED / "formats" / "nginx-captured" / run / "access.kv.log")
        conf = (SHARED / "formats" / "nginx-captured" / run / "nginx.conf.txt").read_text()
        text = conf[conf.index("log_format kv") : conf.index("log_format js ")].strip()
        guessed = conform(parse(*lines).events, EVENTS)
        assert guessed.equals(conform(parse(*lines, config=Config(log_formats={"kv": text})).events, EVENTS))


def test_stock_formats_are_told_apart() -> None:
    """A line of each stock format is recognised as that one."""
    values = {
        "remote_addr": "203.0.113.7", "time_local": "10/Mar/2026:10:01:00 +0000", "request": "GET /ws HTTP/1.1",
        "status": "101", "http_x_forwarded_for": "198.51.100.4", "request_length": "289", "request_time": "60.004",
        "upstream_response_time": "60.003", "upstream_status": "101", "body_bytes_sent": "4",
    }  # fmt: skip
    for name, text in STOCK.items():
        line = text
        for variable in sorted(values, key=len, reverse=True):
            line = line.replace(f"${variable}", values[variable])
        line = re.sub(r"\$\w+", "-", line)
        parser = NGINX_ACCESS.detect([line], Config())
        assert parser is not None
        assert parser.why == f"stock format `{name}`"


ODD_LINE = st.one_of(
    st.text(max_size=120),
    st.sampled_from([*NGINX_ACCESS.samples, *NGINX_JSON.samples, KV]).flatmap(
        lambda line: st.integers(0, len(line)).map(lambda end: line[:end] + '"=[ {\\x' + line[end + 3 :])
    ),
    st.sampled_from([*NGINX_ACCESS.samples, *NGINX_JSON.samples, KV]).flatmap(
        lambda line: st.integers(0, len(line)).map(lambda end: line[:end])
    ),
)


@given(st.lists(ODD_LINE.map(lambda line: line.replace("\n", " ")), max_size=8))
@settings(max_examples=150, deadline=None)
def test_nothing_raises_and_every_line_is_accounted_for(lines: list[str]) -> None:
    """Whatever stands in a file: each non-blank line is an event or a reject, once."""
    whole = [line.encode("utf-8", errors="replace").decode() for line in lines]
    for log_format, samples in ((NGINX_ACCESS, [*NGINX_ACCESS.samples, KV]), (NGINX_JSON, list(NGINX_JSON.samples))):
        log_format.detect(whole, Config())
        parser = log_format.detect(samples, Config())
        assert parser is not None
        parsed = parser.parse(block(whole))
        numbers = [*parsed.events["line"].to_list(), *parsed.rejects["line"].to_list()]
        assert len(set(numbers)) == len(numbers)
        assert all(not whole[n - 1].strip() for n in set(range(1, len(whole) + 1)).difference(numbers))
        conform(parsed.events, EVENTS)


@pytest.mark.parametrize(
    "layout",
    [
        'time={iso}, client=203.0.113.7, req="{request}", status=101, rt=60.004, urt={urt}, up={up}',
        'time="{local}" remote="203.0.113.7" request="{request}" st="101" request_time="60.004" upstream_addr="{up}"',
        '{iso} 203.0.113.7 rt.example.com "{request}" 101 25884 60.004 {up} 101 {urt} "okhttp/4.9"',
        '[{local}] rt.example.com:443 203.0.113.7:4711 "{request}" 101 60.004 {up}',
        '203.0.113.7 - - [{local}] "{request}" 101 4 "-" "Mozilla/5.0 (X)" 60.004 {urt} {up} .',
        "{iso}|203.0.113.7|{request}|101|60.004|{up}",
        "time:{iso}\thost:203.0.113.7\treq:{request}\tstatus:101\treqtime:60.004\tapptime:{urt}\tupstream:{up}",
    ],
)
def test_layouts_in_the_wild_are_guessed(layout: str) -> None:
    """Commas, tabs, bars, quotes and positions: the columns are right, also on the line with a second upstream."""
    shared = {
        "iso": "2026-03-10T10:01:00+00:00",
        "local": "10/Mar/2026:10:01:00 +0000",
        "request": "GET /ws?a=b HTTP/1.1",
    }
    usual = layout.format(urt="60.003", up="10.0.0.7:9000", **shared)
    retried = layout.format(urt="0.001, 60.001", up="10.0.0.7:9000, 10.0.0.8:9000", **shared)
    parsed = parse(usual, usual, retried)
    assert parsed.rejects.is_empty()
    columns = ["at", "client_ip", "path", "query", "status", "lifetime_s", "upstream"]
    at = dt.datetime(2026, 3, 10, 10, 1, tzinfo=dt.UTC)
    assert parsed.events.select(columns).rows() == [
        (at, "203.0.113.7", "/ws", "a=b", 101, 60.004, upstream)
        for upstream in ("10.0.0.7:9000", "10.0.0.7:9000", "10.0.0.8:9000")
    ]


def test_no_guess_without_time_request_and_status() -> None:
    """Less than a time, a request and a status is no access log."""
    assert infer_format(['203.0.113.7 "GET /ws HTTP/1.1" 101']) is None
    assert infer_format(["2026-03-10T10:01:00+00:00 level=info msg=hello"]) is None
    assert infer_format([]) is None


def test_a_guessed_addr_beside_the_client_is_the_servers_and_up_may_be_an_upgrade() -> None:
    """Short keys mean what their values say: the client stands in front, so `addr=` is not the client's."""
    line = (
        '203.0.113.{n} - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "Mozilla/5.0" rt=60.004 '
        'addr="10.0.0.7:9000" us="101" up="{up}"'
    )
    lines = [line.format(n=n, up=up) for n, up in enumerate(("websocket", "-", "WebSocket"))]
    parser = NGINX_ACCESS.detect(lines, Config())
    assert parser is not None
    block = pl.DataFrame({"line": range(3), "text": lines}, schema={"line": pl.Int64, "text": pl.String})
    events = parser.parse(block).events
    assert events["client_ip"].to_list() == ["203.0.113.0", "203.0.113.1", "203.0.113.2"]
    assert events["upstream"].to_list() == ["10.0.0.7:9000"] * 3
    assert "${http_upgrade}" in parser.why


@pytest.mark.parametrize(
    "line",
    [
        '"2026-03-10T10:01:00+00:00" "203.0.113.7" "GET /ws HTTP/1.1" "101" "4" "60.004"',
        '"2026-03-10T10:01:00+00:00","203.0.113.7","GET /ws HTTP/1.1","101","4","60.004"',
        "[1773136860.000] [203.0.113.7] [GET /ws HTTP/1.1] [101] [4] [60.004]",
        "2026-03-10T10:01:00+00:00;203.0.113.7;GET /ws HTTP/1.1;101;4;60.004",
    ],
)
def test_guessed_layouts_of_enclosed_and_divided_values(line: str) -> None:
    """The client's address is found in quotes and brackets, and semicolons divide where nothing else does."""
    found = parse(*[line] * 3).events.row(0, named=True)
    at = dt.datetime(2026, 3, 10, 10, 1, tzinfo=dt.UTC)
    assert (found["at"], found["client_ip"], found["path"], found["status"]) == (at, "203.0.113.7", "/ws", 101)
    assert found["lifetime_s"] == pytest.approx(60.004)


def test_a_collectors_time_is_not_nginxs() -> None:
    """Nginx prints no fraction in an ISO time: one beside `$time_local` is when a collector saw the line."""
    line = '2026-03-10T10:01:07.250Z x/y 203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "a"'
    found = parse(*[line] * 3).events.row(0, named=True)
    assert (found["at"], found["at_resolution_s"]) == (dt.datetime(2026, 3, 10, 10, 1, tzinfo=dt.UTC), 1.0)


COMBINED_LINE = '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "Mozilla/5.0 (X11)"'
LATER_LINE = '1773136860.000 203.0.113.7 "GET /ws HTTP/1.1" 101 4 60.004 "Mozilla/5.0"'


def test_a_layout_that_changed_in_the_sample() -> None:
    """A second layout that many lines have alike is guessed too; a few odd lines are damage."""
    lines = [COMBINED_LINE] * 30 + [f"{COMBINED_LINE} 60.004 17"] * 30
    assert parse(*lines).events["lifetime_s"].null_count() == 30
    damaged = [f"{COMBINED_LINE[: n + 40]} {n}" for n in range(20)]
    assert len(parse(*[COMBINED_LINE] * 180, *damaged).rejects) == 20
