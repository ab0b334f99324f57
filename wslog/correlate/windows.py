"""An index over rows that answers "which rows of this group lie between these two moments" for many rows at once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wslog.correlate.numbering import number_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]

SPAN_MS: Final = 2**36  # two years around the epoch; what lies outside counts as at the edge


class WindowIndex:
    """Rows sorted by group and time; a lookup is two binary searches."""

    def __init__(self, rows: Ints, group: Ints, time_s: Floats) -> None:
        """Index the numbers *rows*, each with its group and time; NaN times are left out."""
        known = ~np.isnan(time_s)
        rows, group, time_s = rows[known], group[known], time_s[known]
        number, example = number_rows(group)
        self._groups = group[example]
        key = number * SPAN_MS + _milliseconds(time_s)
        order = np.argsort(key, kind="stable")
        self._key, self._rows = key[order], rows[order]

    def ranges(self, group: Ints, low_s: Floats, high_s: Floats) -> tuple[Ints, Ints]:
        """Return the first and one past the last place of each window; empty where a bound is NaN."""
        if not len(self._rows):
            return np.zeros(len(group), dtype=np.int64), np.zeros(len(group), dtype=np.int64)
        place = np.minimum(_searched(self._groups, group), len(self._groups) - 1)
        exists = (self._groups[place] == group) & ~np.isnan(low_s) & ~np.isnan(high_s)
        first, last = np.zeros(len(group), dtype=np.int64), np.zeros(len(group), dtype=np.int64)
        asked = np.flatnonzero(exists)  # most groups of a day's other side are not here
        begin = place[asked] * SPAN_MS
        low, high = begin + _milliseconds(low_s[asked]), begin + _milliseconds(high_s[asked])
        # In order, one search begins where the last one ended, and what it reads is still at hand.
        order = np.argsort(low)
        first[asked[order]] = np.searchsorted(self._key, low[order], side="left")
        last[asked[order]] = np.searchsorted(self._key, high[order], side="right")
        return first, np.maximum(last, first)

    def count(self, group: Ints, low_s: Floats, high_s: Floats) -> Ints:
        """Count the rows in each window."""
        first, last = self.ranges(group, low_s, high_s)
        return last - first

    def pairs(self, group: Ints, low_s: Floats, high_s: Floats) -> tuple[Ints, Ints]:
        """List the rows in each window: the window's number, and the row."""
        first, last = self.ranges(group, low_s, high_s)
        size = last - first
        window = np.repeat(np.arange(len(group)), size)
        within = np.arange(len(window)) - np.repeat(np.cumsum(size) - size, size)
        return window, self._rows[first[window] + within]


def _searched(values: Ints, asked: Ints) -> Ints:
    """Return where each value asked for stands, or would."""
    order, found = np.argsort(asked), np.empty(len(asked), dtype=np.int64)
    found[order] = np.searchsorted(values, asked[order])
    return found


def _milliseconds(time_s: Floats) -> Ints:
    shifted = time_s * 1000 + SPAN_MS // 2
    return np.asarray(np.clip(np.rint(shifted), 0, SPAN_MS - 1).astype(np.int64))
