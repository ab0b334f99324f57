"""Moments at which many connections ended together, per upstream, for connections nginx never logged, and overall.

The same on/off test as for spikes, on the axis of time: closes in a window against the denser of two bands of up to ten
minutes beside it, with a slack of 2. Scanning each upstream alone, where closes are rare, finds small restarts.

Units: seconds since the first close.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.classify.significance import log_tail_fast

Floats = NDArray[np.float64]

WIDTHS_S: Final = (1, 2, 3, 5, 10, 20, 40, 80)  # from a killed process to a slow rolling restart
GUARD_S: Final = 30  # stragglers of a burst are not its background
BAND_S: Final = 600  # minutes, so that rush hours are background
SLACK: Final = 2.0  # closes come unevenly; a rate up to twice the band's is no burst
FEWEST: Final = 5
ALPHA: Final = 0.01  # chance of one false burst in all scopes and widths together (measured: tests.accuracy)
CORE_SHARE: Final = 0.9


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


def find_bursts(closes: pl.DataFrame) -> list[RawBurst]:
    """Find bursts.

    Args:
        closes: `scope` (String), `opened_s`, `closed_s` (Float64, epoch seconds): opened connections; one row per scope
            it belongs to.

    Returns:
        Bursts of all scopes, in order of time and scope.
    """
    scopes = (
        closes.filter(pl.col("closed_s").is_not_null())
        .sort("scope", "closed_s")
        .partition_by("scope", maintain_order=True)
    )
    span = closes.select(pl.col("closed_s").min().alias("first"), pl.col("closed_s").max().alias("last")).row(0)
    found = [burst for rows in scopes for burst in _in_scope(rows, len(scopes), span)]
    return sorted(found, key=lambda b: (b.start_s, b.scope))


def _in_scope(rows: pl.DataFrame, n_scopes: int, span: tuple[float, float]) -> Iterator[RawBurst]:
    """Bursts of one scope; *span*: first and last close of all, for a scope's quiet before and after are logged too."""
    closed = rows["closed_s"].to_numpy()
    if len(closed) < FEWEST:
        return
    quiet = (min(closed[0] - span[0], BAND_S + GUARD_S), min(span[1] - closed[-1], BAND_S + GUARD_S))
    opened = rows["opened_s"].fill_null(-np.inf).to_numpy()
    moved = _without_gaps(closed)
    for low, high in _merge(_windows(moved, n_scopes, quiet)):
        inside = closed[(moved >= low) & (moved < high)]
        start, end = _core(inside)
        n = int(((closed >= start) & (closed <= end)).sum())
        alive = int(((opened < start) & (closed >= start)).sum())
        yield RawBurst(rows["scope"][0], start, end, n, alive)


def _without_gaps(closed: Floats) -> Floats:
    """Shorten what is empty for longer than all bands reach: months between two logs are not worth walking through."""
    return np.asarray(closed[0] + np.cumsum(np.minimum(np.diff(closed, prepend=closed[0]), 2.0 * (BAND_S + GUARD_S))))


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
    n_seconds = int(closed[-1] + quiet[1] - origin) + 1
    seconds = np.bincount((closed - origin).astype(np.int64), minlength=max(n_seconds, 3)).astype(float)
    masked = np.zeros(len(seconds), dtype=bool)
    found: list[tuple[float, float]] = []
    while len(found) < 200:
        best = _best(seconds, masked, n_scopes)
        if best is None:
            break
        masked[best[0] : best[1]] = True
        found.append((origin + best[0], origin + best[1]))
    return found


def _best(seconds: Floats, masked: NDArray[np.bool_], n_scopes: int) -> tuple[int, int] | None:
    free = ~masked
    counts = np.concatenate([[0.0], np.cumsum(seconds * free)])
    length = np.concatenate([[0.0], np.cumsum(free.astype(float))])
    last = len(seconds)
    best: tuple[float, int, int] | None = None
    for width in WIDTHS_S:
        start = np.arange(0, last - width + 1)
        stop = start + width
        on = counts[stop] - counts[start]
        ok = (on >= FEWEST) & (length[stop] - length[start] == width)
        start, stop, on = start[ok], stop[ok], on[ok]
        if not len(start):
            continue
        off, band = _denser_band(start, stop, counts, length)
        ratio = SLACK * width / np.maximum(band, 1.0)
        log_p = log_tail_fast(on, off, ratio)
        trials = np.log(max(last / width, 1.0)) + np.log(len(WIDTHS_S) * n_scopes)
        i = int(np.argmin(log_p))
        total = float(log_p[i] + trials)
        if total < np.log(ALPHA) and (best is None or total < best[0]):
            best = (total, int(start[i]), int(stop[i]))
    return None if best is None else (best[1], best[2])


def _denser_band(
    start: NDArray[np.int64], stop: NDArray[np.int64], counts: Floats, length: Floats
) -> tuple[Floats, Floats]:
    """Counts and length of the denser side band; a side with under a minute of log is left out."""
    last = len(counts) - 1
    l1 = np.maximum(start - GUARD_S, 0)
    l0 = np.maximum(l1 - BAND_S, 0)
    r0 = np.minimum(stop + GUARD_S, last)
    r1 = np.minimum(r0 + BAND_S, last)
    m_left, n_left = counts[l1] - counts[l0], length[l1] - length[l0]
    m_right, n_right = counts[r1] - counts[r0], length[r1] - length[r0]
    use_left = (n_left >= 60) & ((n_right < 60) | (m_left / np.maximum(n_left, 1) > m_right / np.maximum(n_right, 1)))
    neither = (n_left < 60) & (n_right < 60)
    off = np.where(neither, m_left + m_right, np.where(use_left, m_left, m_right))
    band = np.where(neither, n_left + n_right, np.where(use_left, n_left, n_right))
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
