"""nginx error lines: the grammar, what they mean for WebSockets, and the life of the processes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.ingest.format import Config, Parsed
from wslog.ingest.nginx.access import NGINX_ACCESS
from wslog.ingest.nginx.access_json import NGINX_JSON
from wslog.ingest.nginx.error import NGINX_ERROR, level_limits
from wslog.ingest.nginx.error_lines import read_fields
from wslog.schema import EVENTS, conform

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")
IDLE = NGINX_ERROR.samples[0]
HEAD = "2026/03/10 10:01:00 [{}] 31#31: {}"


def block(lines: list[str]) -> pl.DataFrame:
    return pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String})


def parse(*lines: str, zone: str | None = None) -> Parsed:
    parser = NGINX_ERROR.detect([IDLE], Config(zones={"nginx-error": zone} if zone else {}))
    assert parser is not None
    return parser.parse(block(list(lines)))


def event(line: str, zone: str | None = None) -> dict[str, object]:
    parsed = parse(line, zone=zone)
    assert parsed.rejects.is_empty()
    return conform(parsed.events, EVENTS).to_dicts()[0]


@pytest.mark.parametrize("sample", NGINX_ERROR.samples)
def test_each_sample_is_claimed_by_this_format_only(sample: str) -> None:
    """Every sample gives one event; no access format takes it."""
    parser = NGINX_ERROR.detect([sample], Config())
    assert parser is not None
    assert parser.score == 1
    assert parser.parse(block([sample])).events.height == 1
    assert NGINX_ACCESS.detect([sample], Config()) is None
    assert NGINX_JSON.detect([sample], Config()) is None


def test_an_idle_end_fills_its_columns() -> None:
    """The time is read as if it were UTC and says that it has no zone."""
    at = dt.datetime(2026, 3, 10, 10, 1, tzinfo=dt.UTC)
    expected = {
        "event": "error", "at": at, "closed_at": at, "at_resolution_s": 1.0, "has_zone": False, "is_websocket": True,
        "method": "GET", "host": "rt.example.com", "path": "/ws", "client_ip": "203.0.113.7",
        "upstream": "10.0.0.7:9000",
        "connection_no": 42, "pid": 31, "level": "info", "errno": 110, "action": "proxying upgraded connection",
        "message": "upstream timed out",
    }  # fmt: skip
    assert {key: value for key, value in event(IDLE).items() if value is not None} == expected


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("peer closed connection in SSL handshake (104: Connection reset by peer) while SSL handshaking to upstream",
         ("peer closed connection in SSL handshake", 104, "SSL handshaking to upstream")),
        ("SSL_read() failed (SSL: error:0A00010B:SSL routines::wrong version) while proxying upgraded connection",
         ("SSL_read() failed (SSL: error:0A00010B:SSL routines::wrong version)", None, "proxying upgraded connection")),
        ("SSL_write() failed (SSL: error:0A000001:x (y)) (32: Broken pipe) while proxying upgraded connection",
         ("SSL_write() failed (SSL: error:0A000001:x (y))", 32, "proxying upgraded connection")),
        ("upstream timed out (110: Operation timed out) while reading response header from upstream",
         ("upstream timed out", 110, "reading response header from upstream")),
        ("epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too while "
         "sending request to upstream",
         ("epoll_wait() reported that client prematurely closed connection, so upstream connection is closed too", None,
          "sending request to upstream")),
        ("connect() to unix:/run/a.sock failed (2: No such file or directory) while connecting to upstream",
         ("connect() to unix:/run/a.sock failed", 2, "connecting to upstream")),
        ("app.local could not be resolved (3: Host not found)", ("app.local could not be resolved", None, None)),
        ('limiting requests, excess: 1.2 by zone "ws"', ('limiting requests, excess: 1.2 by zone "ws"', None, None)),
    ],
)  # fmt: skip
def test_message_errno_and_action(message: str, wanted: tuple[str, int | None, str | None]) -> None:
    """The three parts of a message, with commas, TLS groups and DNS answers in it."""
    context = ', client: 203.0.113.7, server: a, request: "GET /ws HTTP/1.1", host: "a"'
    found = event(HEAD.format("error", "*7 " + message + context))
    assert (found["message"], found["errno"], found["action"]) == wanted
    assert (found["connection_no"], found["path"]) == (7, "/ws")


@pytest.mark.parametrize(
    ("context", "wanted"),
    [
        (', client: unix:, server: , request: "GET /a"b, host: "x" HTTP/1.1", upstream: "http://app/a", host: "h:8080"',
         {"client_ip": "unix:", "path": '/a"b, host: "x"', "upstream": "app", "host": "h"}),
        (', client: ::1, server: _, request: "GET /ws HTTP/1.1"', {"client_ip": "::1", "path": "/ws", "host": None}),
        (', client: 1.2.3.4, server: RT.example.com, request: "GET /ws?t=1 HTTP/1.1", upstream: "fastcgi://10.0.0.1:9000"',
         {"host": "rt.example.com", "query": "t=1", "upstream": "10.0.0.1:9000"}),
        (', client: 1.2.3.4, server: a, request: "GET /ws HTTP/1.1", subrequest: "/auth", upstream: "http://unix:/r/a.sock:/u"',
         {"path": "/ws", "upstream": "unix:/r/a.sock"}),
        (', client: 1.2.3.4, server: 0.0.0.0:443', {"client_ip": "1.2.3.4", "host": None}),
        (', client: 1.2.3.4', {"client_ip": "1.2.3.4"}),
        (', client: 1.2.3.4, server: a, request: "GET /cut?x=', {"client_ip": "1.2.3.4", "path": "/cut"}),
        (', client: 1.2.3.4, server: a, request: "GET /ws HTTP/1.1", upstream: "http://10.0.0.1:9000/c',
         {"path": "/ws", "upstream": "10.0.0.1:9000"}),
        (', client: 1.2.3.4, server: a, request: "GET /ws HTTP/1.1", host: "a", referrer: "http://x/", host: "evil""',
         {"host": "a"}),
        (', client: 1.2.3.4, server: 0.0.0.0:25, login: "x@y"', {"client_ip": "1.2.3.4", "host": None, "path": None}),
        (', client: 1.2.3.4, server: 0.0.0.0:5000, upstream: "10.0.0.1:5001", bytes from/to client:1/2, bytes from/to '
         "upstream:2/1",
         {"client_ip": "1.2.3.4", "upstream": "10.0.0.1:5001"}),
    ],
)  # fmt: skip
def test_contexts(context: str, wanted: dict[str, object]) -> None:
    """Unescaped quotes, injected fields, cut lines, unix peers, mail and stream lines."""
    found = event(HEAD.format("error", "*7 recv() failed (104: Connection reset by peer)" + context))
    assert {key: found[key] for key in wanted} == wanted
    assert found["errno"] == 104


@pytest.mark.parametrize(
    ("level", "message", "kind", "pid"),
    [
        ("notice", "signal 1 (SIGHUP) received from 99, reconfiguring", "reload", 31),
        ("notice", "reconfiguring", "reload", 31),
        ("notice", "gracefully shutting down", "drain", 31),
        ("notice", "signal 15 (SIGTERM) received from 1, exiting", "stop", 31),
        ("notice", "signal 3 (SIGQUIT) received, shutting down", "stop", 31),
        ("notice", "exiting", "worker_exit", 31),
        ("notice", "exit", "worker_exit", 31),
        ("notice", "worker process 77 exited with code 0", "worker_exit", 77),
        ("alert", "worker process 77 exited with fatal code 2 and cannot be respawned", "worker_exit", 77),
        ("alert", "worker process 77 exited on signal 11 (core dumped)", "worker_crash", 77),
        ("notice", "start worker processes", "start", 31),
        ("notice", "start worker process 77", "start", 77),
        ("notice", "nginx/1.31.5", "start", 31),
        ("alert", "1024 worker_connections are not enough", "exhausted", 31),
        ("crit", "accept4() failed (24: Too many open files)", "exhausted", 31),
        ("warn", "1024 worker_connections are not enough, reusing connections", "note", 31),
        ("notice", 'using the "epoll" event method', "note", 31),
        ("notice", "signal 17 (SIGCHLD) received from 77", "note", 31),
        ("notice", "signal 10 (SIGUSR1) received from 1, reopening logs", "note", 31),
        ("emerg", "bind() to 0.0.0.0:80 failed (98: Address already in use)", "note", 31),
    ],
)
def test_process_life(level: str, message: str, kind: str, pid: int) -> None:
    """Each message's kind, and the process it is about; all but notes concern WebSockets."""
    found = event(HEAD.format(level, message))
    assert (found["event"], found["pid"], found["is_websocket"]) == (kind, pid, kind != "note")


