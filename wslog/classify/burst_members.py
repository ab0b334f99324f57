"""Which connections ended in which burst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.classify.facts import OPENED
from wslog.classify.mass_drops import MassDrop, epoch
from wslog.classify.survivors import in_scope

MARGIN_S: Final = 0.3  # what ended this near to a burst ended in it


def add_burst(facts: pl.DataFrame, drops: Sequence[MassDrop]) -> pl.DataFrame:
    """Add `burst` (index into *drops*, null: none) and `burst_kind` to the rows that ended in one."""
    at = epoch("ended_at")
    index = pl.lit(None, dtype=pl.Int32)
    for i, drop in reversed(list(enumerate(drops))):
        inside = at.is_between(*_reach(drop)) & OPENED & in_scope(drop.raw.scope)
        inside = inside.fill_null(value=False) & ~pl.col("nginx_timed_out")
        index = pl.when(inside).then(pl.lit(i, dtype=pl.Int32)).otherwise(index)
    # Most rows ended far from any burst, and need not be held against each.
    near = _are_near(facts.select(at).to_series(), drops).arg_true()
    burst = pl.repeat(None, facts.height, dtype=pl.Int32, eager=True)
    burst = burst.scatter(near, facts[near].select(index.alias("burst")).to_series())
    kinds = pl.Series([drop.kind.value for drop in drops], dtype=pl.String)
    return facts.with_columns(burst.alias("burst"), kinds.gather(burst).alias("burst_kind"))


def _reach(drop: MassDrop) -> tuple[float, float]:
    """Return from when to when what ended may have ended in a burst."""
    return drop.raw.start_s - MARGIN_S, drop.raw.end_s + MARGIN_S


def _are_near(at: pl.Series, drops: Sequence[MassDrop]) -> pl.Series:
    """Whether each moment is within reach of a burst, of whatever scope."""
    reaches = sorted(map(_reach, drops))
    starts = pl.Series([start for start, _ in reaches], dtype=pl.Float64)
    latest = pl.Series([-math.inf, *(end for _, end in reaches)]).cum_max()
    n_begun = starts.search_sorted(at.fill_null(-math.inf), "right").cast(pl.Int64)
    return (latest.gather(n_begun) >= at).fill_null(value=False)
