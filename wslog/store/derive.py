"""From facts to weeks: what closed in each week, joined over its edges, counted once, and summed up."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
import polars as pl

from wslog import pipeline
from wslog.cellar import Cellar
from wslog.ingest.by_file import settle
from wslog.knowledge import Setting, Timeout
from wslog.store import place
from wslog.store.facts import AT, KnownFile, load_events
from wslog.store.ledger import DERIVED_BY, about, forget, writing
from wslog.store.weeks import Week
from wslog.weekly import summarize_week

EDGE: Final = dt.timedelta(minutes=10)
"""How near to a week's end a close may be put into either week by two joins that saw different logs around it."""
REFS: Final = ("client_ref", "nginx_ref", "error_ref", "alb_ref")
AROUND: Final = ("connection_id", "session_id", "host", "path", "opened_at", "closed_at", "is_opened", *REFS)
"""What is kept of the connections of the days around a week."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One week made anew, not yet in the ledger. `edge` holds the refs it counts of its last minutes."""

    week: Week
    turn: int
    connections: str
    n: int
    summary: bytes
    edge: frozenset[str]


def derive_stale(
    connection: sqlite3.Connection,
    root: Path,
    *,
    zone: ZoneInfo,
    horizon: dt.timedelta,
    timeouts: Sequence[Timeout],
    now: float,
    cellar: Cellar,
) -> list[str]:
    """Derive every week whose facts changed, and put all of them into the ledger at once.

    Another process may change facts meanwhile: a week that became stale again is derived again.

    Returns:
        The names of the weeks derived.
    """
    done: dict[Week, Derived] = {}
    while True:
        stale = _stale(connection)
        todo = sorted(week for week, turn in stale.items() if week not in done or done[week].turn != turn)
        if not todo and _swap(connection, done, now=now):
            return sorted(str(week) for week in done)
        for week in todo:
            before = _edge_of(connection, done, week.plus(-1))
            made = _derive(
                connection, root, week, stale[week], before,
                zone=zone, horizon=horizon, timeouts=timeouts, cellar=cellar,
            )  # fmt: skip
            was = _edge_of(connection, {}, week)
            done[week] = made
            if made.edge != was and week.plus(1) not in stale and _exists(connection, week.plus(1)):
                _mark(connection, week.plus(1))


def _stale(connection: sqlite3.Connection) -> dict[Week, int]:
    """Return the weeks to derive and the turn of their facts; weeks that were given up are none of them."""
    first = about(connection, "first_week", "")
    rows = connection.execute("SELECT week, turn FROM stale WHERE week >= ?", (first,)).fetchall()
    return {Week.parse(row["week"]): int(row["turn"]) for row in rows}


def _derive(
    connection: sqlite3.Connection,
    root: Path,
    week: Week,
    turn: int,
    before: frozenset[str],
    *,
    zone: ZoneInfo,
    horizon: dt.timedelta,
    timeouts: Sequence[Timeout],
    cellar: Cellar,
) -> Derived:
    start, end = week.start(zone), week.end(zone)
    files = known_files(connection, start - horizon, end + horizon)
    read = settle(
        load_events(root, dict(enumerate(files)), between=(start - horizon, end + horizon)),
        [file.account for file in files],
        levels=frozenset(level for file in files for level in file.levels),
        settings=settings_at(connection, start, end),
        cellar=cellar,
    )
    around: list[pl.DataFrame] = []

    def select(joined: pl.DataFrame) -> pl.DataFrame:
        around.append(joined.select(AROUND))
        return _of_week(joined, start=start, end=end, before=before)

    lines = read.events.select("tier", "format", at=AT).filter((pl.col("at") >= start) & (pl.col("at") < end))
    events = [read]
    del read  # a week's events are let go as soon as they are joined
    outcome = pipeline.explain_read(events.pop(), select=select, timeouts=timeouts, cellar=cellar)
    connections = outcome.connections
    summary = summarize_week(
        outcome.document, connections, around=around[0], lines=lines, week=str(week), zone=zone.key,
        days=[*week.days(zone), end],
    )  # fmt: skip
    name = place.write_parquet(root, f"{place.CONNECTIONS}/week={week}", connections)
    return Derived(
        week, turn, name, connections.height, msgspec.json.encode(summary), _edge(around[0], connections, end)
    )


