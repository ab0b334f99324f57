"""How unlikely a pile is by chance: counts in a window against counts beside it.

The on/off test: with rate *A* per count of the side band, `on` is Binomial(on + off, A / (1 + A)), whatever the rate
itself is. Its upper tail is the regularized incomplete beta function I_q(on, off + 1), q = A / (1 + A), here by Lentz's
continued fraction (DLMF 8.17.22); where that is slow, by Li & Ma 1983, formula 17:

    S^2 = 2 (k ln((1 + A) / A * k / (k + m)) + m ln((1 + A) m / (k + m))),    ln p = -S^2 / 2 - ln S - 0.92
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

MOST_TERMS: Final = 300
PRECISION: Final = 1e-9
TINY: Final = 1e-300


def log_tail(on: int, off: int, ratio: float) -> float:
    """Return ln P(Bin(on + off, ratio / (1 + ratio)) >= on) for one window.

    Args:
        on: Counts in the window.
        off: Counts in the side band.
        ratio: Size of the window over size of the band, slack included.
    """
    return float(log_tail_fast([on], [off], [ratio])[0])


def log_tail_fast(on: ArrayLike, off: ArrayLike, ratio: ArrayLike) -> Floats:
    """Return the same for many windows at once; 0 where a window holds no more than its band lets expect."""
    k, m, a = (np.asarray(x, dtype=np.float64) for x in np.broadcast_arrays(on, off, ratio))
    log_p = np.zeros(k.shape)
    with np.errstate(divide="ignore"):
        log_p[(k > 0) & (a <= 0)] = -np.inf
    piled = (k > 0) & (a > 0) & (k > a * m)
    log_p[piled] = np.minimum(_upper_tail(k[piled], m[piled], a[piled]), 0.0)
    return log_p


def log_tail_bound(on: Floats, off: Floats, ratio: Floats) -> Floats:
    """Return what `log_tail_fast` cannot fall below, at a tenth of its cost: most windows need no more.

    Of all ways to have `on` among n = on + off, at least exp(n H) / (n + 1) are there (the method of types); two nats
    are left for the rounding and the asymptotic form.

    Args:
        on: Counts in the windows, at least 1.
        off: Counts in the side bands.
        ratio: Size of window over size of band, above 0.
    """
    total = on + off
    q = ratio / (1.0 + ratio)
    piled = on > ratio * off
    share = on[piled] / total[piled]
    rest = np.maximum(1.0 - share, TINY)
    divergence = share * np.log(share / q[piled]) + (1.0 - share) * np.log(rest / (1.0 - q[piled]))
    bound = np.zeros(on.shape)
    bound[piled] = np.minimum(-total[piled] * divergence - np.log(total[piled] + 1.0) - 2.0, 0.0)
    return bound


def _upper_tail(k: Floats, m: Floats, ratio: Floats) -> Floats:
    """Return ln I_q(k, m + 1): the continued fraction, or the asymptotic form where it has not settled."""
    q = ratio / (1.0 + ratio)
    fraction, settled = _beta_fraction(k, m + 1.0, q)
    log_beta = log_gamma(k) + log_gamma(m + 1.0) - log_gamma(k + m + 1.0)
    exact = k * np.log(q) + (m + 1.0) * np.log1p(-q) - log_beta - np.log(k) + np.log(fraction)
    return np.where(settled, exact, _asymptotic(k, m, ratio))


def _asymptotic(k: Floats, m: Floats, ratio: Floats) -> Floats:
    total = k + m
    spread = np.where(m > 0, m * np.log((1 + ratio) * np.maximum(m, 1) / total), 0.0)
    s2 = np.maximum(2.0 * (k * np.log((1 + ratio) / ratio * k / total) + spread), 1.0)
    return np.asarray(-s2 / 2 - np.log(s2) / 2 - 0.92)


def _beta_fraction(a: Floats, b: Floats, x: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """The continued fraction of I_x(a, b) by modified Lentz, and where it converged."""

    def away(value: Floats) -> Floats:
        return np.where(np.abs(value) < TINY, TINY, value)

    c = np.ones_like(a)
    d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0))
    h, settled = d.copy(), np.zeros(a.shape, dtype=bool)
    for j in range(1, MOST_TERMS):
        even = j * (b - j) * x / ((a + 2 * j - 1) * (a + 2 * j))
        d, c = 1.0 / away(1.0 + even * d), away(1.0 + even / c)
        h = np.where(settled, h, h * d * c)
        odd = -(a + j) * (a + b + j) * x / ((a + 2 * j) * (a + 2 * j + 1))
        d, c = 1.0 / away(1.0 + odd * d), away(1.0 + odd / c)
        step = d * c
        h = np.where(settled, h, h * step)
        settled = settled | (np.abs(step - 1.0) < PRECISION)
        if settled.all():
            break
    return np.maximum(h, TINY), settled


def log_gamma(x: Floats) -> Floats:
    """Return ln of the gamma function for x >= 1, by Stirling's series above 10."""
    shifted, correction = x.astype(np.float64), np.zeros(x.shape)
    for _ in range(10):
        small = shifted < 10.0
        if not small.any():
            break
        correction = correction + np.where(small, np.log(np.where(small, shifted, 1.0)), 0.0)
        shifted = np.where(small, shifted + 1.0, shifted)
    series = 1 / (12 * shifted) - 1 / (360 * shifted**3) + 1 / (1260 * shifted**5)
    return np.asarray((shifted - 0.5) * np.log(shifted) - shifted + 0.5 * np.log(2 * np.pi) + series - correction)
