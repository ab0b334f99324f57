"""The charts of a Document: `CHARTS` is the only list of them, `draw_all` gives each as SVG and PNG.

Every draw function takes axes and returns them, so a notebook can place a chart in its own figure. None touches pyplot
or the reader's rcParams.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from wslog import wording as numbers
from wslog.render import chart_titles, names
from wslog.render.chart_bars import (
    LEAST_S,
    bins_range,
    count_axis,
    merge_bins,
    name_least,
    seconds_range,
    stack_bins,
    stack_causes,
)
from wslog.render.chart_style import (
    GRID,
    INK,
    INTERVAL,
    LEAST_ROWS,
    MUTED,
    Mark,
    cut,
    frame,
    in_order,
    look,
    mark_lines,
    say_empty,
    seconds_axis,
)
from wslog.render.pictures import draw_pictures
from wslog.result import Document, TimerLine

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LABEL_ROOM: Final = 0.25  # of the axis, for the label of its last line


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartSpec:
    """One chart.

    Attributes:
        heading: What it is about, for a section's head.
        says: What it shows in this document, one sentence: its title, and its text for those who cannot see it.
        draw: Draws it.
    """

    heading: str
    says: Callable[[Document], str]
    draw: Callable[[Document, Axes], Axes]

    def alt(self, document: Document) -> str:
        """Return the text that stands for the picture."""
        return f"Chart. {self.heading}: {self.says(document)}."


def draw_idle_histogram(document: Document, ax: Axes) -> Axes:
    """Draw how long drops were silent before the close, by cause, with the known timers as lines."""
    title = chart_titles.idle_histogram(document)
    bins, what = chart_titles.silences(document)
    if not bins:
        return say_empty(ax, title=title, why="no drops with an idle duration")
    low, high = bins_range(bins)
    seconds_axis(ax, "x", low=low, high=high)
    stack_bins(ax, merge_bins(bins, low=low, high=high))
    name_least(ax, bins)
    rows = mark_lines(ax, _timer_marks(document.charts.timers, document, low=low, high=high))
    x = {"silence": "silence before the close", "age": "age at the close"}[what]
    frame(ax, title=title, x=f"{x}, s (logarithmic)", y="drops per bar", title_rows=rows)
    return ax


def draw_drops_over_time(document: Document, ax: Axes) -> Axes:
    """Draw the drops of each stretch of time by cause, with the largest bursts named."""
    title = chart_titles.drops_over_time(document)
    buckets = [bucket for bucket in document.timeline if sum(bucket.by_cause.values())]
    if not buckets:
        return say_empty(ax, title=title, why="no drops with a time")
    lefts = [_day(bucket.at) for bucket in document.timeline]
    widths = [bucket.width_s / 86_400 for bucket in document.timeline]
    stack_causes(ax, lefts, widths, [bucket.by_cause for bucket in document.timeline])
    ax.set_xlim(min(lefts), max(left + width for left, width in zip(lefts, widths, strict=True)))
    on = _date_axis(ax, document)
    low, high = ax.get_xlim()
    largest = sorted(document.bursts, key=lambda burst: -burst.n)[:4]
    said = ((burst, chart_titles.burst_began(document, burst), names.cause_name(burst.cause)) for burst in largest)
    marks = [Mark(_day(burst.at), f"{began} {cause}, {numbers.count(burst.n)}") for burst, began, cause in said]
    rows = mark_lines(ax, [mark for mark in marks if low <= mark.value <= high])
    width = numbers.seconds(document.timeline[0].width_s)
    left_out = names.not_drawn(document)
    x = f"time of the close{on}, UTC" + (f"; {left_out}" if left_out else "")
    frame(ax, title=title, x=x, y=f"drops per {width}", title_rows=rows)
    return ax


def draw_causes(document: Document, ax: Axes) -> Axes:
    """Draw each cause's share of all drops with its 95 % interval."""
    title = chart_titles.causes(document)
    causes = document.causes[:12]
    if not causes:
        return say_empty(ax, title=title, why="no drops to explain")
    reach = max(share.share_high for share in causes) * 100
    values = [share.share * 100 for share in causes]
    below = [max(0.0, value - share.share_low * 100) for share, value in zip(causes, values, strict=True)]
    above = [max(0.0, share.share_high * 100 - value) for share, value in zip(causes, values, strict=True)]
    looks = [look(share.cause) for share in causes]
    ax.barh(
        range(len(causes)), values, height=0.66, color=[style.colour for style in looks],
        hatch=[style.hatch for style in looks], edgecolor="white", linewidth=0.0,
    )  # fmt: skip
    ax.errorbar(values, range(len(causes)), xerr=[below, above], **INTERVAL)
    for place, share in enumerate(causes):
        label = f"{numbers.percent(share.share)}  ({numbers.count(share.n)})"
        ax.text(values[place] + above[place] + reach * 0.012, place, label, va="center", fontsize=9.5, color=INK)
    ax.set_yticks(range(len(causes)), [cut(names.cause_label(share), 48) for share in causes])
    ax.set_ylim(max(len(causes), LEAST_ROWS) - 0.4, -0.6)
    ax.set_xlim(0, reach * 1.16)
    ax.grid(axis="x", color=GRID, linewidth=0.8)
    frame(ax, title=title, x="share of all drops, % (line: 95 % interval)", y="")
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    return ax


