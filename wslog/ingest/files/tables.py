"""The rows of a text table with names in its first line: CSV and its like, as Athena, Splunk or Kibana export it."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

DELIMITERS: Final = ",\t;|"
MIN_COLUMNS: Final = 2
LONGEST_FIELD: Final = 4 << 20
_NAME: Final = re.compile(r"[@_$A-Za-z][\w .:@$/()\[\]-]{0,99}")
_LOOK: Final = 20  # rows

Line = tuple[int, str]  # where it stands, and its text
Row = tuple[int, "dict[str, str] | str"]


def delimiter_of(lines: Sequence[str]) -> str:
    """Return what divides the columns of a table with these first lines; empty: they are none.

    The first line holds different names, and the rows have as many fields, but for one that may be cut.
    """
    return next((mark for mark in DELIMITERS if _is_table(lines, mark)), "") if len(lines) > 1 else ""


def _is_table(lines: Sequence[str], delimiter: str) -> bool:
    try:
        names, *rows = list(_reader((f"{line}\n" for line in lines[:_LOOK]), delimiter))
    except (csv.Error, ValueError):
        return False
    if len(names) < MIN_COLUMNS or len(set(names)) < len(names) or not all(map(_NAME.fullmatch, names)):
        return False
    full = [row for row in rows if row]
    return bool(full) and sum(len(row) == len(names) for row in full) >= max(1, len(full) - 1)


def rows_of(lines: Iterable[Line], delimiter: str) -> Iterator[Row]:
    """Yield where rows begin and what they hold, keyed by the names in the first line; empty fields are left out.

    A row that does not fit (more fields, or a quote that never ends) comes as its text.

    Args:
        lines: Number and text of each.
        delimiter: What divides its columns.
    """
    feed = _Feed(lines)
    reader = _reader(feed, delimiter)
    names: list[str] = []
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = []
        number, text = feed.taken()
        if not names:
            names = row
        elif 0 < len(row) <= len(names):
            yield number, {name: value for name, value in zip(names, row, strict=False) if value}
        elif text.strip():
            yield number, text


def _reader(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_FIELD)  # the whole process's
    return csv.reader(lines, delimiter=delimiter)


class _Feed:
    """Lines for a CSV reader, and those that it took for a row."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = iter(lines)
        self._number = 0
        self._texts: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for number, text in self._lines:
            if not self._texts:
                self._number = number
            self._texts.append(text)
            yield f"{text}\n"

    def taken(self) -> Line:
        """Return the number of the first line since the last call, and the text of all."""
        text = "\n".join(self._texts)
        self._texts.clear()
        return self._number, text
