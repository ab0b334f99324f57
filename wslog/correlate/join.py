"""Events of all tiers become one row per connection attempt; clocks are settled here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.cellar import AS_IT_COMES, Cellar
from wslog.correlate.assignment import choose_partners
from wslog.correlate.clients import Clients, join_client_records
from wslog.correlate.clock_offsets import ServerOffset
from wslog.correlate.copies import fold_copies
from wslog.correlate.matching import match_clients
from wslog.correlate.moments import share_moments
from wslog.correlate.nginx_errors import settle_error_zone
from wslog.correlate.ordering import in_order
from wslog.correlate.places import beside, collected
from wslog.correlate.servers import SHARED, Servers, join_servers
from wslog.correlate.source_clocks import settle_sources
from wslog.result import Clock
from wslog.schema import JOINED, EventKind, Tier, conform

ACCEPT: Final = 0.9  # a pair likelier than this is a match; below it, nobody is
# What is known of a connection whose own line is one of several.
AGREED: Final = ("nginx_closed_at", "nginx_at_resolution_s", "nginx_status", "alb_closed_at")
LIFECYCLE: Final = (
    EventKind.RELOAD, EventKind.DRAIN, EventKind.STOP, EventKind.WORKER_EXIT, EventKind.WORKER_CRASH,
    EventKind.START, EventKind.EXHAUSTED,
)  # fmt: skip


class Joined(Struct, frozen=True):
    """What correlation hands on.

    Attributes:
        connections: `schema.JOINED`, one row per connection attempt, in order of close, times on the reference clock.
        lifecycle: `schema.EVENTS` rows of nginx process life, in order.
        clocks: Skew per tier against the reference clock.
    """

    connections: pl.DataFrame
    lifecycle: pl.DataFrame
    clocks: tuple[Clock, ...]


def join_tiers(events: pl.DataFrame, *, cellar: Cellar = AS_IT_COMES) -> Joined:
    """Join events of all tiers.

    Args:
        events: `schema.EVENTS`.
        cellar: Where the connections wait.
    """
    events = fold_copies(events, cellar=cellar)
    events, moved = settle_sources(events)
    events, zone = settle_error_zone(events)
    lifecycle = events.filter(pl.col("event").is_in(LIFECYCLE)).sort("at", "ref")
    servers, alb_offset = join_servers(events)
    clients = join_client_records(events)
    del events
    pairs, offsets = match_clients(clients.told(), servers.told())
    told = _Told(clients, servers)
    plan = _planned(told, pairs, offsets, cellar=cellar)
    del pairs, offsets
    reference = _reference(servers)
    skews = [offset for offset in (*moved, zone, alb_offset) if offset is not None]
    return Joined(
        cellar.lay_up(conform(told.of(rows), JOINED).pipe(collected) for rows in cellar.slices(plan)),
        lifecycle,
        _clocks(plan, reference, _one_each(skews)),
    )


class _Told(Struct, frozen=True):
    """What both sides tell of the rows of a plan: which record and which server row stand side by side."""

    clients: Clients
    servers: Servers

    def of(self, plan: pl.DataFrame) -> pl.LazyFrame:
        """Put records and server rows side by side, on the reference clock.

        Args:
            plan: `client`, `server`, `shared`, `offset_s`, and more of each row.

        Returns:
            The columns of `schema.JOINED` and of *plan*, and `opened_by_client_at`.
        """
        left = self.clients.told(plan["client"]).drop("client", "clock")
        left = left.rename({f"{name}_at": f"client_{name}_at" for name in ("created", "opened", "closed")})
        right = self.servers.told(plan["server"]).drop("server").rename({name: f"{name}_server" for name in SHARED})
        agreed = self.servers.told(plan["shared"]).select(pl.col(name).alias(f"agreed_{name}") for name in AGREED)
        rows = beside(left, right, agreed, plan)
        rows = rows.with_columns(pl.coalesce(name, f"agreed_{name}").alias(name) for name in AGREED)
        rows = rows.with_columns(_merged(_whole_clock(), has_servers=not self.servers.rows.is_empty()))
        opened_at = pl.coalesce("opened_by_client_at", "nginx_opened_at", "alb_opened_at")
        return rows.with_columns(
            pl.coalesce("closed_by_client_at", "server_closed_at").alias("closed_at"),
            pl.when(pl.col("is_opened").fill_null(value=False)).then(opened_at).alias("opened_at"),
        )


def _planned(told: _Told, pairs: pl.DataFrame, offsets: pl.DataFrame, *, cellar: Cellar) -> pl.DataFrame:
    """Decide which rows there are, in which order, and what depends on the others.

    Returns:
        `client`, `server`, `shared` (a row of the moment at which it ended, where its own is one of several),
        `match_confidence`, `maybe_client`, `offset_s`, `clock`, `has_own_id`, `client_skew_s`, `reconnect_gap_s`.
    """
    chosen = choose_partners(pairs.rename({"client": "left", "server": "right"}), at_least=ACCEPT)
    chosen = chosen.select(client="left", server="right", match_confidence="p")
    doubtful = pairs.group_by("server").agg(pl.col("p").sum().alias("somebody"))
    clients = told.clients.told().select("client", "clock", _has_own_id()).pipe(collected)
    shared = _shared(told.servers, pairs, chosen)
    servers = pl.select(server=pl.int_range(told.servers.rows.height)).join(
        shared, left_on="server", right_on="shared", how="anti"
    )
    plan = (
        clients.join(offsets, on="client", how="left")
        .join(chosen, on="client", how="left")
        .join(shared, on="client", how="left")
        .join(servers, on="server", how="full", coalesce=True)
        .join(doubtful, on="server", how="left")
    )
    asked = (told.of(rows).select("closed_at", "client_skew_s", _began()) for rows in cellar.slices(plan))
    moments = pl.concat(map(collected, asked), rechunk=True)

    def refs_at(places: pl.Series) -> pl.DataFrame:
        return told.of(plan[places]).select("client_ref", "nginx_ref", "alb_ref", "error_ref").pipe(collected)

    order = in_order(moments.select("closed_at"), refs_at, nulls_last=True)
    plan = plan.with_columns(moments)[order]
    return plan.with_columns(_reconnect_gap(plan)).drop("began", "closed_at")


def _reference(servers: Servers) -> Tier:
    """Return the tier whose clock counts: nginx where present, else the ALB, else the clients' own."""
    if servers.rows.is_empty():
        return Tier.CLIENT
    has_nginx = servers.told().select(pl.col("nginx_closed_at").is_not_null().any()).pipe(collected).item()
    return Tier.NGINX if has_nginx else Tier.ALB


