"""Where wide tables wait: in memory while there is room, else on disk, mapped, so that their pages can go at any time.

A row of an analysis is wide (texts, references, evidence), and what decides about it is narrow. So the rooms work on
wide tables some rows at a time and lay up what comes out: in memory at once are the narrow columns that are compared
across all rows, and one slice. Wherever a table waits, it holds the same.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

import polars as pl

from wslog.errors import OutputError

SLICE_ROWS: Final = 16_384
PIECE_BYTES: Final = 32 << 20  # what goes into one file, about


class Cellar:
    """Lays tables up. Closed, it takes away what is on disk; tables that are in use keep theirs until they go.

    Attributes:
        slice_rows: Rows that are worked on at a time.
    """

    def __init__(self, *, room_bytes: int | None = None, slice_rows: int = SLICE_ROWS) -> None:
        """Open a cellar.

        Args:
            room_bytes: What one table may take in memory; a larger one waits on disk. None: as much as it takes.
            slice_rows: Rows that are worked on at a time.
        """
        self.slice_rows = slice_rows
        self._room_bytes = room_bytes
        self._folder: Path | None = None
        self._n_files = 0

    def __enter__(self) -> Cellar:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def slices(self, table: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """Yield *table* some rows at a time, in order; one without rows as it is."""
        if table.is_empty():
            yield table
        else:
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
        held: list[pl.DataFrame] = []
        laid: list[pl.DataFrame] = []
        n_bytes, room_bytes = 0, self._room_bytes
        for part in parts:
            held.append(part)
            n_bytes += int(part.estimated_size())
            if n_bytes > room_bytes:
                laid.append(self._on_disk(pl.concat(held)))
                held, n_bytes, room_bytes = [], 0, min(room_bytes, PIECE_BYTES)
        if laid and held:
            held = [self._on_disk(pl.concat(held))]
        return pl.concat([*laid, *held])

    def _on_disk(self, table: pl.DataFrame) -> pl.DataFrame:
        """Write a table into a file of its own and map it."""
        if table.is_empty():
            return table
        import pyarrow as pa
        import pyarrow.ipc

        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="wslog-"))
            self._n_files += 1
            file = self._folder / f"{self._n_files}.arrow"
            table.write_ipc(file, compression="uncompressed")
        except OSError as error:
            raise OutputError(
                f"no room for what does not fit into memory: {error.strerror or error}",
                where=str(self._folder or tempfile.gettempdir()),
                mend="Free some space there, point TMPDIR elsewhere, or give more --memory.",
            ) from error
        with pa.memory_map(str(file)) as mapped:
            found = pl.from_arrow(pa.ipc.open_file(mapped).read_all(), rechunk=False)
        with contextlib.suppress(OSError):  # Windows keeps the name of what is mapped
            file.unlink()  # mapped, it lasts as long as it is used, and not even a killed process leaves it
        if not isinstance(found, pl.DataFrame):
            raise TypeError("a table came back as a column")
        return found


AS_IT_COMES: Final = Cellar()
"""A cellar that keeps everything in memory."""
