"""The weekly report out of summaries: what changed beyond noise, what did not, and what the logs cannot tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from wslog.weekly.changes import change_causes, change_groups, change_metric, find_steps
from wslog.weekly.clusters import compare_clusters
from wslog.weekly.coverage import Covered, find_covered, tiers_of
from wslog.weekly.headline import write_headline, write_notes
from wslog.weekly.metrics import DROP_SHARE, HEADLINE, RATE, UNKNOWN_SHARE, WIDTH, blocks_of, shared_hours
from wslog.weekly.objective import judge_objective
from wslog.weekly.outcomes import judge_advice
from wslog.weekly.rates import Blocks, estimate, learn_noise
from wslog.weekly_result import REPORT_VERSION, CoursePoint, Objective, WeeklyReport, WeekPoint, WeekSummary

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
    def covered(self) -> tuple[bool, ...]:
        """Per hour of the week, whether its logs are all there, compared or not."""
        return self.coverage[self.week.week].hours


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


def write_report(pair: Pair, *, now: dt.datetime | None = None, slo: str | None = None) -> WeeklyReport:
    """Write the report of one week.

    Args:
        pair: The week, and the one it is compared to.
        now: The present, if the week may not be over.
        slo: A service level objective.

    Raises:
        OptionError: If *slo* cannot be understood.
    """
    week, other, own = pair.week, pair.other, pair.coverage[pair.week.week]
    steps = find_steps(pair)
    causes = change_causes(pair)
    metrics = tuple(change_metric(metric, pair, steps, causes) for metric in (*HEADLINE, DROP_SHARE, UNKNOWN_SHARE))
    is_partial = own.ends_early or (now is not None and now < week.end)
    weeks = [*(one for one, _ in pair.history), week]
    return WeeklyReport(
        schema_version=REPORT_VERSION,
        wslog_version=week.wslog_version,
        week=week.week,
        compared_to=other.week if other else None,
        zone=week.zone,
        start=week.start,
        end=week.end,
        headline=write_headline(week, metrics, causes, steps, why=pair.why, other=other.week if other else None),
        verdict=week.verdict,
        notes=write_notes(week, other, own, pair.coverage[other.week] if other else None, is_partial=is_partial),
        is_partial=is_partial,
        totals=week.totals,
        metrics=metrics,
        steps=steps,
        causes=causes,
        clusters=compare_clusters(week, other) if other and not pair.why else (),
        bursts=week.bursts,
        groups={name: change_groups(name, pair) for name in week.groups},
        advice=tuple(one.advice for one in week.advice),
        outcomes=judge_advice(pair, steps),
        objective=_objective(slo, weeks, pair.coverage),
        gaps=own.gaps,
        covered_hours=sum(own.hours),
        total_hours=len(own.hours),
        compared_hours=sum(pair.hours) if other and not pair.why else 0,
        files=week.files,
        lines=week.lines,
        rejected=week.rejected,
        limits=week.limits,
        course=_course(pair),
        weeks=tuple(_point(one, pair, is_partial=is_partial and one is week) for one in weeks),
    )


def _objective(slo: str | None, weeks: Sequence[WeekSummary], covered: Mapping[str, Covered]) -> Objective | None:
    return judge_objective(slo, weeks, [covered[one.week].hours for one in weeks]) if slo else None


def _course(pair: Pair) -> tuple[CoursePoint, ...]:
    """Return the drop rate of each block of the week, and of the same block of the other."""
    week, zone = pair.week, ZoneInfo(pair.week.zone)
    monday = week.start.astimezone(zone)
    now = blocks_of(RATE, week, pair.covered)
    other = pair.other
    before = blocks_of(RATE, other, pair.coverage[other.week].hours) if other else Blocks(now.counts, (0.0,) * 28)
    rates = [
        [RATE.per * n / d if d > 0 else None for n, d in zip(one.counts, one.exposures, strict=True)]
        for one in (now, before)
    ]
    return tuple(
        CoursePoint(at=(monday + dt.timedelta(hours=nth * WIDTH)).astimezone(dt.UTC), now=own, before=old)
        for nth, (own, old) in enumerate(zip(*rates, strict=True))
    )


def _point(week: WeekSummary, pair: Pair, *, is_partial: bool) -> WeekPoint:
    covered = pair.coverage[week.week]
    noise = learn_noise([blocks_of(RATE, one, hours) for one, hours in pair.history])
    blocks = blocks_of(RATE, week, covered.hours)
    return WeekPoint(
        week=week.week,
        drops=week.totals.drops,
        connection_hours=week.totals.connection_hours,
        rate=estimate(blocks, noise, per=RATE.per),
        covered_share=covered.share,
        is_partial=is_partial,
    )