def _shared(servers: Servers, pairs: pl.DataFrame, chosen: pl.DataFrame) -> pl.DataFrame:
    """Find `client`, `shared` of records that have no partner, but many that agree on when they ended."""
    ended = pl.coalesce("nginx_closed_at", "alb_closed_at").dt.timestamp("ms") / 1000
    status = pl.coalesce("nginx_status", "alb_status")
    ends = servers.told().select("server", ended.alias("ended_s"), status.alias("status")).pipe(collected)
    return share_moments(pairs, ends, chosen=chosen, at_least=ACCEPT)


def _whole_clock() -> pl.Expr:
    """Offset of the record's clock, its own match included; null where nothing is known of that clock."""
    anchor = (
        pl.when(pl.col("is_opened").fill_null(value=False))
        .then(pl.col("client_opened_at"))
        .otherwise(pl.col("client_closed_at"))
    )
    opened = pl.coalesce("nginx_opened_at", "alb_opened_at") + _seconds(
        pl.coalesce("nginx_handshake_s", "alb_handshake_s").fill_null(0.0)
    )
    closed = pl.coalesce("nginx_closed_at", "alb_closed_at")
    served = pl.when(pl.col("is_opened").fill_null(value=False)).then(opened).otherwise(closed)
    own = (anchor - served).dt.total_milliseconds() / 1000
    return pl.coalesce("offset_s", own)


def _seconds(value: pl.Expr) -> pl.Expr:
    return pl.duration(milliseconds=(value * 1000).round().cast(pl.Int64))


