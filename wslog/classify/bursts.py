"""Moments at which many connections ended together, per upstream, for connections nginx never logged, and overall.

The same on/off test as for spikes, on the axis of time: closes in a window against the denser of two bands of up to ten
minutes beside it, with a slack of 2. Scanning each upstream alone, where closes are rare, finds small restarts.

Units: seconds since the first close.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.classify.alive import alive_at
from wslog.classify.significance import log_tail_bound, log_tail_fast

Floats = NDArray[np.float64]
Windows = NDArray[np.void]

WIDTHS_S: Final = (1, 2, 3, 5, 10, 20, 40, 80)  # from a killed process to a slow rolling restart
GUARD_S: Final = 30  # stragglers of a burst are not its background
BAND_S: Final = 600  # minutes, so that rush hours are background
SLACK: Final = 2.0  # closes come unevenly; a rate up to twice the band's is no burst
ROUGHLY: Final = 0.99  # of the slack: a look that leaves no rounding to doubt
FEWEST: Final = 5
ALPHA: Final = 0.01  # chance of one false burst in all scopes and widths together (measured: tests.accuracy)
CORE_SHARE: Final = 0.9
MOST: Final = 200  # windows of one scope
STRETCH_S: Final = 3600  # a quiet shorter than this is not worth scanning around
PIECE_S: Final = 21_600  # scanned at a time; far more than the bands beside it
WINDOW: Final = np.dtype(
    [(name, float) for name in ("total", "log_p", "on", "off", "ratio")] + [("width", int), ("start", int)]
)


class RawBurst(NamedTuple):
    """A burst before anyone has said why.

    Attributes:
        scope: `upstream X`, `no nginx line`, `path X` or `all`.
        start_s, end_s: Seconds since the epoch of its first and last close.
        n: Closes in it.
        alive: Connections of that scope alive at its start (at least n).
    """

    scope: str
    start_s: float
    end_s: float
    n: int
    alive: int

    @property
    def killed_share(self) -> float:
        """Part of the scope's connections that it ended."""
        return self.n / max(self.alive, self.n, 1)


class Scope(NamedTuple):
    """What is scanned alone.

    Attributes:
        name: As `RawBurst.scope`.
        closes: `opened_s`, `closed_s` (Float64, epoch seconds) of its opened connections, in order of close.
    """

    name: str
    closes: pl.DataFrame


def span_of(closes: pl.DataFrame) -> tuple[float, float]:
    """Return the first and the last close, in seconds."""
    first, last = closes.select(pl.col("closed_s").min().alias("first"), pl.col("closed_s").max().alias("last")).row(0)
    return first, last


def scan_scopes(scopes: Iterable[Scope], *, n_scopes: int, span: tuple[float, float]) -> list[RawBurst]:
    """Find bursts in each of *scopes*, which may be made one after the other.

    Args:
        scopes: Those that closed anything, and others.
        n_scopes: How many closed anything.
        span: First and last close of all: a scope's quiet before and after are logged, too.

    Returns:
        Bursts of all scopes, in order of time and scope.
    """
    found = [burst for scope in scopes for burst in _in_scope(scope, n_scopes, span)]
    return sorted(found, key=lambda b: (b.start_s, b.scope))


def _in_scope(scope: Scope, n_scopes: int, span: tuple[float, float]) -> Iterator[RawBurst]:
    """Bursts of one scope."""
    closed = scope.closes["closed_s"].to_numpy()
    if len(closed) < FEWEST:
        return
    quiet = (min(closed[0] - span[0], BAND_S + GUARD_S), min(span[1] - closed[-1], BAND_S + GUARD_S))
    opened, moved = scope.closes["opened_s"].fill_null(-np.inf).to_numpy(), _without_gaps(closed)
    for low, high in _merge(_windows(moved, n_scopes, quiet)):
        start, end = _core(closed[slice(*np.searchsorted(moved, (low, high)))])
        first, after = np.searchsorted(closed, start), np.searchsorted(closed, end, side="right")
        yield RawBurst(scope.name, start, end, int(after - first), alive_at(opened[first:], start, int(after - first)))


