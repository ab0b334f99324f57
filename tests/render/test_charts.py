"""The charts: drawn for any document, the same bytes each time, and readable without colour."""

from __future__ import annotations

import datetime as dt
import xml.etree.ElementTree as ET
from collections.abc import Callable

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.path import Path
from msgspec.structs import replace

from tests.render import documents
from wslog.render.chart_style import LOOKS, Mark, mark_lines, seconds_axis, tick_text
from wslog.render.chart_tables import TABLES
from wslog.render.charts import CHARTS, draw_all
from wslog.result import Document, TimerLine
from wslog.schema import Cause

DOCUMENTS: tuple[Callable[[], Document], ...] = (documents.full, documents.one_row, documents.empty)


def axes() -> Axes:
    return Figure(figsize=(9, 5), layout="constrained").subplots()


def words(ax: Axes) -> list[str]:
    return [text.get_text() for text in (*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label)] + [
        ax.get_title(loc="left")
    ]


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
def test_charts_are_pictures_and_the_same_each_time(build: Callable[[], Document]) -> None:
    """Every chart is well-formed SVG without script or time, and PNG; drawn again, the bytes are the same."""
    before = dict(mpl.rcParams)
    drawn = draw_all(build())
    assert list(drawn) == list(CHARTS)
    for svg, png in drawn.values():
        assert ET.fromstring(svg).tag.endswith("svg")
        assert b"<script" not in svg
        assert b"<dc:date>" not in svg
        assert png.startswith(b"\x89PNG")
        assert b"Software" not in png
        assert len(svg) < 300_000
    assert draw_all(build()) == drawn
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", list(CHARTS))
def test_a_chart_returns_the_axes_it_was_given(name: str) -> None:
    """A notebook can put any chart into its own figure; its title is also the words for those who cannot see it."""
    ax = axes()
    spec = CHARTS[name]
    assert spec.draw(documents.full(), ax) is ax
    assert ax.get_title(loc="left").split() == spec.says(documents.full()).split()
    assert spec.says(documents.full()) in spec.alt(documents.full())
    assert ax.get_xlabel()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("idle-histogram", "Drops pile up at 60 s of silence before the close"),
        ("drops-over-time", "250 connections ended together at 11:30:02 UTC: server restart"),
        ("causes", "nginx proxy_read_timeout 60 s explains 41 % of 1\u00a0000 drops"),
        ("lifetime-against-idle", "Drops line up at 60 s of silence (row) and at 900 s of age (column)"),
        ("reconnects", "Half of 930 reconnects came within 1.2 s; 70 drops without a later attempt in these logs"),
    ],
)
def test_titles_say_what_the_data_show(name: str, title: str) -> None:
    """A title is a sentence about these logs."""
    assert CHARTS[name].says(documents.full()) == title


def test_a_burst_has_its_day_where_there_are_several() -> None:
    """Of three months, a time of day alone is no moment: neither in the title nor at the line."""
    full = documents.full()
    later = replace(full.timeline[-1], at=full.timeline[-1].at + dt.timedelta(days=30))
    months = replace(full, timeline=(*full.timeline, later))
    assert (
        CHARTS["drops-over-time"].says(months).startswith("250 connections ended together at 2026-03-10 11:30:02 UTC")
    )
    labels = [text.get_text() for text in CHARTS["drops-over-time"].draw(months, axes()).texts]
    assert any(label.startswith("2026-03-10 11:30:02 server restart") for label in labels)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("idle-histogram", "no drops with an idle duration"),
        ("drops-over-time", "no drops with a time"),
        ("causes", "no drops to explain"),
        ("lifetime-against-idle", "no drops with both a lifetime and an idle duration"),
        ("reconnects", "no reconnects seen"),
    ],
)
def test_an_empty_chart_says_why(name: str, why: str) -> None:
    """Without data a chart says so instead of showing empty axes."""
    ax = CHARTS[name].draw(documents.empty(), axes())
    assert why in words(ax)


def test_a_stack_is_one_shape_per_cause_of_bars_that_have_a_height() -> None:
    """A stack of sixteen bars is drawn as one shape per cause, in which a bar of no drops does not appear."""
    full = documents.full()
    ax = CHARTS["drops-over-time"].draw(full, axes())
    shapes = {shape.get_label(): shape for shape in ax.patches}
    legend = ax.get_legend()
    assert legend is not None
    assert list(shapes) == [text.get_text() for text in reversed(legend.get_texts())]
    assert n_bars(shapes["idle timeout"]) == len(full.timeline) == 16
    assert n_bars(shapes["server restart"]) == 1
    restart = full.timeline[7]
    below = restart.by_cause["idle_timeout"] + restart.by_cause["lifetime_limit"]
    assert {y for _, y in shapes["server restart"].get_path().vertices} == {below, below + 250}
    assert ax.get_ylim() == (0, pytest.approx(1.05 * sum(restart.by_cause.values())))


def test_large_counts_are_written_out() -> None:
    """Ten million drops stand beside their tick; no factor stands above the axis, where the title is."""
    full = documents.full()
    many = replace(full.timeline[0], by_cause={"unknown": 30_000_000})
    figure = Figure(figsize=(9, 5))
    ax = CHARTS["drops-over-time"].draw(replace(full, timeline=(many,), bursts=()), figure.subplots())
    figure.canvas.draw()
    assert ax.yaxis.get_offset_text().get_text() == ""
    assert "30000000" in [label.get_text() for label in ax.get_yticklabels()]


def n_bars(shape: Patch) -> int:
    codes = shape.get_path().codes
    return 0 if codes is None else list(codes).count(Path.MOVETO)


