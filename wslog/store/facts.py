"""From deliveries to facts: which files are new by their content, their events as Parquet parts, their ledger rows."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import msgspec
import polars as pl
from msgspec.structs import replace

from wslog import schema
from wslog.ingest.by_file import Content, FileEvents, Inputs, identify
from wslog.ingest.configuration import Progress
from wslog.ingest.files.sources import Source
from wslog.ingest.lanes import Lanes, usable_cores
from wslog.ingest.reading import EVENTS, PLACED
from wslog.result import FileCoverage
from wslog.store import place
from wslog.store.ledger import forget, next_turn, writing
from wslog.store.unchanged import PlaceKey, Places, note_places

BATCH_ROWS: Final = 300_000
BATCH_FILES: Final = 500
AT: Final = pl.coalesce("at", "closed_at")
PART: Final = {
    "content": pl.String(),
    "line": pl.Int64(),
    **{name: dtype for name, dtype in schema.dtypes(schema.EVENTS).items() if name != "ref"},
}


@dataclass(frozen=True, slots=True)
class NewFile:
    """One content that the ledger does not know, with the place it was found at."""

    source: Source
    content: Content
    place: PlaceKey | None
    events: FileEvents


def add_files(
    connection: sqlite3.Connection,
    root: Path,
    inputs: Inputs,
    *,
    places: Places,
    reading: str,
    weeks_of: Callable[[pl.Series], Sequence[str]],
    now: float,
    on_progress: Progress | None,
) -> tuple[dict[Source, str], int]:
    """Make the facts of all files known, a batch at a time; each batch holds from then on, whatever happens next.

    Args:
        connection: The ledger.
        root: The store's folder.
        inputs: The files.
        places: Where contents are known to be.
        reading: What their events depend on besides their content.
        weeks_of: Instants → the weeks to derive again.
        now: Seconds since the epoch.
        on_progress: Called with bytes done, bytes in all, and the file's name.

    Returns:
        The content of each file that could be read, and how many were parsed.
    """
    contents: dict[Source, str] = {}
    new: dict[Source, Content] = {}
    moved: list[tuple[PlaceKey | None, str]] = []
    for source, content in _identified(connection, inputs, places, reading=reading):
        if isinstance(content, str):
            contents[source] = content
            continue
        contents[source] = content.id
        if content.id in {other.id for other in new.values()} or _is_known(connection, content.id, reading):
            moved.append((places.key_of(source), content.id))
        else:
            new[source] = content
    batch: list[NewFile] = []
    n_rows = 0
    for events in inputs.read(list(new), on_progress=on_progress):
        batch.append(NewFile(events.source, new[events.source], places.key_of(events.source), events))
        n_rows += events.events.height
        if n_rows >= BATCH_ROWS or len(batch) >= BATCH_FILES:
            _commit(connection, root, batch, reading=reading, weeks_of=weeks_of, now=now)
            batch, n_rows = [], 0
    _commit(connection, root, batch, reading=reading, weeks_of=weeks_of, now=now)
    if moved:
        with writing(connection):
            note_places(connection, moved)
    return contents, len(new)


def _identified(
    connection: sqlite3.Connection, inputs: Inputs, places: Places, *, reading: str
) -> Iterator[tuple[Source, Content | str]]:
    """Yield each readable file with the content it is known to have, or with the one it turns out to have."""
    unknown = []
    for source in inputs.sources:
        known = places.content_of(source, reading)
        if known is not None:
            yield source, known
        elif not source.skipped:
            unknown.append(source)
    if not unknown:
        return
    lengths: dict[str, list[int]] = {}
    for row in connection.execute("SELECT head, n_bytes FROM files"):
        lengths.setdefault(row["head"], []).append(row["n_bytes"])
    with Lanes(usable_cores()) as lanes:
        for source, content in lanes.map(lambda source: _identify(source, lengths), unknown):
            if content is not None:
                yield source, content


def _identify(source: Source, lengths: Mapping[str, Sequence[int]]) -> tuple[Source, Content | None]:
    try:
        return source, identify(source, lambda head: lengths.get(head, ()))
    except OSError:
        return source, None  # the analysis of the same paths says so


def _is_known(connection: sqlite3.Connection, content: str, reading: str) -> bool:
    query = "SELECT 1 FROM files WHERE content = ? AND reading = ?"
    return connection.execute(query, (content, reading)).fetchone() is not None


def _commit(
    connection: sqlite3.Connection,
    root: Path,
    batch: Sequence[NewFile],
    *,
    reading: str,
    weeks_of: Callable[[pl.Series], Sequence[str]],
    now: float,
) -> None:
    """Write one part with the events of several files, then name it and the weeks it touches."""
    if not batch:
        return
    events = _as_part(batch)
    spans = {str(row[0]): row[1:] for row in events.group_by("content").agg(AT.min(), last=AT.max()).iter_rows()}
    name = place.write_parquet(root, place.EVENTS, events) if events.height else None
    with writing(connection):
        turn = next_turn(connection)
        touched = set(weeks_of(events.select(AT).to_series().drop_nulls()))
        for new in batch:
            touched |= set(_replace_outgrown(connection, root, new.content, weeks_of=weeks_of))
            span = spans.get(new.content.id, (None, None))
            _insert(connection, new, span, name if new.events.events.height else None, reading=reading, turn=turn)
        note_places(connection, [(new.place, new.content.id) for new in batch])
        connection.executemany("INSERT OR REPLACE INTO stale VALUES (?, ?)", [(week, turn) for week in touched])
        drop_unnamed_parts(connection, at=now)


def _as_part(batch: Sequence[NewFile]) -> pl.DataFrame:
    """Put the events of some files into one frame, each with its content."""
    heights = pl.DataFrame(
        {"content": [new.content.id for new in batch], "n": [new.events.events.height for new in batch]}
    )
    contents = heights.filter(pl.col("n") > 0).select(pl.col("content").repeat_by("n").explode()).to_series()
    full = [new.events.events for new in batch if new.events.events.height]
    return pl.concat(full, rechunk=True).with_columns(contents).select(*PART) if full else pl.DataFrame(schema=PART)


def _insert(
    connection: sqlite3.Connection,
    new: NewFile,
    span: tuple[dt.datetime | None, dt.datetime | None],
    part: str | None,
    *,
    reading: str,
    turn: int,
) -> None:
    first, last = span
    row = (
        new.content.id,
        new.content.head,
        new.content.n_bytes,
        new.source.shown,
        reading,
        part,
        msgspec.json.encode(new.events.coverage).decode(),
        json.dumps(sorted(new.events.levels)),
        None if first is None else int(first.timestamp()),
        None if last is None else int(last.timestamp()) + 1,
        new.events.events.height,
        turn,
    )
    connection.execute(f"INSERT OR REPLACE INTO files VALUES ({', '.join('?' * len(row))})", row)


def _replace_outgrown(
    connection: sqlite3.Connection, root: Path, content: Content, *, weeks_of: Callable[[pl.Series], Sequence[str]]
) -> list[str]:
    """Forget shorter contents that this one has grown from: a log that is still written to, delivered again."""
    touched: list[str] = []
    for length, prefix in content.prefixes.items():
        if prefix == content.id:
            continue
        query = "SELECT part FROM files WHERE content = ? AND n_bytes = ?"
        row = connection.execute(query, (prefix, length)).fetchone()
        if row is None:
            continue
        if row["part"]:
            with place.reading(root, row["part"]) as rows:
                old = rows.filter(pl.col("content") == prefix).select(AT).collect()
            touched += weeks_of(old.to_series().drop_nulls())
        connection.execute("DELETE FROM files WHERE content = ?", (prefix,))
        connection.execute("DELETE FROM places WHERE content = ?", (prefix,))
    return touched


def drop_unnamed_parts(connection: sqlite3.Connection, *, at: float) -> None:
    """Note which parts no file names any more; inside `writing`."""
    named = {row[0] for row in connection.execute("SELECT DISTINCT part FROM files WHERE part IS NOT NULL")}
    before = {row[0] for row in connection.execute("SELECT name FROM parts")}
    forget(connection, sorted(before - named), at=at)
    connection.execute("DELETE FROM parts")
    connection.executemany("INSERT INTO parts VALUES (?)", [(name,) for name in sorted(named)])


@dataclass(frozen=True, slots=True)
class KnownFile:
    """One row of the ledger's files."""

    content: str
    shown: str
    part: str | None
    account: FileCoverage
    levels: frozenset[str]

    @classmethod
    def of(cls, row: sqlite3.Row, *, shown: str) -> Self:
        """Return what a row says, under a name of its own."""
        account = msgspec.json.decode(row["account"], type=FileCoverage)
        levels = frozenset(json.loads(row["levels"]))
        return cls(row["content"], shown, row["part"], replace(account, path=shown), levels)


def load_events(
    root: Path, files: Mapping[int, KnownFile], *, between: tuple[dt.datetime, dt.datetime] | None = None
) -> Iterator[pl.DataFrame]:
    """Read the events of files back, some rows at a time (`reading.PLACED`).

    Args:
        root: The store's folder.
        files: Which, by `file_no`; each has a content of its own.
        between: Only events in [start, end).
    """
    by_part: dict[str, dict[str, int]] = {}
    for number, file in files.items():
        if file.part:
            by_part.setdefault(file.part, {})[file.content] = number
    for part, numbers in by_part.items():
        content = pl.col("content")
        wanted = content.is_in(list(numbers))
        if between is not None:
            wanted &= (between[0] <= AT) & (between[1] > AT)
        file_no = content.replace_strict(list(numbers), list(numbers.values()), return_dtype=PLACED["file_no"])
        with place.reading(root, part) as rows:
            some = rows.filter(wanted).select(file_no.alias("file_no"), *EVENTS)
            yield from some.collect_batches(chunk_size=place.GROUP_ROWS)
