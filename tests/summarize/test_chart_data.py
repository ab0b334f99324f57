from __future__ import annotations

from wslog.knowledge import Setting
from wslog.result import Point, TimerLine
from wslog.schema import Cause
from wslog.summarize.chart_data import MAX_POINTS, collect_chart_data
from wslog.summarize.drops import drops_in, in_order


def _charts(connections, timeouts, **changes):
    given = {"clusters": (), "settings": ()} | changes
    return collect_chart_data(drops_in(in_order(connections)), timeouts=tuple(timeouts.values()), **given)


def test_only_opened_drops_are_drawn(table, timeouts):
    """A failed handshake has no idle time, and a clean close is no drop."""
    charts = _charts(
        table(
            {"lifetime_s": 100.0, "idle_s": 60.0, "cause": "idle_timeout"},
            {"lifetime_s": 0.0, "idle_s": 0.0, "is_opened": False},
            {"lifetime_s": 5.0, "idle_s": 5.0, "is_drop": False},
            {"lifetime_s": 5.0, "idle_s": None},
        ),
        timeouts,
    )
    assert charts.points == (Point(lifetime_s=100.0, idle_s=60.0, cause=Cause.IDLE_TIMEOUT),)
    assert sum(b.n for b in charts.idle) == 1
    assert sum(b.n for b in charts.lifetime) == 2
    assert [(b.low, b.high, b.by_cause) for b in charts.idle if b.n] == [(59.5, 60.5, {"idle_timeout": 1})]


def test_points_are_few_and_evenly_taken(table, timeouts):
    """Five thousand drops make two thousand points, first and late ones among them."""
    rows = [{"closed": nth, "lifetime_s": float(nth), "idle_s": 1.0} for nth in range(5_000)]
    points = _charts(table(*rows), timeouts).points
    assert len(points) == MAX_POINTS
    assert points[0].lifetime_s == 0.0
    assert points[-1].lifetime_s >= 4_990
    assert points == _charts(table(*reversed(rows)), timeouts).points


def test_configured_timers_replace_assumed_ones(table, timeouts, cluster):
    """A cluster names a known timer; where configuration sets that timer, only its values are drawn."""
    assumed = _charts(table(), timeouts, clusters=[cluster]).timers
    assert assumed == (TimerLine(value_s=60.0, label="nginx proxy_read_timeout 60 s"),)
    settings = [
        Setting(timeout_id="nginx-proxy-read-timeout", value_s=value, scope="/ws", host="", ref="nginx.conf:1")
        for value in (45.0, 45.0, 3600.0)
    ]
    configured = _charts(table(), timeouts, clusters=[cluster], settings=settings).timers
    assert [line.label for line in configured] == [
        "nginx proxy_read_timeout 45 s",
        "nginx proxy_read_timeout 3600 s",
    ]
