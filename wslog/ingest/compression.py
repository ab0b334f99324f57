"""Uncompressed bytes out of gzip, zstd, bzip2 and xz, in pieces of bounded size or, for small gzip files, in one go."""

from __future__ import annotations

import bz2
import importlib
import lzma
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Final, Protocol

CHUNK_BYTES: Final = 1 << 20
FEED_BYTES: Final = 8 << 10  # compressed bytes at a time: a zstd frame may grow 30 000-fold
GZIP_FEED_BYTES: Final = 256 << 10  # zlib stops at `CHUNK_BYTES` of output by itself
GZIP_MEMBER: Final = b"\x1f\x8b\x08"
# (first bytes, name); https://www.rfc-editor.org/rfc/rfc1952, rfc8878 (frame and skippable frame), bzip2, .xz format
MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    *((bytes([0x50 + n]) + b"\x2a\x4d\x18", "zstd") for n in range(16)),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
)


class Readable(Protocol):
    """A byte stream."""

    def read(self, size: int, /) -> bytes:
        """Return up to *size* bytes, none at the end."""


def compression_of(first: bytes) -> str:
    """Name the compression that a file's first bytes show, or return an empty text."""
    return next((name for magic, name in MAGIC if first.startswith(magic)), "")


class DamagedError(Exception):
    """Compressed data that ends early or breaks its own form."""


def unpacked(raw: Readable, kind: str, first: bytes) -> Iterator[bytes]:
    """Yield the uncompressed bytes: archives of several members or frames are one text."""
    if not kind:
        while first:
            yield first
            first = raw.read(CHUNK_BYTES)
        return
    decoder: Any = None
    chunk = first
    feed = GZIP_FEED_BYTES if kind == "gzip" else FEED_BYTES
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
        except (_inflater().error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise DamagedError("compressed data is damaged: the rest is not read") from error
        chunk = raw.read(feed)
    if decoder is not None:
        raise DamagedError("compressed data ends early")


def inflate_at_once(data: bytes, *, limit: int) -> bytes | None:
    """Return the text of a small gzip file of one member, inflated in one call: half the time of small steps.

    Args:
        data: The whole file.
        limit: Bytes of text at most.

    Returns:
        None where the careful way is needed: several members, damage, too large, or no gzip file.
    """
    n_bytes = int.from_bytes(data[-4:], "little")  # RFC 1952, 2.3.1: the size modulo 2^32
    if not data.startswith(GZIP_MEMBER) or data.find(GZIP_MEMBER, 1) >= 0 or n_bytes > limit:
        return None
    inflater = _inflater()
    try:
        text: bytes = inflater.decompress(data, 31, n_bytes + 1)
    except (inflater.error, ValueError):
        return None
    return text if len(text) == n_bytes else None


@lru_cache(maxsize=1)
def _inflater() -> Any:
    """Return ISA-L's zlib, three times as fast, where `wslog[fast]` installed it; else the standard library's."""
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return zlib


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
    "gzip": lambda: _inflater().decompressobj(wbits=31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ),
    "zstd": _zstd,
}
