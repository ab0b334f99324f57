"""When a connection ended, where it is not known which of several server rows is its own: those agree on the moment.

A restart ends dozens of connections within a second. Without lifetimes or addresses in the log nobody can tell their
lines apart; but that one of them is a record's own may be certain, and all of them tell when, and mostly of whom.
"""

from __future__ import annotations

from itertools import count
from typing import Final

import polars as pl

from wslog.correlate.assignment import choose_partners

LIKELIEST_FIRST: Final = 8  # rounds; where all like the same rows best, a round hands out one
# As good as chance, and the same each time: of those who are left, a good part gets a row in each round.
SCATTERED: Final = (pl.col("left") * 40_503 + pl.col("right") * 2_654_435_761) % 1_000_003 / 1_000_003
SAME_S: Final = 1.0  # logs that know no lifetimes mostly know no fractions of a second, either


def share_moments(pairs: pl.DataFrame, ends: pl.DataFrame, *, at_least: float) -> pl.DataFrame:
    """Give records without a partner one of the rows of the moment at which they surely ended.

    Args:
        pairs: `client`, `server`, `p`: candidates, neither of which has a partner.
        ends: `server`, `ended_s` (seconds), `status` of these rows.
        at_least: How likely it must be that one row or another of that moment is the record's own.

    Returns:
        `client`, `shared`: each row stands for one record, which need not be its own; sorted by `client`.
    """
    timed = pairs.join(ends.drop_nulls("ended_s"), on="server", how="inner")

    def likeliest(name: str) -> pl.Expr:
        return pl.col(name).sort_by("p", "server", descending=[True, False]).first().over("client")

    is_then = (pl.col("ended_s") - likeliest("ended_s")).abs() <= SAME_S
    there = timed.filter(is_then & pl.col("status").eq_missing(likeliest("status")))
    sure = there.filter(pl.col("p").sum().over("client") >= at_least)
    return _one_each(sure.select(left="client", right="server", p="p"))


def _one_each(pairs: pl.DataFrame) -> pl.DataFrame:
    """Hand out rows, the likeliest pairs first, until nobody who is left has a candidate that is."""
    given = pairs.clear()
    for number in count():
        if pairs.is_empty():
            break
        best = choose_partners(pairs if number < LIKELIEST_FIRST else pairs.with_columns(p=SCATTERED), at_least=0.0)
        given = pl.concat([given, best.select(given.columns)])
        pairs = pairs.join(best, on="left", how="anti").join(best, on="right", how="anti")
    return given.select(client="left", shared="right").sort("client")
