"""Blocks of whole, numbered lines out of a file of any compression, in bounded memory."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

import polars as pl

from wslog.ingest.compression import FEED_BYTES, DamagedError, compression_of, inflate_at_once, unpacked
from wslog.ingest.sources import Source

BLOCK_BYTES: Final = 4 << 20  # smaller ones cost time (some eighty calls of polars each), larger ones memory
HEAD_BYTES: Final = 256 << 10
MAX_LINE_BYTES: Final = 64 << 20  # no log line is this long; what follows in it is dropped
LINES: Final = {"line": pl.Int64(), "text": pl.String()}
BINARY_SHARE: Final = 0.05  # random bytes hold 10 % control characters, logs hardly any

_CONTROL: Final = bytes(byte for byte in range(32) if byte not in b"\t\n\r\x1b")
NOT_TEXT: Final = (
    (codecs.BOM_UTF16_LE, "UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`"),
    (codecs.BOM_UTF16_BE, "UTF-16 text: convert it with `iconv -f UTF-16 -t UTF-8`"),
    (b"PK\x03\x04", "a zip archive: unpack it first"),
    (b"PAR1", "a Parquet file"),
)


@dataclass(frozen=True, slots=True)
class Block:
    """Some consecutive lines (`line` Int64 from 1, `text` String) of one file.

    `bytes_read` counts the bytes on disk so far. `trouble` says what was lost at this place: nothing follows it.
    """

    lines: pl.DataFrame
    bytes_read: int
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file: its compression, its first uncompressed bytes, and why those are no text (or empty)."""

    compression: str
    data: bytes
    is_whole: bool
    not_text: str
    trouble: str


def read_head(source: Source, *, n_bytes: int = HEAD_BYTES) -> Head:
    """Return the first *n_bytes* of a file, uncompressed.

    Raises:
        OSError: If the file cannot be opened or read.
    """
    data = b""
    trouble = ""
    with source.open() as raw:
        first = raw.read(n_bytes)
        kind = compression_of(first)
        try:
            for chunk in unpacked(raw, kind, first):
                data += chunk
                if len(data) > n_bytes:
                    break
        except DamagedError as error:
            trouble = str(error)
    return head_of(data, n_bytes=n_bytes, compression=kind, trouble=trouble)


def head_of(data: bytes, *, n_bytes: int = HEAD_BYTES, compression: str = "", trouble: str = "") -> Head:
    """Return the head of a file of which at least the beginning, or all, is *data*."""
    beginning = data[:n_bytes]
    return Head(compression, beginning, len(data) <= n_bytes, _why_not_text(beginning), trouble)


def read_at_once(source: Source, *, limit: int) -> bytes | None:
    """Return all lines of a small file, each ended by a line feed; None where it must be read block by block.

    Args:
        source: A plain or a gzip file.
        limit: Uncompressed bytes at most.

    Raises:
        OSError: If the file cannot be opened or read.
    """
    if source.n_bytes > limit:
        return None
    with source.open() as raw:
        data: bytes | None = raw.read(limit + 1)
    if data and compression_of(data):
        data = inflate_at_once(data, limit=limit)
    if not data or len(data) > limit:
        return None
    data = data.removeprefix(codecs.BOM_UTF8)
    return data if data.endswith(b"\n") else data + b"\n"


def read_blocks(source: Source, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield a file's lines, split at line feeds only, with what was lost at the end.

    A byte order mark and the carriage return of CRLF are taken off; bytes that are no UTF-8 become U+FFFD.

    Raises:
        OSError: If the file cannot be opened; later failures end the blocks with their `trouble`.
    """
    first_line = 1
    bytes_read = 0
    with source.open() as raw:
        counted = _Counted(raw)
        for data, trouble in _whole_lines(counted, block_bytes):
            if first_line == 1:
                data = data.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901
            lines = _frame(data, first_line)
            bytes_read = counted.n_bytes
            yield Block(lines, bytes_read, trouble)
            first_line += lines.height


def content_chunks(source: Source) -> Iterator[bytes]:
    """Yield a file's uncompressed bytes, up to where they are damaged.

    Raises:
        OSError: If the file cannot be opened or read.
    """
    with source.open() as raw:
        first = raw.read(FEED_BYTES)
        try:
            yield from unpacked(raw, compression_of(first), first)
        except DamagedError:
            return


class _Counted:
    """A byte stream that knows how much of it was read."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.n_bytes = 0

    def read(self, size: int) -> bytes:
        data = self._raw.read(size)
        self.n_bytes += len(data)
        return data


def _whole_lines(raw: _Counted, block_bytes: int) -> Iterator[tuple[bytes, str]]:
    """Yield (whole lines, trouble)."""
    kept: list[bytes] = []
    n_kept = 0
    is_overlong = False
    trouble = ""
    first = raw.read(FEED_BYTES)
    try:
        for chunk in unpacked(raw, compression_of(first), first):
            cut = chunk.rfind(b"\n")
            if is_overlong and cut < 0:
                continue
            if is_overlong:
                chunk = chunk[chunk.find(b"\n") :]  # noqa: PLW2901
                cut = chunk.rfind(b"\n")
                is_overlong = False
            kept.append(chunk)
            n_kept += len(chunk)
            if cut >= 0 and n_kept >= block_bytes:
                tail = chunk[cut + 1 :]
                kept[-1] = chunk[: cut + 1]
                yield b"".join(kept), ""
                kept, n_kept = ([tail], len(tail)) if tail else ([], 0)
            elif n_kept >= max(MAX_LINE_BYTES, block_bytes):
                is_overlong = True
    except DamagedError as error:
        trouble = str(error)
    except OSError as error:
        trouble = f"reading stopped ({error.strerror or error})"
    rest = b"".join(kept)
    if rest or trouble:
        yield rest, trouble


def split_lines(data: bytes) -> pl.Series:
    """Return the lines of *data*, without line feeds and the carriage return before one.

    `read_lines` is marked unstable in polars: it is called only here.
    """
    try:
        return pl.read_lines(data).to_series()
    except pl.exceptions.ComputeError:  # not UTF-8 somewhere
        return pl.read_lines(data.decode("utf-8", "replace").encode()).to_series()


def _frame(data: bytes, first_line: int) -> pl.DataFrame:
    text = split_lines(data).alias("text")
    return pl.select(pl.int_range(first_line, first_line + len(text), dtype=pl.Int64).alias("line"), text)


def _why_not_text(data: bytes) -> str:
    if not data:
        return "empty"
    for magic, reason in NOT_TEXT:
        if data.startswith(magic):
            return reason
    if data[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    sample = data[: 64 << 10]
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return "binary data" if control > BINARY_SHARE * len(sample) else ""
