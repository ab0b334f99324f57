"""The history store: appended once or ten times, renamed, late, by two at once or by one that is killed."""

from __future__ import annotations

import datetime as dt
import errno
import gzip
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from tests.store.deliveries import (
    NOW,
    access_lines,
    client_lines,
    connections_of,
    write_day,
)
from wslog.cellar import Cellar
from wslog.errors import OptionError, StoreError
from wslog.store import Store, ledger, place
from wslog.store.keeping import compact, keep_weeks, parse_keep

MONDAY = dt.datetime(2026, 11, 9, 8, tzinfo=dt.UTC)  # 2026-W46
REPO = Path(__file__).resolve().parents[2]
# With the true time: by a later one, what another writer has just begun would be taken for left behind.
APPEND = """
import datetime as dt, sys
from wslog.store import Store
with Store(sys.argv[1], create=True) as store:
    store.append(sys.argv[2:], now=dt.datetime.now(dt.UTC))
"""


def append(root: Path, *paths: Path, now: dt.datetime = NOW) -> tuple[int, tuple[str, ...]]:
    with Store(root, create=True) as store:
        done = store.append(paths, now=now)
        return done.n_parsed, done.weeks


def content(root: Path) -> pl.DataFrame:
    """Return what the store says of all weeks, without the names of files."""
    with Store(root) as store:
        rows = store.connections().select("connection_id", "opened_at", "closed_at", "is_drop", "cause").collect()
    return rows.sort("connection_id")


def the_next_day(tmp_path: Path) -> Path:
    """Write the logs of a second day and return their folder."""
    write_day(tmp_path / "more", MONDAY + dt.timedelta(days=1))
    return tmp_path / "more"


def test_the_same_folder_again_parses_nothing_and_changes_nothing(tmp_path: Path) -> None:
    """A second run over unchanged files does not even open them."""
    write_day(tmp_path / "logs", MONDAY)
    first = append(tmp_path / "h", tmp_path / "logs")
    before = content(tmp_path / "h")
    assert first == (2, ("2026-W45", "2026-W46"))
    assert before.height == 60
    assert append(tmp_path / "h", tmp_path / "logs") == (0, ())
    assert content(tmp_path / "h").equals(before)


@pytest.mark.parametrize(("room_bytes", "slice_rows"), [(0, 7), (20_000, 1_000)])
def test_a_week_that_waits_on_disk_is_the_week_in_memory(tmp_path: Path, room_bytes: int, slice_rows: int) -> None:
    """Wherever its tables are, and however few rows are read back at a time: the same summary, the same rows."""
    write_day(tmp_path / "logs", MONDAY)
    append(tmp_path / "h", tmp_path / "logs")
    with Cellar(room_bytes=room_bytes, slice_rows=slice_rows) as cellar, Store(tmp_path / "d", create=True) as store:
        store.append([tmp_path / "logs"], now=NOW, cellar=cellar)
    with Store(tmp_path / "h") as one, Store(tmp_path / "d") as other:
        assert one.weeks() == other.weeks() == ["2026-W46"]
        assert one.summary("2026-W46") == other.summary("2026-W46")
        assert one.connections().collect().equals(other.connections().collect())


