"""Connections that did not end alone: a few others ended within the same moment, too few to be a burst.

Three that an application keeps may be killed with it. No burst is found among so few, but neither did it end one of
them on its own account. The on/off test of bursts, around each end: others within a tenth of a second (or the same
whole second, if the log has no finer ones) against those of the ten minutes around it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.classify.facts import IS_1006
from wslog.classify.significance import log_tail_fast

Floats = NDArray[np.float64]

NEAR_S: Final = 0.1
AROUND_S: Final = 300.0
SLACK: Final = 2.0  # closes come unevenly
CHANCE: Final = 0.001
FEWEST: Final = 2  # others; two that end together may do so by chance in any log
HEARD: Final = ("ended_at", "close_code", "has_client", "nginx_timed_out", "is_pagehide_only", "is_opened", "burst")
_IS_UNCLEAN: Final = (
    (IS_1006 | ~pl.col("has_client")) & ~pl.col("nginx_timed_out") & pl.col("is_opened").fill_null(value=True)
)
_ENDED_S: Final = pl.col("ended_at").dt.timestamp("ms") / 1000


def find_ends(facts: pl.DataFrame) -> Floats:
    """Return when those ended that no burst tells of and that nobody said goodbye to, in order (epoch seconds).

    Args:
        facts: `HEARD` of all rows.
    """
    ended = facts.select(pl.when(pl.col("burst").is_null() & _IS_UNCLEAN).then(_ENDED_S)).to_series()
    return ended.drop_nulls().sort().to_numpy()


def add_crowd(facts: pl.DataFrame, ends: Floats) -> pl.DataFrame:
    """Add `is_crowded`: whether others ended with a row, more than chance would have.

    Args:
        facts: Any rows: `ended_at`, `nginx_at_resolution_s`.
        ends: From `find_ends`.
    """
    near = pl.max_horizontal(NEAR_S, pl.col("nginx_at_resolution_s").fill_null(0.0) / 2)
    at, near_s = facts.select(_ENDED_S.fill_null(np.nan).alias("at"), near.alias("near")).to_numpy().T
    others = _within(ends, at, near_s) - 1
    outside = _within(ends, at, np.full(len(at), AROUND_S)) - others - 1
    log_p = log_tail_fast(others, np.maximum(outside, 0), SLACK * near_s / AROUND_S)
    return facts.with_columns(pl.Series("is_crowded", (others >= FEWEST) & (log_p < np.log(CHANCE))))


def _within(ends: Floats, at: Floats, reach_s: Floats) -> NDArray[np.int64]:
    """Count the ends within reach of each moment."""
    first, last = np.searchsorted(ends, at - reach_s, side="left"), np.searchsorted(ends, at + reach_s, side="right")
    return last - first
