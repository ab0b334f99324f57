"""The store: deliveries go in, weeks come out. Everything but the facts is derived and can be made again."""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from wslog import __version__, schema
from wslog.cellar import AS_IT_COMES, Cellar
from wslog.errors import OptionError, StoreError
from wslog.ingest import AS_FOUND, ReadOptions
from wslog.ingest.by_file import Inputs, find_inputs
from wslog.ingest.files.sources import Source
from wslog.knowledge import Setting, Timeout, load_timeouts
from wslog.store import facts, place
from wslog.store import ledger as books
from wslog.store.unchanged import Places
from wslog.store.weeks import Week, week_names
from wslog.weekly_result import SUMMARY_VERSION, WeekSummary
from wslog.zones import zone_named

HORIZON: Final = dt.timedelta(hours=48)
UTC: Final = "UTC"
_MEND_FORM: Final = "Append to the store once, with any logs: its weeks are then derived again."


@dataclass(frozen=True, slots=True)
class Appended:
    """What one append did.

    Attributes:
        inputs: The files it was about.
        contents: Each of them that could be read, with the hash of what it holds.
        n_parsed: How many were new.
        weeks: Those that were derived again.
    """

    inputs: Inputs
    contents: Mapping[Source, str]
    n_parsed: int
    weeks: tuple[str, ...]


