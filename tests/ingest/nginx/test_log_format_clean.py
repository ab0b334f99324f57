"""Lines that leave no doubt are read alike by cutting and by the full pattern: the quick way never decides."""

from __future__ import annotations

import random

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from wslog.ingest.nginx.access import STOCK, parse_compiled
from wslog.ingest.nginx.log_format import compile_format
from wslog.ingest.nginx.log_format_clean import clean_lines

TIMED = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    '"$http_x_forwarded_for" rt=$request_time uct="$upstream_connect_time" uht="$upstream_header_time" '
    'urt="$upstream_response_time" addr="$upstream_addr" us="$upstream_status" rid=$request_id conn=$connection '
    'cr=$connection_requests trace="$http_x_amzn_trace_id" up="$http_upgrade" host="$http_host" '
    'key="$http_sec_websocket_key"'
)
FORMATS = {
    **STOCK,
    "timed": TIMED,
    "json": 'escape=json {"t":"$time_iso8601","msec":$msec,"ip":"$remote_addr","port":"$remote_port",'
    '"m":"$request_method",'
    '"uri":"$request_uri","status":$status,"rt":$request_time,"urt":"$upstream_response_time","us":"$upstream_status",'
    '"ua":"$http_user_agent","up":"$http_upgrade","h":"$host","pid":$pid,"len":$request_length,'
    '"done":"$request_completion",'
    '"trace":"$http_x_amzn_trace_id","peer":"$upstream_addr"}',
    "bare": "$msec $remote_addr:$remote_port $connection/$connection_requests $request_method $request_uri $status "
    "$request_time $upstream_addr $upstream_status $upstream_response_time $bytes_sent",
    "bars": '$time_iso8601|$remote_addr|"$request"|$status|$request_time|$bytes_sent|$http_user_agent',
    "escape=none": 'escape=none [$time_iso8601] $remote_addr "$request" $status ua="$http_user_agent" $uri',
    "list": "$time_local $status $upstream_response_time : $upstream_status, $upstream_addr $request_time",
    "key=value": 'time="$time_iso8601" realip=$realip_remote_addr addr=$remote_addr uri="$uri" args="$args" st=$status',
}
NUMBERS = ("0", "7", "12345", "-", "", "007", "1.5", "999999999999999", "99999999999999999999", "4/2", "+5", "0x10")
SPANS = (
    "0.003",
    "60.001",
    "-",
    "",
    "12",
    "1e3",
    "99999999.999",
    "999999999.999",
    "0.001, 60.000",
    "0.1 : 0.2",
    ".5",
    "1.",
)
HOSTS = (
    "rt.example.com",
    "RT.example.com:8443",
    "x:443",
    "-",
    "",
    "_",
    "[::1]:80",
    "a b",
    "x:",
    "h" * 256,
    "é.de",
    ".a",
)
VALUES: dict[str, tuple[str, ...]] = {
    "status": ("101", "101", "200", "000", "499", "1010", "-", "007"),
    "msec": ("1773136860.123", "1773136860", "-", "9999999999.999"),
    "time_iso8601": (
        "2026-03-10T10:01:00+00:00",
        "2026-03-31T10:01:00-07:00",
        "2026-02-30T10:01:00Z",
        "2026-03-10T10:01:00.25Z",
    ),
    "time_local": (
        "10/Mar/2026:10:01:00 +0000",
        "31/Feb/2026:10:01:00 +0100",
        "29/Feb/2028:23:59:59 -0330",
        "10/Mar/2026",
    ),
    "request": (
        "GET /ws HTTP/1.1",
        "GET /ws?a=1?b HTTP/2.0",
        "GET /ws? HTTP/1.1",
        "POST /a b HTTP/1.1",
        "GET http://x/ws HTTP/1.1",
        "",
        "-",
        "GET /ws",
        "\\x16\\x03",
        "get  /ws HTTP/1",
        "GET //x/y?z=%20 HTTP/1.1",
        "GET ?x HTTP/1.1",
        "CONNECT x:443 HTTP/1.1",
    ),
    "request_method": ("GET", "POST", "-", "get", "G" * 33),
    "request_uri": ("/ws?x=1", "/", "//a?", "http://x/ws?y", "*", "-", "/a b"),
    "remote_addr": (
        "203.0.113.7",
        "2001:db8::1",
        "::1",
        "unix:",
        "-",
        "256.1.1.1",
        "10.0.0.1:80",
        "::ffff:10.0.0.1",
        "fe80::1%eth0",
    ),
    "upstream_status": ("101", "502, 101", "-", "", "502 : 101", "1"),
    "upstream_addr": (
        "10.0.0.7:9000",
        "unix:/run/a.sock",
        "10.0.0.7:9000, 10.0.0.8:9000",
        "-",
        "",
        "up_stream",
        "[::1]:80",
        "unix:" + "a" * 109,
        "unix:/" + "a" * 107,
        "unix:/" + "a" * 108,
    ),
    "http_x_amzn_trace_id": (
        "Root=1-6742b1f0-0123456789abcdef01234567",
        "-",
        "",
        "Self=1-2;Root=1-3",
        "1-6742b1f0-0123456789abcdef01234567",
        "Root=",
    ),
    "http_upgrade": ("websocket", "WebSocket", "-", "", "h2c"),
    "request_completion": ("OK", "", "-"),
    **dict.fromkeys(("http_host", "host", "server_name"), HOSTS),
    **dict.fromkeys(("request_time", "upstream_response_time", "upstream_header_time", "upstream_connect_time"), SPANS),
    **dict.fromkeys(
        (
            "connection",
            "pid",
            "bytes_sent",
            "upstream_response_length",
            "body_bytes_sent",
            "request_length",
            "remote_port",
            "connection_requests",
        ),
        NUMBERS,
    ),
}
VALUES["realip_remote_addr"], VALUES["uri"] = VALUES["remote_addr"], VALUES["request_uri"]
ANYTHING = (
    "a",
    "-",
    "",
    "a b",
    " a",
    "a|b",
    "a, b",
    "Mozilla/5.0 (X11)",
    '\\"',
    "a\\x22b",
    "\\",
    "é",
    '"',
    "a : b",
    "\u2028",
    "[x] y=",
)

