"""Where wide tables wait: in memory while there is room, else on disk, mapped, so that their pages can go at any time.

A row of an analysis is wide (texts, references, evidence), and what decides about it is narrow. So the rooms work on
wide tables some rows at a time and lay up what comes out: in memory at once are the narrow columns that are compared
across all rows, and one slice. Wherever a table waits, it holds the same.
"""

from __future__ import annotations

import contextlib
import mmap
import shutil
import tempfile
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import polars as pl

from wslog.errors import OutputError
from wslog.schema import Frame

SLICE_ROWS: Final = 16_384
PIECE_BYTES: Final = 8 << 20  # what goes into one file, about
MAPPED_S: Final = 0.015  # how long, about, what was looked at on disk stays in memory
LINGERS_S: Final = 0.1  # the same of tables that outlive their cellar: a report is written, a notebook looks at them


class Cellar:
    """Lays tables up. Closed, it takes away what is on disk; tables that are in use keep theirs until they go.

    Attributes:
        slice_rows: Rows that are worked on at a time.
    """

    def __init__(
        self, *, room_bytes: int | None = None, slice_rows: int = SLICE_ROWS, is_asked_for: bool = True
    ) -> None:
        """Open a cellar.

        Args:
            room_bytes: What one table may take in memory; a larger one waits on disk. None: as much as it takes.
            slice_rows: Rows that are worked on at a time.
            is_asked_for: Somebody set the room: no disk for the rest is an error. If not, memory is taken for it.
        """
        self.slice_rows = slice_rows
        self._is_asked_for = is_asked_for
        self._has_disk = True
        self._room_bytes = room_bytes
        self._folder: Path | None = None
        self._n_files = 0
        self._pages: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()  # of the tables on disk that are in use
        self._lock = threading.Lock()
        self._is_closed = threading.Event()

    def __enter__(self) -> Cellar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._is_closed.set()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def slices(self, table: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield *table* some rows at a time, in order; one without rows as it is."""
        if table.is_empty():
            yield table
        yield from table.iter_slices(self.slice_rows)

    def lay_up(self, parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
        """Return one table of the rows of *parts*, in order.

        Args:
            parts: At least one, all with the same columns.

        Raises:
            OutputError: If there is no room on disk either.
        """
        if self._room_bytes is None:
            return pl.concat(parts)
        held: deque[pl.DataFrame] = deque()
        laid: list[pl.DataFrame] = []
        n_bytes, room_bytes = 0, self._room_bytes
        for part in parts:
            held.append(part)
            n_bytes += int(part.estimated_size())
            if n_bytes > room_bytes:
                laid += map(self._on_disk, _pieces(held))
                n_bytes, room_bytes = 0, min(room_bytes, PIECE_BYTES)
        if laid:
            laid += map(self._on_disk, _pieces(held))
        return pl.concat([*laid, *held])

    def shelf(self) -> Shelf:
        """Return a shelf for tables that come one after another."""
        return Shelf(self._on_disk, room_bytes=self._room_bytes, few_rows=self.slice_rows // 4)

    def _let_go(self) -> None:
        """Give back, time and again, the memory of what was looked at on disk: it is mapped again where it is needed.

        Time and again, as one look at a column of millions of rows maps hundreds of megabytes.
        """
        while self._give_back() or not self._is_closed.is_set():
            if self._is_closed.wait(MAPPED_S):
                time.sleep(LINGERS_S)

    def _give_back(self) -> bool:
        """Give it back once; return whether any table is in use."""
        with self._lock:
            in_use = tuple(self._pages)
        for pages in in_use:
            pages.madvise(mmap.MADV_DONTNEED)
        return bool(in_use)

    def _on_disk(self, table: pl.DataFrame) -> pl.DataFrame:
        """Write a table into a file of its own and map it."""
        if table.is_empty() or not self._has_disk:
            return table
        import pyarrow as pa
        import pyarrow.ipc

        try:
            file = self._written(table)
        except OSError as error:
            if not self._is_asked_for:
                self._has_disk = False
                return table
            raise OutputError(
                f"no room for what does not fit into memory: {error.strerror or error}",
                where=str(self._folder or tempfile.gettempdir()),
                mend="Free some space there, point TMPDIR elsewhere, or give more --memory.",
            ) from error
        with file.open("rb") as written:
            pages = mmap.mmap(written.fileno(), 0, access=mmap.ACCESS_READ)
        found = pl.from_arrow(pa.ipc.open_file(pa.BufferReader(pa.py_buffer(pages))).read_all(), rechunk=False)
        with contextlib.suppress(OSError):  # Windows keeps the name of what is mapped
            file.unlink()  # mapped, it lasts as long as it is used, and not even a killed process leaves it
        with self._lock:
            self._pages.add(pages)
        if not isinstance(found, pl.DataFrame):
            raise TypeError("a table came back as a column")
        return found

    def _written(self, table: pl.DataFrame) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="wslog-"))
            if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
                threading.Thread(target=self._let_go, daemon=True).start()
        self._n_files += 1
        file = self._folder / f"{self._n_files}.arrow"
        try:
            table.write_ipc(file, compression="uncompressed")
        except OSError:
            file.unlink(missing_ok=True)
            raise
        return file


class Shelf:
    """Tables of whatever columns that are put by one after another, by several threads at once if need be.

    Args:
        on_disk: What lays a table up.
        room_bytes: What all of them may take in memory. None: as much as they take.
        few_rows: Those that have less are put together when they are taken out.
    """

    def __init__(
        self, on_disk: Callable[[pl.DataFrame], pl.DataFrame], *, room_bytes: int | None, few_rows: int
    ) -> None:
        self._on_disk = on_disk
        self._room_bytes = room_bytes
        self._few_rows = few_rows
        self._held: dict[tuple[str, ...], deque[pl.DataFrame]] = {}
        self._laid: list[pl.DataFrame] = []
        self._n_bytes = 0
        self._lock = threading.Lock()

    def put(self, table: pl.DataFrame) -> None:
        """Put a table by.

        Raises:
            OutputError: If there is no room on disk either.
        """
        with self._lock:
            self._held.setdefault(tuple(table.columns), deque()).append(table)
            if self._room_bytes is not None:
                self._n_bytes += int(table.estimated_size())
                if self._n_bytes > self._room_bytes:
                    self._laid += [self._on_disk(piece) for alike in self._held.values() for piece in _pieces(alike)]
                    self._held, self._n_bytes = {}, 0
                    self._room_bytes = min(self._room_bytes, PIECE_BYTES)

    def taken(self) -> list[pl.DataFrame]:
        """Return all that was put by, and keep nothing; tables of few rows are put together where columns allow."""
        laid, held = self._laid, self._held
        self._laid, self._held, self._n_bytes = [], {}, 0
        return [*laid, *(table for alike in held.values() for table in _gathered(alike, self._few_rows))]


def _pieces(tables: deque[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield tables put together into pieces of some `PIECE_BYTES`; *tables* are taken out.

    To write a piece takes its room once more.
    """
    while tables:
        some, n_bytes = [], 0
        while tables and n_bytes < PIECE_BYTES:
            some.append(tables.popleft())
            n_bytes += int(some[-1].estimated_size())
        yield pl.concat(some)
        del some


def lying_between(table: Frame, places: pl.Series) -> tuple[Frame, pl.Series]:
    """Return the rows of *table* from the first to the last of some places, and the places among these.

    To gather texts, polars puts a whole column in one piece first: so it is given no more than it needs.

    Args:
        table: Any table.
        places: Row numbers of it, in any order; null: none.
    """
    known = places.drop_nulls().to_numpy()
    first, last = (int(known.min()), int(known.max())) if len(known) else (0, -1)
    return table.slice(first, last - first + 1), places - first


def _gathered(tables: deque[pl.DataFrame], few_rows: int) -> Iterator[pl.DataFrame]:
    """Yield tables of enough rows; *tables* are taken out: what nobody holds need not be in memory twice."""
    some: list[pl.DataFrame] = []
    while tables:
        some.append(tables.popleft())
        if not tables or sum(table.height for table in some) >= few_rows:
            yield pl.concat(some, rechunk=True)
            some = []


AS_IT_COMES: Final = Cellar()
"""A cellar that keeps everything in memory."""
