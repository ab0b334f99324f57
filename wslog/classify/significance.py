"""How unlikely a pile is by chance: counts in a window against counts beside it (Li & Ma 1983, with slack)."""

from __future__ import annotations

from math import lgamma, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ASYMPTOTIC_FROM: Final = 8.0


def log_tail(on: int, off: int, ratio: float) -> float:
    """Return ln P(Bin(on + off, ratio / (1 + ratio)) >= on), exactly.

    Args:
        on: Counts in the window.
        off: Counts in the side band.
        ratio: Size of the window over size of the band, slack included.
    """
    n, q = on + off, ratio / (1.0 + ratio)
    if q <= 0.0:
        return -np.inf if on else 0.0
    ks = np.arange(on, n + 1)
    choose = np.array([lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) for k in ks[:2000]])
    terms = choose + ks[:2000] * log(q) + (n - ks[:2000]) * np.log1p(-q)
    top = terms.max()
    return float(min(0.0, top + np.log(np.exp(terms - top).sum())))


def log_tail_fast(on: Floats, off: Floats, ratio: Floats) -> Floats:
    """Return the same for many windows, by Li & Ma's formula 17: rough for a small excess, 0 where there is none."""
    total = on + off
    with np.errstate(divide="ignore", invalid="ignore"):
        a = on * np.log((1 + ratio) / ratio * on / total)
        b = np.where(off > 0, off * np.log((1 + ratio) * off / total), 0.0)
        s2 = 2.0 * (a + b)
        log_p = -s2 / 2 - np.log(np.sqrt(s2)) - 0.92
    has_excess = (on > ratio * off) & (s2 > 1.0)
    return np.asarray(np.where(has_excess, log_p, 0.0))
