"""Text from logs made harmless for the place where it is shown: terminal, Markdown, spreadsheet.

HTML has no function here: the page template escapes everything by itself. Log text can be written by anyone who can
open a connection, so it may hold terminal commands, right-to-left overrides, table pipes and spreadsheet formulas.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

# C0 and C1 controls (ANSI starts with ESC or U+009B), line separators, and what reorders or hides text: bidi controls
# (Unicode UAX 9; CVE-2021-42574), zero-width characters, invisible "tag" letters, interlinear marks, lone surrogates.
_HIDDEN_RANGES: Final = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x61C, 0x61C),
    (0x180E, 0x180E),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0xFEFF, 0xFEFF),
    (0xFFF9, 0xFFFB),
    (0xD800, 0xDFFF),
    (0xE0000, 0xE007F),
)
_NAMED: Final = {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}


def _visible(code: int) -> str:
    if code in _NAMED:
        return _NAMED[code]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


HIDDEN: Final[Mapping[int, str]] = {
    code: _visible(code) for first, last in _HIDDEN_RANGES for code in range(first, last + 1)
}
"""Every character that is never shown as it is, by code point, with what is shown in its place."""

_HIDDEN_IN_JSON: Final = re.compile(
    "[{}]".format("".join(f"{chr(a)}-{chr(b)}" for a, b in _HIDDEN_RANGES if a >= 0x7F))
)

# The wide forms count too: spreadsheets of East Asian locales take them for the narrow ones.
CSV_RISK: Final = r"^(\s*[=+\-@＝＋－＠|%])"  # noqa: RUF001
"""What a spreadsheet may take for a formula; in a form that `re` and polars both understand."""

# An underscore between letters is one (CommonMark 6.2); anywhere else it may be emphasis.
_MARKDOWN_SPECIAL: Final = re.compile(r"([\\`*{}\[\]<>|~#!&$]|(?<![^\W_])_|_(?![^\W_]))")
_MARKDOWN_LINE_START: Final = re.compile(r"^(\s*)(?:([-+=])(?=[-=\s]|$)|(\d{1,9})([.)])(?=\s|$))")


def plain(text: str) -> str:
    r"""Return *text* on one line, with every control or reordering character written out (`\x1b`, `\u202e`)."""
    return text.translate(HIDDEN)


def plain_block(text: str) -> str:
    """Return *text* like `plain`, but keep its line breaks: for configuration to paste."""
    return "\n".join(plain(line) for line in text.replace("\r\n", "\n").split("\n"))


def json_escaped(text: str) -> str:
    """Return a JSON text that says the same with no control or reordering character in it: JSON's own escapes."""
    return _HIDDEN_IN_JSON.sub(lambda found: json.dumps(found[0])[1:-1], text)


def markdown(text: str) -> str:
    """Return *text* so that Markdown shows it letter by letter, in a paragraph, a list item or a table cell."""
    escaped = _MARKDOWN_SPECIAL.sub(r"\\\1", plain(text))
    return _MARKDOWN_LINE_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[2] else f"{m[1]}{m[3]}\\{m[4]}", escaped)


def markdown_code(text: str, *, in_table: bool = False) -> str:
    """Return *text* as a Markdown code span: no markup, no links and no `@mentions` inside.

    Args:
        text: Untrusted text.
        in_table: Also escape the pipe, which ends a table cell even inside a code span (GFM 4.10).
    """
    shown = plain(text)
    if not shown.strip():
        return ""
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    if in_table:
        shown = shown.replace("|", "\\|")
    return f"{fence}{pad}{shown}{pad}{fence}"


def shortened(text: str, room: int) -> str:
    """Return *text* in at most *room* letters, its middle given up for dots: both ends tell names apart."""
    if len(text) <= room:
        return text
    head = (room - 1) // 3 if "." in text else (room - 1) // 2
    return f"{text[:head]}…{text[len(text) - (room - 1 - head) :]}" if room > 1 else "…"[:room]
