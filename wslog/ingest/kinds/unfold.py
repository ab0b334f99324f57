"""Records, one a line, out of what holds them otherwise: JSON documents, batches, services' exports, tables, logfmt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

import msgspec
import polars as pl
from msgspec import Struct

from wslog.ingest.files.blocks import LINES, MAX_LINE_BYTES, SHOWN, Block, Head, read_blocks
from wslog.ingest.files.documents import values_in
from wslog.ingest.files.logfmt import is_logfmt, records_of
from wslog.ingest.files.sources import Source
from wslog.ingest.files.tables import Row, delimiter_of, rows_of
from wslog.ingest.kinds.carried import with_line
from wslog.ingest.kinds.exports import records_of_service
from wslog.ingest.values.json_values import load

TOGETHER: Final = 4_096  # rows
LONGEST_SAMPLED: Final = 64 << 10  # characters
COUNTED: Final = "numbers count its records, not lines"
_MOSTLY: Final = 0.5  # of an object's text is in the list that it is there for
_DEEPEST: Final = 4
# What is said of a batch as a whole and holds for each of its records.
_SHARED: Final = frozenset(("sessionid", "userid", "clientid", "useragent", "clientip", "ip", "ipaddress", "hostname"))


ReadRows = Callable[[Iterable[tuple[int, str]]], Iterator[Row]]


class Unfolded(Struct, frozen=True, kw_only=True):
    """A file's records.

    Attributes:
        what: What holds them.
        sample: The first of them, as lines.
        blocks: All of them, as lines.
    """

    what: str
    sample: list[str]
    blocks: Callable[[], Iterable[Block]]


def unfold(source: Source, head: Head) -> Unfolded | None:
    """Return what a file holds whose lines are no log's; None: nothing that could be taken apart.

    Raises:
        NotADocument: If it could be, but for its size.
        OSError: If it cannot be read.
    """
    text = head.data.decode("utf-8-sig", "replace")
    lines = text.split("\n")
    if not head.is_whole and len(lines) > 1:
        lines.pop()
    full = [line.rstrip("\r") for line in lines if line.strip()]
    if not full:
        return None
    if full[0].lstrip()[:1] in {"[", "{"}:
        return _of_lines(source, full) if len(full) > 1 and _is_json(full[0]) else _of_document(source)
    delimiter = delimiter_of(full)
    if delimiter:
        return _of_rows(source, full, partial(rows_of, delimiter=delimiter), "a table")
    return _of_rows(source, full, records_of, "logfmt") if is_logfmt(full) else None


def _is_json(line: str) -> bool:
    try:
        load(line)
    except ValueError:
        return False
    return True


class _Unfolder:
    """Turns JSON values into texts of records; what a service delivered twice is given once.

    Attributes:
        service: Whose export it is, as far as that was seen.
    """

    def __init__(self) -> None:
        self.service = ""
        self._met: set[int] = set()

    def texts(self, value: object) -> Iterator[str]:
        """Yield the records of a value; at least one text, which may be blank."""
        some = False
        for record in self._records(value):
            some = True
            if isinstance(record, str):
                yield from record.removesuffix("\n").split("\n")
            else:
                yield msgspec.json.encode(record).decode()
        if not some:
            yield ""

    def _records(self, value: object, depth: int = 0) -> Iterator[object]:
        if isinstance(value, list) and depth <= _DEEPEST:
            row = _row_of(value)
            yield from [row] if row else (record for item in value for record in self._records(item, depth + 1))
        elif isinstance(value, dict) and depth <= _DEEPEST:
            yield from self._of_object(value, depth)
        elif value is not None:
            yield value

    def _of_object(self, whole: dict[str, Any], depth: int) -> Iterator[object]:
        found = records_of_service(whole)
        if found:
            self.service, records = found
            yield from filter(self._is_new, map(with_line, records))
            return
        inside = _list_inside(whole)
        if inside is None:
            yield with_line(whole)
            return
        about = {key: value for key, value in whole.items() if _plain(key) in _SHARED and isinstance(value, str | int)}
        for item in inside:
            yield from self._records({**about, **item} if isinstance(item, dict) else item, depth + 1)

    def _is_new(self, record: dict[str, Any]) -> bool:
        key = hash(msgspec.json.encode(record))
        is_new = key not in self._met or "timestamp" not in record
        self._met.add(key)
        return is_new


def _plain(key: str) -> str:
    return key.replace("_", "").replace("-", "").lower()


def _row_of(value: list[Any]) -> dict[str, Any] | None:
    """Return a row that stands as a list: `{field, value}` pairs (Logs Insights), or a time and a line (Loki)."""
    if value and all(isinstance(item, dict) and {"field", "value"} <= item.keys() <= _PAIR for item in value):
        return {str(item["field"]).lstrip("@"): item["value"] for item in value}
    if 2 <= len(value) <= 3 and all(isinstance(item, str) for item in value[:2]) and value[0].isdecimal():
        return {"timestamp": value[0], "line": value[1]}
    return None


_PAIR: Final = frozenset({"field", "value", "id"})


def _list_inside(whole: dict[str, Any]) -> list[Any] | None:
    """Return the list of objects that an object is there for: most of its text is in it."""
    found = list(_lists(whole))
    if not found:
        return None
    sizes = [len(msgspec.json.encode(items)) for items in found]
    largest = max(sizes)
    return found[sizes.index(largest)] if largest > _MOSTLY * len(msgspec.json.encode(whole)) else None


def _lists(whole: dict[str, Any], depth: int = 0) -> Iterator[list[Any]]:
    for value in whole.values():
        if isinstance(value, list) and value and isinstance(value[0], dict | list):
            yield value
        elif isinstance(value, dict) and depth < _DEEPEST:
            yield from _lists(value, depth + 1)


def _framed(rows: Iterable[tuple[int, str]]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=LINES, orient="row")


def _of_document(source: Source) -> Unfolded:
    unfolder = _Unfolder()
    texts = (text for value in values_in(source) for text in unfolder.texts(value))
    beginning = list(islice(texts, TOGETHER))  # the rest is taken apart only if this is somebody's

    def blocks() -> Iterator[Block]:
        n, some = 0, beginning
        while some:
            yield _numbered(some, n, Block(_framed([]), 0, source.n_bytes))
            n += len(some)
            some = list(islice(texts, TOGETHER))

    what = f"{unfolder.service or 'a JSON document'} ({COUNTED})"
    return Unfolded(what=what, sample=_sample(beginning), blocks=blocks)


def _of_lines(source: Source, full: Sequence[str]) -> Unfolded:
    unfolder = _Unfolder()
    sample = _sample(text for line in full for text in _texts_of_line(unfolder, line))

    def blocks() -> Iterator[Block]:
        unfolder, n = _Unfolder(), 0
        for block in read_blocks(source):
            texts = [text for _, line in block.lines.iter_rows() for text in _texts_of_line(unfolder, line)]
            numbered = _numbered(texts, n, block)
            yield numbered
            n += numbered.n_lines

    what = f"{unfolder.service or 'batches of records'} ({COUNTED})"
    return Unfolded(what=what, sample=sample, blocks=blocks)


def _sample(texts: Iterable[str]) -> list[str]:
    return [text for text in texts if text and len(text) <= LONGEST_SAMPLED]


def _numbered(texts: Sequence[str], before: int, read: Block) -> Block:
    """Return records, numbered from *before* on, with the account of what they were read from."""
    is_long = [len(text) > MAX_LINE_BYTES for text in texts]
    lines = [(n, text) for n, (text, long) in enumerate(zip(texts, is_long, strict=True), before + 1) if not long]
    longest = [(n, text[:SHOWN]) for n, (text, long) in enumerate(zip(texts, is_long, strict=True), before + 1) if long]
    # Lines that were too long as they stood come last.
    after = before + len(texts)
    too_long = (*longest, *((after + nth, text) for nth, (_, text) in enumerate(read.too_long, 1)))
    return Block(_framed(lines), len(texts) + len(read.too_long), read.bytes_read, read.trouble, too_long)


def _texts_of_line(unfolder: _Unfolder, line: str) -> Iterator[str]:
    try:
        value = load(line)
    except ValueError:
        yield line
        return
    yield from unfolder.texts(value)


def _of_rows(source: Source, full: Sequence[str], read: ReadRows, what: str) -> Unfolded:
    sample = _sample(text for _, text in _rows(read(enumerate(full, 1))))
    return Unfolded(what=what, sample=sample, blocks=partial(_row_blocks, source, read))


def _rows(rows: Iterable[Row]) -> Iterator[tuple[int, str]]:
    for number, row in rows:
        yield number, row if isinstance(row, str) else msgspec.json.encode(with_line(row)).decode()


def _row_blocks(source: Source, read: ReadRows) -> Iterator[Block]:
    taken = [Block(_framed([]), 0, 0)]

    def lines() -> Iterator[tuple[int, str]]:
        for block in read_blocks(source):
            taken.append(block)
            yield from block.lines.iter_rows()

    rows = _rows(read(lines()))
    while some := list(islice(rows, TOGETHER)):
        yield _with(some, taken)
    yield _with([], taken)


def _with(rows: Sequence[tuple[int, str]], read: list[Block]) -> Block:
    """Return rows with the account of the blocks that they came from; those are taken."""
    too_long = tuple(item for block in read for item in block.too_long)
    n_lines, last = sum(block.n_lines for block in read), read[-1]
    read[:] = [Block(_framed([]), 0, last.bytes_read)]
    return Block(_framed(rows), n_lines, last.bytes_read, last.trouble, too_long)
