"""A compiled nginx `log_format`: the raw text of each of its variables, from a column of lines.

Source: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format and ngx_http_log_module.c (escaping).
The regex runs in polars (Rust's engine: no look-around, no repeated group names).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.errors import OptionError
from wslog.ingest.nginx.log_format_text import FormatText, Piece, parse_format_text
from wslog.ingest.rejects import REJECTED_TEXT, REJECTS

NUMBER: Final = r"(?:[0-9.]+|-)?"
NUMBERS: Final = re.compile(
    "status|(?:body_)?bytes_sent|request_(?:length|time)|msec|connection(?:_requests|_time)?|pid|gzip_ratio|"
    "(?:remote|realip_remote|server|proxy|proxy_protocol)_port|tcpinfo_[a-z_]+"
)
_NUMBER_LISTS: Final = re.compile("upstream_(?:status|bytes_sent|bytes_received|[a-z_]+_(?:time|length))")
FIXED: Final = {
    "time_local": (r"\d{2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2} [+-]\d{4}", r"[\w/:+ -]{0,26}"),
    "time_iso8601": (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})", r"[\w:+.-]{0,35}"),
    "is_args": (r"\??", r"\??"),
}
# One word each when nothing encloses them; `$uri` is decoded and may hold spaces, so it is not among them.
WORDS: Final = re.compile(
    "(?:realip_)?remote_addr|(?:http_)?host|hostname|server_(?:name|addr|protocol)|scheme|request_(?:method|id|completion)|"
    "req_id"
)
# Variables that bring their own separator: the first cannot hold what the second begins with.
SELF_SEPARATED: Final = frozenset(
    [(host, uri) for host in ("host", "http_host", "server_name", "proxy_host") for uri in ("request_uri", "uri")]
    + [("uri", "is_args"), ("document_uri", "is_args"), ("is_args", "args"), ("is_args", "query_string")]
)
UNKNOWN: Final = "unknown_"  # how names begin of what a guessed layout holds and nobody can name
TIME_VARIABLES: Final = frozenset({"msec", "time_local", "time_iso8601"})
LONGEST_TORN_LITERAL: Final = 40


class CompiledFormat(Struct, frozen=True):
    """A `log_format` made ready to match lines.

    Attributes:
        text: Its pieces and escape mode.
        variables: Names without `$`, each once, in order.
        pattern: The regex of a whole line, with one named group a variable.
        torn: Regexes of a line cut after its second, third … variable.
    """

    text: FormatText
    variables: tuple[str, ...]
    pattern: str
    torn: tuple[str, ...]

    @property
    def anchor(self) -> str:
        """A variable whose group takes part in every match, so null means: no match."""
        return self.variables[-1]

    @property
    def has_time(self) -> bool:
        """Whether any variable tells when the line was made."""
        return not TIME_VARIABLES.isdisjoint(self.variables)

    def matches(self, text: pl.Series) -> int:
        """Count the lines that match as a whole."""
        return int(text.str.contains(self.pattern).sum())

    def extract(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Return `line` and one String column a variable, escapes decoded; unmatched lines are left out.

        Args:
            lines: `line` (Int64) and `text` (String).
        """
        groups = lines.select("line", pl.col("text").str.extract_groups(self.pattern).alias("groups")).unnest("groups")
        frame = groups.filter(pl.col(self.anchor).is_not_null()).select("line", *self.variables)
        return decode_columns(frame, escape=self.text.escape)

    def nameless(self, text: pl.Series) -> dict[str, frozenset[str | None]]:
        """Return what each variable holds that nobody can name, in lines of which some match."""
        names = [name for name in self.variables if name.startswith(UNKNOWN)]
        if not names:
            return {}
        read = self.extract(text.to_frame("text").with_row_index("line").cast({"line": pl.Int64}))
        return {name: frozenset(read[name].unique()) for name in names}

    def reasons(self, unmatched: pl.DataFrame) -> pl.DataFrame:
        """Say of each unmatched line why: `line`, `reason`, `text` (first 200 characters)."""
        if unmatched.is_empty():  # compiling the patterns alone takes 10 ms
            return pl.DataFrame(schema=REJECTS)
        is_torn = pl.any_horizontal(pl.lit(False), *(pl.col("text").str.contains(torn) for torn in self.torn))
        return unmatched.select(
            "line",
            pl.when(is_torn)
            .then(pl.lit("torn line: begins like the log_format and ends early"))
            .otherwise(pl.lit("does not match the log_format"))
            .alias("reason"),
            REJECTED_TEXT,
        )


