"""The pieces of a `log_format`: literals, variables and the escape mode, from however the user hands it over."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_ESCAPE: Final = re.compile(r"escape=(default|json|none)\s+")
_TOKEN: Final = re.compile(
    r"""\s+|\#[^\n]*|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|((?:[^\s;"'\\]|\\.)(?:[^\s;\\]|\\.)*)|;""", re.S
)
_BACKSLASHED: Final = {"\\": "\\", '"': '"', "'": "'", "t": "\t", "n": "\n", "r": "\r"}


class Piece(Struct, frozen=True):
    """A literal text, or the name of a variable without `$`."""

    text: str
    is_variable: bool


class FormatText(Struct, frozen=True):
    """A `log_format` taken apart. `name` is empty unless a whole directive was given."""

    name: str
    escape: str
    pieces: tuple[Piece, ...]

    @property
    def body(self) -> str:
        """The format as one text, `${name}` for variables."""
        return "".join(f"${{{piece.text}}}" if piece.is_variable else piece.text for piece in self.pieces)


def parse_format_text(text: str) -> FormatText:
    """Take a format apart.

    Args:
        text: A whole directive (`log_format name escape=json '…' '…';`), its quoted pieces (`'…' '…'`), or the bare
            joined text, the last two optionally after `escape=json `.
    """
    rest = text.strip().removeprefix("\ufeff")
    name = ""
    if re.match(r"log_format\s", rest):
        name, *pieces = _tokens(rest.removeprefix("log_format"))
        escape = "default"
        if pieces and (hit := _ESCAPE.fullmatch(pieces[0] + " ")):
            escape = hit[1]
            pieces = pieces[1:]
        return FormatText(name, escape, _split("".join(pieces)))
    escape = "default"
    if hit := _ESCAPE.match(rest):
        escape, rest = hit[1], rest[hit.end() :]
    if rest.startswith("'") and rest.rstrip("; \n").endswith("'"):
        rest = "".join(_tokens(rest))
    return FormatText(name, escape, _split(rest))


def _tokens(text: str) -> list[str]:
    """Return the words of one directive, quotes and backslashes undone, up to its `;`."""
    words: list[str] = []
    for hit in _TOKEN.finditer(text):
        if hit[0] == ";":
            break
        word = next((group for group in hit.groups() if group is not None), None)
        if word is not None:
            words.append(unquote(word))
    return words or [""]


def unquote(word: str) -> str:
    r"""Undo nginx.conf's backslashes: `\"`, `\'`, `\\`, `\t`, `\n`, `\r`; any other backslash stays."""
    return re.sub(r"\\(.)", lambda hit: _BACKSLASHED.get(hit[1], hit[0]), word, flags=re.S)


def _split(body: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    end = 0
    for hit in _VARIABLE.finditer(body):
        if hit.start() > end:
            pieces.append(Piece(body[end : hit.start()], is_variable=False))
        pieces.append(Piece(hit[1] or hit[2], is_variable=True))
        end = hit.end()
    if end < len(body):
        pieces.append(Piece(body[end:], is_variable=False))
    return tuple(pieces)
