"""Durations as integer counts in fixed bins: mergeable in any order, identical on every machine.

Values are whole milliseconds. Bins follow 1-2-5 steps, 0.05-0.1 % wide: 1 ms up to 2 s, 2 ms from 2 s, 5 ms from 5 s,
10 ms from 10 s, and so on. Integer edges make any split of the input give the same counts (a logarithm in the index
would not), and whole seconds are edges (up to 2000 s), so that rounded data never alias. Merging adds counts.
Source of the idea: DDSketch (Masson et al. 2019), HdrHistogram.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_MS: Final = 10_000_000_000
AT_ONCE: Final = 65_536  # values counted at a time, to bound memory
LONG_MS: Final = 2000  # below, whole seconds are too common by chance to tell a clock's grain
FREQUENT: Final = 6  # whole seconds that may be spikes of exact timers and say nothing about the clock's grain
FEWEST_WHOLE: Final = 3
WHOLE_SHARE: Final = 0.03
MOSTLY_WHOLE: Final = 0.9


def bin_edges(longest_ms: int) -> Ints:
    """Return the edges in milliseconds, from 0 to more than *longest_ms*."""
    parts: list[Ints] = [np.arange(0, 2000, 1)]
    start, step = 2000, 2
    while start <= longest_ms:
        step_next = step * 5 // 2 if str(step)[0] == "2" else step * 2
        parts.append(np.arange(start, step_next * 1000, step))
        start, step = step_next * 1000, step_next
    return np.append(np.concatenate(parts), start).astype(np.int64)


ALL_EDGES: Final = bin_edges(LONGEST_MS)


class Histogram(Struct, frozen=True, eq=False):
    """Counts per occupied bin, and what tells the grain of the clock.

    Attributes:
        bins: Occupied bins, ascending: indices into `ALL_EDGES`.
        counts: Values in each.
        seconds: Exact whole seconds from 2 s on that occur, ascending, in seconds.
        second_counts: How often each.
    """

    bins: Ints
    counts: Ints
    seconds: Ints
    second_counts: Ints

    @property
    def n(self) -> int:
        """Number of values."""
        return int(self.counts.sum())

    @property
    def n_long(self) -> int:
        """Number of values of at least 2 s."""
        return int(self.counts[self.bins >= LONG_MS].sum())

    @property
    def resolution_s(self) -> float:
        """1.0 if a part of the values was logged in whole seconds, else 0.001.

        After the most frequent whole seconds are set aside (exact timers make those), hardly any value of a millisecond
        clock is a whole second by chance.
        """
        ordered = np.sort(self.second_counts)
        whole, frequent = int(ordered.sum()), int(ordered[-FREQUENT:].sum())
        rest_whole, rest = whole - frequent, self.n_long - frequent
        is_part = rest_whole >= FEWEST_WHOLE and rest_whole > WHOLE_SHARE * rest
        is_all = whole >= FEWEST_WHOLE and len(ordered) > 1 and whole > MOSTLY_WHOLE * self.n_long
        return 1.0 if is_part or is_all else 0.001

    def __add__(self, other: Histogram) -> Histogram:
        """Merge: counts add."""
        return merge([self, other])


def sketch(values_s: Floats) -> Histogram:
    """Count durations in seconds; negative, missing and absurdly long ones (over 115 days) are left out."""
    if len(values_s) > AT_ONCE:
        return merge(sketch(values_s[start : start + AT_ONCE]) for start in range(0, len(values_s), AT_ONCE))
    ms = np.round(values_s[np.isfinite(values_s) & (values_s >= 0) & (values_s < LONGEST_MS / 1000)] * 1000)
    ms = ms[ms < LONGEST_MS].astype(np.int64)
    bins, counts = _tally(np.searchsorted(ALL_EDGES, ms, side="right") - 1)
    seconds, second_counts = _tally(ms[(ms >= LONG_MS) & (ms % 1000 == 0)] // 1000)
    return Histogram(bins, counts, seconds, second_counts)


def merge(parts: Iterable[Histogram]) -> Histogram:
    """Add histograms; any order and any grouping give the same one."""
    all_parts = [*parts, sketch(np.zeros(0))]
    bins, counts = _tally(np.concatenate([p.bins for p in all_parts]), np.concatenate([p.counts for p in all_parts]))
    seconds, second_counts = _tally(
        np.concatenate([p.seconds for p in all_parts]), np.concatenate([p.second_counts for p in all_parts])
    )
    return Histogram(bins, counts, seconds, second_counts)


def coarsest_resolution(sources: Iterable[Histogram]) -> float:
    """Return 1.0 if any source that holds more than 3 % of all values logs whole seconds, else 0.001.

    A source is one log file or one kind of client: their clocks differ, so each is tested alone.
    """
    all_sources = list(sources)
    enough = WHOLE_SHARE * sum(s.n for s in all_sources)
    return max((s.resolution_s for s in all_sources if s.n > enough), default=0.001)


def _tally(keys: Ints, weights: Ints | None = None) -> tuple[Ints, Ints]:
    """Distinct keys, ascending, and how often each occurs (or its weights added)."""
    if weights is None:
        distinct, counts = np.unique(keys, return_counts=True)
        return distinct.astype(np.int64), counts.astype(np.int64)
    distinct, place = np.unique(keys, return_inverse=True)
    added = np.zeros(len(distinct), dtype=np.int64)
    np.add.at(added, place, weights)
    return distinct.astype(np.int64), added