@pytest.mark.parametrize(
    ("level", "message", "is_websocket"),
    [
        ("info", "recv() failed (104: x) while proxying upgraded connection{}", True),
        ("error", "connect() failed (111: x) while connecting to upstream{}", None),
        (
            "info",
            "epoll_wait() reported that client prematurely closed connection while sending request to upstream{}",
            None,
        ),
        ("error", "access forbidden by rule{}", None),
        ("alert", "24 worker_connections are not enough while connecting to upstream{}", None),
        ("error", "upstream timed out (110: x) while reading upstream{}", False),
        ("info", "client timed out (110: x) while waiting for request, client: 1.2.3.4, server: 0.0.0.0:80", False),
        ("info", "client 1.2.3.4 closed keepalive connection", False),
        ("info", "client closed connection while SSL handshaking, client: 1.2.3.4, server: 0.0.0.0:443", False),
    ],
)
def test_which_lines_concern_websockets(level: str, message: str, is_websocket: bool | None) -> None:
    """Upgraded connections surely; what may be a failed handshake: null; keepalive noise and plain responses: not."""
    context = ', client: 1.2.3.4, server: a, request: "GET /ws HTTP/1.1", host: "a"'
    found = event(HEAD.format(level, "*7 " + message.format(context)))
    assert (found["event"], found["is_websocket"]) == ("error", is_websocket)


