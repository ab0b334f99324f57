"""Which files have not changed since they were read, so that they need not be opened: the ledger's places."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence

from wslog.ingest.files.sources import Source

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
    if not path.isascii():
        path = os.fsencode(path).decode("utf-8", "backslashreplace")  # a name may be in no encoding; SQLite's texts are
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
        self._keys: dict[Source, PlaceKey | None] = {}
        self._known: dict[PlaceKey, tuple[str, str, bool]] = {tuple(row)[:5]: tuple(row)[5:] for row in rows}

    def key_of(self, source: Source) -> PlaceKey | None:
        """Return `place_key` of a file as it was when it was first asked for: before it was read."""
        if source not in self._keys:
            self._keys[source] = place_key(source)
        return self._keys[source]

    def content_of(self, source: Source, reading: str) -> str | None:
        """Return the content of a file, if it would be read now as it was then."""
        key = self.key_of(source)
        known = self._known.get(key) if key is not None else None
        return known[0] if known is not None and known[1] == reading else None

    def is_log(self, source: Source) -> bool:
        """Return whether a file is known to have had events: it is a log and no configuration."""
        key = self.key_of(source)
        known = self._known.get(key) if key is not None else None
        return known is not None and bool(known[2])


def note_places(connection: sqlite3.Connection, found: Sequence[tuple[PlaceKey | None, str]]) -> None:
    """Keep where contents are; inside `writing`."""
    rows = [(*key, content) for key, content in found if key is not None]
    connection.executemany(
        "INSERT OR REPLACE INTO places (path, size, mtime_ns, inode, ctime_ns, content) VALUES (?, ?, ?, ?, ?, ?)", rows
    )
