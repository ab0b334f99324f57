"""The regex of a `log_format`'s plain HTTP lines: status 2xx or 3xx, no upgrade asked for, a time that exists."""

from __future__ import annotations

import re
from typing import Final

from wslog.ingest.log_format import NUMBERS, TIME_VARIABLES, WORDS
from wslog.ingest.log_format_text import FormatText, Piece
from wslog.ingest.plain import EPOCH_TIME, ISO_TIME, LOCAL_TIME, plain_regex, printable_but

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
_NO_HANDSHAKE: Final = r"(?:[235]\d\d|40[1-9]|4[1-9]\d)"


def plain_lines(text: FormatText) -> str:
    """Return the regex for `LineParser.plain`, empty if the format's lines cannot be told apart so.

    Every value excludes the first character of the literal after it. So a line that matches is read by the full
    pattern of the format with the very same values.
    """
    names = {piece.text for piece in text.pieces if piece.is_variable}
    if "status" not in names or names.isdisjoint({*TIME_VARIABLES, "time"}):
        return ""
    parts: list[str] = []
    for index, piece in enumerate(text.pieces):
        following = text.pieces[index + 1] if index + 1 < len(text.pieces) else Piece("", is_variable=False)
        if not piece.is_variable:
            if not piece.text.isascii():
                return ""
            parts.append(re.escape(piece.text))
        elif following.is_variable:
            return ""
        elif piece.text == "status":
            parts.append(_NO_HANDSHAKE if "http_upgrade" in names else _WENT_WELL)
        else:
            parts.append(_value(piece.text, following.text[:1], escape=text.escape))
    return plain_regex("".join(parts) + "$")


def _value(name: str, after: str, *, escape: str) -> str:
    if name in _FIXED:
        return _FIXED[name]
    if NUMBERS.fullmatch(name):
        return "(?:[0-9.]+|-)?"
    escapes = "\\" if escape == "json" else ""
    one_entry = ' ",' if name.startswith("upstream_") else ""
    space = " " if WORDS.fullmatch(name) else ""
    return printable_but("".join(dict.fromkeys(after + escapes + one_entry + space))) + "*"
