"""Sifting gives what parsing every line gives: same events, same counts, same rejects, on whole and damaged logs."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from polars.testing import assert_frame_equal

from wslog.ingest import Read, parse_file, read_batch, read_events
from wslog.ingest import sift as sifting
from wslog.ingest.formats import FORMATS
from wslog.ingest.sift import Sifted, sift
from wslog.result import FileCoverage

REPO = Path(__file__).resolve().parents[2]
SHARED = REPO.parent / "shared" / "data"
needs_lab = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")

METHODS, PATHS = ("GET", "POST", "HEAD"), ("/ws", "/ws/chat?room=7", "/api/v1/items?q=1", "/", "/assets/a%20b.js")
STATUSES = (200, 200, 200, 304, 204, 101, 502, 404, 400, 499)
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0",
    "-",
    "curl/8.5.0",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
    "a\\x22b",
)


def _alb(r: random.Random, status: int, n: int) -> str:
    kind = "wss" if status == 101 else r.choice(("https", "h2", "http"))
    target = r.choice(("10.0.0.5:80", "-"))
    tail = r.choice(("", ' "-" "-" "-"', ' "-" "-" "-" 10.0.0.1'))
    return (
        f"{kind} 2026-11-22T17:01:{n % 60:02d}.713467Z app/web/1 203.0.113.7:4000{n % 10} {target} "
        f"0.001 0.002 0.000 {status} {r.choice((status, '-'))} 500 600 "
        f'"{r.choice(METHODS)} https://rt.example.com:443{r.choice(PATHS)} HTTP/1.1" "{r.choice(AGENTS)}" - - arn:x '
        f'"Root=1-6742b1f0-{n:024x}" "rt.example.com" "-" 0 2026-11-22T17:00:36.713000Z "forward" "-" "-" '
        f'"10.0.0.5:80" "101" "-" "-" TID_{n:032x}{tail}'
    )


def _combined(r: random.Random, status: int, n: int) -> str:
    referrer = r.choice(("-", "https://x/"))
    return (
        f"203.0.113.{n % 250} - {r.choice(('-', 'alice'))} [22/Nov/2026:15:58:{n % 60:02d} +0000] "
        f'"{r.choice(METHODS)} {r.choice(PATHS)} HTTP/1.1" {status} {n} "{referrer}" "{r.choice(AGENTS)}"'
    )


def _timed(r: random.Random, status: int, n: int) -> str:
    upgrade = "websocket" if status == 101 else r.choice(("-", "-", "h2c", "WebSocket"))
    times = r.choice(("0.003", "0.001, 0.002", "-"))
    return f'{_combined(r, status, n)} rt=0.003 urt="{times}" ua="10.0.0.7:9000" us="{status}" up="{upgrade}"'


def _json(r: random.Random, status: int, n: int) -> str:
    upgrade = "websocket" if status == 101 else r.choice(("", "", "h2c"))
    return (
        f'{{"time_iso8601":"2026-11-22T15:58:{n % 60:02d}+00:00","msec":"17953631{n % 90 + 10}.123","remote_addr":'
        f'"203.0.113.7","request_method":"{r.choice(METHODS)}","request_uri":"{r.choice(PATHS)}","status":{status},'
        f'"request_time":0.003,"upstream_response_time":"0.003","http_user_agent":"{r.choice(("a", "b c"))}",'
        f'"http_upgrade":"{upgrade}"}}'
    )


def _error(r: random.Random, status: int, n: int) -> str:
    level = r.choice(("info", "error", "warn", "notice", "crit"))
    what = r.choice(
        (
            "upstream timed out (110: Connection timed out) while proxying upgraded connection",
            "SSL_do_handshake() failed (SSL: error:0A00006C:SSL routines::bad key share) while SSL handshaking",
            "upstream response is buffered to a temporary file /var/x while reading upstream",
            "client 203.0.113.9 closed keepalive connection",
            "limiting requests, excess: 20.480 by zone",
        )
    )
    if status == 101:
        return f"2026/11/22 15:58:{n % 60:02d} [{level}] 31#31: signal 1 (SIGHUP) received from 9, reconfiguring"
    return (
        f"2026/11/22 15:58:{n % 60:02d} [{level}] 31#31: *{n} {what}, client: 203.0.113.7, server: x, "
        f'request: "GET {r.choice(PATHS)} HTTP/1.1", host: "x"'
    )


def _client(r: random.Random, status: int, n: int) -> str:
    kind = {101: "close", 200: "open", 304: "error"}.get(status, "close")
    code = f',"code":{r.choice((1000, 1006))},"reason":"","wasClean":false,"durationMs":{n}' if kind == "close" else ""
    return (
        f'{{"ts":"2026-11-22T15:58:{n % 60:02d}.250Z","event":"{kind}","session":"s-{n % 7}","url":"wss://rt.example.com/ws",'
        f'"connId":"c{n}","ua":"{r.choice(("a", "b c"))}"{code}}}'
    )


LINES: dict[str, Callable[[random.Random, int, int], str]] = {
    "alb": _alb, "combined": _combined, "timed": _timed, "json": _json, "error": _error, "client": _client,
}  # fmt: skip
PLAIN_SHARE = {"alb": 0.3, "combined": 0.3, "timed": 0.2, "json": 0.2}


def log(name: str, n: int, seed: int) -> list[bytes]:
    """Lines of one format: WebSockets, refused handshakes and plain HTTP."""
    r = random.Random(seed)
    return [LINES[name](r, r.choice(STATUSES), k).encode() for k in range(n)]


def _middle(line: bytes, n: int = 0) -> int:
    found = line.find(b'" "')
    return found + 3 + n if found >= 0 else len(line) // 2 + n


def _flip(line: bytes) -> bytes:
    at = (len(line) * 7919) % max(len(line), 1)
    return line[:at] + bytes([line[at] ^ 4]).replace(b"\n", b"?") + line[at + 1 :] if line else line


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "stray-quote": lambda line: line[: _middle(line, 2)] + b'"' + line[_middle(line, 2) :],
    "leading-quote": lambda line: line[: _middle(line)] + b'"' + line[_middle(line) :],
    "cut": lambda line: line[: _middle(line, 15)],
    "merged": lambda line: line[:200] + line,
    "invalid-utf8": lambda line: line[: _middle(line, 3)] + b"\xff\xfe" + line[_middle(line, 3) :],
    "nul-block": lambda line: b"\0" * 40 + line,
    "long": lambda line: line[: _middle(line)] + b"x" * 200_000 + line[_middle(line) :],
    "bit-flip": _flip,
}


def exact_way(lines: pl.DataFrame, *_: object, **__: object) -> Sifted:
    """Have every line parsed."""
    return Sifted(lines.filter(sifting.IS_NOT_BLANK), lines.clear())


def _both(file: Path) -> tuple[Read, Read]:
    """Read *file* without and with sifting; edges are not spared, so that nothing is parsed by luck."""
    with (
        mock.patch.object(parse_file, "sift", exact_way),
        mock.patch.object(read_batch, "sift", exact_way),
    ):
        exact = read_events([file], must_be_useful=False)
    with mock.patch.object(sifting, "EDGE_LINES", 0), mock.patch.object(read_batch, "EDGE_LINES", 0):
        fast = read_events([file], must_be_useful=False)
    return exact, fast


def _without_span(file: FileCoverage) -> FileCoverage:
    return replace(file, first_at=None, last_at=None)


def _assert_same(file: Path) -> Read:
    exact, fast = _both(file)
    assert_frame_equal(fast.events, exact.events)
    assert list(map(_without_span, fast.coverage.files)) == list(map(_without_span, exact.coverage.files))
    tell = {"info", "notice", "debug"}  # whether such lines would show; of the others nothing follows
    assert fast.levels & tell == exact.levels & tell
    return fast


@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_lines_are_counted_and_cost_no_other_line(tmp_path: Path, name: str, kind: str) -> None:
    """Every undamaged WebSocket row is kept; a damaged line is rejected, or parsed, or a plain request, and counted."""
    whole = log(name, 600, seed=1)
    damaged = set(range(5, 600, 37))
    file = tmp_path / "file"
    file.write_bytes(b"\n".join(whole) + b"\n")
    before = read_events([file]).events
    file.write_bytes(b"\n".join(DAMAGE[kind](line) if n in damaged else line for n, line in enumerate(whole)) + b"\n")
    read = _assert_same(file)
    hit = [f"file:{n + 1}" for n in damaged]
    kept = read.events.filter(~pl.col("ref").is_in(hit))
    assert_frame_equal(kept, before.filter(~pl.col("ref").is_in(hit)))
    (coverage,) = read.coverage.files
    assert coverage.lines == 600
    assert {reject.line - 1 for reject in coverage.rejects} <= damaged


@given(
    name=st.sampled_from(list(LINES)),
    seed=st.integers(0, 1 << 30),
    places=st.lists(st.tuples(st.integers(0, 39), st.integers(0, 800), st.integers(0, 255)), max_size=12),
)
@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_changed_bytes_read_alike(tmp_path: Path, name: str, seed: int, places: list[tuple[int, int, int]]) -> None:
    """Whatever single bytes become, line feeds included: no plain line hides a reject or an event."""
    lines = [bytearray(line) for line in log(name, 40, seed)]
    for row, at, byte in places:
        lines[row][at % len(lines[row])] = byte
    file = tmp_path / "file"
    file.write_bytes(b"\n".join(lines))
    _assert_same(file)


@pytest.mark.parametrize("log_format", FORMATS, ids=lambda log_format: f"{log_format.name}-{log_format.about[:20]}")
def test_samples_of_every_format_read_alike(tmp_path: Path, log_format: object) -> None:
    """Ugly lines are what samples are for."""
    file = tmp_path / "file"
    file.write_text("\n".join(log_format.samples * 3) + "\n")  # type: ignore[attr-defined]
    _assert_same(file)


@pytest.mark.parametrize("name", PLAIN_SHARE)
def test_most_plain_lines_are_not_parsed(tmp_path: Path, name: str) -> None:
    """Else sifting would be right and useless."""
    file = tmp_path / "file"
    file.write_bytes(b"\n".join(log(name, 2_000, seed=3)) + b"\n")
    seen: list[tuple[int, int]] = []

    def counted(lines: pl.DataFrame, *patterns: str, edges: Sequence[int] | None = None) -> Sifted:
        sifted = sift(lines, *patterns, edges=edges)
        seen.append((lines.height, sifted.left.height))
        return sifted

    with mock.patch.object(parse_file, "sift", counted), mock.patch.object(read_batch, "sift", counted):
        (coverage,) = read_events([file]).coverage.files
    (n_lines, n_left), *_ = seen
    assert n_lines == coverage.lines == 2_000
    assert n_left < n_lines * (1 - PLAIN_SHARE[name])


def test_the_time_span_of_a_log_in_order_is_whole(tmp_path: Path) -> None:
    """The first and last lines are parsed although they are plain."""
    file = tmp_path / "file"
    lines = [_combined(random.Random(n), 200, n) for n in range(50)]
    file.write_text("\n".join(lines))
    (coverage,) = read_events([file]).coverage.files
    assert coverage.first_at is not None
    assert coverage.last_at is not None
    assert (coverage.first_at.second, coverage.last_at.second) == (0, 49)


@needs_lab
def test_recorded_logs_read_alike() -> None:
    """Real lines of every tier, and other people's samples of many formats."""
    for file in sorted(path for path in SHARED.rglob("*") if path.is_file() and path.stat().st_size < 4 << 20):
        _assert_same(file)
