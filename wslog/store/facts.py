"""From deliveries to facts: which files are new by their content, their events as Parquet parts, their ledger rows."""

from __future__ import annotations

import datetime as dt
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from wslog import schema
from wslog.ingest.by_file import Content, FileEvents, Inputs, identify
from wslog.ingest.lanes import Lanes, usable_cores
from wslog.ingest.reader import Progress
from wslog.ingest.sources import Source
from wslog.result import FileCoverage
from wslog.store import place
from wslog.store.ledger import forget, next_turn, writing

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


PlaceKey = tuple[str, int, int, int, int]
"""Path, size, time of change, inode, and the time at which the file system itself noted a change."""


def place_key(source: Source) -> PlaceKey | None:
    """Return what tells a file from a changed one without reading it; None for what has none (standard input)."""
    if source.file is None or source.skipped:
        return None
    try:
        status = os.stat(source.file)  # noqa: PTH116  (half the time of Path.stat, for thousands of files)
    except OSError:
        return None
    path = os.path.abspath(source.file)  # noqa: PTH100  (the same)
    return path, status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


class Places:
    """The contents of files that have not changed since they were read, by where they are; the ledger is read once.

    Tools may set a file's time of change; nobody sets the one that the file system notes beside it.

    Args:
        connection: The ledger.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT p.path, p.size, p.mtime_ns, p.inode, p.ctime_ns, p.content, f.reading, f.part IS NOT NULL"
            " FROM places p JOIN files f USING (content)"
        )
        self._known: dict[PlaceKey, tuple[str, str, bool]] = {tuple(row)[:5]: tuple(row)[5:] for row in rows}

    def content_of(self, key: PlaceKey | None, reading: str) -> str | None:
        """Return the content of a file, if it would be read now as it was then."""
        known = self._known.get(key) if key is not None else None
        return known[0] if known is not None and known[1] == reading else None

    def is_log(self, source: Source) -> bool:
        """Return whether a file is known to have had events: it is a log and no configuration."""
        key = place_key(source)
        known = self._known.get(key) if key is not None else None
        return known is not None and bool(known[2])


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
    keys: dict[Source, PlaceKey | None] = {}
    moved: list[tuple[PlaceKey | None, str]] = []
    for source, content, key in _identified(connection, inputs, places, reading=reading):
        keys[source] = key
        if isinstance(content, str):
            contents[source] = content
            continue
        contents[source] = content.id
        if content.id in {other.id for other in new.values()} or _is_known(connection, content.id, reading):
            moved.append((key, content.id))
        else:
            new[source] = content
    batch: list[NewFile] = []
    for events in inputs.read(list(new), on_progress=on_progress):
        batch.append(NewFile(events.source, new[events.source], keys[events.source], events))
        if sum(one.events.events.height for one in batch) >= BATCH_ROWS or len(batch) >= BATCH_FILES:
            _commit(connection, root, batch, reading=reading, weeks_of=weeks_of, now=now)
            batch = []
    _commit(connection, root, batch, reading=reading, weeks_of=weeks_of, now=now)
    if moved:
        with writing(connection):
            _note_places(connection, moved)
    return contents, len(new)


def _identified(
    connection: sqlite3.Connection, inputs: Inputs, places: Places, *, reading: str
) -> Iterator[tuple[Source, Content | str, PlaceKey | None]]:
    """Yield each readable file with the content it is known to have, or with the one it turns out to have.

    Its place is as it was before it was read: a log that grows meanwhile is another file the next time.
    """
    lengths: dict[str, list[int]] = {}
    for row in connection.execute("SELECT head, n_bytes FROM files"):
        lengths.setdefault(row["head"], []).append(row["n_bytes"])
    unknown = []
    for source in inputs.sources:
        key = place_key(source)
        known = places.content_of(key, reading)
        if known is not None:
            yield source, known, key
        elif not source.skipped:
            unknown.append(source)
    with Lanes(usable_cores()) as lanes:
        for source, content, key in lanes.map(lambda source: _identify(source, lengths), unknown):
            if content is not None:
                yield source, content, key


def _identify(source: Source, lengths: Mapping[str, Sequence[int]]) -> tuple[Source, Content | None, PlaceKey | None]:
    key = place_key(source)
    try:
        return source, identify(source, lambda head: lengths.get(head, ())), key
    except OSError:
        return source, None, key  # the analysis of the same paths says so


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
    frames = [_as_part(new) for new in batch]
    events = pl.concat(frames)
    name = place.write_parquet(root, place.EVENTS, events) if events.height else None
    with writing(connection):
        turn = next_turn(connection)
        touched = set(weeks_of(events.select(AT).to_series().drop_nulls()))
        for new, frame in zip(batch, frames, strict=True):
            touched |= set(_replace_outgrown(connection, root, new.content, weeks_of=weeks_of))
            _insert(connection, new, frame, name if frame.height else None, reading=reading, turn=turn)
        _note_places(connection, [(new.place, new.content.id) for new in batch])
        connection.executemany("INSERT OR REPLACE INTO stale VALUES (?, ?)", [(week, turn) for week in touched])
        drop_unnamed_parts(connection, at=now)


def _as_part(new: NewFile) -> pl.DataFrame:
    return new.events.events.select(
        pl.lit(new.content.id).alias("content"), *[name for name in PART if name != "content"]
    )


def _insert(
    connection: sqlite3.Connection, new: NewFile, frame: pl.DataFrame, part: str | None, *, reading: str, turn: int
) -> None:
    first, last = frame.select(AT.min().alias("first"), AT.max().alias("last")).row(0)
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
        frame.height,
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
            old = pl.scan_parquet(root / row["part"]).filter(pl.col("content") == prefix).select(AT).collect()
            touched += weeks_of(old.to_series().drop_nulls())
        connection.execute("DELETE FROM files WHERE content = ?", (prefix,))
        connection.execute("DELETE FROM places WHERE content = ?", (prefix,))
    return touched


def _note_places(connection: sqlite3.Connection, found: Sequence[tuple[PlaceKey | None, str]]) -> None:
    rows = [(*key, content) for key, content in found if key is not None]
    connection.executemany(
        "INSERT OR REPLACE INTO places (path, size, mtime_ns, inode, ctime_ns, content) VALUES (?, ?, ?, ?, ?, ?)", rows
    )


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


def load_files(
    root: Path, files: Sequence[KnownFile], *, between: tuple[dt.datetime, dt.datetime] | None = None
) -> list[FileEvents]:
    """Read the events of files back, under the names they have now.

    Args:
        root: The store's folder.
        files: Which; names must differ.
        between: Only events in [start, end).
    """
    by_part: dict[str, list[str]] = {}
    for file in files:
        if file.part:
            by_part.setdefault(file.part, []).append(file.content)
    events: dict[str, pl.DataFrame] = {}
    for part, contents in by_part.items():
        lazy = pl.scan_parquet(root / part).filter(pl.col("content").is_in(contents))
        if between is not None:
            lazy = lazy.filter((between[0] <= AT) & (between[1] > AT))
        for (content,), own in lazy.collect().partition_by("content", as_dict=True, maintain_order=True).items():
            events[str(content)] = own.drop("content")
    nothing = pl.DataFrame(schema={name: dtype for name, dtype in PART.items() if name != "content"})
    return [
        FileEvents(
            source=Source(shown=file.shown, file=None),
            coverage=replace(file.account, path=file.shown),
            events=events.get(file.content, nothing),
            levels=file.levels,
        )
        for file in files
    ]
