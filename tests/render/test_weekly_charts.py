"""The weekly charts: the same bytes each time, weeks with gaps told by a hatch, every rate with its interval."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tests.weekly.weeks import Site, Spec, make_week
from wslog.render.weekly_charts import WEEKLY_CHARTS, draw_cause_changes, draw_trend, draw_weekly
from wslog.weekly import compare_weeks, write_report
from wslog.weekly_result import WeeklyReport


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
