"""What the servers saw of each connection: nginx access, nginx error and ALB lines as one row."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.correlate.alb_pairs import LAST_FORWARDED, pair_alb
from wslog.correlate.clock_offsets import ServerOffset
from wslog.correlate.nginx_errors import ERROR_FIELDS, attach_errors
from wslog.correlate.ordering import in_order
from wslog.correlate.select import is_alb_request, is_nginx_error, is_nginx_request

SHARED: Final = (
    "host", "path", "query", "client_ip", "client_port", "forwarded_for", "user_agent", "is_opened", "trace_id",
)  # fmt: skip
WHICH: Final = ("tier", "event")
NGINX_EVENT_FIELDS: Final = (
    "opened_at", "closed_at", "lifetime_s", "handshake_s", "status", "upstream_status", "is_complete", "body_bytes",
    "bytes_out", "upstream", "pid", "connection_no", "at_resolution_s", "log_host", "request_id",
)  # fmt: skip
NGINX_FIELDS: Final = (*NGINX_EVENT_FIELDS, "ended_at", "ended_half_s")
ALB_FIELDS: Final = (
    "opened_at", "closed_at", "lifetime_s", "handshake_s", "status", "upstream_status", "upstream", "bytes_in",
    "bytes_out",
)  # fmt: skip


def join_servers(events: pl.DataFrame) -> tuple[pl.DataFrame, ServerOffset | None]:
    """Build one row per connection the servers logged.

    Args:
        events: `schema.EVENTS`, copies folded, the error log's zone settled.

    Returns:
        `server` (row number), `host`, `path`, `query`, `client_ip`, `client_port`, `user_agent`, `is_opened`,
        `is_via_alb`, and `nginx_*`, `error_*`, `alb_*` columns with `nginx_ref`, `alb_ref`, all on nginx's clock where
        nginx logged; and the offset of the ALB's clock (None: nothing to compare with).
    """
    nginx = _nginx_rows(
        events.select(*WHICH, *dict.fromkeys((*SHARED, *NGINX_EVENT_FIELDS, *ERROR_FIELDS)), "is_websocket")
    )
    alb = events.select(*WHICH, *SHARED, *ALB_FIELDS, "ref").filter(is_alb_request()).drop(WHICH)
    alb = alb[in_order(alb, ["closed_at"], ["ref"])].with_row_index("alb_row")
    pairs, ends, offset = pair_alb(alb, nginx)
    nginx = nginx.join(ends, on="row", how="left", maintain_order="left")
    if offset is not None and abs(offset.skew_s) > offset.spread_s:
        ahead = pl.duration(milliseconds=round(offset.skew_s * 1000))
        alb = alb.with_columns(pl.col("opened_at", "closed_at") - ahead)
    joined = _side_by_side(nginx, alb, pairs)
    del nginx, alb
    served = joined.with_columns(
        # The load balancer is nearer to the client: its address and port are the client's own.
        pl.coalesce("alb_client_ip", LAST_FORWARDED, "client_ip").alias("client_ip"),
        pl.coalesce("alb_client_port", "client_port").alias("client_port"),
        *(pl.coalesce(name, f"alb_{name}").alias(name) for name in ("host", "path", "query", "user_agent", "trace_id")),
        pl.max_horizontal("is_opened", "alb_is_opened").alias("is_opened"),
        _is_via_alb(joined).alias("is_via_alb"),
    ).drop(f"alb_{name}" for name in SHARED)
    return served.with_row_index("server").cast({"server": pl.Int64}), offset


def _side_by_side(nginx: pl.DataFrame, alb: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Return one row per pair and per line without a partner, in order of time: wide rows are copied once."""
    nginx_part = nginx.select(
        *SHARED,
        *_named(NGINX_FIELDS, "nginx"),
        pl.col("access_ref").alias("nginx_ref"),
        "^error_.*$",
        pl.col("client_ip").alias("nginx_ip"),
    )
    alb_part = alb.select(*_named(SHARED + ALB_FIELDS, "alb"), pl.col("ref").alias("alb_ref"))
    beside = (
        nginx.select("row", nginx_at="closed_at", nginx_ref="access_ref")
        .join(pairs, on="row", how="full", coalesce=True)
        .join(alb.select("alb_row", alb_at="closed_at", alb_ref="ref"), on="alb_row", how="full", coalesce=True)
    )
    beside = beside[in_order(beside, ["nginx_at", "alb_at"], ["nginx_ref", "alb_ref", "row"])]
    parts = [taken(nginx_part, beside["row"]), beside.select("pair_confidence"), taken(alb_part, beside["alb_row"])]
    return pl.concat(parts, how="horizontal")


def taken(rows: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    """Return the rows at some places, nulls where there is no place: what a join of wide rows would copy twice."""
    return rows[places] if rows.height else rows.clear(len(places))


def _is_via_alb(joined: pl.DataFrame) -> pl.Expr:
    """Whether a row came through the load balancer, by its own line there or the address its nodes speak from.

    Null without ALB lines: who knows.
    """
    if joined["alb_ref"].is_null().all():
        return pl.lit(None, dtype=pl.Boolean)
    nodes = joined.filter(pl.col("alb_ref").is_not_null() & pl.col("nginx_ref").is_not_null())["nginx_ip"]
    return pl.col("alb_ref").is_not_null() | pl.col("nginx_ip").is_in(nodes.drop_nulls().unique().to_list())


def _nginx_rows(events: pl.DataFrame) -> pl.DataFrame:
    """Return nginx's access lines with their error lines; without any access log, error lines stand for themselves."""
    access = events.filter(is_nginx_request())
    access = access[in_order(access, ["closed_at"], ["ref"])].with_row_index("row")
    errors = events.filter(is_nginx_error())
    if access.height or not errors.height:
        attached = attach_errors(access, errors)
        return access.join(attached, on="row", how="left", maintain_order="left").with_columns(access_ref=pl.col("ref"))
    about = errors.filter(pl.col("is_websocket").fill_null(value=True)).sort("closed_at", "ref").with_row_index("row")
    upgraded = pl.col("action") == "proxying upgraded connection"
    return about.with_columns(
        upgraded.fill_null(value=False).alias("is_opened"),
        pl.lit(None, dtype=pl.String).alias("access_ref"),
        *(pl.col(name).alias(f"error_{name}") for name in ERROR_FIELDS),
    )


def _named(fields: tuple[str, ...], tier: str) -> list[pl.Expr]:
    return [pl.col(name).alias(f"{tier}_{name}") for name in fields]
