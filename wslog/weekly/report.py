"""The weekly report out of summaries: what changed beyond noise, what did not, and what the logs cannot tell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from wslog.weekly.changes import change_causes, change_groups, change_metric, find_steps
from wslog.weekly.clusters import compare_clusters
from wslog.weekly.coverage import Covered
from wslog.weekly.headline import write_headline, write_notes
from wslog.weekly.metrics import DROP_SHARE, HEADLINE, RATE, UNKNOWN_SHARE, WIDTH, blocks_of
from wslog.weekly.objective import judge_objective
from wslog.weekly.outcomes import judge_advice
from wslog.weekly.pair import Pair
from wslog.weekly.rates import Blocks, estimate
from wslog.weekly_result import REPORT_VERSION, CoursePoint, Objective, WeeklyReport, WeekPoint, WeekSummary


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
        clusters=compare_clusters(week, other) if other and pair.is_comparable else (),
        bursts=week.bursts,
        groups={name: change_groups(name, pair) for name in week.groups},
        advice=tuple(one.advice for one in week.advice),
        outcomes=judge_advice(pair, steps),
        objective=_objective(slo, weeks, pair.coverage),
        gaps=own.gaps,
        covered_hours=sum(own.hours),
        total_hours=len(own.hours),
        compared_hours=sum(pair.hours) if pair.is_comparable else 0,
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
    return WeekPoint(
        week=week.week,
        drops=week.totals.drops,
        connection_hours=week.totals.connection_hours,
        rate=estimate(blocks_of(RATE, week, covered.hours), pair.noise(RATE), per=RATE.per),
        covered_share=covered.share,
        is_partial=is_partial,
    )