def _of_week(joined: pl.DataFrame, *, start: dt.datetime, end: dt.datetime, before: frozenset[str]) -> pl.DataFrame:
    """Return the rows that closed in the week, without what the week before counts already."""
    closed = pl.col("closed_at")
    near = closed.is_between(start - EDGE, start + EDGE)
    taken = pl.any_horizontal(pl.col(ref).is_in(list(before)).fill_null(value=False) for ref in REFS)
    mine = (closed >= start - EDGE) & (closed < end) & ~(near & taken)
    # With no week before, nobody else counts what closed just before the start, and it is not this week's.
    is_first = pl.lit(not before)
    return joined.filter(mine & ((closed >= start) | ~is_first))


def _edge(joined: pl.DataFrame, connections: pl.DataFrame, end: dt.datetime) -> frozenset[str]:
    """Return the refs of the rows of this week that closed within `EDGE` of its end."""
    late = connections.filter(pl.col("closed_at") >= end - EDGE).select("connection_id")
    rows = joined.join(late, on="connection_id", how="semi")
    return frozenset(ref for column in REFS for ref in rows[column].drop_nulls())


def _edge_of(connection: sqlite3.Connection, done: dict[Week, Derived], week: Week) -> frozenset[str]:
    if week in done:
        return done[week].edge
    row = connection.execute("SELECT edge FROM weeks WHERE week = ?", (str(week),)).fetchone()
    return frozenset(json.loads(row["edge"])) if row else frozenset()


def _exists(connection: sqlite3.Connection, week: Week) -> bool:
    return connection.execute("SELECT 1 FROM weeks WHERE week = ?", (str(week),)).fetchone() is not None


def _mark(connection: sqlite3.Connection, week: Week) -> None:
    with writing(connection):
        connection.execute("INSERT OR IGNORE INTO stale VALUES (?, 0)", (str(week),))


def _swap(connection: sqlite3.Connection, done: dict[Week, Derived], *, now: float) -> bool:
    """Put derived weeks in place of what was there; refuse if facts changed since they were made.

    A week that is not stale any more was derived by another process, from the same facts or later ones: its is kept.
    """
    with writing(connection):
        stale = _stale(connection)
        if any(week not in done or done[week].turn != turn for week, turn in stale.items()):
            return False
        for week, made in done.items():
            if week not in stale:
                continue
            old = connection.execute("SELECT connections FROM weeks WHERE week = ?", (str(week),)).fetchone()
            if old is not None and old["connections"] != made.connections:
                forget(connection, [old["connections"]], at=now)
            connection.execute("DELETE FROM orphans WHERE name = ?", (made.connections,))
            if made.n == 0 and not _has_lines(made.summary):
                connection.execute("DELETE FROM weeks WHERE week = ?", (str(week),))
                forget(connection, [made.connections], at=now)
                continue
            row = (str(week), made.connections, made.n, made.summary, json.dumps(sorted(made.edge)), DERIVED_BY)
            connection.execute("INSERT OR REPLACE INTO weeks VALUES (?, ?, ?, ?, ?, ?)", row)
        connection.execute("DELETE FROM stale")
    return True


def _has_lines(summary: bytes) -> bool:
    return bool(msgspec.json.decode(summary)["hours"]["lines"])


def known_files(connection: sqlite3.Connection, start: dt.datetime, end: dt.datetime) -> list[KnownFile]:
    """Return the files with lines between two instants, under names that differ and in their order."""
    rows = connection.execute(
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY shown ORDER BY delivery, content) - 1 AS earlier"
        " FROM files) WHERE first_at < ? AND last_at >= ? ORDER BY shown, delivery, content",
        (int(end.timestamp()), int(start.timestamp())),
    )
    names = ((row, f"{row['shown']}#{row['content'][:8]}" if row["earlier"] else row["shown"]) for row in rows)
    return sorted((KnownFile.of(row, shown=name) for row, name in names), key=lambda file: file.shown)


def settings_at(connection: sqlite3.Connection, start: dt.datetime, end: dt.datetime) -> list[Setting]:
    """Return the timers that configuration set between two instants: of each file, the version seen by then.

    A file's first version counts for all time before it was seen, too.
    """
    rows = connection.execute("SELECT * FROM settings ORDER BY file, first_seen").fetchall()
    valid: list[Setting] = []
    for nth, row in enumerate(rows):
        is_first = nth == 0 or rows[nth - 1]["file"] != row["file"]
        has_next = nth + 1 < len(rows) and rows[nth + 1]["file"] == row["file"]
        began = row["first_seen"] < end.timestamp() or is_first
        ended = has_next and rows[nth + 1]["first_seen"] <= start.timestamp()
        if began and not ended:
            valid += msgspec.json.decode(row["value"], type=list[Setting])
    return list(dict.fromkeys(valid))