@pytest.mark.parametrize(
    ("stamp", "zone", "utc"),
    [
        ("2026/03/10 10:01:00", None, "2026-03-10T10:01:00+00:00"),
        ("2026/03/10 10:01:00", "Asia/Kolkata", "2026-03-10T04:31:00+00:00"),
        ("2026/10/25 02:30:00", "Europe/Berlin", "2026-10-25T00:30:00+00:00"),  # occurs twice: the first
        ("2026/03/29 02:30:00", "Europe/Berlin", "2026-03-29T01:30:00+00:00"),  # does not occur
    ],
)
def test_zones(stamp: str, zone: str | None, utc: str) -> None:
    """A named zone is applied, also in the hours of the clock change; nothing raises there."""
    found = event(IDLE.replace("2026/03/10 10:01:00", stamp), zone=zone)
    assert found["at"] == dt.datetime.fromisoformat(utc)
    assert found["has_zone"] is False


def test_continuations_are_ignored_and_torn_lines_rejected() -> None:
    """What does not begin with a time belongs to the line before; a time without the rest is torn."""
    access = '1.2.3.4 - - [10/Mar/2026:10:01:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-"'
    parsed = parse(
        IDLE, "stack traceback:", "  coroutine 0:", "", "2026/03/10 10:0", IDLE.replace("/03/10", "/13/10"), access
    )
    assert parsed.events["line"].to_list() == [1]
    assert parsed.rejects.select("line", "reason").rows() == [
        (5, "torn line: a time, but no level and process"),
        (6, "no such time"),
        (7, "an access line in an error log"),
    ]


def test_limits_follow_from_the_levels_seen() -> None:
    """Only a log with lines at level info shows idle timeouts, only one with notice shows reloads."""
    assert level_limits({"info", "notice", "error"}) == {}
    assert level_limits({"info"}) == {}
    assert [limit.split(":")[0] for limit in level_limits({"notice", "error"})] == ["no line at level info"]
    assert [limit.split(":")[0] for limit in level_limits({"error"})] == [
        "no line at level info or notice",
        "no line at level notice",
    ]


