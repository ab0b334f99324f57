"""Rates of a week and their change, with the dispersion that the days show: drops come in bursts, not one by one.

A rate is a count over an exposure (drops over connection hours, failed handshakes over attempts). The days of a week
are its blocks: `phi` says how much more they scatter than Poisson counts would. Two weeks are compared day by day, so
that a weekend that is always quiet is no noise. On top comes `wobble`, what two ordinary weeks differ by: 7 % (METHOD
1.3) until the history tells its own scatter.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from wslog.weekly import student
from wslog.weekly_result import Estimate

WOBBLE: Final = 0.07
PRIOR_WEEKS: Final = 4  # how many weeks of history the 7 % weigh as much as
MOST_PAIRS: Final = 8
UNKNOWN: Final = Estimate(value=None, low=None, high=None)


@dataclass(frozen=True, slots=True)
class Blocks:
    """Counts and exposures of a week's blocks; the same place in two weeks is the same time of the week."""

    counts: tuple[float, ...]
    exposures: tuple[float, ...]

    @property
    def count(self) -> float:
        """Of the whole week."""
        return math.fsum(self.counts)

    @property
    def exposure(self) -> float:
        """Of the whole week."""
        return math.fsum(self.exposures)

    @property
    def rate(self) -> float | None:
        """Count per exposure."""
        return self.count / self.exposure if self.exposure > 0 else None

    def residuals(self) -> list[float]:
        """Return what each block has more than the week's rate would give it."""
        rate = self.rate or 0.0
        return [n - rate * d for n, d in zip(self.counts, self.exposures, strict=True)]


@dataclass(frozen=True, slots=True)
class Noise:
    """What ordinary weeks of this history scatter by: `phi` of pairs of weeks (None: no history), and `wobble`."""

    phi: float | None
    wobble: float
    n_pairs: int


NO_HISTORY: Final = Noise(None, WOBBLE, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """The outcome of a comparison: `t` positive if the rate rose, its probability by chance, and `phi` used."""

    t: float
    p_value: float
    phi: float
    df: float


def dispersion(week: Blocks) -> float:
    """Return how much more a week's blocks scatter than Poisson counts; at least 1."""
    used = sum(exposure > 0 for exposure in week.exposures)
    if used < 2 or week.count <= 0:
        return 1.0
    return max(1.0, used / (used - 1) * math.fsum(e * e for e in week.residuals()) / week.count)


def paired_dispersion(now: Blocks, before: Blocks) -> tuple[float, int]:
    """Return the same for the difference of two weeks, block by block, and the blocks used."""
    a, b = now.exposure, before.exposure
    used = sum(x > 0 or y > 0 for x, y in zip(now.exposures, before.exposures, strict=True))
    poisson = now.count / a**2 + before.count / b**2 if a > 0 and b > 0 else 0.0
    if used < 2 or poisson <= 0:
        return 1.0, used
    squares = [(x / a - y / b) ** 2 for x, y in zip(now.residuals(), before.residuals(), strict=True)]
    return max(1.0, used / (used - 1) * math.fsum(squares) / poisson), used


def estimate(week: Blocks, noise: Noise, *, per: float) -> Estimate:
    """Return a week's rate times *per* with its 95 % interval."""
    if week.exposure <= 0:
        return UNKNOWN
    phi = max(dispersion(week), noise.phi or 1.0)
    reach = student.quantile(0.05, 6.0 + 6.0 * noise.n_pairs)
    x = week.count / phi
    # Square roots of counts scatter alike whatever the count (Anscombe 1948), down to none at all.
    root = math.sqrt(x + 0.375)
    low, high = max(0.0, root - reach / 2), root + reach / 2
    scale = per * phi / week.exposure
    low_value = max(0.0, low * low - 0.375) * scale
    return Estimate(value=week.count * per / week.exposure, low=low_value, high=(high * high - 0.375) * scale)


def compare(
    now: Blocks, before: Blocks, noise: Noise, *, phi: float | None = None, df: float | None = None
) -> Change | None:
    """Test whether a rate changed.

    Args:
        now: One week.
        before: The other.
        noise: Of this history.
        phi: Dispersion, if the caller knows better than the blocks tell.
        df: Degrees of freedom of that.

    Returns:
        None if there is nothing to compare.
    """
    if now.exposure <= 0 or before.exposure <= 0:
        return None
    own, used = paired_dispersion(now, before)
    phi = max(phi if phi is not None else own, noise.phi or 1.0, 1.0)
    df = df if df is not None else max(1.0, used - 1.0) * (1 + noise.n_pairs)
    t = _z(now.count / phi, before.count / phi, now.exposure / before.exposure, noise.wobble)
    return Change(t, student.two_sided_p(t, df), phi, df)


def _z(x: float, y: float, ratio: float, wobble: float) -> float:
    """Return the difference of two counts, in standard deviations; *ratio* is exposure of the first to the second's."""
    spread = 1.0 + ratio + wobble**2 * (x + ratio * y) / 2
    return 2.0 * (math.sqrt(x + 0.375) - math.sqrt(ratio * (y + 0.375))) / math.sqrt(spread)


def difference(now: Estimate, before: Estimate) -> Estimate:
    """Return `now - before` with an interval from both (MOVER, Donner & Zou 2012)."""
    if now.value is None or before.value is None:
        return UNKNOWN
    change = now.value - before.value
    low_now, high_now = now.low or 0.0, now.high if now.high is not None else now.value
    low_before, high_before = before.low or 0.0, before.high if before.high is not None else before.value
    low = change - math.hypot(now.value - low_now, high_before - before.value)
    high = change + math.hypot(high_now - now.value, before.value - low_before)
    return Estimate(value=change, low=low, high=high)


def learn_noise(weeks: Sequence[Blocks]) -> Noise:
    """Learn from earlier weeks, oldest first, what two ordinary weeks differ by.

    A few of them may hold a true change, so medians are taken.
    """
    pairs = [
        (now, before)
        for before, now in pairwise(weeks)
        if now.count > 0 and before.count > 0 and now.exposure > 0 and before.exposure > 0
    ][-MOST_PAIRS:]
    if len(pairs) < 2:
        return NO_HISTORY
    phis = [paired_dispersion(now, before)[0] for now, before in pairs]
    phi = statistics.median(phis)
    excess = []
    for now, before in pairs:
        jump = math.log((now.rate or 1.0) / (before.rate or 1.0))
        noise = phi * (1 / now.count + 1 / before.count)
        excess.append(jump * jump / 0.4549 - noise)  # the median of a squared normal is 0.4549 of its mean
    own = max(0.0, statistics.median(excess))
    n = len(pairs)
    wobble = math.sqrt((PRIOR_WEEKS * WOBBLE**2 + n * own) / (PRIOR_WEEKS + n))
    return Noise(phi, wobble, n)
