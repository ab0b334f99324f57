"""Lines of `key=value` pairs as records: logfmt, as Go, Ruby and Grafana's tools write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

MIN_PAIRS: Final = 3
MOSTLY: Final = 0.8  # of the lines of a file hold so many
_PAIR: Final = re.compile(r'(?:^|(?<=\s))([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|[^\s"]*)')


def is_logfmt(lines: Sequence[str]) -> bool:
    """Tell whether most lines hold several pairs."""
    return sum(len(_PAIR.findall(line)) >= MIN_PAIRS for line in lines) >= MOSTLY * len(lines)


def pairs_of(line: str) -> dict[str, str]:
    """Return the pairs of a line, quotes and backslashes undone; the first of a name counts."""
    found: dict[str, str] = {}
    for name, value in _PAIR.findall(line):
        found.setdefault(name, _plain(value))
    return found


def _plain(value: str) -> str:
    if not value.startswith('"'):
        return value
    try:
        return str(json.loads(value, strict=False))
    except ValueError:
        return value[1:-1]


def records_of(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Yield each line's number and its pairs; a line without any as it is."""
    for number, line in lines:
        yield number, pairs_of(line) or line