def draw_lifetime_against_idle(document: Document, ax: Axes) -> Axes:
    """Draw each drop by its age and its last silence: a row is an idle timeout, a column a lifetime limit."""
    title = chart_titles.lifetime_against_idle(document)
    points = document.charts.points
    if not points:
        return say_empty(ax, title=title, why="no drops with both a lifetime and an idle duration")
    x_low, x_high = seconds_range([point.lifetime_s for point in points])
    y_low, y_high = seconds_range([point.idle_s for point in points])
    seconds_axis(ax, "x", low=x_low, high=x_high)
    seconds_axis(ax, "y", low=y_low, high=y_high)
    ax.grid(color=GRID, linewidth=0.8)
    ends = (max(x_low, y_low), min(x_high, y_high))
    if ends[0] < ends[1]:
        ax.plot(ends, ends, color=MUTED, linewidth=0.8, linestyle=":", zorder=1, label="silent since the open")
    for cause in in_order([point.cause for point in points]):
        style = look(cause)
        mine = [point for point in points if point.cause == cause]
        ax.scatter(
            [max(point.lifetime_s, LEAST_S) for point in mine], [max(point.idle_s, LEAST_S) for point in mine],
            s=26, marker=style.marker, color=style.colour, linewidths=0.6, alpha=0.75, label=names.cause_name(cause),
            rasterized=True, zorder=2,
        )  # fmt: skip
    for cluster in document.clusters:
        if cluster.axis == "idle_s" and y_low < cluster.timeout_s < y_high:
            ax.axhline(cluster.timeout_s, color=INK, linewidth=0.8, alpha=0.4, zorder=1.5)
            ax.annotate(
                f"silent {numbers.timer(cluster.timeout_s)}", xy=(0, cluster.timeout_s), xytext=(4, 2),
                xycoords=ax.get_yaxis_transform(), textcoords="offset points", fontsize=8.5, fontweight="bold",
                color=INK, zorder=3,
            )  # fmt: skip
    ages = [cluster.timeout_s for cluster in document.clusters if cluster.axis == "lifetime_s"]
    marks = [Mark(age, f"age {numbers.timer(age)}", is_strong=True) for age in ages if x_low < age < x_high]
    rows = mark_lines(ax, marks[:6])
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9, labelcolor=INK, borderaxespad=0)
    x, y = "lifetime, s (logarithmic)", "silence before the close, s (logarithmic)"
    frame(ax, title=title, x=x, y=y, title_rows=rows)
    return ax


