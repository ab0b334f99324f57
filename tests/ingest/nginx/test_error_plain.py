"""Error lines that are not parsed, or cut instead of captured: the exact way would have come to the same."""

from __future__ import annotations

import random
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from wslog.ingest.concern import IS_CANDIDATE, MAY_CONCERN
from wslog.ingest.nginx import error
from wslog.ingest.nginx.error import HEAD_INSIDE, NGINX_ERROR, parse_error
from wslog.ingest.nginx.error_clean import CLEAN, read_clean_fields
from wslog.ingest.nginx.error_lines import read_fields
from wslog.ingest.nginx.error_plain import PLAIN, REFUSED
from wslog.ingest.values.line_regex import words_but

STAMPS = (
    "2026/03/10 10:01:00",
    "2026/02/29 10:01:00",
    "2028/02/29 00:00:00",
    "2026/12/31 23:59:59",
    "2026/04/31 01:00:00",
)
LEVELS = ("error", "warn", "crit", "info", "notice", "alert", "debug", "emerg")
MESSAGES = (
    "recv() failed (104: Connection reset by peer)",
    'open() "/srv/a b/favicon.ico" failed (2: No such file or directory)',
    'limiting requests, excess: 20.480 by zone "perip"',
    "upstream timed out (110: Connection timed out)",
    "a client request body is buffered to a temporary file /tmp/0001",
    "SSL_do_handshake() failed (SSL: error:0A:SSL routines::x)",
    "no live upstreams",
    "accept4() failed (24: Too many open files)",
    "worker process 31 exited on signal 9",
    "x, client: 1.2.3.4",
    "a while b",
    "while",
    "a whiles b",
    "2026/03/10 10:01:00 [error] 31#31: *9 merged",
    "exiting",
    "reconfiguring",
    "whil",
    "x  y",
    "upstream sent too big header",
    "signal 1 (SIGHUP) received from 9, reconfiguring",
    "é",
    "",
)
ACTIONS = (
    "",
    "proxying upgraded connection",
    "connecting to upstream",
    "reading upstream",
    "sending to client",
    "SSL handshaking",
    "reading response header from upstream",
    "keepalive",
    "waiting for request",
    "reading client request line",
    "resolving",
)
CLIENTS = ("203.0.113.7", "::1", "unix:", "", "1.2.3.4, server: a")
SERVERS = (", server: rt.example.com", ", server: ", "", ", server: _", ", server: a, server: b", ", server: a#b")
REQUESTS = (
    "GET /ws HTTP/1.1",
    "GET /ws?a=1&b=/x HTTP/1.1",
    "POST /ws HTTP/1.1",
    "GET /a b HTTP/1.1",
    "GET http://x/ws HTTP/1.1",
    'GET /a"b HTTP/1.1',
    "CONNECT /ws HTTP/1.1",
    "GET /ws",
    "",
    "get /ws HTTP/1.1",
    "GET /ws?transport=polling HTTP/1.1",
    'GET /a, host: "x" HTTP/1.1',
    "GET /ws? HTTP/1.0",
    "OPTIONS * HTTP/1.1",
    "GET //x/y HTTP/1.1",
)
FURTHER = (
    "", ', host: "x"', ', upstream: "http://10.0.0.7:9000/ws", host: "x"',
    ', host: "x", referrer: "http://x/, client: y"',
    ', host: "x", referrer: "http://x/#a"', ', subrequest: "/auth", upstream: "http://a/", host: "x"', ', login: "a"',
    ', request: "GET /b HTTP/1.1"', ', host: "a HTTP/1.1", x"', ', host: "cut',
)  # fmt: skip

STROKES = (
    '"',
    " ",
    ", ",
    "",
    "#",
    " while ",
    ", client: ",
    "x",
    '", host: "',
    ' HTTP/1.1"',
    "\r",
    "\u00a0",
    "[",
    " (1: x)",
)


def written(r: random.Random) -> str:
    """One error line, likely or not."""
    action = r.choice(ACTIONS)
    request = f', request: "{r.choice(REQUESTS)}"{r.choice(FURTHER)}' if r.random() < 0.8 else ""
    context = f", client: {r.choice(CLIENTS)}{r.choice(SERVERS)}{request}" if r.random() < 0.9 else ""
    cid = r.choice(("*57 ", "*57 ", ""))
    doing = f" while {action}" if action else ""
    return f"{r.choice(STAMPS)} [{r.choice(LEVELS)}] 31#31: {cid}{r.choice(MESSAGES)}{doing}{context}"


def changed(line: str, data: st.DataObject) -> str:
    """Put something into a line, or in the place of a part."""
    at, n = data.draw(st.integers(0, len(line))), data.draw(st.integers(0, 3))
    return line[:at] + data.draw(st.sampled_from(STROKES)) + line[at + n :]


