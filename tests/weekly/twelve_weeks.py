"""Twelve weeks of logs delivered as life delivers them, and the report of the week in which something was fixed.

Each week's logs come on the Monday after; some come twice, one week's client records come a week late, one append is
killed half-way. In 2026-W46, on Wednesday at noon, the clients begin to ping, and silent connections all but end.

    python -m tests.weekly.twelve_weeks FOLDER
"""
# ruff: noqa: T201  # a command: it says what it does

from __future__ import annotations

import contextlib
import datetime as dt
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from tests.store.deliveries import write_day
from wslog.store import Store, Week

ZONE = dt.UTC
FIX = dt.datetime(2026, 11, 11, 12, tzinfo=dt.UTC)
PER_HALF_DAY = 70
APPEND = "import datetime as dt, sys\nfrom wslog.store import Store\nwith Store(sys.argv[1], create=True) as s:\n" \
         "    s.append(sys.argv[2:], now=dt.datetime.now(dt.UTC))\n"  # fmt: skip


def write_week(folder: Path, week: Week, *, seed: int) -> int:
    """Write one week's logs, by half days; return how many connections there were."""
    rng = random.Random(seed)
    total = 0
    for half in range(14):
        at = dt.datetime.combine(week.monday, dt.time(0, 5), dt.UTC) + dt.timedelta(hours=12 * half)
        n = round(PER_HALF_DAY * rng.lognormvariate(0, 0.15))
        silent = (0.02 if at >= FIX else 0.3) * rng.lognormvariate(0, 0.1)
        total += len(write_day(folder / f"{at:%m%d-%H}", at, n, seed=half % 2, silent=silent))
    return total


def main() -> None:
    folder = Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    store, expected = folder / "history", {}
    weeks = [Week.parse("2026-W35").plus(nth) for nth in range(12)]
    late: list[Path] = []
    for nth, week in enumerate(weeks):
        logs = folder / "logs" / str(week)
        expected[str(week)] = write_week(logs, week, seed=nth)
        if nth == 5:
            late = sorted(logs.rglob("client-*"))
            print(f"{week}: client records come late")
            _append(store, *sorted(logs.rglob("access-*")))
        elif nth == 8:
            print(f"{week}: killed half-way ({_append_and_kill(store, logs)}), then again")
            _append(store, logs)
        else:
            _append(store, logs)
        if nth in (3, 7, 11):
            print(f"{week}: once more, {_append(store, logs)} files parsed")
        if nth == 6:
            print(f"{late[0].parent.parent.name}: {_append(store, *late)} late files")
    with Store(store) as history:
        counted = {week: history.connections(week).collect().height for week in history.weeks()}
    print("counted once each:", counted == expected, counted)
    command = [sys.executable, "-m", "wslog", "report", "--store", str(store), "--week", "2026-W46", "-o",
               str(folder / "weekly"), "--slo", "drops_per_1000_connection_hours<=4000"]  # fmt: skip
    print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _append_and_kill(store: Path, logs: Path) -> str:
    """Append, and kill -9 as soon as the facts are in the ledger and the week is not; return what it looked like."""
    run = subprocess.Popen([sys.executable, "-c", APPEND, str(store), str(logs)])
    while run.poll() is None:
        with contextlib.closing(sqlite3.connect(store / "ledger.sqlite3", timeout=30)) as ledger:
            n_stale = ledger.execute("SELECT count(*) FROM stale").fetchone()[0]
        if n_stale:
            run.send_signal(signal.SIGKILL)
            return f"exit {run.wait()}, {n_stale} weeks left to derive"
        time.sleep(0.005)
    return f"too late, exit {run.wait()}"


def _append(store: Path, *paths: Path) -> int:
    with Store(store, create=True) as history:
        return history.append(paths, now=dt.datetime.now(dt.UTC)).n_parsed


if __name__ == "__main__":
    main()
