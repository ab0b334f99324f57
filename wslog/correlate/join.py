"""Events of all tiers become one row per connection attempt; clocks are settled here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from wslog.cellar import AS_IT_COMES, Cellar
from wslog.correlate.assignment import choose_partners
from wslog.correlate.clients import RECORD_FIELDS, clock_number, join_client_records
from wslog.correlate.clock_offsets import ServerOffset
from wslog.correlate.copies import fold_copies
from wslog.correlate.matching import match_clients
from wslog.correlate.nginx_errors import settle_error_zone
from wslog.correlate.ordering import in_order
from wslog.correlate.servers import join_servers, taken
from wslog.correlate.source_clocks import settle_sources
from wslog.result import Clock
from wslog.schema import JOINED, EventKind, Tier, conform

ACCEPT: Final = 0.9  # a pair likelier than this is a match; below it, nobody is
MAY_BE_SOMEBODY: Final = (
    0.5  # a server row likelier than this to belong to some client record is not a client-less drop
)

HELPERS: Final = ("clock", "opened_by_client_at")  # what naming and counting need besides `schema.JOINED`

LIFECYCLE: Final = (
    EventKind.RELOAD, EventKind.DRAIN, EventKind.STOP, EventKind.WORKER_EXIT, EventKind.WORKER_CRASH,
    EventKind.START, EventKind.EXHAUSTED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Joined:
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
    folded = fold_copies(events)
    del events  # each step's rows go with the next: they are wide
    folded, moved = settle_sources(folded)
    folded, zone = settle_error_zone(folded)
    servers, alb_offset = join_servers(folded)
    offsets = _one_each([offset for offset in (*moved, zone, alb_offset) if offset is not None])
    lifecycle = folded.filter(pl.col("event").is_in(LIFECYCLE)).sort("at", "ref")
    folded = folded.select(RECORD_FIELDS)  # the servers' columns have been heard
    clients = join_client_records(folded)
    del folded
    clients = clients.with_columns(clock_number())
    pairs, client_offsets = match_clients(clients, servers)
    chosen = choose_partners(pairs.rename({"client": "left", "server": "right"}), at_least=ACCEPT)
    chosen = chosen.select(
        pl.col("left").alias("client"), pl.col("right").alias("server"), pl.col("p").alias("match_confidence")
    )
    doubtful = pairs.group_by("server").agg(pl.col("p").sum().alias("somebody"))
    has_servers, reference = servers.height > 0, _reference(servers)
    wide = _beside(clients, servers, chosen, client_offsets, doubtful)
    del clients, servers
    own_clock = _whole_clock(wide)
    rows = wide.with_columns(*_merged(own_clock, has_servers=has_servers))
    del wide
    rows = rows.with_columns(
        pl.coalesce("closed_by_client_at", "server_closed_at").alias("closed_at"),
        pl.when(pl.col("is_opened").fill_null(value=False))
        .then(pl.coalesce("opened_by_client_at", "nginx_opened_at", "alb_opened_at"))
        .alias("opened_at"),
    )
    rows = rows.select(name for name in (*JOINED, *HELPERS) if name in rows.columns)
    rows = rows[in_order(rows, ["closed_at"], ["client_ref", "nginx_ref", "alb_ref", "error_ref"], nulls_last=True)]
    rows = _name(rows).with_columns(_reconnect_gap(rows))
    return Joined(conform(rows, JOINED), lifecycle, _clocks(rows, reference, offsets))


def _beside(
    clients: pl.DataFrame, servers: pl.DataFrame, chosen: pl.DataFrame, offsets: pl.DataFrame, doubtful: pl.DataFrame
) -> pl.DataFrame:
    """Put each client record beside its server row, and what has no partner alone; wide rows are copied once."""
    left = clients.rename(
        {"closed_at": "client_closed_at", "opened_at": "client_opened_at", "created_at": "client_created_at"}
    )
    right = servers.rename({name: f"{name}_server" for name in servers.columns if name in left.columns})
    pairs = (
        clients.select("client")
        .join(offsets, on="client", how="left")
        .join(chosen, on="client", how="left")
        .join(servers.select("server"), on="server", how="full", coalesce=True)
        .join(doubtful, on="server", how="left")
    )
    return pl.concat(
        [taken(left.drop("client"), pairs["client"]), taken(right.drop("server"), pairs["server"]), pairs],
        how="horizontal",
    )


def _reference(servers: pl.DataFrame) -> Tier:
    """Return the tier whose clock counts: nginx where present, else the ALB, else the clients' own."""
    has_nginx = servers["nginx_closed_at"].is_not_null().any() if servers.height else False
    return Tier.NGINX if has_nginx else Tier.ALB if servers.height else Tier.CLIENT


def _whole_clock(wide: pl.DataFrame) -> pl.Expr:
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
    return pl.coalesce("offset_s", own) if "offset_s" in wide.columns else own


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
        (pl.col("hidden_at") - back).alias("hidden_at"),
        (pl.col("pagehide_at") - back).alias("pagehide_at"),
        server_closed.alias("server_closed_at"),
        served_s.alias("server_lifetime_s"),
        # Durations need no clock; a close time does, so it is only used where the skew is known.
        pl.coalesce(pl.col("lifetime_s") - served_s, pl.when(known.is_not_null()).then(by_clock)).alias("client_lag_s"),
        pl.coalesce("lifetime_s", served_s).alias("lifetime_s"),
        pl.coalesce("is_opened", "is_opened_server").alias("is_opened"),
        *(pl.coalesce(name, f"{name}_server").alias(name) for name in ("host", "path", "query", "user_agent")),
        pl.coalesce("client_ip_server", "client_ip").alias("client_ip"),
        pl.coalesce("alb_status", "nginx_status").alias("handshake_status"),
        pl.col("nginx_upstream").alias("upstream"),
        pl.col("client_ref").is_not_null().alias("has_client"),
        pl.col("somebody").fill_null(0.0).alias("maybe_client"),
        (~pl.col("has_close").fill_null(value=False) & pl.col("client_ref").is_not_null()).alias("is_pagehide_only"),
    ]  # fmt: skip


def _name(rows: pl.DataFrame) -> pl.DataFrame:
    """Name each row: the client's own id where it is unique, else its place in the logs."""
    place = pl.coalesce("client_ref", "nginx_ref", "alb_ref")
    own = pl.when(pl.col("connection_id").is_not_null() & (pl.len().over("connection_id") == 1)).then(
        pl.col("connection_id")
    )
    return rows.with_columns(pl.coalesce(own, place).alias("connection_id"))


def _reconnect_gap(rows: pl.DataFrame) -> pl.Series:
    """Gap to the same client's next attempt (s); null where there is none, or nobody knows whose it is."""
    began = pl.coalesce("created_at", "opened_by_client_at", "opened_at", "closed_at").alias("began")
    attempts = rows.select("clock", began, "closed_at")
    order = attempts.select(pl.arg_sort_by("clock", "began", maintain_order=True)).to_series()
    gap = (pl.col("began").shift(-1) - pl.col("closed_at")).dt.total_milliseconds() / 1000
    is_followed = pl.col("clock") == pl.col("clock").shift(-1)
    gaps = attempts[order].select(pl.when(is_followed & (gap >= 0)).then(gap).alias("reconnect_gap_s"))
    return gaps.to_series()[order.arg_sort()]


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