def _without_gaps(closed: Floats) -> Floats:
    """Shorten what is empty for longer than all bands reach: months between two logs are not worth walking through."""
    gaps = np.diff(closed, prepend=closed[0])
    np.minimum(gaps, 2.0 * (BAND_S + GUARD_S), out=gaps)
    return np.asarray(closed[0] + np.cumsum(gaps, out=gaps))


def _core(inside: Floats) -> tuple[float, float]:
    """Trim a window to its dense part: the shortest span that holds most of the closes, plus what touches it."""
    keep = max(int(np.ceil(CORE_SHARE * len(inside))), 1)
    spans = inside[keep - 1 :] - inside[: len(inside) - keep + 1]
    first = int(np.argmin(spans))
    last = first + keep - 1
    reach = max(0.5, 0.25 * float(spans[first]))
    while first > 0 and inside[first] - inside[first - 1] <= reach / 2:
        first -= 1
    while last < len(inside) - 1 and inside[last + 1] - inside[last] <= reach / 2:
        last += 1
    return float(inside[first]), float(inside[last])


def _windows(closed: Floats, n_scopes: int, quiet: tuple[float, float]) -> list[tuple[float, float]]:
    """Return significant windows (start, end), the most significant first, none overlapping.

    Args:
        closed: Times of close, in order.
        n_scopes: How many scopes are scanned in all.
        quiet: Seconds without a close that the logs cover before the first and after the last.
    """
    origin = np.floor(closed[0] - quiet[0]) - 1
    second = (closed - origin).astype(np.int32)
    stretches = _stretches(second)
    if not stretches:
        return []
    n_seconds = int(closed[-1] + quiet[1] - origin) + 1
    seconds = np.bincount(second, minlength=max(n_seconds, 3)).astype(float)
    masked = np.zeros(len(seconds), dtype=bool)
    scanned = [_significant(seconds, masked, low, high, n_scopes) for low, high in _pieces(stretches)]
    windows = np.concatenate([some for some in scanned if len(some)] or scanned[:1])
    found: list[tuple[float, float]] = []
    while len(found) < MOST and len(windows):
        ties = windows[windows["total"] == windows["total"].min()]
        best = ties[np.lexsort((ties["start"], ties["log_p"], ties["width"]))[0]]
        start, stop = int(best["start"]), int(best["start"] + best["width"])
        masked[start:stop] = True
        found.append((origin + start, origin + stop))
        # Only windows beside or over the one found see another count now.
        low, high = start - WIDTHS_S[-1] - GUARD_S - BAND_S, stop + GUARD_S + BAND_S + 1
        far = windows[(windows["start"] < low) | (windows["start"] >= high)]
        windows = np.concatenate([far, _significant(seconds, masked, max(low, 0), high, n_scopes)])
    return found


