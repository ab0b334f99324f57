"""The weekly charts: the same bytes each time, weeks with gaps told by a hatch, every rate with its interval."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tests.weekly.weeks import Site, Spec, make_week
from wslog.render.weekly_charts import WEEKLY_CHARTS, draw_cause_changes, draw_course, draw_trend, draw_weekly
from wslog.render.weekly_page import render_weekly_html
from wslog.result import Advice
from wslog.store.weeks import Week
from wslog.weekly import compare_weeks, write_report
from wslog.weekly.objective import judge_objective
from wslog.weekly_result import WeeklyReport
from wslog.wording import decimal


@pytest.fixture(scope="module")
def report() -> WeeklyReport:
    """Three weeks of one site; the nginx logs of half the second are lost."""
    site = Site(attempts_per_hour=200)
    gaps = Spec(lost=(("nginx", range(80)),))
    weeks = [make_week(f"2026-W{44 + nth}", site, gaps if nth == 1 else Spec(), seed=nth) for nth in range(3)]
    return write_report(compare_weeks(weeks[2], weeks[1], weeks[:2]))


def axes() -> Axes:
    return Figure(layout="constrained").subplots()


def ends_of_lines(ax: Axes) -> list[list[tuple[float, float]]]:
    (lines,) = (one for one in ax.collections if isinstance(one, LineCollection))
    return [[(float(x), float(y)) for x, y in segment] for segment in lines.get_segments()]


def test_charts_are_pictures_and_the_same_each_time(report: WeeklyReport) -> None:
    """Every chart is well-formed SVG and PNG; drawn again, the bytes are the same."""
    drawn = draw_weekly(report)
    assert list(drawn) == list(WEEKLY_CHARTS)
    for svg, png in drawn.values():
        assert ET.fromstring(svg).tag.endswith("svg")
        assert png.startswith(b"\x89PNG")
    assert draw_weekly(report) == drawn


def test_a_week_with_gaps_is_hatched_and_each_has_its_interval(report: WeeklyReport) -> None:
    """The trend has a bar per week; only the one whose logs have gaps is hatched."""
    ax = draw_trend(report, axes())
    assert [bar.get_hatch() or "" for bar in ax.patches] == ["", "///", ""]
    for nth, (point, (low, high)) in enumerate(zip(report.weeks, ends_of_lines(ax), strict=True)):
        assert low == pytest.approx((nth, point.rate.low))
        assert high == pytest.approx((nth, point.rate.high))


def test_each_cause_has_its_interval(report: WeeklyReport) -> None:
    """The causes' lines reach from the low to the high end of what each rate may be."""
    ax = draw_cause_changes(report, axes())
    causes = [one for one in report.causes if one.now.value is not None and one.per == "per 1 000 h"]
    for place, (one, (low, high)) in enumerate(zip(causes, ends_of_lines(ax), strict=True)):
        assert low == pytest.approx((one.now.low, place))
        assert high == pytest.approx((max(one.now.high or 0.0, one.now.value or 0.0), place))


def test_a_ring_says_both_rates(report: WeeklyReport) -> None:
    """Behind a ring, which is last week's rate, stand that rate and this week's: one alone would be taken for its."""
    ax = draw_cause_changes(report, axes())
    labels = [text.get_text() for text in ax.texts]
    causes = [one for one in report.causes if one.now.value is not None and one.per == "per 1 000 h"]
    assert [label.partition(" → ")[0] for label in labels] == [decimal(one.before.value or 0.0) for one in causes]


def test_the_objective_covers_no_week(report: WeeklyReport) -> None:
    """Its name stands beside the axes, not over the bar and interval of the week that the report is about."""
    week = make_week(report.week, Site(attempts_per_hour=200), seed=2)
    objective = judge_objective("drops_per_1000_connection_hours<=9", [week], [[True] * 168])
    figure = Figure(figsize=(9.2, 4.6), layout="constrained")
    ax = draw_trend(replace(report, objective=objective), figure.subplots())
    figure.canvas.draw()
    (name,) = ax.texts
    assert ax.bbox.x1 <= name.get_window_extent().x0 < name.get_window_extent().x1 <= figure.bbox.x1


def test_axes_speak_of_gaps_only_where_there_are_some(report: WeeklyReport) -> None:
    """A chart without a hatch does not explain one."""
    whole = replace(report, weeks=(report.weeks[0], report.weeks[2]))
    told = [draw_trend(one, axes()).get_xlabel() for one in (report, whole)]
    assert told == ["ISO week (hatched: its logs have gaps)", "ISO week"]
    missing = (replace(report.course[0], now=None), *report.course[1:])
    courses = [draw_course(replace(report, course=course), axes()).get_xlabel() for course in (missing, report.course)]
    assert courses == ["day, UTC (shaded: logs missing)", "day, UTC"]