def test_a_renamed_or_recompressed_copy_replaces_itself(tmp_path: Path) -> None:
    """A file is what it holds: not its name, not its compression, not its date."""
    write_day(tmp_path / "logs", MONDAY)
    append(tmp_path / "h", tmp_path / "logs")
    before = content(tmp_path / "h")
    copies = tmp_path / "copies"
    copies.mkdir()
    for file in (tmp_path / "logs").iterdir():
        (copies / f"other-{file.stem}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=1))
    assert append(tmp_path / "h", copies) == (0, ())
    assert content(tmp_path / "h").equals(before)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text are for Linux's file systems")
def test_a_name_in_no_encoding_is_a_name(tmp_path: Path) -> None:
    """A file whose name is not UTF-8 is appended like another, and known the next time."""
    write_day(tmp_path / "logs", MONDAY)
    for file in list((tmp_path / "logs").rglob("*.*")):
        file.rename(file.with_name(os.fsdecode(b"caf\xe9-" + file.name.encode())))
    assert append(tmp_path / "h", tmp_path / "logs")[0] == 2
    assert append(tmp_path / "h", tmp_path / "logs") == (0, ())


def test_a_log_that_has_grown_counts_once(tmp_path: Path) -> None:
    """A file delivered while it is still written to, and again when it is longer, adds only what is new."""
    made = connections_of(MONDAY, 60)
    logs = tmp_path / "logs"
    logs.mkdir()
    for n in (20, 45, 60):
        (logs / "access.log").write_text(access_lines(made[:n]))
        (logs / "client.jsonl").write_text(client_lines(made[:n]))
        append(tmp_path / "h", logs)
        assert content(tmp_path / "h").height == n
    (tmp_path / "rotated").mkdir()
    more = made + connections_of(MONDAY + dt.timedelta(days=1), 10)
    (tmp_path / "rotated" / "access.log.1").write_text(access_lines(more))
    (tmp_path / "rotated" / "client.jsonl.1").write_text(client_lines(more))
    append(tmp_path / "h", tmp_path / "rotated")
    assert content(tmp_path / "h").height == 70


def test_another_content_of_the_same_size_and_date_is_another_file(tmp_path: Path) -> None:
    """A log put in another's place, with its size and its time of change, is seen and read."""
    logs = tmp_path / "logs"
    logs.mkdir()
    made = connections_of(MONDAY, 40)
    for nth, part in enumerate((made, [replace(one, number=one.number + 100) for one in made])):
        file = logs / "client.jsonl"
        file.write_text(client_lines(part))
        os.utime(file, ns=(10**18, 10**18))
        assert append(tmp_path / "h", logs)[0] == 1
        assert content(tmp_path / "h").height == 40 * (nth + 1)


def test_a_log_that_grows_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written to a log after it was read is not taken for read."""
    from wslog.store import facts

    made = connections_of(MONDAY, 60)
    file = tmp_path / "client.jsonl"
    file.write_text(client_lines(made[:40]))
    commit = facts._commit

    def grow(*args: object, **options: object) -> None:
        file.write_text(client_lines(made))
        commit(*args, **options)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(facts, "_commit", grow)
        append(tmp_path / "h", file)
    append(tmp_path / "h", file)
    assert content(tmp_path / "h").height == 60


def test_days_one_by_one_give_what_all_at_once_gives(tmp_path: Path) -> None:
    """How deliveries were cut and in which order they came does not matter."""
    days = [MONDAY + dt.timedelta(days=n) for n in range(4)]
    for day in days:
        write_day(tmp_path / f"{day:%d}", day)
        write_day(tmp_path / "all", day)
    for day in (days[2], days[0], days[3], days[1]):
        append(tmp_path / "by-day", tmp_path / f"{day:%d}")
    append(tmp_path / "at-once", tmp_path / "all")
    assert content(tmp_path / "by-day").equals(content(tmp_path / "at-once"))


def test_halves_in_two_deliveries_are_one_connection(tmp_path: Path) -> None:
    """Client records that come days after the servers' lines are joined with them, and nothing is counted twice."""
    made = connections_of(MONDAY, 60)
    for name, text in (("access.log", access_lines(made)), ("client.jsonl", client_lines(made))):
        (tmp_path / name).write_text(text)
    append(tmp_path / "h", tmp_path / "access.log")
    assert content(tmp_path / "h").height == 60
    append(tmp_path / "h", tmp_path / "client.jsonl", now=NOW + dt.timedelta(days=3))
    with Store(tmp_path / "h") as store:
        rows = store.connections().collect()
    joined = rows.filter(pl.col("client_ref").is_not_null() & pl.col("nginx_access_ref").is_not_null())
    assert rows.height == 60
    assert joined.height == 60


def test_a_connection_over_the_edge_of_a_week_counts_in_the_week_of_its_close(tmp_path: Path) -> None:
    """Every connection counts in one week, however the week's deliveries came."""
    edge = dt.datetime(2026, 11, 15, 22, tzinfo=dt.UTC)
    made = connections_of(edge, 300, hours=4)
    for nth, part in enumerate((made[::2], made[1::2])):
        (tmp_path / f"{nth}-access.log").write_text(access_lines(part))
        (tmp_path / f"{nth}-client.jsonl").write_text(client_lines(part))
    for name in ("0-access.log", "1-client.jsonl", "1-access.log", "0-client.jsonl"):
        append(tmp_path / "h", tmp_path / name)
    with Store(tmp_path / "h") as store:
        weeks = {week: store.connections(week).collect() for week in store.weeks()}
    midnight = dt.datetime(2026, 11, 16, tzinfo=dt.UTC)
    assert sorted(weeks) == ["2026-W46", "2026-W47"]
    assert {week: rows.height for week, rows in weeks.items()} == {
        "2026-W46": sum(one.closed < midnight for one in made),
        "2026-W47": sum(one.closed >= midnight for one in made),
    }
    assert sum(rows["client_ref"].n_unique() for rows in weeks.values()) == 300


def test_weeks_are_those_of_the_zone_and_the_zone_is_fixed(tmp_path: Path) -> None:
    """Sunday evening in New York is Monday in UTC; another zone is refused with what to do."""
    write_day(tmp_path / "logs", dt.datetime(2026, 11, 16, 1, tzinfo=dt.UTC), 20)
    for zone, week in (("UTC", "2026-W47"), ("America/Los_Angeles", "2026-W46")):
        with Store(tmp_path / zone.replace("/", "-"), create=True, zone=zone) as store:
            store.append([tmp_path / "logs"], now=NOW)
            summary = store.summary(week)
            assert summary is not None
            assert summary.zone == zone
    with pytest.raises(OptionError, match="make a new store"):
        Store(tmp_path / "UTC", zone="Europe/Berlin")


def test_there_must_be_a_store_to_read(tmp_path: Path) -> None:
    """A mistyped folder is named, and nothing is made in its place."""
    with pytest.raises(StoreError, match="no history store"):
        Store(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()


def test_two_processes_appending_at_once_lose_nothing(tmp_path: Path) -> None:
    """Two writers, one file in common: both are done in the end, and it counts once."""
    days = [MONDAY + dt.timedelta(days=n) for n in range(3)]
    for day in days:
        write_day(tmp_path / "all", day)
    files = sorted((tmp_path / "all").iterdir())
    half = [files[:4], files[2:]]
    runs = [
        subprocess.Popen([sys.executable, "-c", APPEND, str(tmp_path / "h"), *map(str, part)], cwd=REPO)
        for part in half
    ]
    assert [run.wait(120) for run in runs] == [0, 0]
    append(tmp_path / "one", tmp_path / "all")
    assert content(tmp_path / "h").equals(content(tmp_path / "one"))


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_writer_killed_at_any_moment_leaves_a_store_that_the_next_append_completes(tmp_path: Path) -> None:
    """After kill -9 readers see the weeks from before or from after, and a new append leads to the same weeks."""
    write_day(tmp_path / "old", MONDAY)
    append(tmp_path / "h", tmp_path / "old")
    before = content(tmp_path / "h")
    for day in range(1, 4):
        write_day(tmp_path / "new", MONDAY + dt.timedelta(days=day))
    append(tmp_path / "whole", tmp_path / "old", tmp_path / "new")
    after = content(tmp_path / "whole")
    rng = random.Random(5)
    for _ in range(4):
        run = subprocess.Popen([sys.executable, "-c", APPEND, str(tmp_path / "h"), str(tmp_path / "new")], cwd=REPO)
        time.sleep(rng.uniform(0.6, 2.5))
        run.send_signal(signal.SIGKILL)
        run.wait()
        seen = content(tmp_path / "h")
        assert seen.equals(before) or seen.equals(after)
    append(tmp_path / "h", tmp_path / "new")
    assert content(tmp_path / "h").equals(after)


@pytest.mark.parametrize("broken", ["write_parquet", "writing", "_swap", "_derive"])
def test_a_failure_at_each_step_changes_no_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Whatever breaks, the weeks stay what they were, and the next append leads to the same end."""
    from wslog.store import derive, facts

    write_day(tmp_path / "old", MONDAY)
    append(tmp_path / "h", tmp_path / "old")
    before = content(tmp_path / "h")
    write_day(tmp_path / "new", MONDAY + dt.timedelta(days=1))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        module = {"write_parquet": place, "writing": facts, "_swap": derive, "_derive": derive}[broken]
        patch.setattr(module, broken, fail)
        with pytest.raises(RuntimeError, match="power cut"):
            append(tmp_path / "h", tmp_path / "new")
    assert content(tmp_path / "h").equals(before)
    append(tmp_path / "h", tmp_path / "new")
    assert content(tmp_path / "h").height == 120


def test_what_nothing_names_goes_a_day_later(tmp_path: Path) -> None:
    """A reader of replaced files has a day; then they are gone, and what counts is not."""
    write_day(tmp_path / "one", MONDAY)
    write_day(tmp_path / "two", MONDAY + dt.timedelta(days=1))
    present = dt.datetime.now(dt.UTC)
    append(tmp_path / "h", tmp_path / "one", now=present)
    append(tmp_path / "h", tmp_path / "two", now=present)
    folder = tmp_path / "h" / place.CONNECTIONS / "week=2026-W46"
    assert len(list(folder.iterdir())) == 2
    with Store(tmp_path / "h") as store:
        assert store.sweep(now=present + dt.timedelta(hours=23)) == 0
        assert store.sweep(now=present + dt.timedelta(hours=25)) >= 1
    assert len(list(folder.iterdir())) == 1
    assert content(tmp_path / "h").height == 120


def test_compacting_changes_files_and_no_answer(tmp_path: Path) -> None:
    """Many small parts become one, and everything can be derived from it again."""
    for n in range(4):
        write_day(tmp_path / f"{n}", MONDAY + dt.timedelta(days=n), 20)
        append(tmp_path / "h", tmp_path / f"{n}")
    before = content(tmp_path / "h")
    with Store(tmp_path / "h") as store:
        assert compact(store, now=NOW) == (4, 1)
        assert compact(store, now=NOW) == (1, 1)
        with ledger.writing(store.ledger):
            store.ledger.execute("INSERT OR REPLACE INTO stale VALUES ('2026-W46', 99)")
    write_day(tmp_path / "5", MONDAY + dt.timedelta(days=5), 20)
    append(tmp_path / "h", tmp_path / "5")
    after = content(tmp_path / "h")
    assert after.height == 100
    assert after.filter(pl.col("connection_id").is_in(before["connection_id"].to_list())).equals(before)


def test_old_weeks_are_forgotten_and_do_not_come_back(tmp_path: Path) -> None:
    """`--keep 2w` at the end of November keeps two weeks, also when an old file is offered again."""
    for n in (0, 7, 14):
        write_day(tmp_path / "logs", MONDAY + dt.timedelta(days=n), 30)
    append(tmp_path / "h", tmp_path / "logs")
    with Store(tmp_path / "h") as store:
        assert store.weeks() == ["2026-W46", "2026-W47", "2026-W48"]
        assert keep_weeks(store, 2, now=NOW) == ["2026-W46"]
    assert append(tmp_path / "h", tmp_path / "logs") == (0, ())
    with Store(tmp_path / "h") as store:
        assert store.weeks() == ["2026-W47", "2026-W48"]


def test_keep_is_a_number_of_weeks() -> None:
    """`26w`, and nothing else."""
    assert parse_keep("26w") == parse_keep("26 weeks") == 26
    for text in ("26", "6m", "0w", "w"):
        with pytest.raises(OptionError, match="number of weeks"):
            parse_keep(text)


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """An older ledger is migrated in place, its weeks untouched; a later one is refused."""
    write_day(tmp_path / "logs", MONDAY)
    append(tmp_path / "h", tmp_path / "logs")
    before = content(tmp_path / "h")
    file = tmp_path / "h" / place.LEDGER
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE outcomes")
        connection.execute("PRAGMA user_version = 1")
    assert content(tmp_path / "h").equals(before)
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == len(ledger.MIGRATIONS)
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        Store(tmp_path / "h")


def test_a_ledger_that_is_none_is_named(tmp_path: Path) -> None:
    """A broken file is an error that says where, not a traceback."""
    (tmp_path / place.LEDGER).write_bytes(b"not a database, by any measure" * 10)
    with pytest.raises(StoreError, match=r"ledger\.sqlite3: the ledger is damaged"):
        Store(tmp_path)


@pytest.mark.parametrize("page", [1, 3, 9])
def test_a_ledger_that_is_damaged_within_is_named(tmp_path: Path, page: int) -> None:
    """Pages that are none come to light only where they are read: then, too, it is said what is broken and where."""
    write_day(tmp_path / "logs", MONDAY)
    append(tmp_path / "h", tmp_path / "logs")
    file = tmp_path / "h" / place.LEDGER
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = file.read_bytes()
    file.write_bytes(whole[: 4096 * page] + b"\xff" * (len(whole) - 4096 * page))
    with pytest.raises(StoreError, match=r"ledger\.sqlite3: the ledger is damaged"):
        append(tmp_path / "h", the_next_day(tmp_path))


@pytest.mark.parametrize(("harm", "says"), [("unlink", "is missing"), ("write_text", "is damaged")])
def test_events_that_are_lost_are_named(tmp_path: Path, harm: str, says: str) -> None:
    """A week cannot be derived again without its events: the error names the file that is gone or broken."""
    write_day(tmp_path / "logs", MONDAY)
    append(tmp_path / "h", tmp_path / "logs")
    for file in (tmp_path / "h" / place.EVENTS).iterdir():
        getattr(file, harm)(*(["none"] if harm == "write_text" else []))
    with pytest.raises(StoreError, match=rf"events/.*\.parquet: a file that the store counts on {says}"):
        append(tmp_path / "h", the_next_day(tmp_path))


def test_a_summary_that_is_damaged_is_named(tmp_path: Path) -> None:
    """A summary that is no JSON is one of another form: it says how to have it made again."""
    write_day(tmp_path / "logs", MONDAY)
    append(tmp_path / "h", tmp_path / "logs")
    with sqlite3.connect(tmp_path / "h" / place.LEDGER) as connection:
        connection.execute("UPDATE weeks SET summary = x'00'")
    with Store(tmp_path / "h") as store, pytest.raises(StoreError, match="another form"):
        store.summary("2026-W46")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("SQLITE_FULL", "its disk has room"),
        ("SQLITE_IOERR_WRITE", "its disk has room"),
        ("SQLITE_CANTOPEN", "may write in its folder"),
        ("SQLITE_READONLY_DIRECTORY", "may write in its folder"),
        ("SQLITE_BUSY", "Wait until it is done"),
        ("SQLITE_CORRUPT", "Restore it from a backup"),
    ],
)
def test_only_a_damaged_ledger_is_to_be_replaced(name: str, says: str) -> None:
    """A full disk or a folder that may not be written is no reason to begin a new history."""
    error = sqlite3.OperationalError("said by SQLite")
    error.sqlite_errorname = name
    assert says in str(ledger.told(error))


def test_a_full_disk_is_said_of_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system names no file when a disk is full: the store does, and leaves nothing half-written."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="events: No space left on device"):
        place.write_whole(tmp_path / "events" / "a.parquet", b"data")
    assert list((tmp_path / "events").iterdir()) == []
