"""From weighted candidate pairs to the probability that each pair is the same connection.

Each left row has at most one right partner and the other way round; "no partner" is always allowed and has weight 1.
Method: belief propagation on the bipartite candidate graph (Huang & Jebara 2009), exact where the graph is a tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.correlate.numbering import places_in_order

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = NDArray[np.int64] | NDArray[np.int32]
Flags = NDArray[np.bool_]
SWEEPS: Final = 40
SETTLED: Final = 1e-4
MANY: Final = 0.2  # part of the pairs from which on all are asked: that costs less for each
AT_A_TIME: Final = 32_768  # pairs: what a processor's cache holds


def pair_probabilities(left: Rows, right: Rows, weight: Floats) -> Floats:
    """Return the marginal probability of each candidate pair.

    Args:
        left: Row numbers on the left, from 0, one per pair.
        right: Row numbers on the right.
        weight: Likelihood of "these two are partners" against "the left one has none"; at least 0. The result takes
            its place: there are many pairs.

    Returns:
        One probability per pair; those of one left (or right) row add up to at most 1, the rest is "no partner".
    """
    if not len(weight):
        return np.zeros(0)
    np.clip(weight, 0.0, 1e12, out=weight)
    lefts, rights = _Groups(left), _Groups(right)
    to_left, to_right = np.ones(len(weight)), np.ones(len(weight))
    # Most messages soon stand still, to the last bit: only the rows that hear something new are asked again.
    news_left, news_right = lefts.all(), rights.all()
    for _ in range(SWEEPS):
        moved_left = _pass_on(lefts, news_left, weight, heard=to_right, said=to_left, told=(right, news_right))
        news_left[:] = False
        moved_right = _pass_on(rights, news_right, weight, heard=to_left, said=to_right, told=(left, news_left))
        news_right[:] = False
        if max(moved_left, moved_right) < SETTLED:
            break
    odds = weight
    odds *= to_left
    odds *= to_right
    odds /= 1.0 + odds
    return odds


class _Groups:
    """The pairs of each row of one side, in order."""

    def __init__(self, row: Rows) -> None:
        self.row, size = row, np.bincount(row)
        self._size, self._start = size, np.cumsum(size) - size
        self._pairs = np.zeros(0, dtype=np.int32)  # in order of row: put so when first asked for

    def all(self) -> Flags:
        """Mark every row."""
        return self._size > 0

    def share(self, rows: Flags) -> float:
        """Tell what part of the pairs the marked rows have."""
        return float(self._size[rows].sum()) / len(self.row)

    def of(self, rows: Flags) -> Iterator[tuple[Ints, Ints]]:
        """List the pairs of the marked rows, row by row, some at a time; and how many each row has."""
        if not len(self._pairs):
            self._pairs = places_in_order(self.row).astype(np.int32)
        asked = np.flatnonzero(rows)
        total = np.cumsum(self._size[asked])
        cuts = np.searchsorted(total, np.arange(AT_A_TIME, total[-1] if len(total) else 0, AT_A_TIME))
        for part in np.split(asked, np.unique(cuts[cuts > 0])):
            size = self._size[part]
            ends = np.cumsum(size)
            pairs = self._pairs[np.arange(int(size.sum())) + np.repeat(self._start[part] - ends + size, size)]
            yield pairs.astype(np.int64), size


def _pass_on(
    groups: _Groups, news: Flags, weight: Floats, *, heard: Floats, said: Floats, told: tuple[Rows, Flags]
) -> float:
    """Let rows with news tell each of their pairs how much the others leave it, in place of what they *said*.

    Args:
        groups: The rows' pairs.
        news: Marks the rows that hear something new.
        weight: Per pair.
        heard: Per pair, the other side's message.
        said: Per pair, this side's message; changed.
        told: Per pair, the other side's row; and the marks of those, set where a message is another one now.

    Returns:
        How far the farthest message moved.
    """
    moved, (other, marks) = 0.0, told
    if groups.share(news) > MANY:
        return _all_pass_on(groups.row, weight, heard=heard, said=said, told=told)
    for pairs, size in groups.of(news):
        row = np.repeat(np.arange(len(size)), size)
        value = weight[pairs] * heard[pairs]
        others = np.bincount(row, weights=value, minlength=len(size))[row] - value
        new, old = 1.0 / (1.0 + np.maximum(others, 0.0)), said[pairs]
        said[pairs] = new
        moved = max(moved, float(np.abs(new - old).max(initial=0.0)))
        marks[other[pairs[new != old]]] = True
    return moved


def _all_pass_on(row: Rows, weight: Floats, *, heard: Floats, said: Floats, told: tuple[Rows, Flags]) -> float:
    """Do the same for all rows at once, which costs less for each pair."""
    other, marks = told
    change = weight * heard
    total = np.bincount(row, weights=change)
    for first in range(0, len(row), AT_A_TIME):
        part = slice(first, first + AT_A_TIME)
        value, new = change[part], total[row[part]]
        np.subtract(new, value, out=new)
        np.maximum(new, 0.0, out=new)
        np.add(new, 1.0, out=new)
        np.divide(1.0, new, out=new)
        np.subtract(new, said[part], out=value)
        said[part] = new
    is_other = change != 0
    if np.count_nonzero(is_other) > MANY * len(row):
        marks[:] = True
    else:
        marks[other[is_other]] = True
    return max(float(change.max()), -float(change.min()))


def choose_partners(pairs: pl.DataFrame, *, at_least: float) -> pl.DataFrame:
    """Keep, for each left row, its likeliest partner if that is likely enough.

    Args:
        pairs: `left`, `right` (Int64), `p` (Float64).
        at_least: The smallest probability to accept; above 0.5 the result is one-to-one by construction.

    Returns:
        The accepted rows of *pairs*, sorted by `left`.
    """
    accepted = pairs.filter(pl.col("p") >= at_least)
    if accepted["left"].n_unique() < accepted.height or accepted["right"].n_unique() < accepted.height:
        accepted = (
            accepted.sort(["p", "left", "right"], descending=[True, False, False])
            .unique(["left"], keep="first", maintain_order=True)
            .unique(["right"], keep="first", maintain_order=True)
        )
    return accepted.sort("left")
