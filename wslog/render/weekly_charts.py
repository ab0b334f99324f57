"""The charts of the weekly report: `WEEKLY_CHARTS` lists them, `draw_weekly` gives each as SVG and PNG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from wslog import wording as numbers
from wslog.render import weekly_names
from wslog.render.chart_style import (
    ACCENT,
    GRID,
    INK,
    INTERVAL,
    LEAST_ROWS,
    MUTED,
    cut,
    frame,
    look,
    plain_numbers,
    say_empty,
)
from wslog.render.pictures import draw_pictures
from wslog.weekly_result import ALL, CauseChange, Estimate, WeeklyReport, WeekPoint

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CAUSES: Final = 8
MOST_NAMED_WEEKS: Final = 13
_BEFORE: Final = "#a9b4be"


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyChart:
    """One chart: `heading` for a section, `says` its sentence, `draw` draws it, `holds` whether there is anything."""

    heading: str
    says: Callable[[WeeklyReport], str]
    draw: Callable[[WeeklyReport, Axes], Axes]
    holds: Callable[[WeeklyReport], bool]


def _trend_title(report: WeeklyReport) -> str:
    return f"Drops per 1 000 connection hours, {numbers.counted(len(report.weeks), 'week')} to {report.week}"


def _known_weeks(report: WeeklyReport) -> list[tuple[int, WeekPoint]]:
    return [(nth, point) for nth, point in enumerate(report.weeks) if point.rate.value is not None]


def _named_weeks(weeks: Sequence[WeekPoint]) -> tuple[list[int], list[str]]:
    """Return which weeks are named below the axis, the last one among them, and how: the year only where it is new."""
    step = -(-len(weeks) // MOST_NAMED_WEEKS)
    places = list(range((len(weeks) - 1) % step, len(weeks), step))
    years = [weeks[place].week[:4] for place in places]
    is_new = [len(set(years)) > 1 and year not in years[:nth] for nth, year in enumerate(years)]
    names = [weeks[place].week[5:] for place in places]
    return places, [f"{name}\n{year}" if new else name for name, year, new in zip(names, years, is_new, strict=True)]


def draw_trend(report: WeeklyReport, ax: Axes) -> Axes:
    """Draw each week's drop rate with its interval; weeks whose logs have gaps are hatched."""
    points = _known_weeks(report)
    if not points:
        return say_empty(ax, title=_trend_title(report), why="no connection hours")
    places = [nth for nth, _ in points]
    values = [point.rate.value or 0.0 for _, point in points]
    whole = [point.covered_share > 0.99 and not point.is_partial for _, point in points]
    ax.bar(
        places, values, width=0.66, color=[ACCENT if point.week == report.week else "#7fa3c4" for _, point in points],
        edgecolor="white", hatch=["" if is_whole else "///" for is_whole in whole], linewidth=0.0,
    )  # fmt: skip
    ax.errorbar(places, values, yerr=_reach(values, [point.rate for _, point in points]), **INTERVAL)
    if report.objective is not None and report.objective.metric == report.metrics[0].name:
        ax.axhline(report.objective.target, color=MUTED, linestyle=(0, (4, 3)), linewidth=1.0)
        ax.text(len(report.weeks) - 0.45, report.objective.target, "objective", va="center", fontsize=9, color=MUTED)
    ax.set_xticks(*_named_weeks(report.weeks))
    ax.set_xlim(-0.5, len(report.weeks) - 0.5)
    ax.set_ylim(0, None)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    plain_numbers(ax)
    x = "ISO week" if all(whole) else "ISO week (hatched: its logs have gaps)"
    frame(ax, title=_trend_title(report), x=x, y="drops per 1 000 connection hours")
    return ax


def _course_title(report: WeeklyReport) -> str:
    against = f" against {report.compared_to}" if report.compared_to else ""
    return f"Drops over {report.week}{against}"


def _has_course(report: WeeklyReport) -> bool:
    return any(point.now is not None for point in report.course)


def draw_course(report: WeeklyReport, ax: Axes) -> Axes:
    """Draw the week in stretches of six hours, the other week behind it, missing logs shaded, changes marked."""
    zone = ZoneInfo(report.zone)
    places = range(len(report.course))
    if not _has_course(report):
        return say_empty(ax, title=_course_title(report), why="no hours that all tiers' logs cover")
    before = [float("nan") if point.before is None else point.before for point in report.course]
    now = [float("nan") if point.now is None else point.now for point in report.course]
    if report.compared_to:
        ax.step([*places, len(before)], [*before, before[-1]], where="post", color=_BEFORE, linewidth=2.0,
                label=report.compared_to)  # fmt: skip
    ax.step([*places, len(now)], [*now, now[-1]], where="post", color=ACCENT, linewidth=2.2, label=report.week)
    for nth in places:
        if report.course[nth].now is None:
            ax.axvspan(nth, nth + 1, facecolor="#f0ede6", edgecolor="#d8d2c4", hatch="//", linewidth=0.0, zorder=0)
    top = max(value for value in [*now, *before] if value == value)  # noqa: PLR0124  (leaves out NaN)
    moments: dict[int, list[str]] = {}
    for step in report.steps[:3]:
        place = next((nth for nth in places if report.course[nth].at >= step.at), len(now))
        what = step.what if step.what == ALL else weekly_names.cause_of(step.what)
        moments.setdefault(place, []).append(cut(what, 30))
    for place, what_changed in moments.items():
        ax.axvline(place, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        ax.text(place + 0.2, top, "\n".join(what_changed), fontsize=8.5, color=INK, va="top")
    days = [point.at.astimezone(zone) for point in report.course[::4]]
    ax.set_xticks(range(0, len(now), 4), [f"{day:%a} {day.day}" for day in days])
    ax.set_xlim(0, len(now))
    ax.set_ylim(0, top * 1.08 or 1)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
    plain_numbers(ax)
    # Above the axes: within them there is no place that a line may not need.
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize=9, labelcolor=INK)
    is_whole = all(point.now is not None for point in report.course)
    x = f"day, {report.zone}" if is_whole else f"day, {report.zone} (shaded: logs missing)"
    frame(ax, title=_course_title(report), x=x, y="drops per 1 000 connection hours")
    return ax