class Store:
    """A history of connections, on disk.

    Args:
        root: Its folder.
        create: Make it if it is not there.
        zone: Whose Mondays bound its weeks; fixed when it is made. None: as it was made, `UTC` for a new one.

    Raises:
        StoreError: If there is no store and *create* is not set, or it is of a later version.
        OptionError: If *zone* is not the store's.
    """

    def __init__(self, root: str | Path, *, create: bool = False, zone: str | None = None) -> None:
        self.root = Path(root)
        option = "--store-tz" if create else "--tz"  # of the commands that open it so
        asked = zone_named(zone, option=option) if zone is not None else None  # before anything is written
        self.ledger = books.connect(self.root / place.LEDGER, create=create)
        with self._told():
            self.zone = self._settle_zone(asked, option, create=create)
            self.horizon = dt.timedelta(
                seconds=float(books.about(self.ledger, "horizon_s", str(HORIZON.total_seconds())))
            )

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        if isinstance(error, sqlite3.DatabaseError):
            with self._told():
                raise error

    def close(self) -> None:
        """Close the ledger."""
        self.ledger.close()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Have a ledger that turns out to be damaged, or has no room left, said as what the reader can mend."""
        try:
            yield
        except (sqlite3.IntegrityError, sqlite3.ProgrammingError):
            raise  # a bug
        except sqlite3.DatabaseError as error:
            raise books.told(error, where=str(self.root / place.LEDGER)) from error

    def _settle_zone(self, asked: ZoneInfo | None, option: str, *, create: bool) -> ZoneInfo:
        if create and not books.about(self.ledger, "zone", ""):
            with books.writing(self.ledger):
                self.ledger.execute("INSERT OR IGNORE INTO about VALUES ('zone', ?)", (asked.key if asked else UTC,))
        fixed = zone_named(books.about(self.ledger, "zone", UTC), option=str(self.root))
        if asked is not None and asked.key != fixed.key:
            raise OptionError(
                f"the weeks of {self.root} are those of {fixed}",
                where=f"{option} {asked}",
                mend=f"Leave {option} out or write {option} {fixed}. "
                "For weeks of another zone make a new store from the logs.",
            )
        return fixed

    def append(
        self,
        paths: Sequence[str | Path],
        options: ReadOptions = AS_FOUND,
        *,
        now: dt.datetime,
        timeouts: Path | None = None,
        cellar: Cellar = AS_IT_COMES,
    ) -> Appended:
        """Add the files behind *paths*; content that is known already changes nothing and is not parsed.

        Args:
            paths: As for `pipeline.analyze`.
            options: How to read them.
            now: The present, for what is kept how long.
            timeouts: A TOML file of the team's own timers.
            cellar: Where wide tables wait.

        Raises:
            WslogError: If a path, an option or the store cannot be used.
        """
        known = load_timeouts(timeouts)
        places = Places(self.ledger)
        inputs = find_inputs(paths, options, is_log=places.is_log)
        self._keep_settings(inputs.settings, now)
        self._outdate()
        contents, n_parsed = facts.add_files(
            self.ledger, self.root, inputs, places=places, reading=f"{__version__} {inputs.reading}",
            weeks_of=self._weeks_of, now=now.timestamp(), on_progress=options.on_progress,
        )  # fmt: skip
        weeks = self.derive(now=now, timeouts=known, cellar=cellar)
        self.sweep(now=now)
        return Appended(inputs, contents, n_parsed, tuple(weeks))

    def derive(self, *, now: dt.datetime, timeouts: Sequence[Timeout], cellar: Cellar) -> list[str]:
        """Derive the weeks whose facts changed, also those that a killed writer left."""
        if self.ledger.execute("SELECT 1 FROM stale LIMIT 1").fetchone() is None:
            return []
        from wslog.store.derive import derive_stale  # its imports cost as much as all else that nothing new costs

        return derive_stale(
            self.ledger, self.root, zone=self.zone, horizon=self.horizon, timeouts=timeouts, now=now.timestamp(),
            cellar=cellar,
        )  # fmt: skip

    def sweep(self, *, now: dt.datetime) -> int:
        """Remove files that nothing has named for a day."""
        day_ago = now - place.ORPHAN_AGE
        waiting = {
            row["name"]
            for row in self.ledger.execute("SELECT name FROM orphans WHERE since > ?", (day_ago.timestamp(),))
        }
        removed = place.remove_orphans(self.root, books.named_files(self.ledger) | waiting, now=now)
        with books.writing(self.ledger):
            self.ledger.execute("DELETE FROM orphans WHERE since <= ?", (day_ago.timestamp(),))
        return removed

    def _outdate(self) -> None:
        """Have weeks that another wslog derived derived again, so that a trend is read by one measure."""
        with books.writing(self.ledger):
            old = self.ledger.execute("SELECT week FROM weeks WHERE wslog_version != ?", (books.DERIVED_BY,)).fetchall()
            if old:
                turn = books.next_turn(self.ledger)
                rows = [(row["week"], turn) for row in old]
                self.ledger.executemany("INSERT OR REPLACE INTO stale VALUES (?, ?)", rows)

    def _keep_settings(self, settings: Sequence[Setting], now: dt.datetime) -> None:
        by_file: dict[str, list[Setting]] = {}
        for setting in settings:
            by_file.setdefault(setting.ref.rpartition(":")[0], []).append(setting)
        if not by_file:
            return
        with books.writing(self.ledger):
            for file, own in by_file.items():
                value = msgspec.json.encode(own).decode()
                row = (file, value, int(now.timestamp()))
                added = self.ledger.execute("INSERT OR IGNORE INTO settings VALUES (?, ?, ?)", row).rowcount
                if added:
                    turn = books.next_turn(self.ledger)
                    week = str(Week.of(now, self.zone))
                    self.ledger.execute(
                        "INSERT OR REPLACE INTO stale SELECT week, ? FROM weeks WHERE week >= ?", (turn, week)
                    )

    def _weeks_of(self, at: pl.Series) -> list[str]:
        """Return the weeks that a line may have a part in: those within the horizon of its time."""
        frame = pl.DataFrame({"at": at})
        names = [
            frame.select(week_names(pl.col("at") + shift, self.zone)).to_series()
            for shift in (-self.horizon, self.horizon)
        ]
        spans = pl.DataFrame({"first": names[0], "last": names[1]}).unique()
        weeks: set[str] = set()
        for first, last in spans.iter_rows():
            week = Week.parse(first)
            while str(week) <= last:
                weeks.add(str(week))
                week = week.plus(1)
        return sorted(weeks)

    def weeks(self) -> list[str]:
        """Return the names of the weeks there are, oldest first."""
        return [row["week"] for row in self.ledger.execute("SELECT week FROM weeks ORDER BY week")]

    def summary(self, week: str | Week) -> WeekSummary | None:
        """Return what is known of a week, or None."""
        row = self.ledger.execute("SELECT summary FROM weeks WHERE week = ?", (str(week),)).fetchone()
        return None if row is None else decode_summary(row["summary"])

    def connections(self, weeks: Sequence[str | Week] | str | Week | None = None) -> pl.LazyFrame:
        """Return the connections of some weeks, or of all, as a lazy polars frame (`schema.CONNECTIONS`)."""
        files = self.files(weeks)
        return pl.scan_parquet(files) if files else pl.LazyFrame(schema=schema.dtypes(schema.CONNECTIONS))

    def files(self, weeks: Sequence[str | Week] | str | Week | None = None) -> list[Path]:
        """Return the Parquet files that hold the connections of some weeks, or of all: for DuckDB, pandas or Spark."""
        wanted = (
            None if weeks is None else {str(week) for week in ([weeks] if isinstance(weeks, str | Week) else weeks)}
        )
        return [
            self.root / row["connections"]
            for row in self.ledger.execute("SELECT week, connections FROM weeks ORDER BY week")
            if wanted is None or row["week"] in wanted
        ]


def decode_summary(data: bytes) -> WeekSummary:
    """Read a stored summary.

    Raises:
        StoreError: If another version of wslog wrote it, or it is damaged.
    """
    try:
        summary = msgspec.json.decode(data, type=WeekSummary)
    except msgspec.DecodeError as error:
        raise StoreError(f"a week's summary has another form ({error})", mend=_MEND_FORM) from None
    if summary.schema_version != SUMMARY_VERSION:
        raise StoreError("a week's summary is of another version", mend=_MEND_FORM)
    return summary
