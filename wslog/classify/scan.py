"""The one window of all places and widths that stands out most from its side bands.

For a window of counts k beside a band of m counts, with alpha = ln-width of the window over ln-width of the band:

    A = alpha (1.15 + 2 ln-width(window))       slack: ordinary unevenness is no spike
    p = P(Bin(k + m, A / (1 + A)) >= k)
    ln p_global = ln p + ln(2 ln(x_max / x_min) / ln-width(window)) + ln(number of widths narrow enough there)

A window that holds a known timer pays for the list of known timers instead of for all places. Sources: scan statistics
(Naus 1965; Kulldorff 1997), the on/off test (Li & Ma 1983), a systematic error on its ratio (Spengler 2015).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from wslog.classify.histogram import Floats, Ints
from wslog.classify.sidebands import SHORTEST_S, Axis, Bools, Sums, bands_beside
from wslog.classify.significance import log_tail_fast

WIDTHS: Final = (1, 2, 3, 4, 6, 9, 13, 19, 28, 42, 63, 95, 140)
FEWEST: Final = 4
LEAST_EXCESS: Final = 3.0
LEAST_SHARE: Final = 0.002
WIDEST: Final = 0.03  # of its place
WIDEST_S: Final = 0.6  # or this, whichever is more
WIDEST_WHOLE_S: Final = 2.05  # the same for whole-second data
SHORTEST_WHOLE_S: Final = 2.0  # there, below, a bin is as wide as its place


class Rules(Struct, frozen=True):
    """What counts as a spike; the switches exist so that their worth can be measured.

    Attributes:
        alpha: Chance of any false spike in a whole set.
        denser_band: Compare with the denser of the two bands, not with both pooled.
        slack: Let the background be uneven.
        compact: Grown to its full width, a spike must still be as narrow as a timer makes it.
    """

    alpha: float = 0.05
    denser_band: bool = True
    slack: bool = True
    compact: bool = True


class Window(NamedTuple):
    """A stretch of bins [low, high) and the logarithm of its chance, trials included."""

    low: int
    high: int
    log_p: float


class Grid(Struct, frozen=True):
    """All windows of an axis, of every width, that are narrow enough for a timer.

    Attributes:
        start, stop: Bins.
        ln_width: In ln x.
        log_trials: What their number costs.
    """

    start: Ints
    stop: Ints
    ln_width: Floats
    log_trials: Floats

    @classmethod
    def of(cls, axis: Axis) -> Grid:
        """Lay the windows out, a fifth of their width apart."""
        starts = [np.arange(0, len(axis.counts) - w + 1, max(1, w // 5)) for w in WIDTHS if w <= len(axis.counts)]
        start = np.concatenate(starts)
        stop = start + np.repeat(WIDTHS[: len(starts)], [len(s) for s in starts])
        low, high = axis.edges_s[start], axis.edges_s[stop]
        shortest = SHORTEST_S if axis.resolution_s < 1 else SHORTEST_WHOLE_S
        narrow = (high - low <= widest_s(axis, low) + 1e-9) & (low >= shortest)
        start, stop = start[narrow], stop[narrow]
        return cls(start, stop, *_width_and_trials(axis, start, stop))


def _width_and_trials(axis: Axis, start: Ints, stop: Ints) -> tuple[Floats, Floats]:
    ln_width = np.log(axis.edges_s[stop] / axis.edges_s[start])
    log_trials = np.log(2 * axis.span_ln / ln_width)
    if len(axis.known_s):
        has_known = np.searchsorted(axis.known_s, axis.edges_s[stop]) > np.searchsorted(
            axis.known_s, axis.edges_s[start]
        )
        log_trials = np.where(has_known, np.minimum(log_trials, np.log(4 * len(axis.known_s))), log_trials)
    at = axis.edges_s[start]
    n_widths = np.searchsorted(WIDTHS, widest_s(axis, at) / (axis.edges_s[start + 1] - at) + 1e-9, side="right")
    return ln_width, np.maximum(log_trials, 0.0) + np.log(np.maximum(n_widths, 1))


def widest_s(axis: Axis, at_s: Floats) -> Floats:
    """How wide a pile at a place may be and still be a timer's, in seconds."""
    return np.maximum(WIDEST * at_s, WIDEST_S if axis.resolution_s < 1 else WIDEST_WHOLE_S)


def best_window(axis: Axis, grid: Grid, mask: Bools, rules: Rules) -> Window | None:
    """Return the most significant window free of masked bins, or None."""
    sums, masked = Sums.of(axis, mask), np.concatenate([[0], np.cumsum(mask)])
    least = max(LEAST_EXCESS, LEAST_SHARE * axis.n)
    on = sums.counts[grid.stop] - sums.counts[grid.start]
    some = np.flatnonzero((on >= max(FEWEST, least)) & (masked[grid.stop] == masked[grid.start]))
    if not len(some):
        return None
    windows = Grid(grid.start[some], grid.stop[some], grid.ln_width[some], grid.log_trials[some])
    log_p = _log_p(sums, windows, rules, least)
    best = int(np.argmin(log_p))
    if log_p[best] >= np.log(rules.alpha):
        return None
    return Window(int(grid.start[some[best]]), int(grid.stop[some[best]]), float(log_p[best]))


def judge_window(axis: Axis, mask: Bools, low: int, high: int, rules: Rules) -> float:
    """Return ln p_global of one stretch, as if it had been scanned."""
    free = mask.copy()
    free[low:high] = False
    start, stop = np.array([low]), np.array([high])
    window = Grid(start, stop, *_width_and_trials(axis, start, stop))
    least = max(LEAST_EXCESS, LEAST_SHARE * axis.n)
    return float(_log_p(Sums.of(axis, free), window, rules, least)[0])


def _log_p(sums: Sums, windows: Grid, rules: Rules, least: float) -> Floats:
    """Return ln p_global of windows; 0 where the excess is too small to matter."""
    bands, ln_width = bands_beside(sums, windows.start, windows.stop), windows.ln_width
    off, off_ln = bands.denser() if rules.denser_band else bands.pooled()
    ratio = ln_width / off_ln * ((1.15 + 2 * ln_width) if rules.slack else 1.0)
    on = sums.counts[windows.stop] - sums.counts[windows.start]
    log_p = np.zeros(len(on))
    good = on - ratio * off >= least
    log_p[good] = log_tail_fast(on[good], off[good], ratio[good]) + windows.log_trials[good]
    return log_p
