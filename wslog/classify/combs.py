"""Durations at multiples of one period: a heartbeat that decides when an end is noticed, not several timeouts.

Combs are accepted spikes on consecutive multiples of a period. Units: seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from wslog.classify.histogram import Floats

FEWEST_TEETH: Final = 3
PRESENT: Final = 0.6  # of the multiples from the first tooth to the last
SHORTEST_S: Final = 5.0
OFF: Final = (0.005, 0.1, 0.04)  # how far off a multiple: of the place, in seconds; and at most of the period


class Comb(Struct, frozen=True):
    """A period, and the multiples of it at which spikes stand."""

    period_s: float
    multiples: tuple[int, ...] = ()

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
