"""UTF-16 text as UTF-8: what a Windows PowerShell's `>` and some spreadsheets write."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

LOOK: Final = 64 << 10
_SHARE: Final = 0.9  # of every second byte is zero in UTF-16, of the others nearly none
_MARKED_SHARE: Final = 0.3  # a byte order mark, two bytes that may be anything, and some zeros
_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def encoding_of(first: bytes) -> str:
    """Name the UTF-16 that a text's beginning shows, by its byte order mark and its zeros; empty: it is none."""
    sample = first[: LOOK - LOOK % 2]
    if b"\0" not in sample:
        return ""
    is_marked = sample.startswith(_MARKS)
    for name, zeros, others in (
        ("utf-16-le", sample[1::2], sample[::2]),
        ("utf-16-be", sample[::2], sample[1::2]),
    ):
        is_wide = zeros.count(0) > (_MARKED_SHARE if is_marked else _SHARE) * len(zeros)
        if is_wide and others.count(0) < (1 - _SHARE) * len(others):
            return "utf-16" if is_marked else name
    return ""


def narrowed(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a text's bytes, those of UTF-16 as UTF-8; what is no character becomes U+FFFD."""
    rest = filter(None, chunks)
    first = next(rest, b"")
    encoding = encoding_of(first)
    if not encoding:
        yield from chain([first] if first else [], rest)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    for chunk in chain([first], rest):
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()