def draw_reconnects(document: Document, ax: Axes) -> Axes:
    """Draw how long clients stayed away after a drop, with the median and the slowest twentieth as lines."""
    title = chart_titles.reconnects(document)
    bins = [one for one in document.reconnects.gaps if one.n]
    if not bins:
        return say_empty(ax, title=title, why="no reconnects seen")
    low, high = bins_range(bins)
    slowest = document.reconnects.p95_s
    if slowest is not None and slowest > low:
        # There is no legend here for the last label to reach over: the axis goes on until it fits.
        high = max(high, low * (slowest / low) ** (1 / (1 - _LABEL_ROOM)))
    seconds_axis(ax, "x", low=low, high=high)
    name_least(ax, bins)
    merged = merge_bins(bins, low=low, high=high)
    lefts = [max(one.low, low) for one in merged]
    widths = [one.high - left for one, left in zip(merged, lefts, strict=True)]
    ax.bar(
        lefts, [one.n for one in merged], width=widths, align="edge", color="#4f7ea8", edgecolor="white", linewidth=0.7
    )
    marks = [
        Mark(max(value, low), f"{what} {numbers.seconds(value)}", is_strong=True)
        for what, value in (("median", document.reconnects.p50_s), ("95 % within", document.reconnects.p95_s))
        if value is not None and value <= high
    ]
    rows = mark_lines(ax, marks)
    count_axis(ax)
    frame(
        ax,
        title=title,
        x="from the close to the next attempt, s (logarithmic)",
        y="reconnects per bar",
        title_rows=rows,
    )
    return ax


CHARTS: Final[Mapping[str, ChartSpec]] = {
    "idle-histogram": ChartSpec(
        heading="Silence before the close", says=chart_titles.idle_histogram, draw=draw_idle_histogram
    ),
    "drops-over-time": ChartSpec(
        heading="Drops over time", says=chart_titles.drops_over_time, draw=draw_drops_over_time
    ),
    "causes": ChartSpec(heading="Causes", says=chart_titles.causes, draw=draw_causes),
    "lifetime-against-idle": ChartSpec(
        heading="Lifetime against silence", says=chart_titles.lifetime_against_idle, draw=draw_lifetime_against_idle
    ),
    "reconnects": ChartSpec(heading="Reconnects", says=chart_titles.reconnects, draw=draw_reconnects),
}
"""Every chart by its file name, in the order of the report."""


def draw_all(document: Document) -> dict[str, tuple[bytes, bytes]]:
    """Return every chart by name as (SVG, PNG); the same document gives the same bytes."""
    return draw_pictures({name: partial(spec.draw, document) for name, spec in CHARTS.items()})


def _day(at: dt.datetime) -> float:
    from matplotlib.dates import date2num

    return float(date2num(at))  # type: ignore[no-untyped-call]


def _date_axis(ax: Axes, document: Document) -> str:
    """Put times below the axis, to the second where all is less than an hour; return the day that they leave out."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, DateFormatter

    first, last = document.timeline[0], document.timeline[-1]
    lasts = last.at - first.at + dt.timedelta(seconds=last.width_s)
    # Labels are whole seconds: within three of them, more ticks would repeat one.
    locator = AutoDateLocator(minticks=3 if lasts > dt.timedelta(seconds=3) else 1, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(locator)
    if last.at - first.at >= dt.timedelta(hours=1) or last.at.date() != first.at.date():
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
        return ""
    ax.xaxis.set_major_formatter(DateFormatter("%H:%M:%S"))  # type: ignore[no-untyped-call]
    return f" on {first.at:%Y-%m-%d}"


def _some(labels: Sequence[str]) -> str:
    """Return the timers of one value: by name if they are few, else how many."""
    return ", ".join(labels) if len(labels) <= names.MOST_CANDIDATES else f"{len(labels)} known timers"


def _timer_marks(timers: Sequence[TimerLine], document: Document, *, low: float, high: float) -> list[Mark]:
    """Return one mark per value, naming all timers that share it; those a cluster points to stand out."""
    pointed = {cluster.timeout_s for cluster in document.clusters if cluster.axis != "lifetime_s"}
    by_value: dict[float, list[str]] = {}
    for timer in timers:
        if low < timer.value_s < high:
            # Labels may end in their value, which the mark says once for all of them.
            label = timer.label.removesuffix(numbers.timer(timer.value_s)).rstrip()
            by_value.setdefault(timer.value_s, []).append(label)
    marks = [
        Mark(value, f"{numbers.timer(value)}: {_some(list(dict.fromkeys(labels)))}", is_strong=value in pointed)
        for value, labels in by_value.items()
    ]
    return sorted(marks, key=lambda mark: (not mark.is_strong, mark.value))[:8]
