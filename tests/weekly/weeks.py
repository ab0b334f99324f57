"""Weeks with known truth, made without the estimators' own assumptions: what the report must and must not say of them.

A week is built hour by hour: traffic with the shape of a day and a week; drops per cause at a rate that wobbles from
week to week, from day to day and from hour to hour; deploys that cut many connections at once. `Change`s are known.
"""
# ruff: noqa: PLR0917  # counts of one week handed from step to step

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from wslog.result import Advice, Burst, Cluster, Totals
from wslog.schema import Cause, Tier
from wslog.store.weeks import Week
from wslog.weekly_result import (
    SUMMARY_VERSION,
    HourCounts,
    WeekAdvice,
    WeekCause,
    WeekCluster,
    WeekGroup,
    WeekReconnects,
    WeekSummary,
    cause_of_key,
)

IDLE = "idle_timeout|nginx"
LOSS = "network_loss|network"
SLEEP = "client_suspended|client"
UNKNOWN = "unknown|unknown"
RESTART = "server_restart|app"
FAILED = "handshake_failed|nginx"
RATES = {IDLE: 5.0, LOSS: 2.0, SLEEP: 1.2, UNKNOWN: 0.6}  # per 1 000 connection hours
HOUR = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Site:
    """A site's ordinary life. Wobbles are standard deviations of logarithms."""

    attempts_per_hour: float = 400.0
    hours_per_attempt: float = 0.8
    failed_share: float = 0.01
    week_wobble: float = 0.05
    day_wobble: float = 0.12
    hour_wobble: float = 0.35
    deploys_per_week: float = 1.0
    deploy_cut: float = 0.15  # of an hour's connections
    rates: dict[str, float] = field(default_factory=lambda: dict(RATES))
    zone: str = "UTC"


@dataclass(frozen=True)
class Change:
    """What is known to change in a week: rates times `times` from hour `since` on."""

    cause: str | None = None
    times: float = 1.0
    since: int = 0


@dataclass(frozen=True)
class Spec:
    """One week of a site: its changes, its traffic, its clusters and the hours whose logs are lost, per tier."""

    changes: Sequence[Change] = ()
    traffic: float = 1.0
    lost: tuple[tuple[str, range], ...] = ()
    clusters: tuple[tuple[float, float], ...] = ((60.0, 1.0),)  # timer, share of the idle timeouts
    tiers: tuple[str, ...] = ("client", "nginx")