def _merged(skew: pl.Expr, *, has_servers: bool) -> list[pl.Expr]:
    """Columns that both sides may know: the client's word first, on the reference clock."""
    known = skew if has_servers else pl.lit(None, dtype=pl.Float64)
    back = _seconds(known.fill_null(0.0))
    server_closed = pl.coalesce("nginx_closed_at", "alb_closed_at")
    served_s = pl.coalesce(
        pl.col("nginx_lifetime_s") - pl.col("nginx_handshake_s").fill_null(0.0),
        pl.col("alb_lifetime_s") - pl.col("alb_handshake_s").fill_null(0.0),
    )
    by_clock = (pl.col("client_closed_at") - back - server_closed).dt.total_milliseconds() / 1000
    return [
        known.alias("client_skew_s"),
        (pl.col("client_closed_at") - back).alias("closed_by_client_at"),
        (pl.col("client_opened_at") - back).alias("opened_by_client_at"),
        (pl.col("client_created_at") - back).alias("created_at"),
        (pl.max_horizontal("client_opened_at", "last_sent_at", "last_received_at") - back).alias("last_message_at"),
        (pl.col("close_called_at") - back).alias("close_called_at"),
        server_closed.alias("server_closed_at"),
        # Durations need no clock; a close time does, so it is only used where the skew is known.
        pl.coalesce(pl.col("lifetime_s") - served_s, pl.when(known.is_not_null()).then(by_clock)).alias("client_lag_s"),
        served_s.alias("server_lifetime_s"),
        pl.coalesce("lifetime_s", served_s).alias("lifetime_s"),
        pl.coalesce("is_opened", "is_opened_server").alias("is_opened"),
        *(pl.coalesce(name, f"{name}_server").alias(name) for name in ("host", "path", "query", "user_agent")),
        pl.coalesce("client_ip_server", "client_ip").alias("client_ip"),
        pl.coalesce("alb_status", "nginx_status").alias("handshake_status"),
        pl.col("nginx_upstream").alias("upstream"),
        pl.col("client_ref").is_not_null().alias("has_client"),
        pl.col("somebody").fill_null(0.0).alias("maybe_client"),
        # The client's own id where it is unique, else the place in the logs.
        pl.coalesce(pl.when("has_own_id").then("connection_id"), "client_ref", "nginx_ref", "alb_ref").alias(
            "connection_id"
        ),
        (~pl.col("has_close").fill_null(value=False) & pl.col("client_ref").is_not_null()).alias("is_pagehide_only"),
    ]  # fmt: skip


def _has_own_id() -> pl.Expr:
    """Whether the client's own id names the row: where it is unique."""
    name = pl.col("connection_id")
    return (name.is_not_null() & (pl.len().over(name) == 1)).alias("has_own_id")


def _began() -> pl.Expr:
    return pl.coalesce("created_at", "opened_by_client_at", "opened_at", "closed_at").alias("began")


def _reconnect_gap(attempts: pl.DataFrame) -> pl.Series:
    """Gap to the same client's next attempt (s); null where there is none, or nobody knows whose it is."""
    order = attempts.select(pl.arg_sort_by("clock", "began", maintain_order=True)).to_series()
    gap = (pl.col("began").shift(-1) - pl.col("closed_at")).dt.total_milliseconds() / 1000
    is_followed = pl.col("clock") == pl.col("clock").shift(-1)
    gaps = attempts.select("clock", "began", "closed_at")[order].select(pl.when(is_followed & (gap >= 0)).then(gap))
    return gaps.to_series()[order.arg_sort()].alias("reconnect_gap_s")


def _one_each(offsets: Sequence[ServerOffset]) -> list[ServerOffset]:
    """Add what was left of the load balancer's skew after it was moved to what it was moved by."""
    alb = [offset for offset in offsets if offset.tier == Tier.ALB]
    if not alb:
        return list(offsets)
    skew_s = round(sum(offset.skew_s for offset in alb), 3)
    whole = alb[0]._replace(skew_s=skew_s, spread_s=alb[-1].spread_s, n=alb[-1].n)
    return [*(offset for offset in offsets if offset.tier != Tier.ALB), whole]


def _clocks(rows: pl.DataFrame, reference: Tier, offsets: Sequence[ServerOffset]) -> tuple[Clock, ...]:
    """Report every tier's clock against the reference."""
    clocks = [Clock(tier=reference, is_reference=True, skew_s=0.0, low_s=None, high_s=None, n=0)]
    for offset in offsets:
        if offset.tier != reference or offset.note:
            middle, half = offset.skew_s, offset.spread_s / 2
            clocks.append(_clock(offset.tier, (middle, middle - half, middle + half), offset.n, offset.note))
    known = rows.select("clock", "client_skew_s").with_row_index().drop_nulls("client_skew_s")
    alone = -1 - pl.col("index").cast(pl.Int64)
    skews = known.group_by(pl.coalesce("clock", alone)).agg(pl.col("client_skew_s").median())
    middle, low, high, n = skews.select(
        *(pl.col("client_skew_s").quantile(q, "linear").alias(f"q{q}") for q in (0.5, 0.05, 0.95)),
        pl.col("client_skew_s").count().cast(pl.Int64).alias("n"),
    ).row(0)
    if reference != Tier.CLIENT and n:
        clocks.append(_clock(Tier.CLIENT, (middle, low, high), n, ""))
    return tuple(clocks)


def _clock(tier: Tier, skew: tuple[float, float, float], n: int, note: str) -> Clock:
    middle, low, high = (round(value, 3) for value in skew)
    return Clock(tier=tier, is_reference=False, skew_s=middle, low_s=low, high_s=high, n=n, note=note)