def test_the_page_writes_sentences_as_the_report_of_logs_does(report: WeeklyReport) -> None:
    """Settings between backticks are code, and no line ends between a number and its unit or within `1 000`."""
    told = Advice(text="Raise `proxy_read_timeout` from 60 s.", config="", would_prevent_n=1, would_prevent_share=0.1)
    page = render_weekly_html(replace(report, advice=(told,), headline="9 drops per 1 000 hours, 12 %."), {})
    assert "Raise <code>proxy_read_timeout</code> from 60\u00a0s." in page
    assert "9 drops per 1\u00a0000 hours, 12\u00a0%.</h1>" in page
    assert ">95\u00a0%: " in page


def test_a_small_picture_says_where_a_larger_one_is(report: WeeklyReport) -> None:
    """On a phone the charts' letters are too small: the page names the file."""
    assert "Larger in charts/trend.png" in render_weekly_html(report, dict.fromkeys(WEEKLY_CHARTS, b"<svg/>"))


def weeks_to(week: str, n: int, *, like: WeeklyReport) -> WeeklyReport:
    names = [str(Week.parse(week).plus(nth - n + 1)) for nth in range(n)]
    return replace(like, week=week, weeks=tuple(replace(like.weeks[0], week=name) for name in names))


@pytest.mark.parametrize(("n", "named"), [(1, 1), (12, 12), (13, 13), (26, 13), (52, 13), (520, 13)])
def test_weeks_of_a_long_trend_do_not_overlap(report: WeeklyReport, n: int, named: int) -> None:
    """However long the trend, the names below it can be read; the week that the report is about has its own."""
    figure = Figure(figsize=(9.2, 4.6), layout="constrained")
    ax = draw_trend(weeks_to("2026-W46", n, like=report), figure.subplots())
    figure.canvas.draw()
    labels = ax.get_xticklabels()
    assert (len(labels), ax.get_xticks()[-1]) == (named, n - 1)
    assert labels[-1].get_text().startswith("W46")
    boxes = [label.get_window_extent() for label in labels]
    assert not [1 for left, right in itertools.pairwise(boxes) if left.x1 > right.x0]


def test_a_trend_over_two_years_names_both(report: WeeklyReport) -> None:
    """The first week that is named of each year has the year below it; within one year none has."""
    of = [[label.get_text() for label in draw_trend(weeks_to(week, 4, like=report), axes()).get_xticklabels()]
          for week in ("2027-W02", "2026-W46")]  # fmt: skip
    assert of == [["W52\n2026", "W53", "W01\n2027", "W02"], ["W43", "W44", "W45", "W46"]]


def test_the_legend_of_the_course_covers_no_line(report: WeeklyReport) -> None:
    """Which line is which week stands above the axes."""
    figure = Figure(figsize=(9.2, 4.6), layout="constrained")
    ax = draw_course(report, figure.subplots())
    figure.canvas.draw()
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y0 >= ax.bbox.y1 - 1


def test_a_week_without_connections_has_no_empty_pictures(report: WeeklyReport) -> None:
    """Where nothing is known the page shows no blank chart and no table without rows."""
    nothing = make_week("2026-W10", Site(attempts_per_hour=0.0), seed=1)
    bare = write_report(compare_weeks(nothing, None, []))
    pictures = dict.fromkeys(WEEKLY_CHARTS, b"<svg/>")
    assert render_weekly_html(report, pictures).count("<img") == 3
    page = render_weekly_html(bare, pictures)
    assert "<img" not in page
    assert 'id="causes"' not in page
    assert WEEKLY_CHARTS["trend"].says(bare) == "Drops per 1 000 connection hours, 1 week to 2026-W10"


def test_a_chart_of_causes_says_which_it_leaves_out(report: WeeklyReport) -> None:
    """Failed handshakes are counted per attempt: the axis says that they are not drawn."""
    assert "handshake_failed" in {one.cause for one in report.causes}
    figure = Figure(figsize=(9.2, 4.6), layout="constrained")
    label = draw_cause_changes(report, figure.subplots()).xaxis.label
    figure.canvas.draw()
    assert label.get_text().endswith("\n1 more cause in the report's table")
    assert figure.bbox.x0 <= label.get_window_extent().x0 < label.get_window_extent().x1 <= figure.bbox.x1
    opened = tuple(one for one in report.causes if one.per == "per 1 000 h" and one.now.value is not None)
    assert "more cause" not in draw_cause_changes(replace(report, causes=opened), axes()).get_xlabel()


def test_a_trend_in_a_table_fits_its_cell(report: WeeklyReport) -> None:
    """Of two years a row shows the last half: more bars would take the room of the numbers, or two lines."""
    rising = tuple(float(n) for n in range(104))
    causes = tuple(replace(one, trend=rising) for one in report.causes)
    page = render_weekly_html(replace(report, causes=causes), {})
    assert {len(bars) for bars in re.findall(r'data-head="trend">([▁-█]+)<', page) if bars[-1] == "█"} == {26}
