"""`python -m tests.bench.shapes`: how time and memory grow with logs of unusual shapes, once and four times as long.

An ordinary day hides what takes the square of something that is few on it: restarts, outages, files, reconnects of one
session. Here each is many. Four times the rows should take four times the time, and memory stay below the goal.
"""
# ruff: noqa: T201  # a command: it prints its table

from __future__ import annotations

import argparse
import datetime as dt
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.measure import Sample, run

START_S: Final = 1_763_800_000.0
ROWS_PER_DAY: Final = 50_000
FILES: Final = 100
BASE_MB, ROW_BYTES = 250.0, 300.0
"""The goal for the peak: so much, and so much for each WebSocket line."""
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/139.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One connection, as whoever logs it sees it."""

    ended: float
    lifetime: float = 600.0
    address: str
    path: str = "/ws"
    upstream: str = "10.0.1.7:8080"
    session: str | None = None
    silent: float = 5.0
    late: float = 0.0


def access(one: Connection, number: int) -> str:
    """Write nginx's line with times."""
    at = dt.datetime.fromtimestamp(one.ended, dt.UTC)
    return (
        f'{one.address} - - [{at:%d/%b/%Y:%H:%M:%S +0000}] "GET {one.path} HTTP/1.1" 101 {number} "-" "{AGENT}" '
        f'rt={one.lifetime:.3f} urt="{one.lifetime:.3f}" ua="{one.upstream}" msec={one.ended:.3f} conn={number}\n'
    )


def combined(one: Connection, number: int) -> str:
    """Write nginx's line of the stock format."""
    return access(one, number).partition(" rt=")[0] + "\n"


def error(one: Connection, number: int) -> str:
    """Write the error line of its end."""
    at = dt.datetime.fromtimestamp(one.ended, dt.UTC)
    return (
        f"{at:%Y/%m/%d %H:%M:%S} [info] 31#31: *{number} recv() failed (104: Connection reset by peer) while proxying "
        f'upgraded connection, client: {one.address}, server: ws.example.com, request: "GET {one.path} HTTP/1.1", '
        f'upstream: "http://{one.upstream}{one.path}", host: "ws.example.com"\n'
    )


def client(one: Connection, number: int) -> str:
    """Write the page's record."""
    closed = one.ended - one.late
    times = {
        "openedAt": one.ended - one.lifetime, "lastRecvAt": closed - one.silent, "lastSentAt": closed - one.silent,
        "closedAt": closed,
    }  # fmt: skip
    record = {"event": "ws_close", "url": f"wss://ws.example.com{one.path}", "code": 1006 if number % 3 else 1000}
    record |= {name: int(at * 1000) for name, at in times.items()}
    return json.dumps(record | ({"sessionId": one.session} if one.session else {}) | {"userAgent": AGENT}) + "\n"


WRITERS: Final[Mapping[str, Callable[[Connection, int], str]]] = {
    "access.log": access,
    "combined.log": combined,
    "error.log": error,
    "clients.jsonl": client,
}


def anybody(r: random.Random) -> str:
    """Return some address."""
    return ".".join(["10", *(str(r.randrange(250)) for _ in range(3))])


def ordinary(r: random.Random, n: int) -> Iterator[Connection]:
    """Connections that come and go."""
    for _ in range(n):
        ended = START_S + r.random() * 86_400 * n / ROWS_PER_DAY
        yield Connection(ended=ended, lifetime=r.expovariate(1 / 600) + 1, address=anybody(r))


