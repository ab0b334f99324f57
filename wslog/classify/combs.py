"""Durations at multiples of one period: a heartbeat that decides when an end is noticed, not several timeouts.

Strong combs are accepted spikes on consecutive multiples of a period. Weak ones are found by the power of a period's
harmonics k = 3 ... 10 among what the spikes leave over,

    Z^2(f) = sum over k of 2 / n |sum over x of exp(2 pi i k f x)|^2,

over its running median in f; harmonics 1 and 2 are left out, since a smooth background alone has power there.
Source: the Z^2_m test of pulsar searches (Buccheri et al. 1983). Units: seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from wslog.classify.histogram import Floats, sketch
from wslog.classify.spikes import Spike

FEWEST_TEETH: Final = 3
PRESENT: Final = 0.6  # of the multiples from the first tooth to the last
SHORTEST_S: Final = 5.0
OFF: Final = (0.005, 0.1, 0.04)  # how far off a multiple: of the place, in seconds; and at most of the period

PERIODS_S: Final = (8.0, 65.0)
HARMONICS: Final = range(3, 11)
GRID_S: Final = 0.05
LONGEST_S: Final = 1000.0  # later teeth have worn off
PADDED: Final = 1 << 19  # points of the transform: 26 periods of the slowest change in f
TRIED: Final = 4096
MEDIAN_OVER: Final = 901  # of these: a quarter of f to either side
MEDIAN_EVERY: Final = 16
LEAST_POWER: Final = 60.0  # chi^2 with 16 degrees of freedom: 5e-7
LEAST_RATIO: Final = 3.5
SAME_POWER: Final = 0.8  # sharp teeth have as much power at twice the frequency: the longest such period is meant


class Comb(Struct, frozen=True):
    """A period, the multiples of it at which spikes stand (none for a weak comb), and its power over the usual."""

    period_s: float
    multiples: tuple[int, ...] = ()
    power: float = 0.0

    def has(self, place_s: float) -> bool:
        """Whether a place is one of its multiples."""
        return bool(_off_by(np.array([place_s]), self.period_s)[0] <= 1.0)


def _off_by(places_s: Floats, period_s: float) -> Floats:
    """Distance to the nearest multiple, over what is allowed."""
    off = np.abs(places_s - np.round(places_s / period_s) * period_s)
    return np.asarray(off / np.minimum(np.maximum(OFF[0] * places_s, OFF[1]), OFF[2] * period_s))


def find_comb(places_s: Sequence[float]) -> Comb | None:
    """Find the period on whose consecutive multiples at least three of the spikes stand, or None.

    Args:
        places_s: Where accepted spikes stand.
    """
    places = np.sort(np.asarray(places_s, dtype=np.float64))
    best: Comb | None = None
    for period in sorted({float(p / k) for p in places for k in (1, 2, 3, 4)}, reverse=True):
        if period < SHORTEST_S:
            break
        teeth = np.unique(np.round(places[_off_by(places, period) <= 1.0] / period).astype(int))
        teeth = teeth[teeth > 0]
        if len(teeth) < FEWEST_TEETH or not (np.diff(teeth, 2)[np.diff(teeth)[:-1] == 1] == 0).any():
            continue
        is_full = len(teeth) >= PRESENT * (teeth[-1] - teeth[0] + 1)
        if is_full and (best is None or len(teeth) > len(best.multiples)):
            best = Comb(period, tuple(int(t) for t in teeth))
    return best


def find_weak_comb(values_s: Floats, spikes: Sequence[Spike] = ()) -> Comb | None:
    """Find a comb too weak for its teeth to be spikes, or None.

    Args:
        values_s: Durations; missing ones are left out.
        spikes: Found among them; their members are set aside.
    """
    values = values_s[np.isfinite(values_s) & (values_s > 0.5) & (values_s < LONGEST_S)]
    for spike in spikes:
        values = values[spike.probability(values) < 0.5]
    if len(values) < 50:
        return None
    frequency = np.geomspace(1 / PERIODS_S[1], 1 / PERIODS_S[0], TRIED)
    power = _power(values, frequency, is_whole=sketch(values).resolution_s >= 1)
    half = MEDIAN_OVER // 2
    padded = np.pad(power, half, mode="reflect")
    around = np.lib.stride_tricks.sliding_window_view(padded, MEDIAN_OVER)[::MEDIAN_EVERY]
    usual = np.interp(np.arange(TRIED), np.arange(0, TRIED, MEDIAN_EVERY), np.median(around, axis=1))
    ratio = power / np.maximum(usual, 16.0)
    if power.max() < LEAST_POWER or ratio.max() < LEAST_RATIO:
        return None
    top = int(np.argmax(ratio))
    for divisor in (4, 3, 2):
        near = np.flatnonzero(np.abs(frequency * divisor / frequency[top] - 1) < 0.01)
        if len(near) and ratio[near].max() >= SAME_POWER * ratio[top]:
            top = int(near[np.argmax(ratio[near])])
            break
    return Comb(float(1 / frequency[top]), power=float(ratio[top]))


def _power(values_s: Floats, frequency: Floats, *, is_whole: bool) -> Floats:
    """Z^2 over the harmonics, by one transform of the counts."""
    counts = np.bincount((values_s / GRID_S).astype(np.int64), minlength=int(LONGEST_S / GRID_S)).astype(float)
    spectrum = 2 / len(values_s) * np.abs(np.fft.rfft(counts, PADDED)) ** 2
    total = np.zeros(len(frequency))
    for k in HARMONICS:
        at = k * frequency
        power = spectrum[np.round(at * PADDED * GRID_S).astype(np.int64)]
        # Whole seconds are a comb of their own, of period 1 s: spread each over its second.
        total += power * np.sinc(at) ** 2 if is_whole else power
    return total
