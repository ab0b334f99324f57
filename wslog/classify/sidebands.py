"""The axis a spike stands on, and the two side bands that tell what its background is.

A band is measured in ln x, the natural logarithm of seconds: durations of ordinary closes vary smoothly on that scale.
Of the two bands the denser one counts (greatest-of, from radar: Hansen & Sawyers 1980), so that a cliff is no spike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wslog.classify.histogram import ALL_EDGES, Floats, Histogram, Ints

Bools = NDArray[np.bool_]

SHORTEST_S: Final = 0.5  # below, handshakes and quick failures make shapes of their own
NEAR_LN: Final = 0.04
SHORT_LN: Final = 0.12  # shortest
LONGEST_LN: Final = 0.8  # and longest side band
BAND_COUNTS: Final = 30
SHORT_COUNTS: Final = 10  # with fewer, a short band tells too little
LEAST_LN: Final = 0.03  # a shorter band says nothing
BEYOND: Final = 2.3  # the axis goes on past the longest value, by a longest band: emptiness counts too
GUARD_BINS: Final = 40  # at most; in whole seconds none: two bins hold a timer and its delays


class Axis(Struct, frozen=True):
    """A histogram laid out densely.

    Attributes:
        edges_s: Bin edges, one more than counts.
        counts: Values in [edge, next edge).
        ln_width: Width of each bin in ln x.
        resolution_s: 1.0 (bins are whole seconds at least) or 0.001.
        known_s: Timer values to expect, ascending.
    """

    edges_s: Floats
    counts: Floats
    ln_width: Floats
    resolution_s: float
    known_s: Floats

    @classmethod
    def of(cls, hist: Histogram, *, known_s: Sequence[float] = (), resolution_s: float | None = None) -> Axis:
        """Lay *hist* out; *resolution_s* overrules the one its values show."""
        resolution = hist.resolution_s if resolution_s is None else resolution_s
        top = BEYOND * ALL_EDGES[hist.bins[-1] + 1] if len(hist.bins) else 1000.0
        n_bins = min(int(np.searchsorted(ALL_EDGES, max(top, 1000.0))), len(ALL_EDGES) - 1)
        edges, counts = ALL_EDGES[: n_bins + 1], np.zeros(n_bins)
        counts[hist.bins] = hist.counts
        if resolution >= 1:
            starts = np.flatnonzero(edges[:-1] % 1000 == 0)
            counts, edges = np.add.reduceat(counts, starts), np.append(edges[starts], edges[-1])
        edges_s = edges / 1000.0
        return cls(edges_s, counts, np.diff(np.log(np.maximum(edges_s, 5e-4))), resolution, np.sort(np.array(known_s)))

    @property
    def n(self) -> float:
        """Number of values."""
        return float(self.counts.sum())

    @property
    def span_ln(self) -> float:
        """Length of the occupied part in ln x."""
        filled = np.flatnonzero(self.counts)
        if not len(filled):
            return 0.5
        low, high = max(self.edges_s[filled[0]], SHORTEST_S), self.edges_s[filled[-1] + 1]
        return max(float(np.log(high / low)), 0.5)


class Sums(Struct, frozen=True):
    """Running sums over bins that no spike has claimed: any stretch's counts and length are two look-ups."""

    counts: Floats
    length: Floats
    widest_guard: int

    @classmethod
    def of(cls, axis: Axis, mask: Bools) -> Sums:
        """Sum the bins outside of *mask*."""
        free = ~mask
        return cls(
            np.concatenate([[0.0], np.cumsum(axis.counts * free)]),
            np.concatenate([[0.0], np.cumsum(axis.ln_width * free)]),
            GUARD_BINS if axis.resolution_s < 1 else 0,
        )


class Bands(Struct, frozen=True):
    """Counts and lengths (ln x) of stretches beside each window: `[stretch, window]`, left ones first.

    Attributes:
        counts, length: Of every stretch.
    """

    counts: Floats
    length: Floats

    def pooled(self) -> tuple[Floats, Floats]:
        """Counts and length of the two full bands together."""
        return self.counts[FULL].sum(axis=0), np.maximum(self.length[FULL].sum(axis=0), 1e-3)

    def denser(self) -> tuple[Floats, Floats]:
        """Counts and length of the densest stretch; of both full bands where none says anything or all are empty."""
        rate = np.where(self.length >= LEAST_LN, self.counts / np.maximum(self.length, LEAST_LN), -1.0)
        for stretch, enough in ((SHORT, SHORT_COUNTS), (NEAR, BAND_COUNTS)):
            rate[stretch] = np.where(self.counts[stretch] >= enough, rate[stretch], -1.0)
        best, columns = rate.argmax(axis=0), np.arange(rate.shape[1])
        both, both_ln = self.pooled()
        together = rate.max(axis=0) <= 0
        off = np.where(together, both, self.counts[best, columns])
        length = np.where(together, both_ln, self.length[best, columns])
        return off, np.maximum(length, 1e-3)


FULL: Final = [0, 1]
SHORT: Final = [2, 3]
NEAR: Final = [4]


def bands_beside(sums: Sums, start: Ints, stop: Ints) -> Bands:
    """Measure the bands beside windows [start, stop) of bins.

    Beyond a guard of the window's own width (up to 40 bins; none in whole seconds), a full band is at least 0.12 long
    in ln x, longer until it holds 30 counts, at most 0.8. A short one ends at 0.12 if it holds 10 counts there, and a
    near one, left only (delays fill the right), at 0.04 if it holds 30: with them a natural mode, 10 % wide or more, is
    measured against itself and not against its feet.
    """
    count, length = sums.counts, sums.length
    last = len(count) - 1
    guard = np.minimum(stop - start, sums.widest_guard)
    left, right = np.maximum(start - guard, 0), np.minimum(stop + guard, last)

    def reach_left(ln: float) -> Ints:
        return np.asarray(np.clip(np.searchsorted(length, length[left] - ln, side="right") - 1, 0, last))

    def reach_right(ln: float) -> Ints:
        return np.asarray(np.clip(np.searchsorted(length, length[right] + ln, side="left"), 0, last))

    full_left = np.searchsorted(count, count[left] - BAND_COUNTS, side="right") - 1
    full_right = np.searchsorted(count, count[right] + BAND_COUNTS, side="left")
    short_left, short_right = reach_left(SHORT_LN), reach_right(SHORT_LN)
    low = [
        np.maximum(np.minimum(full_left, short_left), reach_left(LONGEST_LN)),
        right,
        short_left,
        right,
        reach_left(NEAR_LN),
    ]
    high = [left, np.minimum(np.maximum(full_right, short_right), reach_right(LONGEST_LN)), left, short_right, left]
    a, b = np.stack(low), np.stack(high)
    return Bands(count[b] - count[a], length[b] - length[a])
