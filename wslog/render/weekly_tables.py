"""The tables of the weekly report, as Markdown and page show them; what logs wrote is in them as it was written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wslog import wording as numbers
from wslog.render import names, weekly_names
from wslog.weekly_result import WeeklyReport

VERDICT = "verdict"


class Table(NamedTuple):
    """A table of text.

    Attributes:
        numeric: Which columns are numbers.
        named: Which columns are names out of logs.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int]
    named: Sequence[int] = ()

    def without(self, head: str) -> Table:
        """Return the table without a column."""
        kept = [place for place, other in enumerate(self.head) if other != head]
        return Table(
            head=[self.head[place] for place in kept],
            rows=[[row[place] for place in kept] for row in self.rows],
            numeric=[nth for nth, place in enumerate(kept) if place in self.numeric],
            named=[nth for nth, place in enumerate(kept) if place in self.named],
        )


def causes(report: WeeklyReport, most: int | None = None) -> Table:
    """Return the causes, the largest first."""
    rows = [
        (
            weekly_names.cause(one.cause, one.tier, one.timeouts_s),
            numbers.count(one.n),
            numbers.percent(one.share),
            f"{weekly_names.value(one.now.value, '')} {one.per}",
            weekly_names.interval(one.now, ""),
            weekly_names.change(one),
            weekly_names.DIRECTIONS[one.direction],
            weekly_names.row_spark(one.trend),
        )
        for one in report.causes[:most]
    ]
    head = ("cause", "drops", "share", "rate", "95 % interval", "change", VERDICT, "trend")
    return Table(head, rows, (1, 2, 3, 4, 5))


def bursts(report: WeeklyReport, most: int) -> Table:
    """Return the largest bursts in the order of time."""
    rows = [
        (
            weekly_names.moment(one.at, report.zone),
            numbers.count(one.n),
            "" if one.killed_share is None else numbers.percent(one.killed_share),
            names.scope_name(one.scope),
            weekly_names.cause(one.cause, one.tier),
            one.evidence[0] if one.evidence else "",
        )
        for one in names.largest_bursts(report.bursts, most)
    ]
    return Table(("began", "closes", "of those open", "what they share", "cause", "with"), rows, (1, 2), (3,))


def groups(report: WeeklyReport, most: int) -> Table:
    """Return of each dimension the groups with most drops, and those that changed."""
    rows = [
        (
            title,
            one.value,
            numbers.count(one.drops),
            weekly_names.value(one.now.value, ""),
            weekly_names.change(one),
            weekly_names.DIRECTIONS[one.direction],
            weekly_names.row_spark(one.trend),
        )
        for dimension, title in weekly_names.DIMENSIONS.items()
        for one in weekly_names.worst(report.groups.get(dimension, ()), most)
    ]
    return Table(("", "", "drops", "per 1 000 h", "change", VERDICT, "trend"), rows, (2, 3, 4), (1,))


def burn(report: WeeklyReport) -> Table:
    """Return what used up the error budget."""
    burns = report.objective.burn if report.objective else ()
    rows = [(weekly_names.cause(one.cause, one.tier), numbers.count(one.n), numbers.percent(one.used)) for one in burns]
    return Table(("cause", "drops", "of the budget"), rows, (1, 2))


def gaps(report: WeeklyReport) -> Table:
    """Return where logs are missing."""
    rows = [
        (
            gap.note,
            weekly_names.moment(gap.start, report.zone),
            weekly_names.moment(gap.end, report.zone),
            numbers.count(gap.n_hours),
        )
        for gap in report.gaps
    ]
    return Table(("missing", "from", "to", "hours"), rows, (3,))


def trend(report: WeeklyReport) -> Table:
    """Return the drop rate of each week of the trend."""
    rows = [
        (
            point.week,
            weekly_names.value(point.rate.value, ""),
            weekly_names.interval(point.rate, ""),
            numbers.count(point.drops),
            numbers.decimal(point.connection_hours),
            numbers.percent(point.covered_share) + (", partial" if point.is_partial else ""),
        )
        for point in report.weeks
    ]
    head = ("week", "drops per 1 000 h", "95 % interval", "drops", "connection hours", "hours with all logs")
    return Table(head, rows, (1, 2, 3, 4, 5))


def course(report: WeeklyReport) -> Table:
    """Return the drop rate over the week, beside that of the other week."""
    rows = [
        (
            weekly_names.moment(point.at, report.zone),
            weekly_names.value(point.now, ""),
            weekly_names.value(point.before, "") if report.compared_to else "",
        )
        for point in report.course
    ]
    return Table(("from", report.week, report.compared_to or ""), rows, (1, 2))
