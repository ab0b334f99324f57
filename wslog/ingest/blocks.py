"""Blocks of whole, numbered lines out of a file of any compression, in bounded memory."""

from __future__ import annotations

import bz2
import codecs
import importlib
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any, Final

import polars as pl

from wslog.ingest.sources import Source

BLOCK_BYTES: Final = 8 << 20
HEAD_BYTES: Final = 256 << 10
CHUNK_BYTES: Final = 1 << 20
FEED_BYTES: Final = 8 << 10  # compressed bytes at a time: a zstd frame may grow 30 000-fold
MAX_LINE_BYTES: Final = 64 << 20  # no log line is this long; what follows in it is dropped
LINES: Final = {"line": pl.Int64(), "text": pl.String()}
BINARY_SHARE: Final = 0.05  # random bytes hold 10 % control characters, logs hardly any

# (first bytes, name); https://www.rfc-editor.org/rfc/rfc1952, rfc8878 (frame and skippable frame), bzip2, .xz format
MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    *((bytes([0x50 + n]) + b"\x2a\x4d\x18", "zstd") for n in range(16)),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)
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


def read_head(source: Source) -> Head:
    """Return the first `HEAD_BYTES` of a file, uncompressed.

    Raises:
        OSError: If the file cannot be opened or read.
    """
    data = b""
    trouble = ""
    is_whole = True
    with source.open() as raw:
        first = raw.read(CHUNK_BYTES if source.n_bytes > CHUNK_BYTES else HEAD_BYTES)
        kind = compression_of(first)
        try:
            for chunk in _unpacked(raw, kind, first):
                data += chunk
                if len(data) > HEAD_BYTES:
                    is_whole = False
                    break
        except _DamagedError as error:
            trouble = str(error)
    data = data[:HEAD_BYTES]
    return Head(kind, data, is_whole, _why_not_text(data), trouble)


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
            yield from _unpacked(raw, compression_of(first), first)
        except _DamagedError:
            return


def compression_of(first: bytes) -> str:
    """Name the compression that a file's first bytes show, or return an empty text."""
    return next((name for magic, name in MAGIC if first.startswith(magic)), "")


class _DamagedError(Exception):
    """Compressed data that ends early or breaks its own form."""


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
        for chunk in _unpacked(raw, compression_of(first), first):
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
    except _DamagedError as error:
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


def _unpacked(raw: _Counted | IO[bytes], kind: str, first: bytes) -> Iterator[bytes]:
    """Yield the uncompressed bytes: archives of several members or frames are one text."""
    if not kind:
        while first:
            yield first
            first = raw.read(CHUNK_BYTES)
        return
    decoder: Any = None
    chunk = first
    while chunk:
        try:
            while chunk:
                if decoder is None:
                    chunk = chunk.lstrip(b"\0")  # padding between members is allowed
                    if not chunk:
                        break
                    decoder = _DECODERS[kind]()
                yield from _drained(decoder, chunk)
                chunk = decoder.unused_data if decoder.eof else b""
                decoder = None if decoder.eof else decoder
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise _DamagedError("compressed data is damaged: the rest is not read") from error
        chunk = raw.read(FEED_BYTES)
    if decoder is not None:
        raise _DamagedError("compressed data ends early")


def _drained(decoder: Any, chunk: bytes) -> Iterator[bytes]:
    """Yield what *chunk* grows to, in pieces of bounded size where the decoder can do that."""
    if hasattr(decoder, "unconsumed_tail"):  # zlib
        while True:
            out = decoder.decompress(chunk, CHUNK_BYTES)
            yield out
            chunk = decoder.unconsumed_tail
            if decoder.eof or (not chunk and len(out) < CHUNK_BYTES):
                return
    elif hasattr(decoder, "needs_input"):  # bz2, lzma
        yield decoder.decompress(chunk, CHUNK_BYTES)
        while not decoder.eof and not decoder.needs_input:
            yield decoder.decompress(b"", CHUNK_BYTES)
    else:
        yield decoder.decompress(chunk)


def _zstd() -> Any:
    zstandard: Any = importlib.import_module("zstandard")  # only for the files that need it
    return _Zstd(zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError)


class _Zstd:
    """The zstd decoder with errors that the others raise too."""

    def __init__(self, decoder: Any, error: type[Exception]) -> None:
        self._decoder = decoder
        self._error = error

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data)

    def decompress(self, chunk: bytes) -> bytes:
        try:
            return bytes(self._decoder.decompress(chunk))
        except self._error as error:
            raise ValueError(str(error)) from error


_DECODERS: Final[dict[str, Callable[[], Any]]] = {
    "gzip": lambda: zlib.decompressobj(wbits=31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ),
    "zstd": _zstd,
}


def _why_not_text(data: bytes) -> str:
    if not data:
        return "empty"
    for magic, reason in NOT_TEXT:
        if data.startswith(magic):
            return reason
    if data[257:262] == b"ustar":
        return "a tar archive: unpack it first"
    sample = data[: 64 << 10]
    control = sum(sample.count(byte) for byte in range(32) if byte not in b"\t\n\r\x1b")
    return "binary data" if control > BINARY_SHARE * len(sample) else ""
