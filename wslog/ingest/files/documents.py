"""The JSON values of a text that is not one record a line: an array, one large object, or values one after another."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from wslog.ingest.files.blocks import content_chunks
from wslog.ingest.files.sources import Source
from wslog.ingest.files.wide import narrowed

MAX_BYTES: Final = 64 << 20  # of a document: it is read as a whole, and its values take several times as much
MAX_COMMAS: Final = 6_000_000  # so many values take half a gigabyte, however short they are
_BETWEEN: Final = re.compile(r"[\s,\x1e]*")  # \x1e begins a record of a JSON text sequence (RFC 7464)
_DEEPEST: Final = 200  # deeper is no log, and Python's reader would end in a crash of its own
_OPENING: Final = re.compile(rb"[\[{]{%d}" % _DEEPEST)


class NotADocument(Exception):  # noqa: N818 - it says what the text is
    """The text cannot be read as JSON values; the message says why."""


def values_in(source: Source) -> Iterator[object]:
    """Yield the JSON values of a file, up to where its compressed data is damaged.

    Raises:
        NotADocument: If it is too large.
        OSError: If it cannot be opened or read.
    """
    data = bytearray()
    for chunk in narrowed(content_chunks(source)):
        data += chunk
        if len(data) > MAX_BYTES:
            break
    yield from values_of(bytes(data).removeprefix(codecs.BOM_UTF8))


def values_of(data: bytes) -> Iterator[object]:
    """Yield the JSON values of a text, those of an outermost array one by one.

    A value that is damaged ends them: what stands before it is kept, and what follows comes as one text.

    Raises:
        NotADocument: If it is too large.
    """
    if len(data) > MAX_BYTES:
        raise NotADocument(f"a JSON document of more than {MAX_BYTES >> 20} MB: write one record a line (`jq -c`)")
    if data.count(b",") > MAX_COMMAS or _OPENING.search(data):
        raise NotADocument("a JSON document of too many values: write one record a line (`jq -c`)")
    try:
        if data.lstrip()[:1] == b"[":
            yield from map(msgspec.json.decode, msgspec.json.decode(data, type=list[msgspec.Raw]))
        else:
            yield msgspec.json.decode(data)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        yield from _one_by_one(data.decode("utf-8", "replace"))


def _one_by_one(text: str) -> Iterator[object]:
    """Yield values that follow one another, with or without commas and line feeds; an array's bracket is passed."""
    read = json.JSONDecoder(strict=False).raw_decode
    at = _after_bracket(text)
    while at < len(text):
        if text[at] == "]" and not text[at + 1 :].strip():
            return
        try:
            value, at = read(text, at)
        except (ValueError, RecursionError):
            yield text[at:]
            return
        yield value
        at = _past(text, at)


def _past(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _after_bracket(text: str) -> int:
    at = _past(text, 0)
    return _past(text, at + 1) if text[at : at + 1] == "[" else at