def _cause_title(report: WeeklyReport) -> str:
    return f"Causes, {report.compared_to} → {report.week}" if report.compared_to else f"Causes in {report.week}"


def _drawn_causes(report: WeeklyReport) -> list[CauseChange]:
    """Return the causes that one axis can hold: failed handshakes are per attempt, not per hour."""
    known = [one for one in report.causes if one.now.value is not None]
    return [one for one in known if one.per == "per 1 000 h"][:MOST_CAUSES]


def draw_cause_changes(report: WeeklyReport, ax: Axes) -> Axes:
    """Draw each cause's rate now, with its interval, and a ring where it was."""
    shown = _drawn_causes(report)
    if not shown:
        return say_empty(ax, title=_cause_title(report), why="no drops of connections that had opened")
    values = [one.now.value or 0.0 for one in shown]
    looks = [look(one.cause) for one in shown]
    ax.barh(
        range(len(shown)), values, height=0.6, color=[style.colour for style in looks],
        hatch=[style.hatch for style in looks], edgecolor="white", linewidth=0.0,
    )  # fmt: skip
    ax.errorbar(values, range(len(shown)), xerr=_reach(values, [one.now for one in shown]), **INTERVAL)
    for place, one in enumerate(shown):
        _mark_cause(ax, place, one)
    ax.set_yticks(range(len(shown)), [cut(weekly_names.cause(o.cause, o.tier, o.timeouts_s), 44) for o in shown])
    ax.set_ylim(max(len(shown), LEAST_ROWS) - 0.4, -0.6)
    ends = [max(one.now.high or 0.0, one.now.value or 0.0, one.before.value or 0.0) for one in shown]
    ax.set_xlim(0, max(ends) * 1.2 or 1)
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    ring = f"; ring: {report.compared_to}" if report.compared_to else ""
    n_more = len(report.causes) - len(shown)
    left_out = f"\n{numbers.counted(n_more, 'more cause')} in the report's table" if n_more else ""
    x = f"drops per 1 000 connection hours (line: 95 % interval{ring}){left_out}"
    frame(ax, title=_cause_title(report), x=x, y="")
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    return ax


def _reach(values: Sequence[float], rates: Sequence[Estimate]) -> tuple[list[float], list[float]]:
    """Return how far the interval of each of *rates* reaches below and above its value."""
    below = [max(0.0, value - (rate.low or 0.0)) for value, rate in zip(values, rates, strict=True)]
    return below, [max(0.0, (rate.high or value) - value) for value, rate in zip(values, rates, strict=True)]


def _mark_cause(ax: Axes, place: int, one: CauseChange) -> None:
    """Put a ring where a cause's rate was, and both rates behind everything: beside a ring, one alone would be its."""
    value = one.now.value or 0.0
    high = max(one.now.high or value, value)
    if one.before.value is not None:
        ax.plot(one.before.value, place, marker="o", markersize=8, markerfacecolor="none", markeredgecolor=INK)
    was = "" if one.before.value is None else f"{numbers.decimal(one.before.value)} → "
    told = {"better": " ↓", "worse": " ↑"}.get(one.direction, "")
    ax.annotate(f"{was}{numbers.decimal(value)}{told}", (max(high, one.before.value or 0.0), place), xytext=(9, 0),
                textcoords="offset points", va="center", fontsize=9.5, color=INK)  # fmt: skip


WEEKLY_CHARTS: Final[Mapping[str, WeeklyChart]] = {
    "trend": WeeklyChart(
        heading="Trend", says=_trend_title, draw=draw_trend, holds=lambda report: bool(_known_weeks(report))
    ),
    "course": WeeklyChart(heading="The week", says=_course_title, draw=draw_course, holds=_has_course),
    "cause-changes": WeeklyChart(
        heading="Causes", says=_cause_title, draw=draw_cause_changes, holds=lambda report: bool(_drawn_causes(report))
    ),
}
"""Every chart by its file name, in the order of the report."""


def draw_weekly(report: WeeklyReport) -> dict[str, tuple[bytes, bytes]]:
    """Return every chart by name as (SVG, PNG); the same report gives the same bytes."""
    return draw_pictures({name: partial(chart.draw, report) for name, chart in WEEKLY_CHARTS.items()})
