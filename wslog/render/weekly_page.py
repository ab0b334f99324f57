"""The weekly report as one HTML page that needs no network, no script and no second file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from wslog import wording as numbers
from wslog.render import names, page, weekly_names
from wslog.render.escape import plain
from wslog.render.weekly_charts import WEEKLY_CHARTS
from wslog.weekly_result import WeeklyReport

if TYPE_CHECKING:
    from jinja2 import Template

MOST_BURSTS: Final = 10
MOST_GROUPS: Final = 5


class _Table(NamedTuple):
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int]


class _Figure(NamedTuple):
    name: str
    heading: str
    alt: str
    source: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def render_weekly_html(report: WeeklyReport, charts: Mapping[str, bytes]) -> str:
    """Return the page.

    Args:
        report: The report.
        charts: SVG bytes by the names of `WEEKLY_CHARTS`.
    """
    return _template().render(
        r=report,
        days=weekly_names.span_of(report.start, report.end, report.zone),
        figures=_figures(report, charts),
        causes=_causes(report),
        changes=_changes(report),
        bursts=_bursts(report),
        outcomes=weekly_names.outcomes(report),
        groups=_groups(report),
        budget=weekly_names.budget(report.objective) if report.objective else "",
        burn=_burn(report),
        coverage=weekly_names.coverage(report),
        read=weekly_names.read(report),
        gaps=_gaps(report),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("wslog.render"), autoescape=True, undefined=StrictUndefined, finalize=page._finalize,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters.update(
        value=weekly_names.value,
        interval=weekly_names.interval,
        change=weekly_names.change,
        gain=weekly_names.gain,
        block=page._block,
        prose=page._prose,
    )
    environment.globals.update(directions=weekly_names.DIRECTIONS, verdicts=weekly_names.VERDICTS)
    return environment.get_template("weekly.html.j2")


def _figures(report: WeeklyReport, charts: Mapping[str, bytes]) -> list[_Figure]:
    tables = {"trend": _trend(report), "course": _course(report), "cause-changes": _causes(report)}
    return [
        _Figure(
            name=name,
            heading=chart.heading,
            alt=f"Chart. {chart.says(report)}.",
            source="data:image/svg+xml;base64," + base64.b64encode(charts[name]).decode(),
            head=tables[name].head,
            rows=tables[name].rows,
        )
        for name, chart in WEEKLY_CHARTS.items()
        if name in charts and chart.holds(report)
    ]


def _trend(report: WeeklyReport) -> _Table:
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
    return _Table(head, rows, (1, 2, 3, 4, 5))


def _course(report: WeeklyReport) -> _Table:
    rows = [
        (
            weekly_names.moment(point.at, report.zone),
            weekly_names.value(point.now, ""),
            weekly_names.value(point.before, "") if report.compared_to else "",
        )
        for point in report.course
    ]
    return _Table(("from", report.week, report.compared_to or ""), rows, (1, 2))


def _causes(report: WeeklyReport) -> _Table:
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
        for one in report.causes
    ]
    head = ("cause", "drops", "share", "rate", "95 % interval", "change", "verdict", "trend")
    return _Table(head, rows, (1, 2, 3, 4, 5))


def _changes(report: WeeklyReport) -> list[str]:
    lines = []
    for step in report.steps:
        what = "All drops outside of restarts" if step.what == "all" else weekly_names.cause_of(step.what)
        at = weekly_names.moment(step.at, report.zone)
        levels = f"{numbers.decimal(step.before)} before, {numbers.decimal(step.after)} since, per 1 000 h"
        lines.append(f"{what}: changed around {at}; {levels}")
    return lines + [one.statement for one in report.clusters if one.kind not in ("same", "unclear")]


def _bursts(report: WeeklyReport) -> _Table:
    largest = sorted(sorted(report.bursts, key=lambda one: -one.n)[:MOST_BURSTS], key=lambda one: one.at)
    rows = [
        (
            weekly_names.moment(one.at, report.zone),
            numbers.count(one.n),
            "" if one.killed_share is None else numbers.percent(one.killed_share),
            plain(names.scope_name(one.scope)),
            weekly_names.cause(one.cause, one.tier),
            plain(one.evidence[0]) if one.evidence else "",
        )
        for one in largest
    ]
    return _Table(("began", "closes", "of those open", "what they share", "cause", "with"), rows, (1, 2))


def _groups(report: WeeklyReport) -> _Table:
    rows = [
        (
            title,
            plain(one.value),
            numbers.count(one.drops),
            weekly_names.value(one.now.value, ""),
            weekly_names.change(one),
            weekly_names.DIRECTIONS[one.direction],
            weekly_names.row_spark(one.trend),
        )
        for dimension, title in weekly_names.DIMENSIONS.items()
        for one in weekly_names.worst(report.groups.get(dimension, ()), MOST_GROUPS)
    ]
    return _Table(("", "", "drops", "per 1 000 h", "change", "verdict", "trend"), rows, (2, 3, 4))


def _burn(report: WeeklyReport) -> _Table:
    burns = report.objective.burn if report.objective else ()
    rows = [(weekly_names.cause(one.cause, one.tier), numbers.count(one.n), numbers.percent(one.used)) for one in burns]
    return _Table(("cause", "drops", "of the budget"), rows, (1, 2))


def _gaps(report: WeeklyReport) -> _Table:
    rows = [
        (
            gap.note,
            weekly_names.moment(gap.start, report.zone),
            weekly_names.moment(gap.end, report.zone),
            numbers.count(gap.n_hours),
        )
        for gap in report.gaps
    ]
    return _Table(("missing", "from", "to", "hours"), rows, (3,))