def _stretches(second: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Return where windows with enough closes may start, as spans [low, high) far from each other.

    Args:
        second: Whole seconds of the closes, in order.
    """
    first, last = second[: len(second) - FEWEST + 1], second[FEWEST - 1 :]
    near = last - first < WIDTHS_S[-1]
    low, high = np.maximum(last[near] - (WIDTHS_S[-1] - 1), 0), first[near] + 1
    if not len(low):
        return []
    breaks = np.flatnonzero(low[1:] - high[:-1] > STRETCH_S) + 1
    starts, ends = np.concatenate([[0], breaks]), np.concatenate([breaks, [len(low)]]) - 1
    return [(int(low[i]), int(high[j])) for i, j in zip(starts, ends, strict=True)]


def _pieces(stretches: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Cut stretches so short that what is worked out for each second is never much at once."""
    for low, high in stretches:
        for start in range(low, high, PIECE_S):
            yield start, min(start + PIECE_S, high)


def _significant(seconds: Floats, masked: NDArray[np.bool_], low: int, high: int, n_scopes: int) -> Windows:
    """Return the significant windows of every width that start within [low, high) and hold nothing masked.

    Args:
        seconds: Closes in each second.
        masked: Seconds that are spoken for.
        low: First second of the stretch.
        high: One past its last.
        n_scopes: How many scopes are scanned in all.
    """
    # What these windows and their bands can see; the sums within are the same as over the whole.
    before, after = max(low - GUARD_S - BAND_S, 0), min(high + WIDTHS_S[-1] + GUARD_S + BAND_S, len(seconds))
    free = ~masked[before:after]
    counts = np.concatenate([[0.0], np.cumsum(seconds[before:after] * free)])
    length = np.concatenate([[0.0], np.cumsum(free.astype(float))])
    left, right = _bands(counts, length)
    parts = []
    for width in WIDTHS_S:
        starts = slice(low - before, min(high, len(seconds) - width + 1) - before)
        stops = slice(starts.start + width, starts.stop + width)
        if starts.start >= starts.stop:
            continue
        # What holds no more than its band lets expect is no burst; most windows are gone with that, by a rough look.
        full = counts[stops] - counts[starts]
        some = np.flatnonzero(full >= FEWEST)
        usual = np.maximum(left.rate[starts][some], right.rate[stops][some])
        some = some[full[some] > ROUGHLY * SLACK * width * usual]
        some = some[length[stops][some] - length[starts][some] == width]
        on = full[some]
        off, band = _denser(left.at(starts.start + some), right.at(stops.start + some))
        above = on * band > SLACK * width * off
        some, on, off, band = some[above], on[above], off[above], band[above]
        one = np.zeros(len(some), dtype=WINDOW)
        one["width"], one["start"], one["on"], one["off"] = width, low + some, on, off
        one["ratio"] = SLACK * width / band
        one["total"] = np.log(max(len(seconds) / width, 1.0)) + np.log(len(WIDTHS_S) * n_scopes)
        parts.append(one)
    return _judged(np.concatenate(parts)) if parts else np.zeros(0, dtype=WINDOW)


def _judged(windows: Windows) -> Windows:
    """Return the windows that are significant; `total` comes as the price of looking at many, and leaves with it."""
    bar = np.log(ALPHA)
    windows = windows[log_tail_bound(windows["on"], windows["off"], windows["ratio"]) + windows["total"] < bar]
    if not len(windows):
        return windows
    windows["log_p"] = log_tail_fast(windows["on"], windows["off"], windows["ratio"])
    windows["total"] += windows["log_p"]
    return np.asarray(windows[windows["total"] < bar])


class Band(NamedTuple):
    """Side bands on one side of each second: counts, length, rate; under a minute of log says nothing: rate 0."""

    counts: Floats
    length: Floats
    rate: Floats
    is_told: NDArray[np.bool_]

    @classmethod
    def of(cls, counts: Floats, length: Floats) -> Band:
        """Reduce counts and lengths."""
        is_told = length >= 60
        return cls(counts, length, np.where(is_told, counts / np.maximum(length, 1), 0.0), is_told)

    def at(self, where: NDArray[np.int64]) -> Band:
        """Take those of some seconds."""
        return Band(self.counts[where], self.length[where], self.rate[where], self.is_told[where])


def _bands(counts: Floats, length: Floats) -> tuple[Band, Band]:
    """Return the bands that end `GUARD_S` before each second, and those that begin as long after it.

    Args:
        counts: Closes before each second.
        length: Free seconds before each.
    """
    n, reach = len(counts), GUARD_S + BAND_S
    sums = [np.pad(of, reach, mode="edge") for of in (counts, length)]
    left = Band.of(*(of[BAND_S : BAND_S + n] - of[:n] for of in sums))
    right = Band.of(*(of[2 * reach : 2 * reach + n] - of[reach + GUARD_S : reach + GUARD_S + n] for of in sums))
    return left, right


def _denser(left: Band, right: Band) -> tuple[Floats, Floats]:
    """Counts and length of the denser side band, or of both where neither is long enough."""
    use_left = left.is_told & (~right.is_told | (left.rate > right.rate))
    off, band = np.where(use_left, left.counts, right.counts), np.where(use_left, left.length, right.length)
    neither = ~(left.is_told | right.is_told)
    off[neither], band[neither] = (left.counts + right.counts)[neither], (left.length + right.length)[neither]
    return off, np.maximum(band, 1.0)


def _merge(windows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join windows that touch; two restarts a few seconds apart stay two."""
    merged: list[tuple[float, float]] = []
    for low, high in sorted(windows):
        if merged and low - merged[-1][1] <= 1.0:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return merged
