"""Error lines that leave no doubt: found by one regex, then cut at their fixed words instead of captured.

What comes out are those fields of `error_lines.read_fields` that events need, in a fifth of its time. In a clean
line no value holds a comma, a quote or a `#`, the message has no ` while ` and at most one group in parentheses, and
fields stand in nginx's own order, so each fixed word stands once.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.ingest.nginx.error_lines import LEVELS
from wslog.ingest.values.line_regex import ascii_regex, printable_but, words_but
from wslog.schema import PROXYING

_ACTION: Final = (
    f"(?:{PROXYING}|SSL handshaking|waiting for request|reading client request (?:line|headers)|"
    "connecting to upstream|sending request to upstream|reading response header from upstream|reading upstream|"
    "sending to client)"
)
_VALUE: Final = printable_but(',"#') + "*"
_WHY: Final = f"(?:[0-9]{{1,5}}|SSL): {words_but('while', '(),#')}"
_REQUEST: Final = rf', request: "[A-Za-z]+ /{printable_but(chr(34) + " ,#")}* HTTP/[0-9]\.[0-9]"'
CLEAN: Final = ascii_regex(
    rf"[0-9]{{4}}/[0-9]{{2}}/[0-9]{{2}} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}} \[(?:{LEVELS})\] [0-9]+#[0-9]+: \*[0-9]+ "
    rf"{words_but('while', ',#', not_first='(')}(?: \({_WHY}\))?(?: while {_ACTION})?"
    rf', client: [0-9A-Za-z:.]+(?:, server: {_VALUE}(?:{_REQUEST})?(?:, upstream: "{_VALUE}")?'
    rf'(?:, host: "{_VALUE}")?(?:, referrer: "{_VALUE}")?)?$'
)


def _halves(column: pl.Expr, at: str, *, name: str) -> pl.Expr:
    return column.str.splitn(at, 2).alias(name)


def _first(name: str) -> pl.Expr:
    return pl.col(name).struct.field("field_0")


def _second(name: str) -> pl.Expr:
    return pl.col(name).struct.field("field_1")


# Each turn needs the one before: the part before the client is cut from the left, the fields after it from the right.
_TURNS: Final = (
    (_halves(pl.col("text"), ", client: ", name="whole"),),
    (_halves(_first("whole"), ": ", name="head"), _halves(_second("whole"), ", server: ", name="context")),
    (
        _halves(_first("head"), "] ", name="begin"),
        _halves(_second("head"), " ", name="body"),
        _halves(_second("context"), ', referrer: "', name="to_referrer"),
    ),
    (_halves(_second("body"), " while ", name="doing"), _halves(_first("to_referrer"), ', host: "', name="to_host")),
    (_halves(_first("doing"), " (", name="said"), _halves(_first("to_host"), ', upstream: "', name="to_upstream")),
    (_halves(_second("said"), ": ", name="why"), _halves(_first("to_upstream"), ', request: "', name="to_request")),
)
_IS_ERRNO: Final = _first("why") != "SSL"
_FIELDS: Final = (
    _first("begin").str.slice(0, 19).alias("stamp"),
    _first("begin").str.slice(21).alias("level"),
    _second("begin").str.splitn("#", 2).struct.field("field_0").alias("pid"),
    _first("body").str.slice(1).alias("cid"),
    pl.when(_IS_ERRNO).then(_first("said")).otherwise(_first("doing")).alias("message"),
    pl.when(_IS_ERRNO).then(_first("why")).alias("errno"),
    pl.when(_IS_ERRNO).then(_second("why").str.strip_suffix(")")).alias("errtext"),
    _second("doing").alias("action"),
    _first("context").alias("client"),
    _first("to_request").alias("server"),
    _second("to_request").str.strip_suffix('"').alias("request"),
    _second("to_upstream").str.strip_suffix('"').alias("upstream_url"),
    _second("to_host").str.strip_suffix('"').alias("host_field"),
)


def read_clean_fields(lines: pl.DataFrame) -> pl.DataFrame:
    """Return `line` and a String column a field, null where a line does not have it, of lines that match `CLEAN`."""
    for turn in _TURNS:
        lines = lines.with_columns(turn)
    return lines.select("line", *_FIELDS)
