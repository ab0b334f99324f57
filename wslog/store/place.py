"""The store's folder: files appear in it whole and on disk, named by content, or not at all."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Literal

import polars as pl

from wslog.errors import StoreError

LEDGER: Final = "ledger.sqlite3"
EVENTS: Final = "events"
CONNECTIONS: Final = "connections"
OUTCOMES: Final = "outcomes"
GROUP_ROWS: Final = 65_536  # written and read at a time
ORPHAN_AGE: Final = dt.timedelta(days=1)
_MEND_PART: Final = "Restore the store from a backup, or start a new one from the logs."
_MEND_ROOM: Final = "Check that you may write there and that the disk has room; no week of the store has changed."


def write_parquet(root: Path, folder: str, frame: pl.DataFrame, *, compression: Literal["zstd", "lz4"] = "zstd") -> str:
    """Write a table as `folder/<hash>.parquet`; the same table twice is one file.

    Args:
        root: The store's folder.
        folder: Of it.
        frame: The table.
        compression: `zstd` for what is kept long, `lz4` for what is read often: it takes a third of the time.

    Returns:
        The file's name relative to *root*, with forward slashes.
    """
    with _temporary(root / folder) as temporary:
        with temporary.open("wb") as file:  # polars takes no path that is no UTF-8
            frame.write_parquet(file, compression=compression, statistics=True, row_group_size=GROUP_ROWS)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=12))
        name = f"{folder}/{digest.hexdigest()}.parquet"
        _put(temporary, root / name)
    return name


@contextlib.contextmanager
def reading(root: Path, name: str) -> Iterator[pl.LazyFrame]:
    """Give a table that the ledger names, to be collected inside.

    Raises:
        StoreError: If it is gone or damaged.
    """
    try:
        yield pl.scan_parquet(root / name)
    except (FileNotFoundError, pl.exceptions.ComputeError) as error:
        what = "is missing" if isinstance(error, FileNotFoundError) else "is damaged"
        raise StoreError(f"a file that the store counts on {what}", where=str(root / name), mend=_MEND_PART) from error


def write_whole(target: Path, data: bytes) -> None:
    """Write a file so that whoever looks sees all of it or nothing, even after a power cut.

    Raises:
        StoreError: If the file system does not let it be written.
    """
    with _temporary(target.parent) as temporary:
        temporary.write_bytes(data)
        _put(temporary, target)


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """Give a file of its own in a folder, to be put in its place inside; if that fails, nothing is left of it.

    Raises:
        StoreError: If the file system does not take it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Not tempfile: its files are for their owner alone, and others may be meant to read the store.
    temporary = folder / f".tmp-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        yield temporary
    except OSError as error:
        raise StoreError(error.strerror or "cannot be written", where=str(folder), mend=_MEND_ROOM) from error
    except pl.exceptions.ComputeError as error:
        if "os error" not in str(error):
            raise
        raise StoreError("cannot be written", where=str(folder), mend=_MEND_ROOM) from error
    finally:
        temporary.unlink(missing_ok=True)


def _put(temporary: Path, target: Path) -> None:
    """Have all of a file on the disk, and give it its name."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(target)
    _flush_folder(target.parent)
    os.utime(target)  # a file found again counts as new, so that no other writer takes it for forgotten


def _flush_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open folders, and needs no flush of them
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_orphans(root: Path, named: Iterable[str], *, now: dt.datetime) -> int:
    """Remove files that the ledger has not named for a day: left behind by a killed writer, or replaced.

    A day is how long a reader may take, and how long a writer may be busy before it names what it wrote.
    """
    kept = set(named)
    removed = 0
    for folder in (EVENTS, CONNECTIONS, OUTCOMES):
        for file in (root / folder).rglob("*"):
            if not file.is_file() or file.relative_to(root).as_posix() in kept:
                continue
            if now.timestamp() - file.stat().st_mtime > ORPHAN_AGE.total_seconds():
                file.unlink(missing_ok=True)
                removed += 1
    return removed
