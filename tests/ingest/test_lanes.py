"""Work spread over threads: same results in the same order, and it ends when it must."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace
from polars.testing import assert_frame_equal

from tests.ingest.test_sift import log
from wslog.ingest import read_events
from wslog.ingest.lanes import AHEAD, Lanes


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_results_come_in_the_order_of_the_pieces(jobs: int) -> None:
    """Whichever is done first."""
    with Lanes(jobs) as lanes:
        assert list(lanes.map(lambda n: time.sleep((n % 3) / 500) or n, range(30))) == list(range(30))


def test_few_pieces_are_taken_ahead() -> None:
    """A file is not read into memory while its first block is parsed."""
    taken: list[int] = []

    def pieces() -> Iterator[int]:
        for n in range(100):
            taken.append(n)
            yield n

    with Lanes(2) as lanes:
        next(lanes.map(lambda n: n, pieces()))
        assert len(taken) <= 2 + AHEAD


def test_an_error_in_a_lane_reaches_the_caller() -> None:
    """As it would without lanes."""
    with Lanes(2) as lanes, pytest.raises(ZeroDivisionError):
        list(lanes.map(lambda n: 1 // n, [1, 1, 0, 1]))


def test_any_number_of_jobs_reads_alike(tmp_path: Path) -> None:
    """Small files in batches, one with an odd line, and one large file."""
    for n in range(20):
        lines = log("alb", 50, seed=n) + ([b"odd"] if n == 7 else [])
        (tmp_path / f"{n:02}.log.gz").write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    (tmp_path / "access.log").write_bytes(b"\n".join(log("combined", 12_000, seed=1)))
    one, three = (read_events([tmp_path], jobs=jobs) for jobs in (1, 3))
    assert_frame_equal(one.events, three.events)
    assert one.coverage == three.coverage
    assert one.coverage.files[7].rejected == 1


def test_small_files_together_read_as_each_alone(tmp_path: Path) -> None:
    """Same accounts, same events; only the names of the lines tell which file."""
    for n in range(6):
        (tmp_path / f"{n}.log").write_bytes(b"\n".join(log("alb", 30 + n, seed=n)) + b"\n")
    together = read_events([tmp_path])
    sure = together.events.filter("is_websocket")  # whether the others are of concern depends on all files
    for file in together.coverage.files:
        alone = read_events([tmp_path / file.path])
        (account,) = alone.coverage.files
        assert replace(account, events=0, ignored=0) == replace(file, events=0, ignored=0)
        ours = sure.filter(pl.col("ref").str.starts_with(f"{file.path}:"))
        assert_frame_equal(alone.events.filter("is_websocket"), ours)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_within_a_second(tmp_path: Path) -> None:
    """Of the process's own time; a loaded machine gets more on the clock."""
    (tmp_path / "access.log").write_bytes(b"\n".join(log("combined", 2_000, seed=1) * 600))
    code = (
        "import sys; from wslog.cli import main; sys.argv[1:] = ['analyze', '-q', '--no-output', '.']; sys.exit(main())"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(1.5)
    run.send_signal(signal.SIGINT)
    sent = time.monotonic()
    assert run.wait(20) == 130
    assert time.monotonic() - sent < 5
