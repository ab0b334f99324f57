"""The weekly report of a large site: thirteen weeks of ten million connections each, from the store's summaries.

    python -m tests.weekly.scale [--folder DIR]

Prints seconds and peak memory of `wslog report`; bars: 10 s and 1 GB.
"""
# ruff: noqa: T201  # a command: it prints its numbers

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec

from tests.weekly.weeks import Site, Spec, make_week
from wslog.store import Store, Week, ledger
from wslog.weekly_result import WeekGroup

WEEKS = 13
SITE = Site(attempts_per_hour=76_000)
MOST = 40


def fill(folder: Path) -> int:
    """Put summaries of thirteen weeks into a new store; return the attempts of the last."""
    attempts = 0
    with Store(folder, create=True) as store, ledger.writing(store.ledger):
        for nth in range(WEEKS):
            name = str(Week.parse("2026-W34").plus(nth))
            week = make_week(name, SITE, Spec(), seed=nth)
            groups = {
                dimension: tuple(_group(f"{dimension} {i}", week.groups["path"][i % 3]) for i in range(MOST))
                for dimension in ("path", "host", "upstream", "user_agent", "network")
            }
            week = replace(week, groups=groups)
            attempts = week.totals.attempts
            row = (name, f"connections/week={name}/none.parquet", attempts, msgspec.json.encode(week), "[]", "0")
            store.ledger.execute("INSERT INTO weeks VALUES (?, ?, ?, ?, ?, ?)", row)
    return attempts


def _group(value: str, like: WeekGroup) -> WeekGroup:
    return replace(like, value=value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None)
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp())
    attempts = fill(folder / "history")
    command = [sys.executable, "-m", "wslog", "report", "--store", str(folder / "history"), "--week", "2026-W46",
               "--weeks", "13", "-o", str(folder / "weekly"), "--force"]  # fmt: skip
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{WEEKS} weeks of {attempts:,} connections: {wall:.1f} s wall, {used.ru_utime + used.ru_stime:.1f} s CPU, "
          f"{used.ru_maxrss / 1024:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
