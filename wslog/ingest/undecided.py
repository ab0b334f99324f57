"""Requests that may be failed handshakes, put aside until every file was read and all WebSocket paths are known.

There may be as many as there are failed requests of any kind, so they wait packed, and on disk where they are many:
the memory needed does not grow with traffic that is not about WebSockets. Lines of the usual shape wait unparsed.
"""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.errors import OutputError
from wslog.ingest.concern import ENDPOINT, IS_CANDIDATE, IS_LIFE, endpoints_of
from wslog.ingest.kinds.recognise import Reader
from wslog.ingest.lanes import Lanes

IN_MEMORY_BYTES: Final = 4 << 20
TOGETHER_LINES: Final = 8 << 10  # at least, to be parsed at once
_IS_UNDECIDED: Final = IS_CANDIDATE & ~IS_LIFE

Parse = Callable[[Reader, pl.DataFrame], pl.DataFrame]


class _Packed(Struct, frozen=True):
    """One frame in the file: its bytes, and for lines who can parse them."""

    n_bytes: int
    reader: Reader | None = None


class Undecided:
    """Frames of candidates, packed; several threads may put some aside.

    Args:
        parse: A reader and its lines (`file_no`, `line`, `text`) → their events.
        in_memory_bytes: Beyond that they are on disk.
    """

    def __init__(self, parse: Parse, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        self._parse = parse
        # A file without a name: nobody else can open it, and it is gone with the process.
        self._file = tempfile.SpooledTemporaryFile(max_size=in_memory_bytes)  # noqa: SIM115
        self._packed: list[_Packed] = []
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
        self._pack(candidates)
        return events.filter(~_IS_UNDECIDED)

    def put_lines_aside(self, lines: pl.DataFrame, reader: Reader) -> None:
        """Keep lines that the reader's parser calls refused.

        Args:
            lines: `file_no`, `line` and `text`.
            reader: Who can parse them.
        """
        refused = reader.parser.refused
        if refused is None:
            raise ValueError("only refused requests wait as lines")
        if lines.height:
            self._pack(lines.with_columns(pl.col("text").str.extract(refused.path, 1).alias("path")), reader)

    def siblings_of(self, sure: pl.DataFrame, lanes: Lanes) -> Iterator[pl.DataFrame]:
        """Yield the candidates on an endpoint of a sure WebSocket.

        Args:
            sure: Event columns; of those that are WebSockets the path counts.
            lanes: Who looks through them.
        """
        is_sibling = ENDPOINT.is_in(endpoints_of(sure).implode())

        def look(packed: tuple[Reader | None, bytes]) -> tuple[Reader | None, pl.DataFrame]:
            frame = pl.read_ipc(io.BytesIO(packed[1]))
            known = frame.select(pl.col("path").unique()).filter(is_sibling)["path"]  # many share one
            found = frame.filter(pl.col("path").is_in(known.implode()))
            # Text in memory of its own: views would keep all that waited.
            return packed[0], found.with_columns(pl.concat_str("text", pl.lit(""))) if packed[0] else found

        def parsed(found: tuple[Reader | None, pl.DataFrame]) -> pl.DataFrame:
            reader, frame = found
            return self._parse(reader, frame) if reader else frame

        yield from lanes.map(parsed, _gathered(lanes.map(look, self._unpacked())))

    def _unpacked(self) -> Iterator[tuple[Reader | None, bytes]]:
        self._file.seek(0)
        for packed in self._packed:
            yield packed.reader, self._file.read(packed.n_bytes)

    def _pack(self, frame: pl.DataFrame, reader: Reader | None = None) -> None:
        packed = io.BytesIO()
        frame.write_ipc(packed, compression="lz4")
        with self._lock:
            try:
                n_bytes = self._file.write(packed.getbuffer())
            except OSError as error:  # not the log's: what is half written would be read back as if it were whole
                raise OutputError(
                    f"no room for requests that must wait: {error.strerror or error}", where=tempfile.gettempdir(),
                    mend="Free some space there, or point TMPDIR elsewhere.",
                ) from error  # fmt: skip
            self._packed.append(_Packed(n_bytes, reader))


def _gathered(found: Iterable[tuple[Reader | None, pl.DataFrame]]) -> Iterator[tuple[Reader | None, pl.DataFrame]]:
    """Put the lines of each reader together by the thousands: what is few is as dear to parse as what is many."""
    lines: dict[int, tuple[Reader, list[pl.DataFrame]]] = {}
    for reader, frame in found:
        if reader is None:
            yield reader, frame
        elif frame.height:
            _, some = lines.setdefault(id(reader), (reader, []))
            some.append(frame)
            if sum(one.height for one in some) >= TOGETHER_LINES:
                yield reader, pl.concat(some)
                some.clear()
    yield from ((reader, pl.concat(some)) for reader, some in lines.values() if some)
