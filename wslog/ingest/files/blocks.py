"""Blocks of whole, numbered lines out of a file of any compression, in bounded memory."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Final

import polars as pl
from msgspec import Struct

from wslog.ingest.files.compression import FEED_BYTES, DamagedError, compression_of, inflate_at_once, unpacked
from wslog.ingest.files.not_text import why_not_text
from wslog.ingest.files.sources import Source
from wslog.ingest.files.wide import encoding_of, narrowed

BLOCK_BYTES: Final = 4 << 20  # smaller ones cost time (some eighty calls of polars each), larger ones memory
HEAD_BYTES: Final = 256 << 10
MAX_LINE_BYTES: Final = 4 << 20  # no log line is this long: it is rejected, and the rest of it never kept
LINES: Final = {"line": pl.Int64(), "text": pl.String()}
SHOWN: Final = 200  # characters of a line that is too long
TRIED_BYTES: Final = 16 << 10  # decoded at a time to find what is no UTF-8
MENDED_BYTES: Final = 1 << 10  # mended at a time
BLANK_LINES: Final = 256  # so many in a row are counted without being made lines

_LIKE_PACKED: Final = (b"\x1f\x8b", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda", b"\x28\xb5\x2f\xfd")
_BLANK_STEP: Final = BLANK_LINES // 4  # even, so that it meets but one of CR and LF
_MET_BLANK: Final = (b"\n" * 4, b"\r" * 4)
_BLANK_RUN: Final = re.compile(rb"(?<=\n)(?:\n{%d,}|(?:\r\n){%d,65535})" % (BLANK_LINES - 1, BLANK_LINES - 1))


class Block(Struct, frozen=True):
    """Some consecutive lines of one file.

    Attributes:
        lines: `line` (Int64 from 1) and `text` (String); without those that are too long, and without the blank ones
            where there are masses of them.
        n_lines: How many lines they are in all.
        bytes_read: Bytes on disk so far.
        trouble: What was lost at this place: nothing follows it.
        too_long: `line` and the beginning of the `text` of lines beyond `MAX_LINE_BYTES`.
    """

    lines: pl.DataFrame
    n_lines: int
    bytes_read: int
    trouble: str = ""
    too_long: tuple[tuple[int, str], ...] = ()


class Head(Struct, frozen=True):
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
            for chunk in narrowed(unpacked(raw, kind, first, piece_bytes=n_bytes + 1)):
                data += chunk
                if len(data) > n_bytes:
                    break
        except DamagedError as error:
            trouble = str(error)
    return head_of(data, n_bytes=n_bytes, compression=kind, trouble=trouble)


def head_of(data: bytes, *, n_bytes: int = HEAD_BYTES, compression: str = "", trouble: str = "") -> Head:
    """Return the head of a file of which at least the beginning, or all, is *data*."""
    beginning = data[:n_bytes]
    return Head(compression, beginning, len(data) <= n_bytes, why_not_text(beginning), trouble)


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
        data: bytes | None = raw.read(source.n_bytes + 1)  # no more: so much memory is taken whatever is there
    if data and len(data) > source.n_bytes:
        return None  # it grows
    if data and compression_of(data):
        data = inflate_at_once(data, limit=limit)
    if not data or len(data) > limit or _has_too_long(data) or encoding_of(data):
        return None
    data = data.removeprefix(codecs.BOM_UTF8)
    return data if data.endswith(b"\n") else data + b"\n"


def _has_too_long(data: bytes) -> bool:
    end = 0
    while end + MAX_LINE_BYTES < len(data):
        last = data.rfind(b"\n", end, end + MAX_LINE_BYTES + 1)
        if last < 0:
            return True
        end = last + 1
    return False


def read_blocks(source: Source, *, block_bytes: int = BLOCK_BYTES) -> Iterator[Block]:
    """Yield a file's lines, split at line feeds only, with what was lost at the end.

    A byte order mark and the carriage return of CRLF are taken off; bytes that are no UTF-8 become U+FFFD.

    Raises:
        OSError: If the file cannot be opened; later failures end the blocks with their `trouble`.
    """
    first_line = 1
    joined: Callable[[Iterable[bytes]], bytes] = b"".join
    with source.open() as raw:
        counted = _Counted(raw)
        for pieces, trouble in _whole_lines(counted, block_bytes):
            try:
                block = _block(joined(pieces), first_line, counted.n_bytes, trouble)
            except pl.exceptions.ComputeError:  # no UTF-8; to find that out is dear, so the rest is not tried
                joined = mended
                block = _block(joined(pieces), first_line, counted.n_bytes, trouble)
            yield block
            first_line += block.n_lines


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

    def seek(self, offset: int) -> int:
        self.n_bytes = offset
        return self._raw.seek(offset)


def _whole_lines(raw: _Counted, block_bytes: int) -> Iterator[tuple[list[bytes], str]]:
    """Yield (the pieces of whole lines, trouble)."""
    kept: list[bytes] = []
    n_kept = n_open = 0  # bytes; the second: since the last line feed
    trouble = ""
    first = raw.read(FEED_BYTES)
    try:
        for chunk in narrowed(unpacked(raw, compression_of(first), first)):
            if n_open > MAX_LINE_BYTES:  # what is kept of this line is enough to tell that it is too long
                end = chunk.find(b"\n")
                if end < 0:
                    continue
                chunk = chunk[end:]  # noqa: PLW2901
            cut = chunk.rfind(b"\n")
            n_open = len(chunk) - cut - 1 if cut >= 0 else n_open + len(chunk)
            kept.append(chunk)
            n_kept += len(chunk)
            if cut >= 0 and n_kept >= block_bytes:
                tail = chunk[cut + 1 :]
                kept[-1] = chunk[: cut + 1]
                yield kept, ""
                kept, n_kept = ([tail], len(tail)) if tail else ([], 0)
    except DamagedError as error:
        trouble = str(error)
    except OSError as error:
        trouble = f"reading stopped ({error.strerror or error})"
    if kept or trouble:
        yield kept, trouble


def split_lines(data: bytes) -> pl.Series:
    """Return the lines of *data*, without line feeds and the carriage return before one.

    `read_lines` is marked unstable in polars: it is called only here.

    Raises:
        ComputeError: If *data* is no UTF-8.
    """
    if data.startswith(_LIKE_PACKED):  # polars would inflate it
        return pl.read_lines(b"\n" + data).to_series()[1:]
    return pl.read_lines(data).to_series()


def mended(pieces: Iterable[bytes]) -> bytes:
    """Return the pieces of a text joined, with U+FFFD for what is no UTF-8."""
    return b"".join(_mended(pieces))


def _mended(pieces: Iterable[bytes]) -> Iterator[bytes | memoryview]:
    """Yield what is UTF-8 as it is: strict decoding finds it, which is cheap; to replace what is not is dear."""
    rest = b""  # of a character that the next piece ends
    for piece in pieces:
        text = memoryview(rest + piece)
        end = at = 0  # of what is yielded, of what is good
        while at < len(text):
            try:
                n_good = codecs.utf_8_decode(text[at : at + TRIED_BYTES], "strict", False)[1]
            except UnicodeDecodeError as error:
                at += error.start
                yield text[end:at]
                replaced, n_bytes = codecs.utf_8_decode(text[at : at + MENDED_BYTES], "replace", False)
                yield replaced.encode()
                end = at = at + n_bytes
            else:
                if not n_good:
                    break
                at += n_good
        yield text[end:at]
        rest = bytes(text[at:])
    yield rest.decode("utf-8", "replace").encode()


def _block(data: bytes, first_line: int, bytes_read: int, trouble: str) -> Block:
    if first_line == 1:
        data = data.removeprefix(codecs.BOM_UTF8)
    steps = data[::_BLANK_STEP]  # a tenth of the time that a search for the runs themselves takes
    if any(run in steps for run in _MET_BLANK):
        lines, n_lines = _without_blank(data, first_line)
    else:
        lines = _numbered(data, first_line)
        n_lines = lines.height
    if not _has_too_long(data):
        return Block(lines, n_lines, bytes_read, trouble)
    is_too_long = pl.col("text").str.len_bytes() > MAX_LINE_BYTES
    too_long = tuple(lines.filter(is_too_long).select("line", pl.col("text").str.slice(0, SHOWN)).iter_rows())
    return Block(lines.filter(~is_too_long) if too_long else lines, n_lines, bytes_read, trouble, too_long)


def _without_blank(data: bytes, first_line: int) -> tuple[pl.DataFrame, int]:
    """Return the lines without long runs of blank ones, and the number of all: masses of line feeds are counted."""
    parts: list[bytes] = []
    starts: list[int] = []
    line, end = first_line, 0
    for run in _BLANK_RUN.finditer(data):  # each begins after a line feed
        parts.append(data[end : run.start()])
        starts.append(line)
        line += parts[-1].count(b"\n") + run[0].count(b"\n")
        end = run.end()
    parts.append(data[end:])
    starts.append(line)
    heights = [part.count(b"\n") for part in parts]
    heights[-1] += bool(parts[-1]) and not parts[-1].endswith(b"\n")
    ranges = pl.DataFrame({"start": starts, "height": heights}).filter(pl.col("height") > 0)
    lines = ranges.select(pl.int_ranges("start", pl.col("start") + pl.col("height")).explode().alias("line"))
    text = _numbered(b"".join(parts), 1)["text"]
    return lines.with_columns(text), line + heights[-1] - first_line


def _numbered(data: bytes, first_line: int) -> pl.DataFrame:
    text = split_lines(data).alias("text") if data else pl.Series("text", [], pl.String)
    return pl.select(pl.int_range(first_line, first_line + len(text), dtype=pl.Int64).alias("line"), text)
