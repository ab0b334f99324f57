"""How likely differences of times and durations are between partners, and durations among strangers.

Units: seconds, densities per second. Sources: the method's section 2.3; Fellegi & Sunter 1969 for the ratio of the two.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WIDEST_S: Final = 350.0  # clock errors beyond this are not looked for
FEWEST: Final = 30  # sure pairs before a shape is learnt from them
NARROW_SHARE: Final = 0.70  # the rest notices the end late: seconds, or a timer's length
DURATION_BIN_S: Final = 0.12
BROAD_STEP: Final = 0.3
BROAD_BINS: Final = 64
ASINH_UNIT_S, ASINH_STEP, ASINH_BINS = 0.2, 0.15, 120


def student3(x: Floats, scale: Floats | float, half: Floats | float = 0.0) -> Floats:
    """Density of Student's t with 3 degrees of freedom, a bell with honest tails, around a box.

    Args:
        x: Where.
        scale: Width of the bell.
        half: Half the width of a flat top: what a coarse stamp may mean.
    """
    beyond = np.maximum(np.abs(x) - half, 0.0)
    peak = 2.0 / (np.pi * np.sqrt(3.0) * scale)
    return np.asarray(peak / (1.0 + (beyond / scale) ** 2 / 3.0) ** 2 / (1.0 + 2 * half * peak))


def student3_tail(x: Floats, scale: Floats | float) -> Floats:
    """Probability that |t₃·scale| exceeds *x* (closed form of the cumulative distribution)."""
    z = np.abs(x) / scale / np.sqrt(3.0)
    return np.asarray(1.0 - 2.0 / np.pi * (z / (1.0 + z**2) + np.arctan(z)))


def laplace(x: Floats, scale: Floats | float, half: Floats | float = 0.0) -> Floats:
    """Double exponential density around a flat top of half width *half*."""
    beyond = np.maximum(np.abs(x) - half, 0.0)
    return np.asarray(np.exp(-beyond / scale) / (2.0 * scale + 2 * half))


class LagShape(Struct, frozen=True):
    """How much longer a client's duration is than the server's: g(Δ) = 0.70·narrow + 0.15·Lap(5 s) + 0.15·Lap(300 s).

    Only the narrow part is learnt, apart for durations in whole seconds: pairs whose end one side noticed late are
    under-represented among the sure ones.
    """

    centre: tuple[float, float] = (0.0, 0.0)
    scale: tuple[float, float] = (0.06, 0.06)
    half: tuple[float, float] = (0.0, 1.0)

    def refit(self, longer: Floats, is_whole: NDArray[np.bool_]) -> LagShape:
        """Learn centre and width of the narrow part from sure pairs."""
        fine, whole = longer[~is_whole & (np.abs(longer) < 1)], longer[is_whole & (np.abs(longer) < 2)]
        centre, scale, half = list(self.centre), list(self.scale), list(self.half)
        if len(fine) >= FEWEST:
            centre[0] = float(np.median(fine))
            scale[0] = min(max(1.44 * float(np.median(np.abs(fine - centre[0]))), 0.004), 0.3)
        if len(whole) >= FEWEST:
            centre[1], half[1] = float(np.median(whole)), 0.55
        return LagShape((centre[0], centre[1]), (scale[0], scale[1]), (half[0], half[1]))

    def density(self, longer: Floats, is_whole: NDArray[np.bool_]) -> Floats:
        """Per second, at each difference of durations."""
        kind = is_whole.astype(np.int64)
        centre, scale, half = (np.asarray(part)[kind] for part in (self.centre, self.scale, self.half))
        wide = 0.5 * laplace(longer, 5.0) + 0.5 * laplace(longer, 300.0)
        return np.asarray(NARROW_SHARE * laplace(longer - centre, scale, half) + (1 - NARROW_SHARE) * wide)


class OffsetPrior:
    """Density of a clock offset before anything is known of that client: a core, wide tails, anything at all.

    Learnt from sure pairs as a smoothed histogram in asinh(offset / 0.2 s), a tenth kept for the first guess.
    """

    def __init__(self, offsets: Floats | None = None) -> None:
        self.counts: Floats | None = None
        self.centre = 0.0
        if offsets is not None and len(offsets) >= FEWEST:
            self.centre = float(np.median(offsets))
            bins = np.bincount(self._bin(offsets), minlength=2 * ASINH_BINS).astype(np.float64)
            self.counts = np.convolve(bins, [0.05, 0.25, 0.4, 0.25, 0.05], mode="same") / len(offsets)
        grid = np.concatenate([np.arange(0, 5, 0.01), np.arange(5, WIDEST_S + 1, 0.25)])
        both = self.density(self.centre + grid) + self.density(self.centre - grid)
        mass = np.concatenate([[0.0], np.cumsum((both[1:] + both[:-1]) / 2 * np.diff(grid))])
        self._grid, self._tail = grid, np.clip(1.0 - mass / max(mass[-1], 1e-9), 0.0, 1.0)

    @staticmethod
    def _bin(offsets: Floats) -> Ints:
        where = np.arcsinh(offsets / ASINH_UNIT_S) / ASINH_STEP + ASINH_BINS
        return np.clip(where.astype(np.int64), 0, 2 * ASINH_BINS - 1)

    def density(self, offset: Floats, half: Floats | float = 0.0) -> Floats:
        """Per second, at each offset."""
        guess = 0.65 * student3(offset, 1.0, half) + 0.25 * student3(offset, 11.0, half)
        guess = guess + 0.10 * (np.abs(offset) <= WIDEST_S) / (2 * WIDEST_S)
        if self.counts is None:
            return np.asarray(guess)
        width = ASINH_STEP * np.sqrt(ASINH_UNIT_S**2 + offset**2)
        learnt = self.counts[self._bin(offset)] / np.maximum(width, half)
        return np.asarray(0.9 * learnt + 0.1 * guess)

    def tail(self, reach: Floats) -> Floats:
        """Probability of an offset farther than *reach* from the centre."""
        return np.asarray(np.interp(reach, self._grid, self._tail))


class DurationDensity:
    """Density of strangers' durations: the term-frequency table that makes a match on a spike weak evidence.

    A fine histogram without the judged row itself (alone on its duration it is no spike), on a broad one in steps of
    ln 1.35, which says how usual durations of about that length are.
    """

    def __init__(self, durations: Floats) -> None:
        values = durations[~np.isnan(durations)]
        self._n = max(len(values), 1)
        bins = np.clip(values / DURATION_BIN_S, 0, 5_000_000).astype(np.int64)
        self._counts = np.convolve(np.bincount(bins, minlength=3), [0.25, 0.5, 0.25], mode="same")
        self._broad = np.bincount(self._broad_bin(values), minlength=BROAD_BINS) + 0.5

    @staticmethod
    def _broad_bin(values: Floats) -> Ints:
        return np.asarray(np.clip(np.log1p(np.maximum(values, 0.0)) / BROAD_STEP, 0, BROAD_BINS - 1).astype(np.int64))

    def at(self, durations: Floats) -> Floats:
        """Per second, at a row's own duration; 1 where the duration is not known."""
        known = np.nan_to_num(durations, nan=0.0)
        bins = np.clip(known / DURATION_BIN_S, 0, len(self._counts) - 1).astype(np.int64)
        fine = np.maximum(self._counts[bins] - 0.5, 0.0) / DURATION_BIN_S
        broad = self._broad[self._broad_bin(known)] / (BROAD_STEP * (1.0 + np.maximum(known, 0.0)))
        return np.asarray(np.where(np.isnan(durations), 1.0, (fine + broad) / self._n))
