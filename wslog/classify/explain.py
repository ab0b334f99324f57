"""Every connection gets its cause, tier, confidence and evidence; clusters and bursts get their names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.cellar import AS_IT_COMES, Cellar
from wslog.classify import mass_drops
from wslog.classify.candidates import name_timers
from wslog.classify.described import to_clusters
from wslog.classify.down_times import down_times
from wslog.classify.facts import IS_1006
from wslog.classify.handshakes import HEARD as HANDSHAKE_HEARD
from wslog.classify.handshakes import judge_handshakes
from wslog.classify.learnt import learn
from wslog.classify.networks import NetworkIncident
from wslog.classify.scorecard import judge, load_scorecard
from wslog.knowledge.model import Setting, Timeout
from wslog.result import Burst, Cluster
from wslog.schema import CONNECTIONS, Cause, CloseCode, Tier, conform

SOMEBODY: Final = 0.5  # a server row likelier than this to belong to a client record is told by that record
Judge = Callable[[pl.DataFrame], pl.DataFrame]
VERDICT: Final = ("cause", "tier", "confidence", "label", "evidence")


class Explained(Struct, frozen=True):
    """What classification hands on: `schema.CONNECTIONS`, and the piles it found."""

    connections: pl.DataFrame
    clusters: tuple[Cluster, ...]
    bursts: tuple[Burst, ...]


def explain_closes(
    connections: pl.DataFrame,
    *,
    lifecycle: pl.DataFrame,
    levels: frozenset[str],
    settings: Sequence[Setting],
    timeouts: Sequence[Timeout],
    cellar: Cellar = AS_IT_COMES,
) -> Explained:
    """Explain how each connection ended.

    Args:
        connections: `schema.JOINED`.
        lifecycle: `schema.EVENTS` rows of nginx process life.
        levels: nginx error levels seen.
        settings: Timers found in configuration files.
        timeouts: Known timers.
        cellar: Where the explained connections wait.
    """
    learnt = learn(connections, lifecycle=lifecycle, levels=levels, settings=settings, timeouts=timeouts)
    judges = _judges(lifecycle)

    def explained(some: pl.DataFrame) -> pl.DataFrame:
        facts = learnt.add_to(some)
        rows = _publish(pl.concat([facts, _judge(facts, judges)], how="horizontal"), timeouts, settings)
        return conform(rows, CONNECTIONS).sort("closed_at", "connection_id", nulls_last=True, maintain_order=True)

    pieces = [*_in_order(connections, cellar.slice_rows)][::-1]
    del connections  # of what came in pieces, those that are explained can go
    rows = cellar.lay_up(explained(some) for _ in range(len(pieces)) for some in cellar.slices(pieces.pop()))
    bursts = (*map(_of_drop, learnt.drops), *map(_of_network, learnt.incidents))
    return Explained(
        rows,
        to_clusters(learnt.spikes, rows, timeouts, settings),
        tuple(sorted(bursts, key=lambda burst: (burst.at, burst.scope))),
    )


def _in_order(connections: pl.DataFrame, n_rows: int) -> Iterator[pl.DataFrame]:
    """Yield rows in the order of their close, up to *n_rows* at a time.

    What ended at the same moment comes together, whose order can wait; more of it than that comes in order of id.
    """
    if not connections["closed_at"].is_sorted(nulls_last=True):
        connections = connections.sort("closed_at", nulls_last=True, maintain_order=True)
    n_told, start = connections["closed_at"].count(), 0
    at = connections["closed_at"].head(n_told)
    while start < n_told:
        stop = min(start + n_rows, n_told)
        if stop < n_told:
            first, after = at.search_sorted(at[stop], side="left"), at.search_sorted(at[stop], side="right")
            stop = first if first > start else after
        piece = connections.slice(start, stop - start)
        yield piece if piece.height <= n_rows else _by_id(piece)
        start = stop
    if start < connections.height or not start:
        yield _by_id(connections.slice(start))


def _by_id(connections: pl.DataFrame) -> pl.DataFrame:
    return connections.sort("connection_id", nulls_last=True, maintain_order=True)


def _of_drop(drop: mass_drops.MassDrop) -> Burst:
    return Burst(
        at=_instant(drop.raw.start_s),
        until=_instant(drop.raw.end_s),
        n=drop.raw.n,
        scope=drop.raw.scope,
        killed_share=round(drop.raw.killed_share, 4),
        cause=drop.cause,
        tier=drop.tier,
        evidence=drop.evidence,
    )


def _of_network(incident: NetworkIncident) -> Burst:
    return Burst(
        at=_instant(incident.start_s),
        until=_instant(incident.end_s),
        n=incident.n,
        scope=incident.scope,
        killed_share=round(incident.n / max(incident.alive, 1), 4),
        cause=Cause.NETWORK_LOSS,
        tier=Tier.NETWORK,
        evidence=(incident.evidence,),
    )


def _instant(epoch_s: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(round(epoch_s, 3), dt.UTC)


def _judges(lifecycle: pl.DataFrame) -> tuple[tuple[pl.Expr, tuple[str, ...], Judge], ...]:
    """Which rows a judge is for, unless one before it is; which columns it hears, and the judge."""
    by_client = pl.col("has_client")
    never = ~pl.col("is_opened").fill_null(value=True) & ~(by_client & pl.col("is_pagehide_only"))
    hidden = by_client & pl.col("is_pagehide_only")
    clean = by_client & pl.col("close_code").is_not_null() & ~IS_1006
    down, card = down_times(lifecycle), load_scorecard()
    return (
        (clean, ("client_ref", "close_code", "was_clean"), lambda rows: rows.select(_clean())),
        (hidden, ("client_ref", "is_persisted"), lambda rows: rows.select(_hidden())),
        (never, HANDSHAKE_HEARD, lambda rows: judge_handshakes(rows, down)),
        (pl.lit(value=True), card.heard, lambda rows: judge(rows, card)),
    )


def _judge(facts: pl.DataFrame, judges: Sequence[tuple[pl.Expr, tuple[str, ...], Judge]]) -> pl.DataFrame:
    """Send each row to the judge of its kind; `VERDICT`, one row per row."""
    kinds = (pl.when(applies).then(pl.lit(n)) for n, (applies, _, _) in enumerate(judges))
    kind = facts.select(pl.coalesce(kinds)).to_series()
    judged = []
    for n, (_, heard, verdict_of) in enumerate(judges):
        rows = facts.select(heard).filter(kind == n)
        if n and rows.is_empty():
            continue  # the first one gives the columns where there are no rows at all
        judged.append(verdict_of(rows).select(VERDICT).with_columns(row=(kind == n).arg_true()))
    return pl.concat(judged).sort("row").drop("row")


# What the other side says when it could not read a frame (RFC 6455 section 7.4.1; 1007: text that is no UTF-8).
BAD_FRAME: Final = (CloseCode.PROTOCOL_ERROR, 1007, CloseCode.TOO_BIG)


def _clean() -> list[pl.Expr]:
    """A close frame came: somebody said goodbye, or named a frame that the client should not have sent."""
    code = pl.col("close_code")
    is_bad = code.is_in(BAD_FRAME)
    said = pl.format("{}: close code {}", pl.col("client_ref"), code)
    blamed = pl.format("{}: the other side could not accept a frame that the client sent", said)
    cause = pl.when(is_bad).then(pl.lit(Cause.PROTOCOL_ERROR.value)).otherwise(pl.lit(Cause.CLEAN_CLOSE.value))
    # A close frame that did not come from the other side is the client library's own word: whose frame, is open.
    is_received = pl.col("was_clean").fill_null(value=True)
    tier = pl.when(is_bad & is_received).then(pl.lit(Tier.CLIENT.value)).otherwise(pl.lit(Tier.UNKNOWN.value))
    return _verdict(cause, tier, 0.99, pl.when(is_bad & is_received).then(blamed).otherwise(said))


def _hidden() -> list[pl.Expr]:
    """The page went away and no close record followed."""
    cached = pl.col("is_persisted").fill_null(value=False)
    said = (
        pl.when(cached)
        .then(pl.lit("the page went into the back/forward cache with its socket open and never came back"))
        .otherwise(pl.lit("the page went away; no close event follows one"))
    )
    cause = pl.when(cached).then(pl.lit(Cause.CLIENT_SUSPENDED.value)).otherwise(pl.lit(Cause.CLIENT_LEFT.value))
    return _verdict(cause, pl.lit(Tier.CLIENT.value), 0.95, pl.format("{}: {}", pl.col("client_ref"), said))


def _verdict(cause: pl.Expr, tier: pl.Expr, confidence: float, said: pl.Expr) -> list[pl.Expr]:
    """The columns of `VERDICT` for rows that need no weighing."""
    return [
        cause.alias("cause"),
        tier.alias("tier"),
        pl.lit(confidence).alias("confidence"),
        pl.lit("").alias("label"),
        pl.concat_list(said).alias("evidence"),
    ]


ABNORMAL: Final = pl.col("cause").is_in(
    [c.value for c in Cause if c not in {Cause.UNKNOWN, Cause.CLEAN_CLOSE, Cause.CLIENT_LEFT}]
)


def _publish(rows: pl.DataFrame, timeouts: Sequence[Timeout], settings: Sequence[Setting]) -> pl.DataFrame:
    """Add the columns of the published table that follow from the verdict."""
    is_idle, is_life = pl.col("cause") == Cause.IDLE_TIMEOUT, pl.col("cause") == Cause.LIFETIME_LIMIT
    # nginx names no value in its line; its configuration, the cluster, or the row's path does.
    own = pl.when("nginx_timed_out").then(pl.coalesce("nginx_setting_s", "idle_timer_s", "path_timer_s"))
    of_idle = pl.coalesce(own, "idle_timer_s", "wire_timer_s", "late_timer_s")
    timer = pl.when(is_idle).then(of_idle).when(is_life).then(pl.coalesce("life_timer_s", "late_timer_s"))
    cluster = pl.when(is_idle).then("idle_cluster").when(is_life).then("life_cluster").otherwise("give_up_cluster")
    server_only = ~pl.col("has_client") & ABNORMAL & (pl.col("maybe_client") < SOMEBODY)
    published = rows.with_columns(
        pl.when("has_client").then(IS_1006).otherwise(server_only).fill_null(value=False).alias("is_drop"),
        timer.round(1).alias("timeout_s"),
        cluster.alias("cluster_id"),
        pl.col("nginx_ref").alias("nginx_access_ref"),
        pl.col("error_ref").alias("nginx_error_ref"),
        pl.col("confidence").round(4),
    )
    return published.with_columns(name_timers(published, timeouts, settings).alias("timeout_id"))