def restarts(r: random.Random, n: int) -> Iterator[Connection]:
    """One of forty app servers after the other restarts, and ends twenty connections."""
    yield from (
        Connection(ended=one.ended + r.random() * 0.8, lifetime=one.lifetime, address=anybody(r), upstream=upstream)
        for one in ordinary(r, n // 40)
        for upstream in [f"10.0.{r.randrange(40)}.7:8080"]
        for _ in range(20)
    )
    for one in ordinary(r, n // 2):
        server = f"10.0.{r.randrange(40)}.7:8080"
        yield Connection(ended=one.ended, lifetime=one.lifetime, address=one.address, upstream=server)


def outages(r: random.Random, n: int) -> Iterator[Connection]:
    """One network after the other is gone for its forty clients, and the servers learn of it later."""
    for one in ordinary(r, n // 40):
        network = one.address.rpartition(".")[0]
        for host in range(40):
            late = 30 + r.random() * 60
            yield Connection(
                ended=one.ended + r.random() * 4 + late, lifetime=r.expovariate(1 / 600) + late,
                address=f"{network}.{host}", silent=20.0, late=late,
            )  # fmt: skip


def one_session(r: random.Random, n: int) -> Iterator[Connection]:
    """One session that reconnects for as long as the log goes."""
    ended = START_S
    for _ in range(n):
        lifetime = r.random() * 20
        ended += lifetime + r.random() * 3
        yield Connection(ended=ended, lifetime=lifetime, address="10.0.0.5", session="s1", silent=1.0)


def one_address(r: random.Random, n: int) -> Iterator[Connection]:
    """Everybody behind one address."""
    for one in ordinary(r, n):
        yield Connection(ended=one.ended, lifetime=one.lifetime, address="203.0.113.9")


def rooms(r: random.Random, n: int) -> Iterator[Connection]:
    """A path of its own for each connection."""
    for one in ordinary(r, n):
        path = f"/ws/room-{r.getrandbits(64):016x}"
        yield Connection(ended=one.ended, lifetime=one.lifetime, address=one.address, path=path)


@dataclass(frozen=True, slots=True)
class Shape:
    """What happens, and who logs it; `n_files`: in how many files each log comes."""

    happens: Callable[[random.Random, int], Iterator[Connection]]
    logs: tuple[str, ...]
    n_files: int = 1


SHAPES: Final[Mapping[str, Shape]] = {
    "restarts": Shape(restarts, ("access.log",)),
    "outages": Shape(outages, ("access.log", "clients.jsonl")),
    "one session": Shape(one_session, ("access.log", "clients.jsonl")),
    "one address": Shape(one_address, ("access.log", "clients.jsonl")),
    "a path each": Shape(rooms, ("access.log", "clients.jsonl")),
    "no durations": Shape(ordinary, ("combined.log", "clients.jsonl")),
    "error lines": Shape(ordinary, ("access.log", "error.log")),
    "two access logs": Shape(ordinary, ("access.log", "combined.log")),
    "many rotations": Shape(ordinary, ("access.log",), FILES),
}


def write_shape(folder: Path, shape: Shape, n: int) -> int:
    """Write the logs of *n* connections; return how many lines they have."""
    connections = sorted(shape.happens(random.Random(7), n), key=lambda one: one.ended)
    n_lines = 0
    for name in shape.logs:
        texts = [WRITERS[name](one, number) for number, one in enumerate(connections)]
        n_lines += len(texts)
        for part in range(shape.n_files):
            suffix = f".{shape.n_files - part}" if shape.n_files > 1 else ""
            some = texts[part * len(texts) // shape.n_files : (part + 1) * len(texts) // shape.n_files]
            (folder / f"{name}{suffix}").write_text("".join(some))
    return n_lines


def measured(shape: Shape, n: int) -> tuple[int, Sample]:
    """Analyze the logs of *n* connections; return how many lines they had, and the run.

    Raises:
        AssertionError: If a line was not read as what it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        n_lines = write_shape(Path(folder), shape, n)
        wslog = [sys.executable, "-m", "wslog", "analyze", ".", "--no-output", "--format", "json", "-q"]
        sample = run(wslog, folder=Path(folder))
    files = json.loads(sample.printed)["coverage"]["files"]
    assert sum(file["lines"] - file["rejected"] for file in files) == n_lines
    return n_lines, sample


def main(arguments: Iterable[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.shapes", description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="connections of the smaller run")
    parser.add_argument("--only", default="", help="only shapes whose name holds this text")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    print(f"{'shape':<18}{'lines':>9}{'s':>7}{'MB':>6}   {'lines':>9}{'s':>7}{'MB':>6}{'goal':>6}   {'time':>5}")
    for name, shape in SHAPES.items():
        if asked.only in name:
            (few, short), (many, long) = (measured(shape, n) for n in (asked.rows, 4 * asked.rows))
            goal_mb = BASE_MB + many * ROW_BYTES / 1e6
            print(
                f"{name:<18}{few:>9}{short.wall_s:>7.1f}{short.peak_mb:>6.0f}   {many:>9}{long.wall_s:>7.1f}"
                f"{long.peak_mb:>6.0f}{goal_mb:>6.0f}   {long.wall_s / short.wall_s:>4.1f}x",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
