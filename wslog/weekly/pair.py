"""Two weeks and the hours in which they can be compared: what each number counts in both, and in the weeks before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wslog.weekly.coverage import Covered, find_covered, tiers_of
from wslog.weekly.metrics import Metric, blocks_of, shared_hours
from wslog.weekly.rates import NOTHING, Blocks, Noise, learn_noise
from wslog.weekly_result import WeekSummary

LEAST_HOURS: Final = 24  # of the same week hours in both weeks, to compare them at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two weeks and the hours in which they can be compared; `why` not, if they cannot.

    Attributes:
        history: Weeks before this one, oldest first, each with the hours its logs cover.
        coverage: Of each week, by its name.
    """

    week: WeekSummary
    hours: tuple[bool, ...]
    other: WeekSummary | None
    other_hours: tuple[bool, ...]
    why: str
    history: tuple[tuple[WeekSummary, tuple[bool, ...]], ...]
    coverage: Mapping[str, Covered]

    @property
    def is_comparable(self) -> bool:
        """Whether there is another week that this one can be held against."""
        return self.other is not None and not self.why

    @property
    def covered(self) -> tuple[bool, ...]:
        """Per hour of the week, whether its logs are all there, compared or not."""
        return self.coverage[self.week.week].hours

    def counts(self, metric: Metric) -> tuple[Blocks, Blocks]:
        """Return what a metric counts in both weeks; if they cannot be compared, in all hours of this one alone."""
        if self.other is None or self.why:
            return blocks_of(metric, self.week, self.covered), NOTHING
        return blocks_of(metric, self.week, self.hours), blocks_of(metric, self.other, self.other_hours)

    def noise(self, metric: Metric) -> Noise:
        """Return what ordinary weeks of the history scatter by."""
        return learn_noise([blocks_of(metric, week, hours) for week, hours in self.history])

    def trend(self, metric: Metric) -> tuple[float | None, ...]:
        """Return a metric's value in each week of the trend, this one last."""
        weeks = (*self.history, (self.week, self.covered))
        return tuple(metric.value(blocks_of(metric, week, hours)) for week, hours in weeks)


def compare_weeks(
    week: WeekSummary, other: WeekSummary | None, history: Sequence[WeekSummary], *, now: dt.datetime | None = None
) -> Pair:
    """Find the hours in which a week can be compared to another one.

    Args:
        week: The week.
        other: The week to compare it to; None: there is none.
        history: The weeks of the trend before this one, oldest first; may hold *other*.
        now: The present, if the week may not be over.
    """
    earlier = [one for one in history if one.week < week.week]
    mates = [*earlier, *([other] if other and other.week not in {one.week for one in earlier} else [])]
    tiers = tiers_of([week, *([other] if other else [])])
    covered = {week.week: find_covered(week, mates, tiers=tiers, now=now)}
    for one in mates:
        rest = [mate for mate in mates if mate.week != one.week]
        # A week of the trend is judged by its own tiers; the two compared must have the same ones.
        own = tiers if other is not None and one.week == other.week else tiers_of([one])
        covered[one.week] = find_covered(one, rest or [week], tiers=own, now=None)
    hours: Sequence[bool] = covered[week.week].hours
    other_hours: Sequence[bool] = ()
    why = "" if other else "there is no earlier week to compare it to"
    if other is not None:
        hours, other_hours = shared_hours(week, hours, other, covered[other.week].hours)
        if sum(hours) < LEAST_HOURS:
            why = f"logs of every tier are there for only {sum(hours)} hours of both weeks"
    return Pair(
        week=week,
        hours=tuple(hours),
        other=other,
        other_hours=tuple(other_hours),
        why=why,
        history=tuple((one, covered[one.week].hours) for one in earlier),
        coverage=covered,
    )
