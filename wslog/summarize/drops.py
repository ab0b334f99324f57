"""What a drop, an opened connection and the start of an attempt are: the expressions the other modules count by."""

from __future__ import annotations

from typing import Final

import polars as pl
from msgspec.structs import replace

from wslog.schema import Cause, Tier
from wslog.summarize.rows import Rows

IS_DROP: Final = pl.col("is_drop").fill_null(value=False)
IS_OPENED: Final = pl.coalesce("is_opened", pl.col("opened_at").is_not_null())
"""The handshake completed; a row that does not say so, but has an opening time, counts as opened."""

STARTED_AT: Final = pl.coalesce("opened_at", "closed_at").alias("started_at")
"""When an attempt was made. One that never opened has the moment it failed only: the handshake's length too late."""

HOURS: Final = (pl.col("lifetime_s").filter(IS_OPENED).clip(lower_bound=0).sum() / 3600).alias("connection_hours")

TIMES: Final = ("closed_at", "opened_at")
ORDER: Final = (*TIMES, "connection_id")
"""A total order of rows, so that same logs give same bytes."""


def in_order(connections: pl.DataFrame) -> Rows:
    """Return all rows in `ORDER`: by times, which are narrow, and those few with the same times by their ids."""
    rows = Rows(connections, pl.int_range(connections.height, dtype=pl.UInt32, eager=True))
    for time in reversed(TIMES):  # the one that matters most comes last, and keeps what the other did
        rows = replace(rows, places=rows.places[_sorted(rows.take(time), time)])
    is_same = rows.take(*TIMES).select(pl.all_horizontal(pl.all().eq_missing(pl.all().shift()))).to_series()
    spots = (is_same | is_same.shift(-1, fill_value=False)).arg_true()
    same = replace(rows, places=rows.places[spots])
    return replace(rows, places=rows.places.scatter(spots, same.places[_sorted(same.take(*ORDER), *ORDER)]))


def _sorted(rows: pl.DataFrame, *by: str) -> pl.Series:
    return rows.select(pl.arg_sort_by(*by, nulls_last=True, maintain_order=True)).to_series()


CULPRIT: Final = (pl.col("cause").fill_null(Cause.UNKNOWN.value), pl.col("tier").fill_null(Tier.UNKNOWN.value))
"""Cause and tier; what is left open is `unknown`."""


def drops_in(connections: Rows) -> Rows:
    """Return the rows with `is_drop`, with `CULPRIT`."""
    return replace(connections.where(IS_DROP), table=connections.table.with_columns(CULPRIT))


def counts_by_cause(drops: pl.DataFrame, by: str) -> dict[int, dict[str, int]]:
    """Count drops per value of the whole-number column *by* and cause; rows without a value are left out.

    Returns:
        Value → cause → drops, causes in alphabetical order.
    """
    counted = drops.filter(pl.col(by).is_not_null()).group_by(by, "cause").len().sort(by, "cause")
    result: dict[int, dict[str, int]] = {}
    for value, cause, n in counted.iter_rows():
        result.setdefault(int(value), {})[cause] = n
    return result
