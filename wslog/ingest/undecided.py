"""Requests that may be failed handshakes, put aside until every file was read and all WebSocket paths are known.

There may be as many as there are failed requests of any kind, so they wait packed, and on disk where they are many:
the memory needed does not grow with traffic that is not about WebSockets.
"""

from __future__ import annotations

import io
import tempfile
import threading
from types import TracebackType
from typing import Final

import polars as pl

from wslog.ingest.concern import ENDPOINT, IS_CANDIDATE, IS_LIFE

IN_MEMORY_BYTES: Final = 16 << 20
_IS_UNDECIDED: Final = IS_CANDIDATE & ~IS_LIFE.fill_null(value=False)


class Undecided:
    """Frames of candidates, packed; several threads may put some aside."""

    def __init__(self, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        # A file without a name: nobody else can open it, and it is gone with the process.
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory_bytes)  # noqa: SIM115
        self._sizes: list[int] = []
        self._lock = threading.Lock()

    def __enter__(self) -> Undecided:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()

    def put_aside(self, events: pl.DataFrame) -> pl.DataFrame:
        """Keep the candidates among *events*; return the others, which are of concern whatever the files hold."""
        candidates = events.filter(_IS_UNDECIDED)
        if candidates.is_empty():
            return events
        packed = io.BytesIO()
        candidates.write_ipc(packed, compression="lz4")
        with self._lock:
            self._sizes.append(self._file.write(packed.getbuffer()))
        return events.filter(~_IS_UNDECIDED)

    def siblings_of(self, sure: pl.DataFrame) -> list[pl.DataFrame]:
        """Return the candidates on an endpoint of a sure WebSocket.

        Args:
            sure: Event columns; of those that are WebSockets the path counts.
        """
        is_known = pl.col("is_websocket").fill_null(value=False) & pl.col("path").is_not_null()
        endpoints = sure.filter(is_known).select(ENDPOINT.unique()).to_series().implode()
        self._file.seek(0)
        packed = (self._file.read(size) for size in self._sizes)
        return [pl.read_ipc(io.BytesIO(data)).filter(ENDPOINT.is_in(endpoints)) for data in packed]
