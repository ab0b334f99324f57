"""Which lines need the exact parser now: all but those that one regex proves to be plain HTTP, and those that can wait.

Nearly all lines of an access log are requests that went well and have nothing to do with WebSockets. A format declares
their shape as one regex (`LineParser.plain`): a line that matches would surely parse, into an event that is dropped.
Such lines are counted as ignored and never parsed. A refused request may have been a handshake if its path is a
WebSocket's, which only the other files can tell, so a second regex has its line wait. Everything else, damaged lines
included, goes the exact way; so sifting can neither lose a WebSocket nor hide a reject. The tests hold it to that.

The regex scans each line once (a DFA, 0.3 to 0.8 GB/s); captures are 20 times slower. Parts: `values/line_regex.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec import Struct

LINES: Final = ["line", "text"]
IS_NOT_BLANK: Final = pl.col("text").str.contains(r"\S")
EDGE_LINES: Final = 2  # of each block, always parsed: they tell the time span of the file


class Sifted(Struct, frozen=True):
    """Lines that must be parsed now, and refused requests that can wait: `line` and `text`.

    After sifting, the text has memory of its own: views would keep the whole block.
    """

    left: pl.DataFrame
    waiting: pl.DataFrame


def sift(lines: pl.DataFrame, plain: str, refused: str = "", *, edges: Sequence[int] | None = None) -> Sifted:
    """Leave out plain and blank lines, and put refused requests apart.

    Args:
        lines: `line` and `text`.
        plain: The format's regex of lines of no concern; empty: there are none.
        refused: The format's regex of requests that can wait; empty: there are none.
        edges: The `line` of the first and last ones, where *lines* are of several files.
    """
    if not plain:
        return Sifted(lines.filter(IS_NOT_BLANK), lines.clear())
    if edges is None:
        edges = [*lines["line"].head(EDGE_LINES), *lines["line"].tail(EDGE_LINES)]
    is_edge = pl.col("line").is_in(edges)
    can_wait = pl.col("text").str.contains(refused) & ~is_edge if refused else pl.lit(value=False)
    rest = lines.filter(~pl.col("text").str.contains(plain) | is_edge).select(
        "line", pl.concat_str("text", pl.lit("")),  # a copy: see `Sifted`
        can_wait.alias("can_wait"), IS_NOT_BLANK.alias("has_text"),
    )  # fmt: skip
    left, waiting = rest.filter(pl.col("has_text") & ~pl.col("can_wait")), rest.filter("can_wait")
    return Sifted(left[LINES], waiting[LINES])