def make_week(name: str, site: Site, spec: Spec = Spec(), *, seed: int) -> WeekSummary:
    """Make one week."""
    rng = random.Random(seed)
    week, zone = Week.parse(name), ZoneInfo(site.zone)
    start, end = week.start(zone), week.end(zone)
    n = (end - start) // HOUR
    local = [(start + i * HOUR).astimezone(zone) for i in range(n)]
    traffic = spec.traffic * rng.lognormvariate(0, site.week_wobble)
    level = {key: rng.lognormvariate(0, site.week_wobble) for key in (*site.rates, FAILED)}
    days = {day: {key: rng.lognormvariate(0, site.day_wobble) for key in (*site.rates, FAILED)} for day in range(7)}
    attempts, opened, hours = [0] * n, [0] * n, [0.0] * n
    causes = {key: [0] * n for key in (*site.rates, FAILED, RESTART)}
    for i, at in enumerate(local):
        shape = (0.25 + 1.5 * max(0.0, 1 - ((at.hour - 14) / 9) ** 2)) * (0.55 if at.weekday() > 4 else 1.0)
        attempts[i] = _poisson(rng, site.attempts_per_hour * shape * traffic * rng.lognormvariate(0, 0.1))
        failed = min(
            attempts[i], _poisson(rng, attempts[i] * site.failed_share * level[FAILED] * days[at.weekday()][FAILED])
        )
        causes[FAILED][i] = failed
        opened[i] = attempts[i] - failed
        hours[i] = opened[i] * site.hours_per_attempt * rng.lognormvariate(0, 0.05)
        for key, rate in site.rates.items():
            times = (
                _times(spec, key, i) * level[key] * days[at.weekday()][key] * rng.lognormvariate(0, site.hour_wobble)
            )
            causes[key][i] = _poisson(rng, hours[i] * rate / 1000 * times)
    bursts = []
    for _ in range(_poisson(rng, site.deploys_per_week)):
        i = rng.randrange(n)
        cut = int(opened[i] * site.deploy_cut * rng.lognormvariate(0, 0.5))
        causes[RESTART][i] += cut
        if cut:
            bursts.append(_burst(start + i * HOUR, cut))
    lines = {
        "client": [sum(causes[key][i] for key in causes) * 2 + attempts[i] // 2 for i in range(n)],
        "nginx": list(attempts),
        "alb": list(attempts),
        "nginx-error": [2 * causes[IDLE][i] + causes[LOSS][i] // 2 for i in range(n)],
    }
    lines = {tier: lines[tier] for tier in spec.tiers}
    _lose(spec, lines, attempts, opened, hours, causes, n)
    return _summary(name, site, spec, start, end, local, attempts, opened, hours, causes, lines, bursts, rng)


def _times(spec: Spec, key: str, hour: int) -> float:
    times = 1.0
    for change in spec.changes:
        if hour >= change.since and change.cause in (None, key):
            times *= change.times
    return times


def _lose(spec, lines, attempts, opened, hours, causes, n):
    """Take away what the lost lines would have told: without clients no drops, without servers no failed handshakes."""
    for tier, lost in spec.lost:
        for i in lost:
            if i >= n:
                continue
            for one in lines if tier == "all" else [tier]:
                lines[one][i] = 0
            if tier in ("client", "all"):
                for key in causes:
                    causes[key][i] = 0
            if tier == "nginx-error":  # the same drops, and nobody who says who ended them
                causes[UNKNOWN][i] += causes[IDLE][i]
                causes[IDLE][i] = 0
            if tier == "all":
                attempts[i] = opened[i] = 0
                hours[i] = 0.0


def _summary(name, site, spec, start, end, local, attempts, opened, hours, causes, lines, bursts, rng):
    n = len(attempts)
    drops = [sum(causes[key][i] for key in causes) for i in range(n)]
    never = causes[FAILED]
    opened_drops = [drops[i] - never[i] for i in range(n)]
    by_day = {key: _by_day(local, counts) for key, counts in causes.items()}
    idle = sum(causes[IDLE])
    valued = _by_day(local, [n - m for n, m in zip(opened_drops, causes[RESTART], strict=True)])
    clusters = []
    for nth, (timer, share) in enumerate(spec.clusters):
        members = round(idle * share)
        if members > 10 and members > 0.003 * sum(valued):
            clusters.append(_cluster(nth, timer, members, valued, by_day[IDLE], rng))
    total_hours = sum(hours)
    offline = [rng.gammavariate(0.8, 6.0) * opened_drops[i] if opened_drops[i] else 0.0 for i in range(n)]
    return WeekSummary(
        schema_version=SUMMARY_VERSION, wslog_version="0", week=name, zone=site.zone, start=start, end=end,
        verdict="", totals=Totals(
            attempts=sum(attempts), opened=sum(opened), closed=sum(attempts), drops=sum(drops),
            connection_hours=total_hours,
            drops_per_1000_connection_hours=sum(opened_drops) / total_hours * 1000 if total_hours else None,
            offline_seconds=sum(offline),
        ),
        hours=HourCounts(
            attempts=tuple(attempts), opened=tuple(opened), drops=tuple(drops), opened_drops=tuple(opened_drops),
            connection_hours=tuple(hours), offline_s=tuple(offline),
            by_cause={key: tuple(counts) for key, counts in causes.items() if sum(counts)},
            lines={tier: tuple(counts) for tier, counts in lines.items()},
        ),
        causes=tuple(sorted((_cause(key, sum(n)) for key, n in by_day.items() if sum(n)), key=lambda one: -one.n)),
        clusters=tuple(clusters), n_valued={axis: sum(opened_drops) for axis in ("idle_s", "lifetime_s")},
        bursts=tuple(sorted(bursts, key=lambda one: one.at)),
        reconnects=WeekReconnects(n=sum(opened_drops), p50_s=2.0, p95_s=rng.lognormvariate(3, 0.1), gave_up=0),
        groups={"path": _groups(local, opened_drops, hours, attempts, rng), "host": ()},
        advice=(WeekAdvice(advice=Advice(
            text="Ping more often than every 60 s. It keeps every timer from firing.",
            config="proxy_read_timeout 3600s;",
            would_prevent_n=idle, would_prevent_share=idle / max(1, sum(drops))), causes=(IDLE,)),),
        limits=(), files=14, lines=sum(map(sum, lines.values())), rejected=0,
    )  # fmt: skip


def _by_day(local, counts):
    days = [0] * 7
    for at, count in zip(local, counts, strict=True):
        days[at.weekday()] += count
    return tuple(days)


def _cause(key, n):
    cause, tier = cause_of_key(key)
    return WeekCause(cause=cause, tier=tier, n=n, timeouts_s=(60.0,) if key == IDLE else ())


def _cluster(nth, timer, members, valued, by_day, rng):
    total = max(1, sum(valued))
    seen = max(0, round(rng.gauss(members, members**0.5 * 0.3)))
    share = seen / total
    sd = (share * (1 - min(1, share)) / total + (0.02 * share) ** 2) ** 0.5
    scale = seen / max(1, sum(by_day))
    return WeekCluster(
        cluster=Cluster(
            id=nth, axis="idle_s", center_s=timer + 0.02, width_s=0.2, timeout_s=timer, n=seen, share=share,
            share_low=max(0.0, share - 1.96 * sd), share_high=min(1.0, share + 1.96 * sd), p_value=1e-9,
            timeout_ids=("nginx-proxy-read-timeout",),
        ),
        by_day=tuple(round(n * scale) for n in by_day), valued_by_day=valued,
    )  # fmt: skip


def _groups(local, drops, hours, attempts, rng):
    groups = []
    for value, part in (("/ws/chat", 0.6), ("/ws/feed", 0.3), ("/ws/admin", 0.1)):
        own = [
            sum(rng.random() < part for _ in range(n))
            if n < 50
            else round(rng.gauss(n * part, (n * part * (1 - part)) ** 0.5))
            for n in _by_day(local, drops)
        ]
        own_hours = tuple(h * part for h in _by_day(local, hours))
        groups.append(WeekGroup(
            value=value, attempts=int(sum(attempts) * part), opened=int(sum(attempts) * part), drops=sum(own),
            top_cause=Cause.IDLE_TIMEOUT, opened_drops_by_day=tuple(own), hours_by_day=own_hours,
        ))  # fmt: skip
    return tuple(groups)


def _burst(at, n):
    return Burst(
        at=at, until=at + dt.timedelta(seconds=2), n=n, scope="upstream 10.0.0.7:9002", killed_share=0.97,
        cause=Cause.SERVER_RESTART, tier=Tier.APP, evidence=(f"{n} connections ended within 2 s",),
    )  # fmt: skip


def _poisson(rng: random.Random, mean: float) -> int:
    if mean > 50:
        return max(0, round(rng.gauss(mean, mean**0.5)))
    limit, n, product = 2.718281828459045 ** (-mean), 0, rng.random()
    while product > limit:
        n += 1
        product *= rng.random()
    return n
