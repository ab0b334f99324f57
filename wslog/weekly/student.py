"""Student's t: how likely a value this far out is by chance, and how far out an interval reaches."""

from __future__ import annotations

import math
from functools import lru_cache

_TINY = 1e-300


def two_sided_p(t: float, df: float) -> float:
    """Return P(|T| >= |t|) of Student's t with *df* degrees of freedom."""
    if not math.isfinite(t):
        return 0.0
    return _incomplete_beta(df / 2, 0.5, df / (df + t * t))


@lru_cache(maxsize=256)
def quantile(p: float, df: float) -> float:
    """Return the t that is exceeded on both sides together with probability *p*."""
    low, high = 0.0, 1e4
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided_p(middle, df) > p else (low, middle)
    return (low + high) / 2


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)) / a
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1) or _TINY)
    fraction = d
    for m in range(1, 300):
        for up in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / (1.0 + up * d or _TINY)
            c = 1.0 + up / c or _TINY
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-12:
            break
    return min(1.0, front * fraction)
