"""Regexes of a `log_format`'s lines that need no parsing: plain HTTP requests, and refused ones, which may wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from wslog.ingest.format import Refused
from wslog.ingest.nginx.log_format import NUMBER, NUMBERS, TIME_VARIABLES, WORDS, follows_list, is_number_list
from wslog.ingest.nginx.log_format_text import FormatText, Piece
from wslog.ingest.values.line_regex import EPOCH_TIME, ISO_TIME, LOCAL_TIME, OTHER_METHODS, ascii_regex, printable_but

_NOT_ASKED: Final = "-?"
_FIXED: Final = {
    "msec": EPOCH_TIME,
    "time_iso8601": ISO_TIME,
    "time_local": LOCAL_TIME,
    "time": f"(?:{EPOCH_TIME}|{ISO_TIME}|{LOCAL_TIME})",
    "is_args": r"\??",
    "http_upgrade": _NOT_ASKED,
    "sent_http_upgrade": _NOT_ASKED,
    "upstream_http_upgrade": _NOT_ASKED,
    "http_sec_websocket_key": _NOT_ASKED,
    "http_sec_websocket_version": _NOT_ASKED,
}
_WENT_WELL: Final = r"[23]\d\d"
# With `$http_upgrade` logged as absent, only 400 and 000 may be a handshake: nginx had not read the header.
_NO_HANDSHAKE_STATUS: Final = r"(?:[235]\d\d|40[1-9]|4[1-9]\d)"
# A request line that needs no unescaping and holds nothing that may end it; its path ends before the query.
_ENDS: Final = frozenset("\"'|]}")
_METHOD: Final = f"(?:GET|{OTHER_METHODS}) "
_SAFE: Final = r"[!#-&(->@-Z^-z]"  # printable but quotes, backslash, brackets, bars, braces, ? and space
_TARGET: Final = rf"/(?:{_SAFE}|\?)*"
_PATH: Final = rf"(/{_SAFE}*)"
_VERSION: Final = r" HTTP/[0-9]\.[0-9]"
_FAILED: Final = r"[45]\d\d"


def plain_lines(text: FormatText, *, is_json: bool = False) -> str:
    """Return the regex for `LineParser.plain`, empty if the format's lines cannot be told apart so.

    Every value excludes the first character of the literal after it. So a line that matches is read by the full
    pattern of the format with the very same values.

    Args:
        text: The format.
        is_json: Lines that do not match the format are read as JSON. So a second clock beside `$msec`, which is read
            first, may say anything; checking it costs a sixth of the speed.
    """
    special = {"status": _NO_HANDSHAKE_STATUS if "http_upgrade" in _names(text) else _WENT_WELL}
    if is_json and "msec" in _names(text):
        quoted = [name for name in ("time_iso8601", "time_local") if f'"${{{name}}}"' in text.body]
        special |= dict.fromkeys(quoted, printable_but('"\\') + "*")
    parts = _parts(text, special)
    return ascii_regex("".join(parts) + "$") if parts else ""


def refused_lines(text: FormatText) -> Refused | None:
    """Return what `LineParser.refused` needs, None if the format has no `$request` that quotes or bars end."""
    after = [b.text[:1] for a, b in pairwise(text.pieces) if a.is_variable and a.text == "request"]
    if len(after) != 1 or after[0] not in _ENDS:
        return None
    parts = _parts(text, {"status": _FAILED, "request": f"{_METHOD}{_TARGET}{_VERSION}"})
    before = _parts(text, {"request": f"{_METHOD}{_PATH}"}, until="request")
    return Refused(line=ascii_regex("".join(parts) + "$"), path=ascii_regex("".join(before))) if parts else None


def _names(text: FormatText) -> set[str]:
    return {piece.text for piece in text.pieces if piece.is_variable}


def _parts(text: FormatText, special: Mapping[str, str], *, until: str = "") -> list[str]:
    """Return the regexes of a line's pieces, those of *special* variables as given; none if it cannot be read so."""
    names = _names(text)
    if "status" not in names or names.isdisjoint({*TIME_VARIABLES, "time"}):
        return []
    parts: list[str] = []
    for index, piece in enumerate(text.pieces):
        following = text.pieces[index + 1] if index + 1 < len(text.pieces) else Piece("", is_variable=False)
        if not piece.is_variable:
            if not piece.text.isascii():
                return []
            parts.append(re.escape(piece.text))
        elif following.is_variable:
            return []
        elif piece.text in special:
            parts.append(special[piece.text])
        else:
            not_first = ":" if follows_list(text.pieces, index) else ""
            parts.append(_value(piece.text, following.text[:1], escape=text.escape, not_first=not_first))
        if piece.is_variable and piece.text == until:
            break
    return parts


def _value(name: str, after: str, *, escape: str, not_first: str) -> str:
    if name in _FIXED:
        return _FIXED[name]
    if NUMBERS.fullmatch(name) or is_number_list(name):
        return NUMBER
    escapes = "\\" if escape == "json" else ""
    one_entry = ' ",' if name.startswith("upstream_") else ""
    space = " " if WORDS.fullmatch(name) else ""
    excluded = after + escapes + one_entry + space
    return (printable_but(excluded + not_first) if not_first else "") + printable_but(excluded) + "*"