@lru_cache(maxsize=256)
def compile_format(text: str, *, head: str = "") -> CompiledFormat:
    """Compile a `log_format` directive, its quoted pieces, or its bare text (optionally after `escape=MODE `).

    Args:
        text: The format.
        head: A regex allowed in front of it (a host column that some wrappers add).

    Raises:
        OptionError: If it has no variable, or two variables with nothing between them.
    """
    parsed = parse_format_text(text)
    _refuse_unseparated(parsed)
    seen: list[str] = []
    parts: list[str] = []
    torn: list[str] = []
    pieces = parsed.pieces
    for index, piece in enumerate(pieces):
        if not piece.is_variable:
            parts.append(_literal(piece.text))
            continue
        group = _group(pieces, index, parsed.escape)
        if len(seen) > 1:
            after = pieces[index + 1].text if index + 1 < len(pieces) else ""
            partial = FIXED.get(piece.text, ("", group))[1]
            torn.append(f"^{head}{''.join(parts)}{partial}{_torn_literal(after)}$")
        if piece.text in seen or piece.text[0].isdigit():
            parts.append(f"(?:{group})")
        else:
            seen.append(piece.text)
            parts.append(f"(?P<{piece.text}>{group})")
    # Groups of the torn patterns are never read: name none, so that compiling them stays cheap.
    unnamed = tuple(re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in torn)
    variables = (*re.findall(r"\(\?P<(\w+)>", head), *seen)
    return CompiledFormat(parsed, variables, f"^{head}{''.join(parts)}\\s*$", unnamed)


def _refuse_unseparated(parsed: FormatText) -> None:
    names = [piece.text for piece in parsed.pieces if piece.is_variable]
    if not names:
        raise OptionError(
            "the log_format has no variable",
            mend="Give the text of a log_format, such as '$remote_addr [$time_local] …'.",
        )
    for left, right in zip(parsed.pieces, parsed.pieces[1:], strict=False):
        if left.is_variable and right.is_variable and (left.text, right.text) not in SELF_SEPARATED:
            raise OptionError(
                f"the log_format has nothing between ${left.text} and ${right.text}, so they cannot be told apart",
                mend="Put a space or another character between them in nginx.conf.",
            )


def _literal(text: str) -> str:
    return re.escape(text)


def _torn_literal(text: str) -> str:
    """Return a regex for any beginning of *text*, none included."""
    pattern = ""
    for char in reversed(text[:LONGEST_TORN_LITERAL]):
        pattern = f"(?:{re.escape(char)}{pattern})?"
    return pattern


def _group(pieces: tuple[Piece, ...], index: int, escape: str) -> str:
    """Return the regex of one variable: what it may hold follows from the variable, then from what encloses it."""
    name = pieces[index].text
    before = pieces[index - 1].text[-1:] if index and not pieces[index - 1].is_variable else ""
    following = pieces[index + 1] if index + 1 < len(pieces) else None
    after = following.text[:1] if following and not following.is_variable else ""
    if name in FIXED:
        return FIXED[name][0]
    if NUMBERS.fullmatch(name):
        return NUMBER
    if before != '"' and (entry := _list_entry(name)):
        return f"(?:{entry}(?:(?:, ?| : )(?:{entry})?)*)?"
    if before == after == '"':
        return {"default": r'[^"]*', "json": r'(?:[^"\\]|\\.)*'}.get(escape, r".*?")
    if following is not None and following.is_variable:  # self-separated
        return r"[^/\s?]*" if following.text in ("request_uri", "uri") else r"[^?]*"
    return r"\S*?" if WORDS.fullmatch(name) else r".*?"


def _list_entry(name: str) -> str:
    """Return the regex of one entry of an upstream list, empty if the variable is none."""
    if is_number_list(name):
        return r"(?:[0-9.]+|-)"
    return r'[^\s",]+' if name == "upstream_addr" else ""


def follows_list(pieces: tuple[Piece, ...], index: int) -> bool:
    """Tell whether a space alone parts the variable at *index* from an upstream list, which ` : …` would go on with."""
    return (
        index > 1 and pieces[index - 1] == Piece(" ", is_variable=False) and bool(_list_entry(pieces[index - 2].text))
    )


def is_number_list(name: str) -> bool:
    """Tell whether a variable holds one number for each upstream server that was asked."""
    return bool(_NUMBER_LISTS.fullmatch(name))


def decode_columns(frame: pl.DataFrame, *, escape: str) -> pl.DataFrame:
    r"""Undo nginx's escaping (`\xHH`, or JSON's) in every String column; `escape=none` changes nothing."""
    if escape == "none":
        return frame
    unescape = unescape_default if escape == "default" else unescape_json
    marker = r"\x" if escape == "default" else "\\"
    changed: list[pl.Series] = []
    for column in frame.select(pl.col(pl.String)).iter_columns():
        escaped = column.filter(column.str.contains(marker, literal=True)).unique()
        if len(escaped):
            plain = pl.Series([unescape(value) for value in escaped], dtype=pl.String)
            changed.append(column.replace(escaped, plain))
    return frame.with_columns(changed)


def unescape_default(value: str) -> str:
    r"""Turn `\xHH` into bytes and read them as UTF-8; U+FFFD for what is not."""
    raw = re.sub(
        rb"\\x([0-9A-Fa-f]{2})", lambda hit: bytes([int(hit[1], 16)]), value.encode("utf-8", errors="surrogateescape")
    )
    return raw.decode("utf-8", errors="replace")


def unescape_json(value: str) -> str:
    r"""Undo `escape=json`; text that is not JSON-escaped (`\x22` of the default mode) is undone as such."""
    try:
        plain = json.loads(f'"{value}"', strict=False)
    except ValueError:
        return unescape_default(value)
    return str(plain).encode("utf-8", errors="replace").decode("utf-8")  # a lone \ud800 cannot live in a column
