"""Where durations pile up: an on/off scan with greatest-of side bands finds the spikes that timers make.

No model of the background is needed and small counts are exact. The best window (`scan`) is accepted, grown over its
tail, and masked, until none is left; what no valley parts is one spike (`valleys`). All of it reads the histogram only,
so any split of the input gives the same spikes.

Units: seconds; ln x is the natural logarithm of seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from wslog.classify.histogram import Floats, Histogram, sketch
from wslog.classify.location import half_sample_mode, nearest_setting, shortest_run, shortest_span, weighted_quantile
from wslog.classify.scan import FEWEST, LEAST_EXCESS, Grid, Rules, Window, best_window, judge_window, widest_s
from wslog.classify.sidebands import Axis, Bools, Sums, bands_beside
from wslog.classify.valleys import is_separate, split_at_valleys

ALPHA: Final = 0.05
MOST_SPIKES: Final = 40
GROW_RIGHT: Final = (0.05, 2.5)  # part of its place, and seconds: how far a spike's tail may reach
GROW_LEFT: Final = (0.015, 0.45)
NEAR: Final = (0.06, 3.0)
FEW: Final = 80  # with fewer counts, a tail is felt out in longer steps
CORE: Final = 0.8  # part of a spike that must be as narrow as a timer makes it
NEEDLE: Final = 0.25  # or of that width, for a half of it: then the rest is something else behind it
SMOOTH: Final = 10.0  # counts that a bin's membership rests on
TAIL_CUT: Final = 0.02  # of the excess: what the window's ends cut off


class Spike(Struct, frozen=True, eq=False):
    """A pile of durations.

    Attributes:
        low_s, high_s: The window it fills.
        center_s: Where it peaks (half-sample mode of the excess).
        n: Values in it beyond the background; `share` of all values, with its 95 % interval.
        sd: Standard deviation of n.
        p_value: Of a pile like this by chance anywhere on the axis.
        background_share: Part of the window's values that the background explains.
        q05_s, q95_s: Quantiles of its excess.
        resolution_s: 1.0 if some values are whole seconds, else 0.001.
        edges_s: Edges of its bins.
        membership: Per bin, the probability that a value there belongs to the spike: 1 - background / observed.
    """

    low_s: float
    high_s: float
    center_s: float
    n: float
    share: float
    share_low: float
    share_high: float
    sd: float
    p_value: float
    background_share: float
    q05_s: float
    q95_s: float
    resolution_s: float
    edges_s: Floats
    membership: Floats

    def probability(self, values_s: Floats) -> Floats:
        """Return how probably each value (seconds, as logged) belongs to the spike; 0 outside and for missing ones."""
        at = np.round(np.nan_to_num(values_s, nan=-1.0, posinf=-1.0, neginf=-1.0), 3)
        place = np.searchsorted(self.edges_s, at, side="right") - 1
        inside = (place >= 0) & (place < len(self.membership))
        return np.where(inside, self.membership[np.clip(place, 0, len(self.membership) - 1)], 0.0)


def find_spikes(values_s: Floats, *, known_s: Sequence[float] = (), alpha: float = ALPHA) -> list[Spike]:
    """Find the spikes among durations.

    Args:
        values_s: Durations; missing ones are left out.
        known_s: Timers to expect, which lowers the bar where they stand.
        alpha: Chance of any false spike in the whole set.

    Returns:
        The spikes in order of place.
    """
    return find_in(sketch(values_s), known_s=known_s, rules=Rules(alpha=alpha))


def find_in(
    hist: Histogram, *, known_s: Sequence[float] = (), rules: Rules | None = None, resolution_s: float | None = None
) -> list[Spike]:
    """Find the spikes of a histogram; *resolution_s* tells the grain of its sources, if it is known better."""
    if hist.n < FEWEST:
        return []
    rules = rules or Rules()
    axis = Axis.of(hist, known_s=known_s, resolution_s=resolution_s)
    taken, mask = _accept(axis, rules)
    parts = []
    for window in taken:
        split = split_at_valleys(axis.counts, np.diff(axis.edges_s), window.low, window.high)
        for low, high in split:
            if len(split) == 1 or judge_window(axis, mask, low, high, rules) < np.log(rules.alpha):
                parts.append(Window(low, high, window.log_p))
    sums = Sums.of(axis, mask)
    found = (_measure(axis, sums, part, is_compact=rules.compact) for part in sorted(parts))
    return [spike for spike in found if spike is not None]


def _accept(axis: Axis, rules: Rules) -> tuple[list[Window], Bools]:
    """Accept the best window, grown over its tail, until none stands out; return them and the bins they cover."""
    grid, mask = Grid.of(axis), np.zeros(len(axis.counts), dtype=bool)
    taken: list[Window] = []
    for _ in range(MOST_SPIKES):
        best = best_window(axis, grid, mask, rules)
        if best is None:
            break
        near = [i for i, other in enumerate(taken) if _is_tail(axis, other, best)]
        grown = _grow(axis, mask, best)
        if near:
            other = taken.pop(near[0])
            grown = Window(min(grown.low, other.low), max(grown.high, other.high), min(grown.log_p, other.log_p))
        taken.append(grown)
        mask[grown.low : grown.high] = True
    return taken, mask


def _is_tail(axis: Axis, spike: Window, candidate: Window) -> bool:
    """Whether a candidate is near an accepted spike, with no valley between."""
    first, second = sorted((spike, candidate))
    gap = axis.edges_s[second.low] - axis.edges_s[first.high]
    if gap > max(NEAR[0] * axis.edges_s[spike.low], NEAR[1]):
        return False
    return not is_separate(axis.counts, (spike.low, spike.high), (candidate.low, candidate.high))


def _grow(axis: Axis, mask: Bools, window: Window) -> Window:
    """Widen a window outwards while the next half-window still holds an excess.

    Reaches further to the right (5 %, at least 2.5 s), where delays are, than to the left (1.5 %, at least 0.45 s).
    """
    low, high = window.low, window.high
    x = float(axis.edges_s[low])
    leftmost = x - max(GROW_LEFT[0] * x, GROW_LEFT[1])
    rightmost = float(axis.edges_s[high]) + max(GROW_RIGHT[0] * x, GROW_RIGHT[1])
    off, off_ln = bands_beside(Sums.of(axis, mask), np.array([low]), np.array([high])).denser()
    rate = float(off[0] / off_ln[0])
    felt = int(np.searchsorted(axis.edges_s, x + max(0.15, 0.003 * x))) - low
    for is_right in (True, False):
        while True:
            step = max((high - low) // 2, 1, felt if axis.counts[low:high].sum() < FEW else 1)
            a, b = (high, min(high + step, len(axis.counts))) if is_right else (max(low - step, 0), low)
            if a >= b or mask[a:b].any() or axis.edges_s[a] < leftmost or axis.edges_s[b] > rightmost:
                break
            mu = rate * float(axis.ln_width[a:b].sum())
            if axis.counts[a:b].sum() - mu <= 1.5 * np.sqrt(mu) + 0.5:
                break
            low, high = (low, b) if is_right else (a, high)
    return Window(low, high, window.log_p)


def _measure(axis: Axis, sums: Sums, part: Window, *, is_compact: bool) -> Spike | None:
    """Measure share, interval, place and membership of one spike with the final mask.

    mu = (m + 1/2) ln-width(window) / ln-width(bands), both bands pooled; excess = k - mu;
    sd^2 = k + alpha^2 (m + 1) + (2 % excess)^2.
    """
    bins = slice(part.low, part.high)
    edges, counts, ln_width = axis.edges_s[part.low : part.high + 1], axis.counts[bins], axis.ln_width[bins]
    off, off_ln = bands_beside(sums, np.array([part.low]), np.array([part.high])).pooled()
    alpha = float(ln_width.sum() / off_ln[0])
    on, mu = float(counts.sum()), (float(off[0]) + 0.5) * alpha
    excess = on - mu
    if excess < LEAST_EXCESS:
        return None
    sd = float(np.sqrt(on + alpha**2 * (float(off[0]) + 1.0) + (TAIL_CUT * excess) ** 2))
    share_low, share_high = (max(0.0, min(1.0, (excess + z * sd) / axis.n)) for z in (-1.96, 1.96))
    beside = mu * ln_width / ln_width.sum()
    surplus = np.maximum(counts - beside, 0.0)
    if is_compact and shortest_span(edges, surplus, CORE) > widest_s(axis, edges[0]) + 1e-9:
        needle = _needle(axis, part, surplus)  # without one, grown to its full width, it is a natural mode
        return _measure(axis, sums, needle, is_compact=False) if needle else None
    places = edges[:-1] if axis.resolution_s >= 1 else _places(edges)
    return Spike(
        low_s=float(edges[0]), high_s=float(edges[-1]), center_s=half_sample_mode(places, surplus), n=excess,
        share=excess / axis.n, share_low=share_low, share_high=share_high, sd=sd,
        p_value=float(np.exp(max(part.log_p, -700.0))), background_share=float(min(1.0, mu / on)),
        q05_s=weighted_quantile(places, surplus, 0.05), q95_s=weighted_quantile(places, surplus, 0.95),
        resolution_s=axis.resolution_s, edges_s=edges, membership=_membership(counts, beside),
    )  # fmt: skip


def _needle(axis: Axis, part: Window, surplus: Floats) -> Window | None:
    """Return the needle in a window that grew over what stands behind it; None: half of it is too wide for one."""
    edges, widest = axis.edges_s[part.low : part.high + 1], widest_s(axis, axis.edges_s[part.low])
    start, end = shortest_run(edges, surplus, 0.5)
    if end - start > NEEDLE * widest:
        return None
    low, high = np.searchsorted(edges, [start - NEEDLE * widest, end + 0.5 * widest])
    return Window(part.low + int(low), part.low + int(max(high, low + 1)), part.log_p)


def _places(edges_s: Floats) -> Floats:
    """Where the values of a bin are on average: whole milliseconds from its low edge on."""
    return np.asarray(edges_s[:-1] + (np.diff(edges_s) - 0.001) / 2)


def _membership(counts: Floats, background: Floats) -> Floats:
    """1 - background / observed per bin; sparse bins are judged with their neighbours (local fdr, Efron 2004)."""
    observed, expected = counts.copy(), background.copy()
    total, total_mu = (np.concatenate([[0.0], np.cumsum(x)]) for x in (counts, background))
    places = np.arange(len(counts))
    reach = 0
    while reach < len(counts):
        sparse = observed < SMOOTH
        if not sparse.any():
            break
        reach = max(1, reach * 2)
        low, high = np.maximum(places - reach, 0), np.minimum(places + reach + 1, len(counts))
        observed = np.where(sparse, total[high] - total[low], observed)
        expected = np.where(sparse, total_mu[high] - total_mu[low], expected)
    return np.clip(1.0 - expected / np.maximum(observed, 1e-9), 0.0, 1.0)


def configured_value(
    spike: Spike, quantile_05_s: float, known_s: Sequence[float], resolution_s: float | None = None
) -> float:
    """Guess the number in the configuration: the known timer nearest the peak, else the roundest number there."""
    grain = spike.resolution_s if resolution_s is None else resolution_s
    after = min(max(int(np.searchsorted(spike.edges_s, spike.center_s)), 1), len(spike.edges_s) - 1)
    half_bin = float(spike.edges_s[after] - spike.edges_s[after - 1]) / 2
    return nearest_setting(spike.center_s, quantile_05_s, known_s, resolution_s=grain, half_bin_s=half_bin)