def assert_left_out_rightly(lines: list[str]) -> tuple[int, int]:
    """Parse what would not be parsed; return how many lines were of no concern and how many would wait."""
    block = pl.DataFrame(
        {"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String}
    )
    plain = block.filter(pl.col("text").str.contains(PLAIN))
    refused = block.filter(pl.col("text").str.contains(REFUSED.line))
    for left, rows in ((plain, parse_error(plain, zone=None)), (refused, parse_error(refused, zone="Europe/Berlin"))):
        assert rows.rejects.is_empty()
        assert rows.events["line"].to_list() == left["line"].to_list()
    concern = parse_error(plain, zone=None).events.filter(MAY_CONCERN)
    assert concern.is_empty(), lines[concern["line"][0] - 1]
    events = parse_error(refused, zone=None).events
    surely = events.filter(MAY_CONCERN & ~IS_CANDIDATE)
    assert surely.is_empty(), lines[surely["line"][0] - 1]
    assert events["path"].to_list() == refused["text"].str.extract(REFUSED.path, 1).to_list()
    texts = pl.concat([plain, refused])["text"]
    assert not {"info", "notice", "debug"} & set(texts.str.extract(r"\[(\w+)\]"))
    return plain.height, refused.height


def test_many_lines_are_left_out_and_rightly() -> None:
    """Of lines made of every part in every place, a share is not parsed, else it would be right and slow."""
    r = random.Random(5)
    n_plain, n_refused = assert_left_out_rightly([written(r) for _ in range(60_000)])
    assert n_plain > 100
    assert n_refused > 100


@given(seed=st.integers(0, 1 << 30), data=st.data())
@settings(deadline=None, max_examples=60)
def test_changed_lines_are_left_out_rightly(seed: int, data: st.DataObject) -> None:
    """Cut, joined or changed lines too."""
    r = random.Random(seed)
    assert_left_out_rightly([changed(written(r), data) if row < 20 else written(r) for row in range(30)])


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a b", True), ("while", False), ("a while b", False), ("a whiles b", True), ("whil", True), ("w", True),
        ("awhile", True), ("while,", False), ("", False), ("a  b", False), ("while while", False), ("b while", False),
    ],
)  # fmt: skip
def test_words_but_one(text: str, fits: bool) -> None:
    """Rust's regexes cannot look ahead, so the word is excluded letter by letter."""
    assert pl.Series([text]).str.contains(f"(?-u)^{words_but('while', ',')}$").item() is fits


def assert_clean_reads_alike(lines: list[str]) -> int:
    """Compare the fields of clean lines with those of the exact way; return how many are clean."""
    block = pl.DataFrame(
        {"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String}
    )
    clean = block.filter(pl.col("text").str.contains(CLEAN))
    exact, cut = read_fields(clean), read_clean_fields(clean)
    assert_frame_equal(cut, exact.select(cut.columns))
    assert clean.filter(pl.col("text").str.contains("^.+" + HEAD_INSIDE)).is_empty()
    return clean.height


def test_clean_lines_are_many_and_read_alike() -> None:
    """Cutting gives what capturing gives, on lines made of every part in every place."""
    r = random.Random(6)
    assert assert_clean_reads_alike([written(r) for _ in range(60_000)]) > 1_000
    assert assert_clean_reads_alike([NGINX_ERROR.samples[0]]) == 1


def test_while_within_the_reason_does_not_end_the_message() -> None:
    """What nginx was doing stands behind the parenthesis, whatever a damaged reason holds."""
    line = (
        "2026/03/10 10:01:00 [error] 31#31: *57 recv() failed (104: Connection reset while by peer) while proxying "
        'upgraded connection, client: 203.0.113.7, server: rt.example.com, request: "GET /ws HTTP/1.1"'
    )
    ssl = line.replace("104: Connection", "SSL: error:0A000152:SSL")
    assert assert_clean_reads_alike([line, ssl, line.replace(" while by", "")]) == 1
    parsed = parse_error(pl.DataFrame({"line": [1], "text": [line]}), zone="UTC")
    assert parsed.events["action"].to_list() == ["proxying upgraded connection"]
    assert parsed.events["is_websocket"].to_list() == [True]


@given(seed=st.integers(0, 1 << 30), data=st.data())
@settings(deadline=None, max_examples=60)
def test_changed_lines_read_alike(seed: int, data: st.DataObject) -> None:
    """Cut, joined or changed lines: the whole block gives the same events and rejects with and without cutting."""
    r = random.Random(seed)
    lines = [changed(written(r), data) if row < 20 else written(r) for row in range(30)]
    assert_clean_reads_alike(lines)
    block = pl.DataFrame(
        {"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String}
    )
    fast = parse_error(block, zone="Europe/Berlin")
    with mock.patch.object(error, "CLEAN", "^never$"):
        slow = parse_error(block, zone="Europe/Berlin")
    assert_frame_equal(fast.events, slow.events)
    assert_frame_equal(fast.rejects, slow.rejects)
