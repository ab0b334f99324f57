"""The weekly report as OpenMetrics text, for the textfile folder of a node exporter or a pushgateway.

All are gauges of one week, named by the label `week`; nothing is a counter, since a week is not added to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wslog.errors import OptionError
from wslog.render.escape import plain
from wslog.weekly_result import WeeklyReport

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PREFIX: Final = "wslog_week_"
MOST_GROUPS: Final = 10


def render_openmetrics(report: WeeklyReport) -> str:
    """Return the report's numbers as OpenMetrics text (prometheus_client writes it).

    Raises:
        OptionError: If prometheus_client is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry
        from prometheus_client.openmetrics.exposition import generate_latest
    except ImportError:
        raise OptionError(
            "OpenMetrics needs prometheus_client",
            where="--openmetrics",
            mend="Install it beside wslog, as the extra wslog[metrics] does: pip install prometheus-client",
        ) from None
    registry = CollectorRegistry()
    _headline(report, registry)
    _causes(report, registry)
    _groups(report, registry)
    text: bytes = generate_latest(registry)  # type: ignore[no-untyped-call]
    return text.decode()


def _headline(report: WeeklyReport, registry: CollectorRegistry) -> None:
    for metric in report.metrics:
        if metric.now.value is None:
            continue
        gauge = _gauge(metric.name, f"{metric.label}, with the ends of its 95 % interval", registry, "bound")
        for bound, value in (("value", metric.now.value), ("low", metric.now.low), ("high", metric.now.high)):
            if value is not None:
                gauge.labels(report.week, bound).set(value)
    changed = _gauge("is_changed", "1: better, -1: worse, 0: no more than noise or not comparable", registry, "metric")
    for metric in report.metrics:
        changed.labels(report.week, metric.name).set({"better": 1, "worse": -1}.get(metric.direction, 0))
    totals = (
        ("drops", "dropped connections", float(report.totals.drops)),
        ("attempts", "connection attempts", float(report.totals.attempts)),
        ("connection_hours", "hours that connections were open", report.totals.connection_hours),
        ("covered_share", "share of its hours that all tiers' logs cover", report.covered_hours / report.total_hours),
        ("new_clusters", "clusters of idle times or ages that are new", float(_n_new(report))),
        ("start_timestamp_seconds", "when the week began", report.start.timestamp()),
    )
    for name, about, value in totals:
        _gauge(name, about, registry).labels(report.week).set(value)
    if report.objective is not None and report.objective.used is not None:
        budget = _gauge("error_budget_used_share", "share of the error budget used", registry, "objective")
        budget.labels(report.week, plain(report.objective.expression)).set(report.objective.used)


def _n_new(report: WeeklyReport) -> int:
    return sum(one.kind in ("new", "moved") for one in report.clusters)


def _causes(report: WeeklyReport, registry: CollectorRegistry) -> None:
    gauge = _gauge("cause_drops", "dropped connections by cause and tier", registry, "cause", "tier")
    for one in report.causes:
        gauge.labels(report.week, str(one.cause), str(one.tier)).set(one.n)


def _groups(report: WeeklyReport, registry: CollectorRegistry) -> None:
    gauge = _gauge("group_drops", "dropped connections by group, the largest only", registry, "dimension", "group")
    for dimension, groups in report.groups.items():
        for one in groups[:MOST_GROUPS]:
            if dimension != "network":  # addresses do not belong into a metrics store
                gauge.labels(report.week, dimension, plain(one.value)[:200]).set(one.drops)


def _gauge(name: str, about: str, registry: CollectorRegistry, *labels: str):  # type: ignore[no-untyped-def]
    from prometheus_client import Gauge

    return Gauge(f"{PREFIX}{name}", about, ["week", *labels], registry=registry)
