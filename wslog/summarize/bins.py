"""Values in seconds counted into bins, split by cause."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.result import Bin
from wslog.summarize.drops import counts_by_cause

PER_DECADE: Final = 30
LINEAR_UP_TO_S: Final = 150.0
HALVES_FROM_S: Final = 6.5


def count_into_bins(drops: pl.DataFrame, column: str, edges: Sequence[float]) -> tuple[Bin, ...]:
    """Count the values of *column* into the bins between *edges*.

    Args:
        drops: Has `cause`; rows without a value are left out.
        column: A column of seconds.
        edges: Rising, at least two. A value below the first counts into the first bin (a clock step can make a
            duration negative), one at or above the last into the last.
    """
    last = len(edges) - 2
    values = drops.select(column, "cause").filter(pl.col(column).is_not_nan())
    index = pl.Series("edges", edges[1:-1], dtype=pl.Float64).search_sorted(values[column], side="right")
    by_bin = counts_by_cause(values.with_columns(bin=index.cast(pl.Int64).clip(0, last)), "bin")
    return tuple(
        Bin(low=low, high=high, n=sum(by_bin.get(i, {}).values()), by_cause=by_bin.get(i, {}))
        for i, (low, high) in enumerate(itertools.pairwise(edges))
    )


def choose_edges(values: pl.Series, centers_s: Sequence[float]) -> tuple[float, ...]:
    """Choose bin edges that show where durations pile up.

    One-second bins around whole seconds (timers are set to whole seconds and fire a little off) up to 1.5 times the
    largest cluster or the 99 % quantile, then ever wider ones; if that is beyond `LINEAR_UP_TO_S`, about `PER_DECADE`
    bins per decade instead.

    Args:
        values: Durations in seconds.
        centers_s: Where clusters of these values lie.

    Returns:
        Edges from 0 to above the largest value; none without values.
    """
    finite = values.drop_nulls().filter(values.drop_nulls().is_finite())
    if finite.is_empty():
        return ()
    top = max(float(finite.max()), 0.0)  # type: ignore[arg-type]  # a Float64 column has a float maximum
    reach = max(1.5 * max(centers_s, default=0.0), float(finite.quantile(0.99) or 0.0))
    if reach > LINEAR_UP_TO_S:
        return _log_edges(top)
    edges = [0.0, *(k + 0.5 for k in range(max(1, math.ceil(reach) + 1)))]
    while edges[-1] <= top:
        edges.append(round(edges[-1] * 1.5, 1))
    return tuple(edges)


def _log_edges(top: float) -> tuple[float, ...]:
    """Return 0, then about `PER_DECADE` edges a decade from 0.1 s to above *top*.

    No edge is a value that timers have, which would part what fires a little early from what fires a little late: 1, 2
    and 5 s lie in the middle of a bin, and from `HALVES_FROM_S` on edges lie half-way between whole seconds.
    """
    edges, nth = [0.0, 0.1], 1
    while edges[-1] <= top:
        exact = 10 ** ((nth + 0.5) / PER_DECADE - 1)
        edge = math.ceil(exact) - 0.5 if exact >= HALVES_FROM_S else float(f"{exact:.4g}")
        if edge > edges[-1]:
            edges.append(edge)
        nth += 1
    return tuple(edges)
