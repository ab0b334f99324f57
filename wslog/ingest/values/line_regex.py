"""Parts of regexes that prove what a line is: each can be read in one way only.

The formats build two kinds of regex from them: of lines that need no parsing, or not yet (`LineParser.plain` and
`.refused`, looked at by `ingest.sift`), and of clean lines, which are cut at fixed places instead of captured. Only
ASCII classes: a line with other characters goes the exact way, and the automaton stays small.
"""

from __future__ import annotations

from typing import Final


def _month_day(separator: str) -> str:
    """Return the regex of a month and a day that exist in every year; 29 February goes the exact way."""
    return (
        rf"(?:(?:0[1-9]|1[0-2]){separator}(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2]){separator}(?:29|30)"
        rf"|(?:0[13578]|1[02]){separator}31)"
    )


# One field of the line, by what it cannot contain. Each excludes what follows it, so there is one way to read a line.
WORD: Final = "[!#-~]+"
QUOTED: Final = '"[ !#-~]*"'
# Methods by which no WebSocket can be asked for (RFC 6455, 4.1: GET; RFC 8441: CONNECT), so their failure is none.
OTHER_METHODS: Final = "POST|PUT|DELETE|PATCH|HEAD|OPTIONS"

_CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_OFFSET: Final = r"[+-](?:0\d|1[0-4])"
_YEAR: Final = r"20\d\d"
_DAY_MONTH: Final = (
    r"(?:(?:0[1-9]|1\d|2[0-8])/(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"|(?:29|30)/(?:Jan|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)|31/(?:Jan|Mar|May|Jul|Aug|Oct|Dec))"
)
UTC_TIME: Final = rf"{_YEAR}-{_month_day('-')}T{_CLOCK}\.\d{{6}}Z"
ISO_TIME: Final = rf"{_YEAR}-{_month_day('-')}T{_CLOCK}(?:\.\d{{3,6}})?(?:Z|{_OFFSET}:[0-5]\d)"
LOCAL_TIME: Final = rf"{_DAY_MONTH}/{_YEAR}:{_CLOCK} {_OFFSET}[0-5]\d"
ERROR_LOG_TIME: Final = rf"{_YEAR}/{_month_day('/')} {_CLOCK}"
EPOCH_TIME: Final = r"[1-3]\d{9}\.\d{3}"


def ascii_regex(pattern: str) -> str:
    """Return the regex of a whole line, or of its beginning, in ASCII mode; *pattern* is anchored at the start."""
    return f"(?-u)^{pattern}"


def printable_but(excluded: str) -> str:
    """Return the class of printable ASCII without some characters."""
    return "[" + "".join(f"\\x{code:02x}" for code in range(0x20, 0x7F) if chr(code) not in excluded) + "]"


def words_but(word: str, excluded: str, *, not_first: str = "") -> str:
    """Return the regex of words with single spaces between them, none of them *word*.

    Rust's engine has no look-ahead, so *word* is excluded letter by letter.

    Args:
        word: Letters.
        excluded: Characters that no word holds.
        not_first: Characters that no word begins with.
    """
    inside = printable_but(" " + excluded)
    other = f"{inside}+"  # what may follow the whole of *word*
    for nth, letter in reversed(list(enumerate(word))):
        rest = other if nth == len(word) - 1 else f"(?:{other})?"
        others = printable_but(" " + excluded + letter + ("" if nth else not_first))
        other = f"{others}{inside}*|{letter}{rest}"
    return f"(?:{other})(?: (?:{other}))*"
