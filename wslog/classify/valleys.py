"""Whether two piles are one: a delay's tail belongs to its timer, 60 s and 61 s are two timers.

Two hills are two if some stretch between them holds significantly less than the lower hill: with v in the valley and h
on the hill, over equal widths, P(Bin(h + v, 1/2) >= h) < 0.01 / trials.
Source: excess mass and modes, Müller & Sawitzki 1991.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from wslog.classify.histogram import Floats
from wslog.classify.significance import log_tail, log_tail_fast

ALPHA: Final = 0.01
WIDTHS: Final = (1, 2, 3, 5, 8, 12)
FEWEST: Final = 4


def _stretches(per_bin: Floats, width: int) -> Floats:
    """Sum of every stretch of *width* bins."""
    total = np.concatenate([[0.0], np.cumsum(per_bin)])
    return np.asarray(total[width:] - total[:-width])


def is_separate(counts: Floats, one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether a valley separates two stretches of bins [low, high), each taken at its densest part."""
    left, right = sorted((one, other))
    width = max(1, min(left[1] - left[0], right[1] - right[0]))
    hills = [_stretches(counts[low:high], width) for low, high in (left, right)]
    # The valley is searched between the peaks: the first one's own tail has been taken into it.
    start = left[0] + int(np.argmax(hills[0])) + width
    stop = right[0] + int(np.argmax(hills[1]))
    if stop - start < width:
        return False
    valley = float(_stretches(counts[start:stop], width).min())
    hill = min(float(h.max()) for h in hills)
    return bool(log_tail(int(hill), int(valley), 1.0) < np.log(ALPHA / max(1, (stop - start) // width)))


def split_at_valleys(counts: Floats, widths_s: Floats, low: int, high: int) -> list[tuple[int, int]]:
    """Split bins [low, high) at their deepest significant valley, again and again.

    Args:
        counts: Per bin.
        widths_s: Of each bin, which may change inside the window.
        low: First bin of the window.
        high: The bin after its last.
    """
    cut = _deepest_valley(counts[low:high], widths_s[low:high])
    if cut is None:
        return [(low, high)]
    parts = (low, low + cut), (low + cut, high)
    return [piece for a, b in parts for piece in split_at_valleys(counts, widths_s, a, b)]


def _deepest_valley(counts: Floats, widths_s: Floats) -> int | None:
    """The middle of the most significant valley, or None.

    Each place is judged against the densest stretch on either side; 2 bins/width trials pay for the choice of valley,
    and as many again for the choice of hills.
    """
    best, cut = np.log(ALPHA), None
    for width in WIDTHS:
        stretch, length = _stretches(counts, width), _stretches(widths_s, width)
        if len(stretch) < 2 * width + 1:
            continue
        inner = slice(width, -width)
        density = stretch / length
        left = np.maximum.accumulate(density)[: -2 * width]
        right = np.maximum.accumulate(density[::-1])[::-1][2 * width :]
        # Hill and valley over equal lengths; the shortest bins' length, so that no count is made up.
        equal = np.minimum(length[inner], length.min())
        hill, valley = np.minimum(left, right) * equal, density[inner] * equal
        log_p = np.where(hill >= FEWEST, log_tail_fast(hill, valley, 1.0), 0.0)
        log_p = log_p + 2 * np.log(2 * len(counts) / width)
        deepest = int(np.argmin(log_p))
        if log_p[deepest] < best:
            # The middle of everything as deep as this: a wide valley is cut at its centre.
            same = np.flatnonzero(log_p <= log_p[deepest] + 1e-9)
            best, cut = float(log_p[deepest]), int(same[len(same) // 2]) + width + width // 2
    return cut
