"""Order by time, then by place in the logs: texts are compared only where the times are the same.

To rank a day's lines by their `file:line` as well costs more than all else that is done with them; few share a moment.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from wslog.correlate.places import PLACE


def in_order(
    moments: pl.DataFrame, texts_at: Callable[[pl.Series], pl.DataFrame], *, nulls_last: bool = False
) -> pl.Series:
    """Return the places of rows in order: what `sort` by their moments, then their texts, would put where.

    Args:
        moments: What to order by first: cheap to compare.
        texts_at: Gives the columns that decide where all moments are equal, of the rows at some places.
        nulls_last: Where nulls go, in every column.
    """
    if moments.height < 2:
        return pl.int_range(moments.height, dtype=PLACE, eager=True)
    order = moments.select(pl.arg_sort_by(moments.columns, nulls_last=nulls_last, maintain_order=True)).to_series()
    ordered = moments[order]
    is_next = pl.int_range(pl.len()) > 0
    equal = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in moments.columns)
    same = ordered.select((is_next & equal).alias("same")).to_series()
    tied = (same | same.shift(-1, fill_value=False)).arg_true()
    if not len(tied):
        return order
    doubtful = order[tied]
    texts = texts_at(doubtful)
    keys = texts.with_columns((~same).cum_sum()[tied].alias("_moment"))
    decided = pl.arg_sort_by("_moment", *texts.columns, nulls_last=nulls_last, maintain_order=True)
    return order.scatter(tied, doubtful[keys.select(decided).to_series()])