@recorded
@pytest.mark.parametrize("run", ["run-b", "run-c-ws"])
def test_every_field_of_the_captured_lines_is_right(run: str) -> None:
    """All fields of all recorded lines, injected quotes included, are those that nginx had."""
    path = SHARED / "formats" / "nginx-captured" / run / "error.info.log"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    expected = [json.loads(line) for line in path.with_name("error.info.expected.jsonl").read_text().splitlines()]
    ours = {"time": "stamp", "upstream": "upstream_url", "host": "host_field"}
    assert len(lines) == len(expected)
    for found, want in zip(read_fields(block(lines)).to_dicts(), expected, strict=True):
        group = f" ({found['errno']}: {found['errtext']})" if found["errno"] else ""
        values = {key: found[ours.get(key, key)] for key in want} | {"message": found["message"] + group}
        numbers = {key: None if values[key] is None else int(values[key]) for key in ("pid", "tid", "cid", "errno")}
        assert values | numbers == want


@recorded
@pytest.mark.parametrize(("name", "n"), [("error-info.log", 2253), ("error.log", 838)])
def test_every_lab_line_is_read(name: str, n: int) -> None:
    """No recorded line is rejected; the idle timeouts are there only at level info."""
    lines = (SHARED / "lab" / "logs" / "nginx" / name).read_text().splitlines()
    parsed = parse(*lines)
    assert (parsed.events.height, parsed.rejects.height) == (n, 0)
    idle = parsed.events.filter((pl.col("action") == "proxying upgraded connection") & (pl.col("errno") == 110))
    assert idle.height == (530 if name == "error-info.log" else 0)


@recorded
def test_lines_of_other_projects_are_read() -> None:
    """Mail, rate limiting and ModSecurity lines; another parser's vectors agree."""
    folder = SHARED / "formats" / "crowdsecurity-hub"
    for name in ("nginx-mail-bf__nginx-mail-bf.log", "nginx_req_limit_exceeded__nginx_req_limit_exceeded.log"):
        lines = (folder / name).read_text().splitlines()
        parsed = parse(*lines)
        assert parsed.events.height == sum(1 for line in lines if line.strip())
        assert parsed.events["client_ip"].null_count() == 0
    cases = [json.loads(line) for line in (SHARED / "formats" / "vrl" / "nginx.jsonl").read_text().splitlines()]
    names = {"severity": "level", "pid": "pid", "cid": "connection_no", "client": "client_ip"}
    for case in cases:
        if case["format"] == "error":
            found = event(case["line"])
            assert {ours: found[ours] for theirs, ours in names.items() if theirs in case["expected"]} == {
                ours: case["expected"][theirs] for theirs, ours in names.items() if theirs in case["expected"]
            }


ODD_LINE = st.one_of(
    st.text(max_size=120),
    st.sampled_from(NGINX_ERROR.samples).flatmap(lambda line: st.integers(0, len(line)).map(lambda end: line[:end])),
    st.tuples(st.sampled_from(NGINX_ERROR.samples), st.text(max_size=40)).map("".join),
    st.text(alphabet='2026/03/10 10:01:[]error#: *,"client server request upstream host', max_size=160).map(
        lambda tail: HEAD.format("error", tail)
    ),
)


@given(st.lists(ODD_LINE.map(lambda line: line.replace("\n", " ")), max_size=8))
@settings(max_examples=200, deadline=None)
def test_nothing_raises_and_no_line_counts_twice(lines: list[str]) -> None:
    """Whatever stands in a file: events, rejects and ignored lines add up; what begins with a time is kept."""
    whole = [line.encode("utf-8", errors="replace").decode() for line in lines]
    parsed = parse(*whole)
    numbers = [*parsed.events["line"].to_list(), *parsed.rejects["line"].to_list()]
    assert len(set(numbers)) == len(numbers)
    assert {n for n, line in enumerate(whole, 1) if line.startswith("2026/")} <= set(numbers)
    conform(parsed.events, EVENTS)


def test_what_stands_before_the_time_is_damage() -> None:
    """Such a line is rejected by name and not taken for the rest of the line before."""
    parsed = parse(IDLE, "\0" * 40 + IDLE, "a second line of a message")
    assert parsed.events["line"].to_list() == [1]
    assert parsed.rejects.select("line", "reason").rows() == [(2, "damaged: something stands before the time")]


def test_two_lines_in_one_are_damage() -> None:
    """Half a line with another after it would mix the fields of two connections."""
    parsed = parse(IDLE[:150] + IDLE)
    assert parsed.events.is_empty()
    assert parsed.rejects["reason"].to_list() == ["damaged: a second line begins inside"]
