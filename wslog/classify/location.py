"""Where a pile peaks, and the number in the configuration that it points to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from wslog.classify.histogram import Floats
from wslog.knowledge.tolerance import NEAR_S

ROUND_S: Final = (3600.0, 1800.0, 900.0, 600.0, 300.0, 60.0, 30.0, 15.0, 10.0, 5.0, 1.0, 0.5, 0.1)
EARLY_S: Final = NEAR_S
LATE_S: Final = 0.05
WHOLE_S: Final = 1.0  # both, for whole-second data


def half_sample_mode(places: Floats, weights: Floats) -> float:
    """Return the mode by halving: the shortest stretch with half of the weight, again and again (Bickel 2002).

    Args:
        places: Ascending places of bins, in seconds.
        weights: What each holds; not all zero.
    """
    places, weights = places[weights > 0], weights[weights > 0]
    while len(places) > 1:
        total = np.concatenate([[0.0], np.cumsum(weights)])
        first = np.arange(len(places))
        last = np.searchsorted(total, total[:-1] + total[-1] / 2 - 1e-9, side="left") - 1
        fits = last < len(places)
        first, last = first[fits], last[fits]
        # Of equally short stretches the fullest.
        span, content = places[last] - places[first], total[last + 1] - total[first]
        best = np.lexsort((-content, np.round(span, 6)))[0]
        a, b = int(first[best]), int(last[best]) + 1
        if b - a == len(places):
            break
        places, weights = places[a:b], weights[a:b]
    return float(np.average(places, weights=weights))


def shortest_run(edges: Floats, weights: Floats, part: float) -> tuple[float, float]:
    """Return the ends of the shortest run of bins that holds a *part* of the weight."""
    total = np.concatenate([[0.0], np.cumsum(weights)])
    last = np.searchsorted(total, total[:-1] + part * total[-1] - 1e-9, side="left")
    first = np.flatnonzero(last < len(total))
    shortest = first[np.argmin(edges[last[first]] - edges[first])]
    return float(edges[shortest]), float(edges[last[shortest]])


def shortest_span(edges: Floats, weights: Floats, part: float) -> float:
    """Return the length of that run."""
    start, end = shortest_run(edges, weights, part)
    return end - start


def weighted_quantile(places: Floats, weights: Floats, q: float) -> float:
    """Return the first place up to which a part *q* of the weight lies."""
    total = np.cumsum(weights)
    return float(places[min(int(np.searchsorted(total, q * total[-1] - 1e-9)), len(places) - 1)])


def nearest_setting(
    mode_s: float, q05_s: float, known_s: Sequence[float], *, resolution_s: float, half_bin_s: float
) -> float:
    """Return the known timer nearest the mode in [q05 - 0.35 s, mode + 0.05 s], else the roundest number there.

    Delays push a pile up from its timer, never below it but for nginx's lazy timers; whole seconds blur by one, and
    bins, of which the middle is told, by half of their width.
    """
    early, late = (WHOLE_S, WHOLE_S) if resolution_s >= 1 else (EARLY_S, LATE_S)
    low, high = min(q05_s, mode_s) - max(early, half_bin_s + EARLY_S), mode_s + max(late, half_bin_s + LATE_S)
    near = [k for k in known_s if low <= k <= high]
    if near:
        return min(near, key=lambda k: (abs(k - mode_s), k))
    for step in ROUND_S:
        multiples = np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
        multiples = multiples[multiples > 0]
        if len(multiples):
            return round(float(multiples[np.argmin(np.abs(multiples - mode_s))]), 3)
    return round(mode_s, 3)
