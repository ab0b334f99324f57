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
FEED_BYTES: Final = 8 << 10  # compressed bytes at a time
ZSTD_FEED_BYTES: Final = 1 << 10  # its decoder gives all it can at once: up to 32 000 times what it was fed
CAREFUL_BYTES: Final = 64  # compressed bytes at a time near damage: what is lost before it is less than a line or two
XZ_MEMORY: Final = 256 << 20  # a stream may ask for 4 GB; `xz -9` asks for 65 MB
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

    def seek(self, offset: int, /) -> int:
        """Go to a place counted from the beginning."""


def compression_of(first: bytes) -> str:
    """Name the compression that a file's first bytes show, or return an empty text."""
    return next((name for magic, name in MAGIC if first.startswith(magic)), "")


class DamagedError(Exception):
    """Compressed data that ends early or breaks its own form."""


def unpacked(raw: Readable, kind: str, first: bytes, *, piece_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """Yield the uncompressed bytes in pieces of at most some 32 MB: archives of several members are one text.

    Args:
        raw: The file, of which *first* was read.
        kind: Its compression, or empty.
        first: Its beginning.
        piece_bytes: Of what is uncompressed, if its decoder can stop there.

    Raises:
        DamagedError: After all that stands before the damage; it says what is wrong.
    """
    if not kind:
        while first:
            yield first
            first = raw.read(CHUNK_BYTES)
        return
    given = 0
    try:
        for piece in _decoded(raw, first, decoder_of=_DECODERS[kind], feed=_feed(kind), piece_bytes=piece_bytes):
            given += len(piece)
            yield piece
    except DamagedError as error:
        if error.__cause__ is None:
            raise  # it only ends early: nothing is held back
        # A decoder keeps to itself what it made of a chunk before its error: once more, in small ones.
        raw.seek(0)
        decoder_of = _CAREFUL.get(kind, _DECODERS[kind])
        for piece in _decoded(raw, raw.read(CAREFUL_BYTES), decoder_of=decoder_of, feed=CAREFUL_BYTES):
            new = piece[given:]
            given = max(0, given - len(piece))
            if new:
                yield new


def _feed(kind: str) -> int:
    return GZIP_FEED_BYTES if kind == "gzip" else FEED_BYTES


def _decoded(
    raw: Readable, chunk: bytes, *, decoder_of: Callable[[], Any], feed: int, piece_bytes: int = CHUNK_BYTES
) -> Iterator[bytes]:
    decoder: Any = None
    while chunk:
        try:
            while chunk:
                if decoder is None:
                    chunk = chunk.lstrip(b"\0")  # padding between members is allowed
                    if not chunk:
                        break
                    decoder = decoder_of()
                yield from _drained(decoder, chunk, piece_bytes)
                chunk = decoder.unused_data if decoder.eof else b""
                decoder = None if decoder.eof else decoder
        except (_inflater().error, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as error:
            raise DamagedError(_named(str(error))) from error
        chunk = raw.read(feed)
    if decoder is not None:
        raise DamagedError("compressed data ends early")


def _named(error: str) -> str:
    """Say what a decoder's error means for the text."""
    if "emory usage limit" in error:
        return f"compressed data asks for more than {XZ_MEMORY >> 20} MB of memory: not read"
    if "incorrect data check" in error or "incorrect length check" in error:
        return "compressed data is damaged: its checksum does not match, so some of these lines may be wrong"
    return "compressed data is damaged: the rest is not read"


def inflate_at_once(data: bytes, *, limit: int) -> bytes | None:
    """Return the text of a small gzip file of one member, inflated in one call: half the time of small steps.

    Args:
        data: The whole file.
        limit: Bytes of text at most.

    Returns:
        None where the careful way is needed: several members, damage, too large, or no gzip file.
    """
    n_bytes = int.from_bytes(data[-4:], "little")  # RFC 1952, 2.3.1: the size modulo 2^32
    if not data.startswith(GZIP_MEMBER) or n_bytes > limit:
        return None
    inflater = _inflater()
    decoder = inflater.decompressobj(wbits=31)
    try:
        text: bytes = decoder.decompress(data, n_bytes + 1)  # never more, whatever the size in the file says
    except (inflater.error, ValueError):
        return None
    return text if decoder.eof and not decoder.unused_data and len(text) == n_bytes else None


@lru_cache(maxsize=1)
def _inflater() -> Any:
    """Return ISA-L's zlib, three times as fast, where `wslog[fast]` installed it; else the standard library's."""
    try:
        return importlib.import_module("isal.isal_zlib")
    except ImportError:
        return zlib


def _drained(decoder: Any, chunk: bytes, piece_bytes: int) -> Iterator[bytes]:
    """Yield what *chunk* grows to, in pieces of bounded size where the decoder can do that."""
    if hasattr(decoder, "unconsumed_tail"):  # zlib
        while True:
            out = decoder.decompress(chunk, piece_bytes)
            yield out
            chunk = decoder.unconsumed_tail
            if decoder.eof or (not chunk and len(out) < piece_bytes):
                return
    elif hasattr(decoder, "needs_input"):  # bz2, lzma
        yield decoder.decompress(chunk, piece_bytes)
        while not decoder.eof and not decoder.needs_input:
            yield decoder.decompress(b"", piece_bytes)
    else:
        for start in range(0, len(chunk), ZSTD_FEED_BYTES):
            yield decoder.decompress(chunk[start : start + ZSTD_FEED_BYTES])
            if decoder.eof:
                decoder.left_over = chunk[start + ZSTD_FEED_BYTES :]
                return


def _zstd() -> Any:
    zstandard: Any = importlib.import_module("zstandard")  # only for the files that need it
    return _Zstd(zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError)


class _Zstd:
    """The zstd decoder with errors that the others raise too."""

    def __init__(self, decoder: Any, error: type[Exception]) -> None:
        self._decoder = decoder
        self._error = error
        self.left_over = b""

    @property
    def eof(self) -> bool:
        return bool(self._decoder.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._decoder.unused_data) + self.left_over

    def decompress(self, chunk: bytes) -> bytes:
        try:
            return bytes(self._decoder.decompress(chunk))
        except self._error as error:
            raise ValueError(str(error)) from error


_DECODERS: Final[dict[str, Callable[[], Any]]] = {
    "gzip": lambda: _inflater().decompressobj(wbits=31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY),
    "zstd": _zstd,
}
# Told apart by their errors: ISA-L has one word for all.
_CAREFUL: Final[dict[str, Callable[[], Any]]] = {"gzip": lambda: zlib.decompressobj(wbits=31)}
