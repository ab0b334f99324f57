"""A rate that changed within the week and stayed so: the hour of a fix, or of what broke it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final

from wslog.weekly import student
from wslog.weekly.metrics import WIDTH
from wslog.weekly.rates import Blocks, Noise, degrees, paired_dispersion
from wslog.weekly_result import Step

LEAST_BLOCKS: Final = 4  # a day on either side
ALPHA: Final = 0.002
LEAST_RATIO: Final = 1.3


def find_step(now: Blocks, before: Blocks, noise: Noise, *, what: str, monday: dt.datetime) -> Step | None:
    """Find where in this week a rate left the level it had in the week before, by more than noise.

    Each part of this week is held against the same hours of the week before, so that a quiet weekend is no step.

    Args:
        now: This week, in blocks of `WIDTH` hours.
        before: The week compared to.
        noise: Of this history.
        what: What is counted.
        monday: The first instant of the week, in its zone.
    """
    places = [i for i, (a, b) in enumerate(zip(now.exposures, before.exposures, strict=True)) if a > 0 and b > 0]
    if len(places) < 2 * LEAST_BLOCKS or now.count + before.count < 10:
        return None
    cuts = places[LEAST_BLOCKS : len(places) - LEAST_BLOCKS + 1]
    best: tuple[float, int, float] | None = None
    for cut in cuts:
        first = [i for i in places if i < cut]
        last = [i for i in places if i >= cut]
        t, df = _contrast(now, before, first, last, noise)
        if best is None or abs(t) > abs(best[0]):
            best = (t, cut, df)
    if best is None:
        return None
    t, cut, df = best
    p = min(1.0, student.two_sided_p(t, df) * len(cuts))
    first, last = [i for i in places if i < cut], [i for i in places if i >= cut]
    level_before = _rate([(now, first), (before, first), (before, last)])
    level_after = _rate([(now, last)])
    ratio = (level_after + 1e-12) / (level_before + 1e-12)
    if p >= ALPHA or max(ratio, 1 / ratio) < LEAST_RATIO:
        return None
    at = (monday + dt.timedelta(hours=cut * WIDTH)).astimezone(dt.UTC)  # on the wall clock, whatever DST does
    return Step(
        what=what, at=at, width_hours=float(WIDTH), before=level_before * 1000, after=level_after * 1000, p_value=p
    )


def _contrast(
    now: Blocks, before: Blocks, first: Sequence[int], last: Sequence[int], noise: Noise
) -> tuple[float, float]:
    """Return how far the change over the later part exceeds that over the earlier part, in standard deviations."""
    parts = [(_part(now, places), _part(before, places)) for places in (first, last)]
    phi = max(paired_dispersion(parts), noise.phi or 1.0)
    jumps: list[float] = []
    variance = 2 * noise.wobble**2
    for a, b in parts:
        x, y = a.count / phi + 0.375, b.count / phi + 0.375
        jumps.append(math.log(x / a.exposure) - math.log(y / b.exposure))
        variance += 1 / x + 1 / y
    return (jumps[1] - jumps[0]) / math.sqrt(variance), degrees(now, noise)


def _part(week: Blocks, places: Sequence[int]) -> Blocks:
    return Blocks(tuple(week.counts[i] for i in places), tuple(week.exposures[i] for i in places), week.per_day)


def _rate(parts: Sequence[tuple[Blocks, Sequence[int]]]) -> float:
    exposure = math.fsum(week.exposures[i] for week, places in parts for i in places)
    count = math.fsum(week.counts[i] for week, places in parts for i in places)
    return count / exposure if exposure > 0 else 0.0
