"""What wslog knows of one week: a `WeekSummary` is kept in the history store, and reports are made of them alone.

Times are UTC. A tuple "per hour" has one entry for each hour from `start` on: 168 of them, 167 or 169 when clocks
change. A tuple "per day" has seven, Monday first, in the store's zone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from wslog.result import Advice, Burst, Cluster, Limit, Totals
from wslog.schema import Cause, Tier

SUMMARY_VERSION = 2


def cause_key(cause: Cause, tier: Tier) -> str:
    """Return the name that a cause and its owner are counted under: `cause|tier`."""
    return f"{cause}|{tier}"


def cause_of_key(key: str) -> tuple[Cause, Tier]:
    """Return the cause and the owner that `cause_key` made a name of."""
    cause, _, tier = key.partition("|")
    return Cause(cause), Tier(tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class HourCounts:
    """Per hour of the close: what ended in it. `lines` counts the events that each tier's logs hold of that hour.

    `by_cause` is by `cause_key`. nginx's error log is counted apart, as `nginx-error`: `nginx` are the lines of its
    access log.
    """

    attempts: tuple[int, ...]
    opened: tuple[int, ...]
    drops: tuple[int, ...]
    opened_drops: tuple[int, ...]
    connection_hours: tuple[float, ...]
    offline_s: tuple[float, ...]
    by_cause: dict[str, tuple[int, ...]]
    lines: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekCause:
    """One cause of drops; `timeouts_s` are the timers' values, most frequent first."""

    cause: Cause
    tier: Tier
    n: int
    timeouts_s: tuple[float, ...]

    @property
    def key(self) -> str:
        """Its `cause_key`."""
        return cause_key(self.cause, self.tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekCluster:
    """A cluster, its members per day, and the drops per day that have a value on its axis.

    Drops in restarts and reloads are left out of the latter: they make every share smaller and say nothing of timers.
    """

    cluster: Cluster
    by_day: tuple[int, ...]
    valued_by_day: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekGroup:
    """One path, host, upstream, browser or network. `value` is untrusted text."""

    value: str
    attempts: int
    opened: int
    drops: int
    top_cause: Cause | None
    opened_drops_by_day: tuple[int, ...]
    hours_by_day: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekAdvice:
    """Advice of that week, with the causes it speaks to, by `cause_key`."""

    advice: Advice
    causes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekReconnects:
    """How soon clients came back after drops."""

    n: int
    p50_s: float | None
    p95_s: float | None
    gave_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekSummary:
    """Everything the report needs of one week.

    Attributes:
        week: `2026-W46`.
        zone: The zone whose Mondays bound it.
        start: Its first instant.
        end: The first instant after it.
        verdict: The answer to why connections dropped in it.
        groups: By `path`, `host`, `upstream`, `user_agent`, `network`.
        n_valued: Per axis of clusters, how many drops have a value on it.
        files, lines, rejected: What was read for it, files at its edges whole.
    """

    schema_version: int
    wslog_version: str
    week: str
    zone: str
    start: dt.datetime
    end: dt.datetime
    verdict: str
    totals: Totals
    hours: HourCounts
    causes: tuple[WeekCause, ...]
    clusters: tuple[WeekCluster, ...]
    n_valued: dict[str, int]
    bursts: tuple[Burst, ...]
    reconnects: WeekReconnects
    groups: dict[str, tuple[WeekGroup, ...]]
    advice: tuple[WeekAdvice, ...]
    limits: tuple[Limit, ...]
    files: int
    lines: int
    rejected: int
