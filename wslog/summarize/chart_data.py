"""What the charts draw beyond the rest: histograms, a sample of points, and the timers as lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.knowledge.model import Setting, Timeout, TimerKind
from wslog.result import Bin, ChartData, Cluster, Point, TimerLine
from wslog.schema import Cause
from wslog.summarize.bins import choose_edges, count_into_bins
from wslog.summarize.drops import IS_OPENED
from wslog.summarize.rows import Rows
from wslog.wording import timer

MAX_POINTS: Final = 2_000
# Timers that can end a live WebSocket after a constant idle time or age; the others explain no pile in a histogram.
DRAWN: Final = frozenset(
    {TimerKind.IDLE_ANY, TimerKind.IDLE_S2C, TimerKind.IDLE_C2S, TimerKind.LIFETIME, TimerKind.PING_TIMEOUT}
)


def collect_chart_data(
    drops: Rows, *, clusters: Sequence[Cluster], settings: Sequence[Setting], timeouts: Sequence[Timeout]
) -> ChartData:
    """Collect chart data over the drops that had opened.

    Args:
        drops: As `drops_in` returns them.
        clusters: Those of all axes.
        settings: Timers found in configuration.
        timeouts: What is known about timers.
    """
    opened = drops.take("is_opened", "opened_at", "idle_s", "lifetime_s", "cause").filter(IS_OPENED)
    # Where no silence is known, idle clusters were found by ages.
    by_age = {"lifetime_s"} if opened["idle_s"].count() else {"lifetime_s", "idle_s"}
    return ChartData(
        idle=_histogram(opened, "idle_s", [c.center_s for c in clusters if c.axis == "idle_s"]),
        lifetime=_histogram(opened, "lifetime_s", [c.center_s for c in clusters if c.axis in by_age]),
        points=_points(opened),
        timers=_timers(clusters, settings=settings, timeouts=timeouts),
    )


def _histogram(drops: pl.DataFrame, column: str, centers_s: Sequence[float]) -> tuple[Bin, ...]:
    edges = choose_edges(drops[column], centers_s)
    return count_into_bins(drops, column, edges) if edges else ()


def _points(drops: pl.DataFrame) -> tuple[Point, ...]:
    """Take at most `MAX_POINTS` drops with both values, evenly over time."""
    both = drops.filter(pl.col("lifetime_s").is_finite() & pl.col("idle_s").is_finite())
    if both.height > MAX_POINTS:
        both = both[[i * both.height // MAX_POINTS for i in range(MAX_POINTS)]]
    return tuple(
        Point(lifetime_s=lifetime_s, idle_s=idle_s, cause=Cause(cause))
        for lifetime_s, idle_s, cause in both.select("lifetime_s", "idle_s", "cause").iter_rows()
    )


def _timers(
    clusters: Sequence[Cluster], *, settings: Sequence[Setting], timeouts: Sequence[Timeout]
) -> tuple[TimerLine, ...]:
    """List configured timers, and known ones that clusters point to and no configuration sets otherwise."""
    known = {timeout.id: timeout for timeout in timeouts if timeout.kind in DRAWN}
    configured = {setting.timeout_id for setting in settings}
    values = {(s.value_s, s.timeout_id) for s in settings if s.timeout_id in known and s.value_s > 0}
    values |= {
        (cluster.timeout_s, timeout_id)
        for cluster in clusters
        for timeout_id in cluster.timeout_ids
        if timeout_id in known and timeout_id not in configured
    }
    lines = {(value_s, _label(known[timeout_id], value_s)) for value_s, timeout_id in values}
    return tuple(TimerLine(value_s=value_s, label=label) for value_s, label in sorted(lines))


def _label(timeout: Timeout, value_s: float) -> str:
    setting = timeout.short_setting if timeout.setting else ""
    return " ".join(part for part in (timeout.product, setting, timer(value_s)) if part)
