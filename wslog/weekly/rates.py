"""Rates of a week and their change, with the dispersion that the days show: drops come in bursts, not one by one.

A rate is a count over an exposure (drops over connection hours, failed handshakes over attempts). A week is cut into
blocks of hours and into days: `phi` says how much more they scatter than Poisson counts would. Two weeks are compared
block by block, so that a weekend that is always quiet is no noise. On top comes `wobble`: ordinary weeks differ
by 7 % until the history tells its own scatter.
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
    """Counts and exposures of a week's blocks, `per_day` of them a day; the same place is the same time of the week."""

    counts: tuple[float, ...]
    exposures: tuple[float, ...]
    per_day: int = 1

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


NOTHING: Final = Blocks((), ())


@dataclass(frozen=True, slots=True)
class Noise:
    """What ordinary weeks of this history scatter by: `phi` of pairs of weeks (None: no history), and `wobble`."""

    phi: float | None
    wobble: float
    n_pairs: int


NO_HISTORY: Final = Noise(None, WOBBLE, 0)


@dataclass(frozen=True, slots=True)
class Change:
    """The outcome of a comparison: `t` positive if the rate rose, and its probability by chance."""

    t: float
    p_value: float


def dispersion(week: Blocks) -> float:
    """Return how much more a week's blocks, or its days, scatter than Poisson counts; at least 1."""
    used = sum(exposure > 0 for exposure in week.exposures)
    if used < 2 or week.count <= 0:
        return 1.0
    return _phi([week.residuals()], variance=week.count, blocks_of_day=week.per_day)


def paired_dispersion(pairs: Sequence[tuple[Blocks, Blocks]]) -> float:
    """Return the same for the differences of weeks, block by block, around the rate of each part given."""
    pairs = [(now, before) for now, before in pairs if now.exposure > 0 and before.exposure > 0]
    poisson = math.fsum(now.count / now.exposure**2 + before.count / before.exposure**2 for now, before in pairs)
    if poisson <= 0:
        return 1.0
    gaps = [
        [x / now.exposure - y / before.exposure for x, y in zip(now.residuals(), before.residuals(), strict=True)]
        for now, before in pairs
    ]
    return _phi(gaps, variance=poisson, blocks_of_day=pairs[0][0].per_day)


def _phi(parts: Sequence[Sequence[float]], *, variance: float, blocks_of_day: int) -> float:
    """Return the dispersion of residuals: of blocks or of whole days, whichever is larger.

    What the blocks of a day have in common counts once, not four times.
    """
    phis = [1.0]
    for width in {1, blocks_of_day}:
        sums = [math.fsum(part[i : i + width]) for part in parts for i in range(0, len(part), width)]
        n = sum(one != 0 for one in sums)
        if n > len(parts):
            phis.append(n / (n - len(parts)) * math.fsum(one * one for one in sums) / variance)
    return max(phis)


def estimate(week: Blocks, noise: Noise, *, per: float) -> Estimate:
    """Return a week's rate times *per* with its 95 % interval."""
    if week.exposure <= 0:
        return UNKNOWN
    phi = max(dispersion(week), noise.phi or 1.0)
    reach = student.quantile(0.05, degrees(week, noise))
    x = week.count / phi
    # Square roots of counts scatter alike whatever the count (Anscombe 1948), down to none at all.
    root = math.sqrt(x + 0.375)
    low, high = max(0.0, root - reach / 2), root + reach / 2
    scale = per * phi / week.exposure
    low_value = max(0.0, low * low - 0.375) * scale
    return Estimate(value=week.count * per / week.exposure, low=low_value, high=(high * high - 0.375) * scale)


def compare(now: Blocks, before: Blocks, noise: Noise) -> Change | None:
    """Test whether a rate changed; None if there is nothing to compare."""
    if now.exposure <= 0 or before.exposure <= 0:
        return None
    phi = max(paired_dispersion([(now, before)]), noise.phi or 1.0)
    t = _z(now.count / phi, before.count / phi, now.exposure / before.exposure, noise.wobble)
    return Change(t, student.two_sided_p(t, degrees(now, noise)))


def degrees(week: Blocks, noise: Noise) -> float:
    """Return the degrees of freedom of a dispersion: between those of the days and those of their blocks."""
    used = sum(exposure > 0 for exposure in week.exposures)
    return max(1.0, (used - 1) / math.sqrt(week.per_day)) * (1 + noise.n_pairs)


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
    phis = [paired_dispersion([pair]) for pair in pairs]
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
