"""One week's connections and what was said of them, as the summary that the history keeps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec.structs import replace

from wslog.result import Cluster, Document
from wslog.schema import Cause, Format, Tier
from wslog.summarize.breakdown import DIMENSIONS, each_once
from wslog.summarize.drops import CULPRIT, HOURS, IS_DROP, IS_OPENED
from wslog.summarize.totals import offline_spells
from wslog.weekly.metrics import EPISODES
from wslog.weekly_result import (
    SUMMARY_VERSION,
    HourCounts,
    WeekAdvice,
    WeekCause,
    WeekCluster,
    WeekGroup,
    WeekReconnects,
    WeekSummary,
    cause_key,
)

MOST_GROUPS: Final = 40
HOUR: Final = dt.timedelta(hours=1)
AXES: Final = ("idle_s", "idle_in_s", "idle_out_s", "lifetime_s")
READ: Final = (
    "opened_at", "closed_at", "is_opened", "is_drop", "cause", "tier", "timeout_s", "cluster_id", *AXES,
)  # fmt: skip
"""What is counted: narrow, where a connection is wide."""
GROUPED: Final = ("is_opened", "opened_at", "is_drop", "lifetime_s", "cause", "day")


def summarize_week(
    document: Document,
    connections: pl.DataFrame,
    *,
    around: pl.DataFrame,
    lines: pl.DataFrame,
    week: str,
    zone: str,
    days: Sequence[dt.datetime],
) -> WeekSummary:
    """Condense one week.

    Args:
        document: What was said of these connections.
        connections: `schema.CONNECTIONS`, those that closed in the week.
        around: The week's connections and those after it, for when clients came back.
        lines: The logs' events of the week: `tier`, `format`, `at`.
        week: Its name.
        zone: The zone's name.
        days: The first instants of its seven days and of the Monday after.
    """
    start, end = days[0], days[-1]
    placed = connections.select(READ).with_columns(
        *CULPRIT, hour=_hour(pl.col("closed_at"), start), day=_day(connections["closed_at"], days)
    )
    n_hours = (end - start) // HOUR
    offline = offline_spells(connections, around).with_columns(hour=_hour(pl.col("closed_at"), start))
    hours = _hour_counts(placed, offline, lines.with_columns(hour=_hour(pl.col("at"), start)), n_hours)
    has_offline = offline.height > 0 or document.totals.offline_seconds is not None
    totals = replace(document.totals, offline_seconds=sum(hours.offline_s) if has_offline else None)
    drops = placed.filter(IS_DROP)
    return WeekSummary(
        schema_version=SUMMARY_VERSION,
        wslog_version=document.wslog_version,
        week=week,
        zone=zone,
        start=start,
        end=end,
        verdict=document.verdict,
        totals=totals,
        hours=hours,
        causes=_causes(drops),
        clusters=tuple(_cluster(cluster, drops) for cluster in document.clusters),
        n_valued={axis: drops[axis].count() for axis in AXES},
        bursts=document.bursts,
        reconnects=WeekReconnects(
            n=document.reconnects.n, p50_s=document.reconnects.p50_s, p95_s=document.reconnects.p95_s,
            gave_up=document.reconnects.gave_up,
        ),
        groups=_grouped(connections, placed.select(GROUPED)),
        advice=_advice(document),
        limits=document.limits,
        files=len(document.coverage.files),
        lines=sum(file.lines for file in document.coverage.files),
        rejected=sum(file.rejected for file in document.coverage.files),
    )  # fmt: skip


def _hour(at: pl.Expr, start: dt.datetime) -> pl.Expr:
    return (at - start).dt.total_hours()


def _day(at: pl.Series, days: Sequence[dt.datetime]) -> pl.Series:
    """Return which day of the week, 0 to 6, each instant lies in."""
    inner = pl.Series(days[1:-1], dtype=at.dtype)
    return inner.search_sorted(at, side="right").cast(pl.Int64)


def _hour_counts(placed: pl.DataFrame, offline: pl.DataFrame, lines: pl.DataFrame, n_hours: int) -> HourCounts:
    counted = placed.group_by("hour").agg(
        attempts=pl.len(),
        opened=IS_OPENED.sum(),
        drops=IS_DROP.sum(),
        opened_drops=(IS_DROP & IS_OPENED).sum(),
        h=HOURS,
    )
    by_cause = placed.filter(IS_DROP).group_by(_key(), "hour").len("n")
    # An error log says who ended a connection, an access log that there was one: either may be lost alone.
    log = pl.when(pl.col("format") == Format.NGINX_ERROR).then(pl.lit(Format.NGINX_ERROR)).otherwise("tier")
    by_log = lines.with_columns(log=log).filter(pl.col("log").is_not_null()).group_by("log", "hour").len("n")
    return HourCounts(
        attempts=_spread(counted, "attempts", n_hours),
        opened=_spread(counted, "opened", n_hours),
        drops=_spread(counted, "drops", n_hours),
        opened_drops=_spread(counted, "opened_drops", n_hours),
        connection_hours=_spread_floats(counted, "h", n_hours),
        offline_s=_spread_floats(offline.group_by("hour").agg(s=pl.col("gap_s").sum()), "s", n_hours),
        by_cause={key: _spread(part, "n", n_hours) for key, part in _parts(by_cause, "key")},
        lines={key: _spread(part, "n", n_hours) for key, part in _parts(by_log, "log")},
    )


def _key() -> pl.Expr:
    """Return the `cause_key` of each connection."""
    return pl.format("{}|{}", "cause", "tier").alias("key")


def _parts(frame: pl.DataFrame, by: str) -> list[tuple[str, pl.DataFrame]]:
    return [(str(part[by][0]), part) for part in frame.sort(by, "hour").partition_by(by, maintain_order=True)]


def _spread(frame: pl.DataFrame, column: str, n: int, *, by: str = "hour") -> tuple[int, ...]:
    counts = dict(frame.select(by, column).iter_rows())
    return tuple(int(counts.get(i, 0)) for i in range(n))


def _spread_floats(frame: pl.DataFrame, column: str, n: int, *, by: str = "hour") -> tuple[float, ...]:
    sums = dict(frame.select(by, column).iter_rows())
    return tuple(round(float(sums.get(i) or 0.0), 6) for i in range(n))


def _causes(drops: pl.DataFrame) -> tuple[WeekCause, ...]:
    causes = []
    for part in drops.partition_by("cause", "tier", maintain_order=True):
        timers = part.group_by("timeout_s").len("n").drop_nulls().sort("n", "timeout_s", descending=[True, False])
        causes.append(
            WeekCause(
                cause=Cause(part["cause"][0]),
                tier=Tier(part["tier"][0]),
                n=part.height,
                timeouts_s=tuple(timers["timeout_s"]),
            )
        )
    return tuple(sorted(causes, key=lambda cause: (-cause.n, cause.cause, cause.tier)))


def _cluster(cluster: Cluster, drops: pl.DataFrame) -> WeekCluster:
    is_episode = pl.col("cause").is_in([cause.value for cause in EPISODES])
    valued = drops.filter(pl.col(cluster.axis).is_not_null() & ~is_episode).group_by("day").len("n")
    members = drops.filter(pl.col("cluster_id") == cluster.id).group_by("day").len("n")
    return WeekCluster(
        cluster=cluster, by_day=_spread(members, "n", 7, by="day"), valued_by_day=_spread(valued, "n", 7, by="day")
    )


def _grouped(connections: pl.DataFrame, placed: pl.DataFrame) -> dict[str, tuple[WeekGroup, ...]]:
    """Count each dimension."""
    return {
        name: _groups(placed, each_once(connections[column], value)) for name, (column, value) in DIMENSIONS.items()
    }


def _groups(placed: pl.DataFrame, values: pl.Series) -> tuple[WeekGroup, ...]:
    """Count one dimension, each row's value: the `MOST_GROUPS` with most drops, then most attempts."""
    valued = placed.with_columns(values.alias("value")).drop_nulls("value")
    top = (
        valued.group_by("value")
        .agg(attempts=pl.len(), n_opened=IS_OPENED.sum(), drops=IS_DROP.sum())
        .sort("drops", "attempts", "value", descending=[True, True, False])
        .head(MOST_GROUPS)
    )
    kept = valued.join(top.select("value"), on="value", how="semi")
    by_day = kept.group_by("value", "day").agg(n=(IS_DROP & IS_OPENED).sum(), h=HOURS)
    causes = kept.filter(IS_DROP).group_by("value", "cause").len("n").sort("n", "cause", descending=[True, False])
    top_cause = dict(causes.unique("value", keep="first", maintain_order=True).select("value", "cause").iter_rows())
    days = {str(part["value"][0]): part for part in by_day.partition_by("value")}
    return tuple(
        WeekGroup(
            value=row["value"],
            attempts=row["attempts"],
            opened=row["n_opened"],
            drops=row["drops"],
            top_cause=Cause(top_cause[row["value"]]) if top_cause.get(row["value"]) else None,
            opened_drops_by_day=_spread(days[row["value"]], "n", 7, by="day"),
            hours_by_day=_spread_floats(days[row["value"]], "h", 7, by="day"),
        )
        for row in top.iter_rows(named=True)
    )


def _advice(document: Document) -> tuple[WeekAdvice, ...]:
    speaks: dict[int, dict[str, None]] = {}
    for finding in document.findings:
        for number in finding.advice:
            speaks.setdefault(number, {})[cause_key(finding.cause, finding.tier)] = None
    return tuple(
        WeekAdvice(advice=advice, causes=tuple(speaks.get(number, {}))) for number, advice in enumerate(document.advice)
    )