def test_known_timers_are_named_once_per_value() -> None:
    """Two timers of 60 s share one line and one label; a dollar sign in a label is no formula."""
    ax = CHARTS["idle-histogram"].draw(documents.full(), axes())
    labels = [text for text in words(ax) if " s: " in text]
    assert labels == [
        "350 s: AWS NLB idle $x$",
        "75 s: nginx keepalive_timeout",
        "60 s: nginx proxy_read_timeout, AWS ALB idle_timeout",
    ]


def test_many_timers_of_one_value_are_counted() -> None:
    """Nine known timers of 60 s are said as nine, not as the one and a half that there is room for."""
    full = documents.full()
    timers = tuple(replace(full.charts.timers[0], label=f"timer {nth} 60 s", value_s=60.0) for nth in range(9))
    ax = CHARTS["idle-histogram"].draw(replace(full, charts=replace(full.charts, timers=timers)), axes())
    assert "60 s: 9 known timers" in words(ax)


@pytest.mark.parametrize("p95_s", [2.0, 70.0, 453.0, 3_500.0])
def test_how_soon_clients_came_back_is_not_cut_off(p95_s: float) -> None:
    """The label of the slowest twentieth ends within the picture: `95 % within 7 min 33 s`, not `95 % within 7`."""
    full = documents.full()
    slow = replace(full.reconnects, p50_s=p95_s / 3, p95_s=p95_s)
    figure = Figure(figsize=(9.2, 4.6), layout="constrained")
    ax = CHARTS["reconnects"].draw(replace(full, reconnects=slow), figure.subplots())
    figure.canvas.draw()
    (label,) = (text for text in ax.texts if text.get_text().startswith("95 % within"))
    assert label.get_window_extent().x1 <= figure.bbox.x1


def test_a_time_stands_below_one_tick_only() -> None:
    """One second of drops does not show the same time at five ticks."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    one = documents.one_row()
    bucket = replace(one.timeline[0], width_s=1.0)
    ax = CHARTS["drops-over-time"].draw(replace(one, timeline=(bucket,)), figure.subplots())
    figure.canvas.draw()
    ticks = [label.get_text() for label in ax.get_xticklabels()]
    assert ticks == ["09:00:00", "09:00:01"]


def test_one_cause_is_a_bar_and_not_a_wall() -> None:
    """A single cause leaves room for others: its bar takes no more than a fifth of the chart."""
    ax = CHARTS["causes"].draw(documents.one_row(), axes())
    (bar,) = ax.patches
    bottom, top = ax.get_ylim()
    assert abs(bar.get_path().get_extents(bar.get_patch_transform()).height / (bottom - top)) < 0.2


def test_labels_do_not_overlap() -> None:
    """Ten timers close together get their labels above one another, not over one another."""
    figure = Figure(figsize=(9, 5))
    ax = figure.subplots()
    seconds_axis(ax, "x", low=1, high=4_000)
    values = (10, 30, 55, 60, 61, 75, 100, 240, 350, 3_600)
    rows = mark_lines(ax, [Mark(value, f"{value} s: some known timer", is_strong=value == 60) for value in values])
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts if text.get_text()]
    assert len(boxes) == len(values)
    assert rows >= 3
    assert not [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a.overlaps(b)]


def test_every_cause_has_a_look_of_its_own() -> None:
    """Each cause has a look; no two share colour, marker, or both hatch and lightness."""
    assert set(LOOKS) == set(Cause)
    assert len({look.colour for look in LOOKS.values()}) == len(LOOKS)
    assert len({look.marker for look in LOOKS.values()}) == len(LOOKS)
    greys = {(look.hatch, round(sum(to_rgb(look.colour)) / 3, 1)) for look in LOOKS.values()}
    assert len(greys) == len(LOOKS)


def test_every_chart_has_its_table() -> None:
    """Each chart's numbers are to be had as a table whose rows are as wide as its head."""
    assert list(TABLES) == list(CHARTS)
    for build in DOCUMENTS:
        for table in TABLES.values():
            head, rows, _ = table(build())
            assert {len(row) for row in rows} <= {len(head)}
    assert TABLES["idle-histogram"](documents.full()).left_out == 42


def test_ages_are_drawn_where_no_silence_is_known() -> None:
    """A pile that was found by ages is shown by ages: in the title, at the axis and in the table."""
    full = documents.full()
    document = replace(full, charts=replace(full.charts, idle=()))
    ax = CHARTS["idle-histogram"].draw(document, axes())
    assert "age; silence is not known" in ax.get_title(loc="left").replace("\n", " ")
    assert ax.get_xlabel() == "age at the close, s (logarithmic)"
    head, rows, _ = TABLES["idle-histogram"](document)
    assert "age" in head[0]
    assert len(rows) == len(full.charts.lifetime)


def test_a_cause_and_a_timer_of_a_later_version_do_not_break_a_chart() -> None:
    """An unknown cause name in the bins is drawn under its own name, and hostile timer labels are shortened."""
    full = documents.full()
    bins = (replace(full.charts.idle[3], by_cause={"cosmic_rays": 7}),)
    charts = replace(full.charts, idle=bins, timers=(TimerLine(value_s=4.5, label="\x1b[2J" * 40),))
    ax = CHARTS["idle-histogram"].draw(replace(full, charts=charts), axes())
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["cosmic rays"]
    assert all(len(text) <= 90 and "\x1b" not in text for text in words(ax))


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1 s"), (60, "60 s"), (120, "2 min"), (3_600, "1 h"), (86_400, "1 d")]
)
def test_ticks_are_in_words(value: float, text: str) -> None:
    """Ticks read as lengths of time."""
    assert tick_text(value) == text