STROKES = ('"', " ", "", "\\", "x", "1", "-", ",", ":", '" "', " HTTP/1.1", "\r", "\u00a0")


def written(text: str, r: random.Random, oddness: float) -> str:
    """One line of a format; *oddness* is how often a value is not its usual one."""
    out = ""
    for piece in compile_format(text).text.pieces:
        values = VALUES.get(piece.text, ANYTHING)
        value = r.choice(values) if r.random() < oddness else values[0]
        out += value if piece.is_variable else piece.text
    return out


def both(text: str, lines: list[str]) -> int:
    """Compare the two ways; return how many lines are clean."""
    compiled, clean = compile_format(text), clean_lines(compile_format(text).text)
    block = pl.DataFrame(
        {"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String}
    )
    slow = parse_compiled(block, formats=(compiled,))
    fast = parse_compiled(block, formats=(compiled,), clean=clean)
    assert_frame_equal(fast.events, slow.events)
    assert_frame_equal(fast.rejects, slow.rejects)
    return int(block["text"].str.contains(clean.pattern).sum()) if clean else 0


@pytest.mark.parametrize("name", FORMATS)
def test_odd_values_read_alike(name: str) -> None:
    """Each value of each variable in turn, the others as usual; then many at once."""
    r = random.Random(name)
    text = FORMATS[name]
    for oddness in (0.05, 0.2, 0.7):
        both(text, [written(text, r, oddness) for _ in range(400)])


@pytest.mark.parametrize("name", sorted(set(FORMATS) - {"list"}))
def test_usual_lines_are_clean(name: str) -> None:
    """Else the quick way would be right and unused."""
    r = random.Random(1)
    assert both(FORMATS[name], [written(FORMATS[name], r, 0.0) for _ in range(10)]) == 10


@given(name=st.sampled_from(sorted(FORMATS)), seed=st.integers(0, 1 << 30), data=st.data())
@settings(deadline=None, max_examples=60)
def test_any_changed_character_reads_alike(name: str, seed: int, data: st.DataObject) -> None:
    """Cut, joined or changed lines: what the full pattern does not read in the same way is not clean."""
    r = random.Random(seed)
    lines = [written(FORMATS[name], r, 0.1) for _ in range(12)]
    for row in range(8):
        line = lines[row]
        at, n = data.draw(st.integers(0, len(line))), data.draw(st.integers(0, 2))
        lines[row] = line[:at] + data.draw(st.sampled_from(STROKES)) + line[at + n :]
    both(FORMATS[name], lines)


def test_formats_with_values_side_by_side_have_no_clean_lines() -> None:
    """What is found by more than looking for the next literal is left to the full pattern."""
    assert clean_lines(compile_format('$time_local "$uri$is_args$args" $status').text) is None
    assert clean_lines(compile_format("$time_local $request_time.$status").text) is None


def test_a_list_with_nothing_but_a_space_before_the_next_value_keeps_its_entries() -> None:
    """`a:80 : b:80 x` is a list of two, then `x`: whoever answered last is the server."""
    text = "$time_iso8601 $request_method $request_uri $status $upstream_addr $unknown_5"
    head = "2026-11-22T17:00:00+00:00 GET /ws 400"
    lines = [
        f"{head} 10.0.1.2:80 : 10.0.1.3:80 0.1 : 0.2",
        f"{head} 10.0.1.2:80, 10.0.1.3:80 x",
        f"{head} 10.0.1.3:80 x",
    ]
    assert both(text, lines) == 1
    compiled = compile_format(text)
    block = pl.DataFrame({"line": [1, 2, 3], "text": lines})
    events = parse_compiled(block, formats=(compiled,), clean=clean_lines(compiled.text)).events
    assert events["upstream"].to_list() == ["10.0.1.3:80"] * 3
