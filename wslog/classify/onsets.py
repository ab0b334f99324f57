"""Silences and ages from which on connections end far more often than before: what a timer that fires late leaves.

A timer that is looked at every few seconds makes a pile too wide for a spike. What ends a connection whatever it does
makes none: whoever was silent for a minute was silent for every shorter time before, so that it meets long silences no
more often than short ones, and ages as often as connections come to them. Ends that become frequent from some silence
on are a timer's, however wide they lie behind it.

Units: seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from msgspec import Struct

from wslog.classify.histogram import Floats, sketch
from wslog.classify.scan import WIDEST_WHOLE_S
from wslog.classify.significance import log_tail_fast

Exposure = Callable[[Floats], Floats]

ALPHA: Final = 0.01
SHORTEST_S: Final = 5.0  # what ends sooner than this after a message is its doing
WIDTHS: Final = (0.0, 0.03, 0.06, 0.12, 0.25, 0.5)  # of its place: how far a pile may lie behind its timer, at first
NARROWEST_S: Final = 0.4
BANDS: Final = (0.25, 0.5, 0.9)  # of the place: how far below it ends are counted to compare
SLACK: Final = 3.0  # people, too, come and go in humps
FARTHEST: Final = 2.0  # times where it begins: the end of a pile
FEWEST: Final = 3
MOST_STARTS: Final = 2000


class Onset(Struct, frozen=True):
    """Where ends become frequent: from `low_s` up to `high_s`, `n` of them, `chance` of which are there by chance."""

    low_s: float
    high_s: float
    n: int
    chance: float


def find_onsets(ends: Floats, exposure: Exposure, *, floor_s: float = 0.0, ceiling_s: float = np.inf) -> list[Onset]:
    """Find where ends become frequent.

    Args:
        ends: Silences or ages at which connections ended.
        exposure: How much time all connections together spent below a silence or age; of silences at most as much
            above a value as below it, so that the value itself will do.
        floor_s: Where to look, and to compare, from.
        ceiling_s: And to.
    """
    inside = np.sort(ends[(ends > floor_s) & (ends < ceiling_s)])
    starts = np.unique(inside[inside >= SHORTEST_S])
    starts = starts[:: max(1, -(-len(starts) // MOST_STARTS))]
    if len(inside) < FEWEST or not len(starts):
        return []
    low, width, band = (of.ravel() for of in np.meshgrid(starts, WIDTHS, BANDS, indexing="ij"))
    narrowest = NARROWEST_S if sketch(inside).resolution_s < 1 else WIDEST_WHOLE_S
    high = np.minimum(low + np.maximum(width * low, narrowest), ceiling_s)
    below = np.maximum(low * (1 - band), floor_s)
    on, off = _count(inside, low, high), _count(inside, below, low)
    time, time_off = exposure(high) - exposure(low), exposure(low) - exposure(below)
    ratio = SLACK * time / np.maximum(time_off, 1e-9)
    is_fit = (on >= FEWEST) & (low - below >= 0.5 * (high - low))
    log_p = np.where(is_fit, log_tail_fast(on, off, ratio), 0.0) + np.log(len(low))
    best = int(np.argmin(log_p))
    if log_p[best] >= np.log(ALPHA):
        return []
    rate = (off[best] + 0.5) / time_off[best]
    start = float(low[best])
    stop = _grown(inside, exposure, start, float(high[best]), rate)
    n = int(_count(inside, np.array([start]), np.array([stop]))[0])
    chance = float(min(rate * float(exposure(np.array([stop]))[0] - exposure(np.array([start]))[0]), n))
    return [
        *find_onsets(inside, exposure, floor_s=floor_s, ceiling_s=start),
        Onset(start, stop, n, chance),
        *find_onsets(inside, exposure, floor_s=stop, ceiling_s=ceiling_s),
    ]


def _count(ends: Floats, low: Floats, high: Floats) -> Floats:
    """Count ends in [low, high)."""
    return np.asarray(np.searchsorted(ends, high) - np.searchsorted(ends, low), dtype=np.float64)


def _grown(ends: Floats, exposure: Exposure, low: float, high: float, rate: float) -> float:
    """Widen a pile upwards while more end there than such a rate lets expect."""
    step = (high - low) / 2
    while high + step <= FARTHEST * low:
        edges = np.array([high, high + step])
        expected = SLACK * rate * float(np.diff(exposure(edges))[0])
        if _count(ends, edges[:1], edges[1:])[0] <= expected + 1.5 * np.sqrt(expected) + 0.5:
            break
        high += step
    return high


def time_lived(lifetimes: Floats) -> Exposure:
    """How long connections of these lifetimes lived together, up to an age."""
    ordered = np.sort(lifetimes)
    total = np.concatenate([[0.0], np.cumsum(ordered)])

    def lived(age: Floats) -> Floats:
        n_below = np.searchsorted(ordered, age)
        rest = (len(ordered) - n_below) * np.where(np.isfinite(age), age, 0.0)
        return np.asarray(total[n_below] + rest)

    return lived
