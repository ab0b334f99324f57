"""When a connection ended, where it is not known which of several server rows is its own: those agree on the moment.

A restart ends dozens of connections within a second. Without lifetimes or addresses in the log nobody can tell their
lines apart; but that one of them is a record's own may be certain, and all of them tell when, and mostly of whom.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, pairwise
from typing import Final

import numpy as np
import polars as pl

from wslog.correlate.assignment import choose_partners

LIKELIEST_FIRST: Final = 8  # rounds; where all like the same rows best, a round hands out one
# As good as chance, and the same each time: of those who are left, a good part gets a row in each round.
SCATTERED: Final = (pl.col("left") * 40_503 + pl.col("right") * 2_654_435_761) % 1_000_003 / 1_000_003
AT_A_TIME: Final = 262_144  # candidates
SAME_S: Final = 1.0  # logs that know no lifetimes mostly know no fractions of a second, either


def share_moments(pairs: pl.DataFrame, ends: pl.DataFrame, *, chosen: pl.DataFrame, at_least: float) -> pl.DataFrame:
    """Give records without a partner one of the rows of the moment at which they surely ended.

    Args:
        pairs: `client`, `server`, `p`: candidates, in order of `client`.
        ends: `server`, `ended_s` (seconds), `status` of these rows.
        chosen: `client`, `server` that have a partner and are left alone.
        at_least: How likely it must be that one row or another of that moment is the record's own.

    Returns:
        `client`, `shared`: each row stands for one record, which need not be its own; sorted by `client`.
    """
    timed = ends.drop_nulls("ended_s")
    found = [pairs.clear()]
    for some in _some_records(pairs):
        left = some.join(chosen, on="client", how="anti").join(chosen, on="server", how="anti")
        found.append(_surely_then(left.join(timed, on="server", how="inner"), at_least))
    return _one_each(pl.concat(found).select(left="client", right="server", p="p"))


def _some_records(pairs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the candidates of some records at a time: there may be dozens for each."""
    client = pairs["client"].to_numpy()
    starts = np.searchsorted(client, client[AT_A_TIME::AT_A_TIME])
    for start, end in pairwise(dict.fromkeys([0, *starts.tolist(), len(client)])):
        yield pairs.slice(start, end - start)


def _surely_then(timed: pl.DataFrame, at_least: float) -> pl.DataFrame:
    """Keep the candidates that ended as a record's likeliest one did, where one of these surely is its own."""
    best = timed.filter(pl.col("p") == pl.col("p").max().over("client"))
    best = best.sort("client", "server").unique("client", keep="first", maintain_order=True)
    there = timed.join(best.select("client", best_s="ended_s", best_status="status"), on="client", how="inner")
    is_then = (pl.col("ended_s") - pl.col("best_s")).abs() <= SAME_S
    there = there.filter(is_then & pl.col("status").eq_missing(pl.col("best_status")))
    return there.filter(pl.col("p").sum().over("client") >= at_least).select("client", "server", "p")


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
