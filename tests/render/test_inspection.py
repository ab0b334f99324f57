"""The text of `wslog inspect`, from coverage typed by hand."""

from __future__ import annotations

import datetime as dt

from msgspec.structs import replace

from wslog.render.inspection import render_inspection
from wslog.result import Coverage, FileCoverage, Reject
from wslog.schema import Tier

AT = dt.datetime(2026, 3, 10, 10, 1, tzinfo=dt.UTC)
ERROR_LOG = FileCoverage(
    path="nginx/error.log",
    format="nginx-error",
    why="time, level and pid",
    tier=Tier.NGINX,
    compression="gzip",
    lines=120_433,
    events=120_400,
    ignored=28,
    rejected=5,
    rejects=tuple(Reject(line=n, reason="torn line", text=f"2026/03\x1b[2J {'x' * 99}") for n in range(1, 6)),
    first_at=AT,
    last_at=AT + dt.timedelta(seconds=61),
    clock="local time",
    limits=("no line at level info",),
)
OTHER = FileCoverage(
    path="notes\n.txt",
    format="unknown",
    why="empty",
    tier=None,
    compression="",
    lines=0,
    events=0,
    ignored=0,
    rejected=0,
    rejects=(),
    first_at=None,
    last_at=None,
    clock="",
    limits=(),
)


def test_one_block_per_file_and_the_sum() -> None:
    """Counts, first rejects with their place, span, clock, what it shows and what it cannot; nothing to obey."""
    files = (ERROR_LOG, replace(ERROR_LOG, path="b.log", compression="", lines=120_428, rejected=0, rejects=()), OTHER)
    total = "3 files, 240 861 lines: 240 800 events, 56 ignored, 5 rejected"
    total += "; 1 file not recognised; 1 close record lost the close code"
    x = "x" * 64  # cut to 80 characters with what is before
    assert (
        render_inspection(Coverage(files=files, no_code=1)).replace("\u00a0", " ")
        == f"""\
nginx/error.log (gzip)
  nginx-error: time, level and pid
  120 433 lines: 120 400 events, 28 ignored, 5 rejected
    nginx/error.log:1: torn line: 2026/03\\x1b[2J {x}…
    nginx/error.log:2: torn line: 2026/03\\x1b[2J {x}…
    nginx/error.log:3: torn line: 2026/03\\x1b[2J {x}…
    … and 2 more lines rejected
  times: 2026-03-10 10:01:00 to 10:02:01 UTC
  clock: local time
  shows: which side broke a connection, which timer fired, and when nginx reloaded or stopped
  limits: no line at level info

b.log
  nginx-error: time, level and pid
  120 428 lines: 120 400 events, 28 ignored, 0 rejected
  times: 2026-03-10 10:01:00 to 10:02:01 UTC
  clock: local time
  shows: which side broke a connection, which timer fired, and when nginx reloaded or stopped
  limits: as for nginx/error.log

notes\\n.txt
  unknown: empty

{total}
"""
    )


def test_no_files_is_a_sum_of_nothing() -> None:
    """The empty case has a text too."""
    assert render_inspection(Coverage(files=())) == "\n\n0 files, 0 lines: 0 events, 0 ignored, 0 rejected\n".lstrip()
