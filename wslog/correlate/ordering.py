"""Order by time, then by place in the logs: texts are compared only where the times are the same.

To rank a day's lines by their `file:line` as well costs more than all else that is done with them; few share a moment.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl


def in_order(rows: pl.DataFrame, times: Sequence[str], texts: Sequence[str], *, nulls_last: bool = False) -> pl.Series:
    """Return the places of *rows* in order: what `sort` by *times*, then *texts*, would put where.

    Args:
        rows: Any table.
        times: Columns to order by first: cheap to compare.
        texts: Columns that decide where all times are equal.
        nulls_last: Where nulls go, in every column.
    """
    order = rows.select(pl.arg_sort_by(times, nulls_last=nulls_last, maintain_order=True)).to_series()
    ordered = rows.select(times)[order]
    is_next = pl.int_range(pl.len()) > 0
    same = ordered.select(
        (is_next & pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).shift()) for name in times)).alias("same")
    ).to_series()
    tied = (same | same.shift(-1, fill_value=False)).arg_true()
    if not len(tied):
        return order
    doubtful = order[tied]
    keys = rows.select(texts)[doubtful].with_columns((~same).cum_sum()[tied].alias("_moment"))
    decided = keys.select(pl.arg_sort_by("_moment", *texts, nulls_last=nulls_last, maintain_order=True)).to_series()
    return order.scatter(tied, doubtful[decided])
