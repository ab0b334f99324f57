"""From weighted candidate pairs to the probability that each pair is the same connection.

Each left row has at most one right partner and the other way round; "no partner" is always allowed and has weight 1.
Method: belief propagation on the bipartite candidate graph (Huang & Jebara 2009), exact where the graph is a tree.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SWEEPS: Final = 40
SETTLED: Final = 1e-4


def pair_probabilities(left: NDArray[np.int64], right: NDArray[np.int64], weight: Floats) -> Floats:
    """Return the marginal probability of each candidate pair.

    Args:
        left: Row numbers on the left, 0-based, one per pair.
        right: Row numbers on the right.
        weight: Likelihood of "these two are partners" against "the left one has none"; at least 0.

    Returns:
        One probability per pair; those of one left (or right) row add up to at most 1, the rest is "no partner".
    """
    if not len(weight):
        return np.zeros(0)
    weight = np.clip(weight, 0.0, 1e12)
    n_left, n_right = int(left.max()) + 1, int(right.max()) + 1
    to_left, to_right = np.ones(len(weight)), np.ones(len(weight))
    for _ in range(SWEEPS):
        to_left_new = 1.0 / (1.0 + _others(left, weight * to_right, n_left))
        to_right_new = 1.0 / (1.0 + _others(right, weight * to_left_new, n_right))
        moved = max(np.abs(to_left_new - to_left).max(), np.abs(to_right_new - to_right).max())
        to_left, to_right = to_left_new, to_right_new
        if moved < SETTLED:
            break
    odds = weight * to_left * to_right
    return np.asarray(odds / (1.0 + odds))


def _others(group: NDArray[np.int64], value: Floats, n: int) -> Floats:
    """Sum *value* over the other pairs of the same group."""
    rest = np.bincount(group, weights=value, minlength=n)[group] - value
    return np.asarray(np.maximum(rest, 0.0))


def choose_partners(pairs: pl.DataFrame, *, at_least: float) -> pl.DataFrame:
    """Keep, for each left row, its likeliest partner if that is likely enough.

    Args:
        pairs: `left`, `right` (Int64), `p` (Float64).
        at_least: The smallest probability to accept; above 0.5 the result is one-to-one by construction.

    Returns:
        The accepted rows of *pairs*, sorted by `left`.
    """
    return (
        pairs.filter(pl.col("p") >= at_least)
        .sort(["p", "left", "right"], descending=[True, False, False])
        .unique(["left"], keep="first", maintain_order=True)
        .unique(["right"], keep="first", maintain_order=True)
        .sort("left")
    )
