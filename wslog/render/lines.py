"""Lines of a terminal: how many columns text takes, text fitted to some, and sentences wrapped between words."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from typing import Final

from wslog.render.escape import plain, shortened

UNIT: Final = re.compile(r"(?<=\d) (?=(?:%|s|h|min|ms|UTC|000)(?!\w))")
"""The space between a number and its unit, or within `1 000`: no line ends there."""
_JOINT: Final = "\ue000"  # of the private use area: `plain` lets none of these through


def columns_of(text: str) -> int:
    """Return how many columns text takes: letters of East Asia and emoji take two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.category(letter) in ("Mn", "Me") for letter in text)


def fitted(text: str, columns: int) -> str:
    """Return text in exactly that many columns: its middle given up for dots, or blanks after it."""
    room = columns
    while columns_of(shown := shortened(text, room)) > columns:
        room -= 1
    return shown + " " * (columns - columns_of(shown))


def wrapped(text: str, width: int, *, first: str = "", rest: str | None = None) -> list[str]:
    """Return a sentence as lines that end between words, never between a number and its unit.

    Args:
        text: Untrusted text; it is made plain.
        width: Columns of a line.
        first: What the first line begins with.
        rest: What the others begin with; None: as many blanks.
    """
    joined = UNIT.sub(_JOINT, plain(text))
    indent = " " * len(first) if rest is None else rest
    lines = textwrap.wrap(joined, width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False)
    return [line.replace(_JOINT, " ") for line in lines] or [first]
