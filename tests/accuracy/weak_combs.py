"""Heartbeats too weak for their teeth to be spikes: measured here, and not worth being in wslog (README.md).

Found by the power of a period's harmonics k = 3 ... 10 among what the spikes leave over,

    Z^2(f) = sum over k of 2 / n |sum over x of exp(2 pi i k f x)|^2,

over its running median in f; harmonics 1 and 2 are left out, since a smooth background alone has power there.
Source: the Z^2_m test of pulsar searches (Buccheri et al. 1983). Units: seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from wslog.classify.histogram import Floats, sketch
from wslog.classify.spikes import Spike

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


class WeakComb(NamedTuple):
    """A period, and its power over the usual."""

    period_s: float
    power: float


def find_weak_comb(values_s: Floats, spikes: Sequence[Spike] = ()) -> WeakComb | None:
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
    return WeakComb(float(1 / frequency[top]), float(ratio[top]))


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
