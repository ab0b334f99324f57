"""The weekly report as one HTML page that needs no network, no script and no second file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wslog.render import weekly_names, weekly_tables
from wslog.render.template import Figure, load_template
from wslog.render.weekly_charts import WEEKLY_CHARTS
from wslog.weekly_result import WeeklyReport

if TYPE_CHECKING:
    from jinja2 import Template

MOST_BURSTS: Final = 10
MOST_GROUPS: Final = 5
_BEHIND: Final = {
    "trend": weekly_tables.trend,
    "course": weekly_tables.course,
    "cause-changes": weekly_tables.causes,
}
"""The numbers that each chart draws."""


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
        causes=weekly_tables.causes(report),
        changes=weekly_names.changes(report),
        bursts=weekly_tables.bursts(report, MOST_BURSTS),
        outcomes=weekly_names.outcomes(report),
        groups=weekly_tables.groups(report, MOST_GROUPS),
        budget=weekly_names.budget(report.objective) if report.objective else "",
        burn=weekly_tables.burn(report),
        coverage=weekly_names.coverage(report),
        read=weekly_names.read(report),
        gaps=weekly_tables.gaps(report),
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    return load_template(
        "weekly.html.j2",
        filters={
            "value": weekly_names.value,
            "interval": weekly_names.interval,
            "change": weekly_names.change,
            "gain": weekly_names.gain,
        },
        known={"directions": weekly_names.DIRECTIONS, "verdicts": weekly_names.VERDICTS},
    )


def _figures(report: WeeklyReport, charts: Mapping[str, bytes]) -> list[Figure]:
    return [
        Figure.of(
            name,
            charts[name],
            heading=chart.heading,
            alt=f"Chart. {chart.says(report)}.",
            table=_BEHIND[name](report),
        )
        for name, chart in WEEKLY_CHARTS.items()
        if name in charts and chart.holds(report)
    ]
