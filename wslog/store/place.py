"""The store's folder: files appear in it whole and on disk, named by content, or not at all."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import io
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
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression=compression, statistics=True)
    data = buffer.getvalue()
    name = f"{folder}/{hashlib.blake2b(data, digest_size=12).hexdigest()}.parquet"
    write_whole(root / name, data)
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
    target.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile: its files are for their owner alone, and others may be meant to read the store.
    temporary = target.with_name(f".tmp-{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StoreError(error.strerror or "cannot be written", where=str(target.parent), mend=_MEND_ROOM) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
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
