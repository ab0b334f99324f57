"""Durations as integer counts in fixed bins: mergeable in any order, identical on every machine.

Bins follow 1-2-5 steps, 0.05-0.1 % wide: 1 ms up to 2 s, 2 ms from 2 s, 5 ms from 5 s, 10 ms from 10 s, and so on.
Edges line up with whole seconds, so rounded data never alias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LONGEST_MS: Final = 10_000_000_000
FREQUENT: Final = 6  # whole seconds that may be spikes of exact timers and say nothing about the clock's grain
FEWEST_WHOLE: Final = 3
WHOLE_SHARE: Final = 0.03


def bin_edges(longest_ms: int) -> Ints:
    """Return the edges in milliseconds, from 0 to at least *longest_ms*."""
    parts: list[Ints] = [np.arange(0, 2000, 1)]
    start, step = 2000, 2
    while start <= longest_ms:
        step_next = step * 5 // 2 if str(step)[0] == "2" else step * 2
        parts.append(np.arange(start, step_next * 1000, step))
        start, step = step_next * 1000, step_next
    return np.append(np.concatenate(parts), start).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts per bin.

    Attributes:
        edges_s: Bin edges in seconds, one more than counts.
        counts: Values in [edge, next edge).
        resolution_s: 1.0 if the values are whole seconds in part, else 0.001.
    """

    edges_s: Floats
    counts: Ints
    resolution_s: float

    @property
    def n(self) -> int:
        """Number of values."""
        return int(self.counts.sum())


def sketch(values_s: Floats) -> Histogram:
    """Count durations in seconds; negative and missing ones are left out."""
    ms = np.round(values_s[np.isfinite(values_s) & (values_s >= 0)] * 1000).astype(np.int64)
    ms = ms[ms < LONGEST_MS]
    edges = bin_edges(int(ms.max()) + 1 if len(ms) else 1)
    counts = np.histogram(ms, edges)[0].astype(np.int64)
    if _is_whole_seconds(ms):
        whole = edges[edges % 1000 == 0]
        counts, edges = np.add.reduceat(counts, np.searchsorted(edges, whole[:-1])), whole
        return Histogram(edges / 1000.0, counts, 1.0)
    return Histogram(edges / 1000.0, counts, 0.001)


def _is_whole_seconds(ms: Ints) -> bool:
    """Whether a part of the values was logged in whole seconds.

    After the most frequent whole seconds are set aside (exact timers make those), hardly any value of a millisecond
    clock is a whole second by chance.
    """
    long = ms[ms >= 2000]
    is_whole = long % 1000 == 0
    seconds, counts = np.unique(long[is_whole], return_counts=True)
    if len(seconds) <= FREQUENT:
        return bool(len(long) > FREQUENT and is_whole.mean() > 0.9)
    rest_whole = int(np.sort(counts)[:-FREQUENT].sum())
    rest = len(long) - int(np.sort(counts)[-FREQUENT:].sum())
    return rest_whole >= FEWEST_WHOLE and rest_whole > WHOLE_SHARE * rest
