"""How a line of evidence is written: where it stands in which file, what it says, and what it weighs.

`nginx/error.log:42: upstream timed out (+18 dB)`: the place and the weight may be missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

# A burst's evidence begins with its moment, which looks like a line number and is none.
_REF: Final = re.compile(r"(?!(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d )(\S.*?:\d+)(?::? |$)")
_WEIGHT: Final = re.compile(r" \(([+-]\d+ dB)\)$")


class EvidenceLine(NamedTuple):
    """One line of evidence in its parts; all are untrusted text.

    Attributes:
        ref: `file:line` at its beginning; empty: it names none.
        said: All of it but the weight.
        weight: In decibel (`+18 dB`); empty: it has none.
    """

    ref: str
    said: str
    weight: str


def read_evidence(line: str) -> EvidenceLine:
    """Take a line of evidence apart."""
    ref, weight = _REF.match(line), _WEIGHT.search(line)
    return EvidenceLine(ref[1] if ref else "", line[: weight.start()] if weight else line, weight[1] if weight else "")


def first_ref(lines: Iterable[str]) -> str:
    """Return the `file:line` of the first line of evidence that has one; empty: none does."""
    return next((ref for ref in (read_evidence(line).ref for line in lines) if ref), "")
