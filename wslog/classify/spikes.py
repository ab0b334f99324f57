"""Where durations pile up: an on/off scan with greatest-of side bands finds the spikes that timers make.

No model of the background is needed and small counts are exact. The larger of the two side bands is the background, so
that a cliff is not taken for a spike; a slack on the rate keeps ordinary unevenness from becoming one. Sources: scan
statistics (Naus 1965; Kulldorff 1997), the on/off test of Li & Ma 1983, CFAR side bands (Hansen & Sawyers 1980).

Units: seconds; ln x is the natural logarithm of seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wslog.classify.histogram import Histogram, sketch
from wslog.classify.significance import ASYMPTOTIC_FROM, log_tail, log_tail_fast

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

WIDTHS: Final = (1, 2, 3, 4, 6, 9, 13, 19, 28, 42, 63, 95, 140)
ALPHA: Final = 0.05
FEWEST: Final = 4
BAND_LN: Final = (0.12, 0.8)  # shortest and longest side band
BAND_COUNTS: Final = 30
MOST_SPIKES: Final = 40
SHORTEST_S: Final = 0.5  # below, handshakes and quick failures make shapes of their own


@dataclass(frozen=True, slots=True)
class Spike:
    """A pile of durations.

    Attributes:
        low_s, high_s: The window it fills.
        center_s: Where it peaks (half-sample mode).
        n: Values in it beyond the background; `share` of all values, with its 95 % interval.
        p_value: Of a pile like this by chance anywhere on the axis.
        background_share: Part of the window's values that the background explains.
    """

    low_s: float
    high_s: float
    center_s: float
    n: float
    share: float
    share_low: float
    share_high: float
    p_value: float
    background_share: float


def find_spikes(values_s: Floats, *, known_s: Sequence[float] = (), alpha: float = ALPHA) -> list[Spike]:
    """Find the spikes among durations.

    Args:
        values_s: Durations; missing ones are left out.
        known_s: Timers to expect, which lowers the bar where they stand.
        alpha: Chance of any false spike in the whole set.

    Returns:
        The spikes in order of place.
    """
    values = values_s[np.isfinite(values_s) & (values_s >= 0)]
    if len(values) < FEWEST:
        return []
    axis = _Axis.of(sketch(values), known_s)
    taken: list[tuple[int, int, float]] = []
    mask = np.zeros(len(axis.counts), dtype=bool)
    for _ in range(MOST_SPIKES):
        best = _best_window(axis, mask, alpha)
        if best is None:
            break
        low, high, log_p = best
        low, high = _grow(axis, mask, low, high)
        mask[low:high] = True
        taken.append((low, high, log_p))
    merged = _absorb(axis, sorted(taken))
    split = [part for spike in merged for part in _split(axis, *spike)]
    return [spike for part in split if (spike := _measure(axis, mask, part, values)) is not None]


@dataclass(frozen=True, slots=True)
class _Axis:
    """The histogram with what the scan needs of it."""

    edges: Floats
    counts: Floats
    ln_width: Floats
    resolution: float
    known: Floats
    n: int

    @classmethod
    def of(cls, hist: Histogram, known_s: Sequence[float]) -> _Axis:
        edges = np.maximum(hist.edges_s, 5e-4)
        return cls(
            hist.edges_s,
            hist.counts.astype(float),
            np.diff(np.log(edges)),
            hist.resolution_s,
            np.array(sorted(known_s)),
            hist.n,
        )

    @property
    def log_span(self) -> float:
        """Length of the occupied part in ln x."""
        filled = np.flatnonzero(self.counts)
        low, high = max(self.edges[filled[0]], SHORTEST_S), self.edges[filled[-1] + 1]
        return max(float(np.log(high / low)), 0.5)


def _best_window(axis: _Axis, mask: Bools, alpha: float) -> tuple[int, int, float] | None:
    """Return the most significant unmasked window (first bin, last bin + 1, ln p), or None."""
    free = ~mask
    count_sum = np.concatenate([[0.0], np.cumsum(axis.counts * free)])
    length_sum = np.concatenate([[0.0], np.cumsum(axis.ln_width * free)])
    mask_sum = np.concatenate([[0], np.cumsum(mask)])
    best: tuple[int, int, float] | None = None
    for width in WIDTHS:
        start = np.arange(0, len(axis.counts) - width + 1, max(1, width // 5))
        stop = start + width
        wide = axis.edges[stop] - axis.edges[start]
        widest = np.maximum(0.03 * axis.edges[start], 0.6 if axis.resolution < 1 else 2.05)
        on = count_sum[stop] - count_sum[start]
        ok = (
            (on >= FEWEST)
            & (wide <= widest + 1e-9)
            & (mask_sum[stop] == mask_sum[start])
            & (axis.edges[start] >= SHORTEST_S)
        )
        start, stop, on = start[ok], stop[ok], on[ok]
        if not len(start):
            continue
        off, band = _side_bands(start, stop, count_sum, length_sum, guard=min(max(width, 1), 40))
        ln_w = length_sum[stop] - length_sum[start]
        slack = ln_w / band * (1.15 + 2 * ln_w)
        excess = on - slack * off
        log_p = log_tail_fast(on, off, slack)
        trials = np.log(2 * axis.log_span / ln_w)
        if len(axis.known):
            has_known = np.searchsorted(axis.known, axis.edges[stop]) > np.searchsorted(axis.known, axis.edges[start])
            trials = np.where(has_known, np.minimum(trials, np.log(4 * len(axis.known))), trials)
        trials = np.maximum(trials, 0.0) + np.log(len(WIDTHS))
        good = excess >= np.maximum(3.0, 0.002 * axis.n)
        for i in np.argsort(np.where(good, log_p + trials, 0.0))[:8]:
            if not good[i]:
                break
            exact = (
                log_p[i] if -log_p[i] > ASYMPTOTIC_FROM**2 / 2 else log_tail(int(on[i]), int(off[i]), float(slack[i]))
            )
            total = float(exact + trials[i])
            if total < np.log(alpha) and (best is None or total < best[2]):
                best = (int(start[i]), int(stop[i]), total)
    return best


def _side_bands(
    start: NDArray[np.int64], stop: NDArray[np.int64], count_sum: Floats, length_sum: Floats, *, guard: int
) -> tuple[Floats, Floats]:
    """Return counts and length (ln x) of the side band with the larger expectation, per window.

    A band is at least 0.12 long in ln x, longer until it holds 30 counts, at most 0.8; masked bins do not count.
    """
    last = len(count_sum) - 1
    left_end, right_start = np.maximum(start - guard, 0), np.minimum(stop + guard, last)

    def band(begin: NDArray[np.int64], sign: int) -> tuple[Floats, Floats]:
        near, far = (length_sum[begin] + sign * x for x in BAND_LN)
        enough = count_sum[begin] + sign * BAND_COUNTS
        side: Literal["left", "right"] = "left" if sign > 0 else "right"
        ends = [np.searchsorted(length_sum, x, side=side) - (sign < 0) for x in (near, far)]
        full = np.searchsorted(count_sum, enough, side=side) - (sign < 0)
        end = np.clip(
            np.minimum(np.maximum(ends[0], full), ends[1])
            if sign > 0
            else np.maximum(np.minimum(ends[0], full), ends[1]),
            0,
            last,
        )
        return np.abs(count_sum[end] - count_sum[begin]), np.abs(length_sum[end] - length_sum[begin])

    (m_left, l_left), (m_right, l_right) = band(left_end, -1), band(right_start, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mu_left = np.where(l_left >= 0.03, m_left / l_left, -1.0)
        mu_right = np.where(l_right >= 0.03, m_right / l_right, -1.0)
    pooled_m, pooled_l = m_left + m_right, np.maximum(l_left + l_right, 1e-3)
    use_left, neither = mu_left > mu_right, (mu_left < 0) & (mu_right < 0)
    # With no counts on the denser side, the longer band is the better witness of emptiness.
    empty = (mu_left <= 0) & (mu_right <= 0)
    off = np.where(neither | empty, pooled_m, np.where(use_left, m_left, m_right))
    length = np.where(neither | empty, pooled_l, np.where(use_left, l_left, l_right))
    return off, np.maximum(length, 1e-3)


def _grow(axis: _Axis, mask: Bools, low: int, high: int) -> tuple[int, int]:
    """Widen a window outwards while the next half-window still holds an excess.

    Reaches further to the right (5 %, at least 2.5 s), where delays are, than to the left (1.5 %, at least 0.45 s).
    """
    x = float(axis.edges[low])
    stops = (axis.edges[low] - max(0.015 * x, 0.45), axis.edges[high] + max(0.05 * x, 2.5))
    fewest = int(np.searchsorted(axis.edges, x + max(0.15, 0.003 * x))) - low
    for is_right in (True, False):
        while True:
            step = max((high - low) // 2, 1, fewest if axis.counts[low:high].sum() < 80 else 1)
            a, b = (high, min(high + step, len(axis.counts))) if is_right else (max(low - step, 0), low)
            if a >= b or mask[a:b].any() or axis.edges[a] < stops[0] or axis.edges[b] > stops[1]:
                break
            mu = _background(axis, mask, (low, high), (a, b))[0]
            if axis.counts[a:b].sum() - mu <= 1.5 * np.sqrt(mu) + 0.5:
                break
            low, high = (low, b) if is_right else (a, high)
    return low, high


def _background(axis: _Axis, mask: Bools, spike: tuple[int, int], bins: tuple[int, int]) -> tuple[float, float]:
    """Expected background counts of *bins* beside or inside *spike* (itself masked), and their variance."""
    low, high = min(spike[0], bins[0]), max(spike[1], bins[1])
    free = ~mask
    free[low:high] = False
    count_sum = np.concatenate([[0.0], np.cumsum(axis.counts * free)])
    length_sum = np.concatenate([[0.0], np.cumsum(axis.ln_width * free)])
    off, band = _side_bands(np.array([low]), np.array([high]), count_sum, length_sum, guard=1)
    ratio = float(axis.ln_width[bins[0] : bins[1]].sum() / band[0])
    return ratio * float(off[0]), ratio**2 * (float(off[0]) + 1.0)


def _absorb(axis: _Axis, taken: list[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """Join neighbours that no valley separates."""
    joined: list[tuple[int, int, float]] = []
    for low, high, log_p in taken:
        if joined:
            before = joined[-1]
            gap = axis.edges[low] - axis.edges[before[1]]
            if gap <= max(0.06 * axis.edges[low], 3.0) and not _has_valley(
                axis, before[0], high, between=(before[1], low)
            ):
                joined[-1] = (before[0], high, min(before[2], log_p))
                continue
        joined.append((low, high, log_p))
    return joined


def _has_valley(axis: _Axis, low: int, high: int, *, between: tuple[int, int]) -> bool:
    """Whether the bins *between* two hills hold significantly less than the lower hill."""
    a, b = between
    if b <= a:
        return False
    left, right = axis.counts[low:a].sum() / max(a - low, 1), axis.counts[b:high].sum() / max(high - b, 1)
    hill = axis.counts[low:a].sum() if left < right else axis.counts[b:high].sum()
    width = (a - low) if left < right else (high - b)
    valley = axis.counts[a:b].sum()
    return bool(log_tail(int(hill), int(valley), max(width, 1) / (b - a)) < np.log(0.01))


def _split(axis: _Axis, low: int, high: int, log_p: float) -> list[tuple[int, int, float]]:
    """Split a window at a significant inner valley, again and again."""
    counts = axis.counts[low:high]
    best: tuple[float, int, int] | None = None
    for width in (1, 2, 3, 5, 8, 12):
        for a in range(width, len(counts) - 2 * width + 1):
            valley = counts[a : a + width].sum()
            left = max(counts[b : b + width].sum() for b in range(max(0, a - 12 * width), a - width + 1))
            right = max(
                counts[b : b + width].sum() for b in range(a + width, min(len(counts) - width + 1, a + 12 * width))
            )
            hill = min(left, right)
            if hill < FEWEST or valley * 2 > hill:
                continue
            trial = log_tail(int(hill), int(valley), 1.0) + np.log(2 * len(counts) / width)
            if trial < np.log(0.01) and (best is None or trial < best[0]):
                best = (trial, a, width)
    if best is None or len(counts) > 400:
        return [(low, high, log_p)]
    middle = low + best[1] + best[2] // 2
    return [*_split(axis, low, middle, log_p), *_split(axis, middle, high, log_p)]


def _measure(axis: _Axis, mask: Bools, part: tuple[int, int, float], values: Floats) -> Spike | None:
    """Measure share, interval and place of one spike with the final mask."""
    low, high, log_p = part
    on = float(axis.counts[low:high].sum())
    mu, variance = _background(axis, mask, (low, high), (low, high))
    excess = on - mu
    if excess < 3:
        return None
    sd = float(np.sqrt(on + variance + (0.02 * excess) ** 2))  # 2 %: the cut of the tails
    inside = np.sort(values[(values >= axis.edges[low] - 5e-4) & (values < axis.edges[high] - 5e-4)])
    share_low, share_high = (max(0.0, min(1.0, (excess + z * sd) / axis.n)) for z in (-1.96, 1.96))
    return Spike(
        low_s=float(axis.edges[low]),
        high_s=float(axis.edges[high]),
        center_s=half_sample_mode(inside),
        n=excess,
        share=excess / axis.n,
        share_low=share_low,
        share_high=share_high,
        p_value=float(np.exp(max(log_p, -700.0))),
        background_share=float(min(1.0, mu / on)),
    )


def half_sample_mode(ordered: Floats) -> float:
    """Return the mode by halving: the densest half, again and again (Bickel 2002)."""
    while len(ordered) > 3:
        half = (len(ordered) + 1) // 2
        spans = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
        first = int(np.argmin(spans))
        ordered = ordered[first : first + half]
    return float(ordered.mean())


def configured_value(
    spike: Spike, quantile_05_s: float, known_s: Sequence[float], resolution_s: float = 0.001
) -> float:
    """Guess the number in the configuration: the known timer nearest the peak, else the roundest number there."""
    early, late = (1.0, 1.0) if resolution_s >= 1 else (0.35, 0.05)
    low, high = quantile_05_s - early, spike.center_s + late
    near = [k for k in known_s if low <= k <= high]
    if near:
        return min(near, key=lambda k: abs(k - spike.center_s))
    for step in (3600.0, 900.0, 600.0, 300.0, 60.0, 30.0, 15.0, 10.0, 5.0, 1.0, 0.5, 0.1):
        rounded = round(spike.center_s / step) * step
        if rounded > 0 and low <= rounded <= high + (0.05 if resolution_s < 1 else 0.0):
            return round(rounded, 3)
    return round(spike.center_s, 3)
