"""What the servers saw of each connection: nginx access, nginx error and ALB lines as one row."""

from __future__ import annotations

from typing import Final

import polars as pl
from msgspec import Struct

from wslog.correlate.alb_pairs import pair_alb
from wslog.correlate.alb_sides import LAST_FORWARDED
from wslog.correlate.clock_offsets import ServerOffset
from wslog.correlate.nginx_errors import ERROR_FIELDS, attach_errors
from wslog.correlate.ordering import in_order
from wslog.correlate.places import beside, collected, named, placed, taken
from wslog.correlate.select import is_alb_request, is_nginx_error, is_nginx_request
from wslog.schema import PROXYING, EventKind

SHARED: Final = ("host", "path", "query", "client_ip", "user_agent", "is_opened", "trace_id")  # with the clients
NGINX_FIELDS: Final = (
    "opened_at", "closed_at", "lifetime_s", "handshake_s", "status", "upstream_status", "is_complete",
    "upstream", "at_resolution_s", "request_id",
)  # fmt: skip
ALB_FIELDS: Final = (
    "opened_at", "closed_at", "lifetime_s", "handshake_s", "status", "upstream_status", "upstream", "ref",
)  # fmt: skip
TOLD: Final = tuple(dict.fromkeys((*SHARED, *NGINX_FIELDS, *ALB_FIELDS, *ERROR_FIELDS, "event", "forwarded_for")))
ATTACHED_BY: Final = ("connection_no", "path", "query", "client_ip", "closed_at")
UPGRADED: Final = (pl.col("action") == PROXYING).fill_null(value=False)


class Servers(Struct, frozen=True):
    """One row per connection the servers logged: where its lines are, and what is known of it besides.

    Attributes:
        rows: `line` (nginx's access line, else its error line), `error`, `alb` (places in the events),
            `may_have_error`, `is_via_alb`, `nginx_ended_at`, `nginx_ended_half_s`, in order of time.
        events: What the lines tell.
        alb_ahead_s: How far the ALB's clock runs ahead of nginx's.
    """

    rows: pl.DataFrame
    events: pl.DataFrame
    alb_ahead_s: float = 0.0

    def told(self, numbers: pl.Series | None = None) -> pl.LazyFrame:
        """Return what the lines tell, all on nginx's clock where nginx logged.

        Args:
            numbers: Rows that are asked for; null: none. None: all.

        Returns:
            `server` (row number), `host`, `path`, `query`, `client_ip`, `user_agent`, `is_opened`, `trace_id`,
            `is_via_alb`, `may_have_error`, and `nginx_*`, `error_*`, `alb_*` columns with `nginx_ref`, `alb_ref`.
        """
        rows = self.rows if numbers is None else taken(self.rows, numbers).pipe(collected)
        numbers = pl.int_range(rows.height, eager=True) if numbers is None else numbers
        nginx, error, alb = (taken(self.events, rows[name]) for name in ("line", "error", "alb"))
        ahead = pl.duration(milliseconds=round(self.alb_ahead_s * 1000))
        # Where no access line is, an error line stands for its connection.
        is_access = pl.col("event") == EventKind.REQUEST
        served = beside(
            nginx.select(
                *(pl.col(name) for name in SHARED if name != "is_opened"),
                pl.when(is_access).then("is_opened").when(is_access.is_not_null()).then(UPGRADED).alias("is_opened"),
                LAST_FORWARDED.alias("forwarded_ip"),
                *named(NGINX_FIELDS, "nginx"),
                pl.col("client_ip").alias("nginx_peer_ip"),
                pl.when(is_access).then("ref").alias("nginx_ref"),
            ),
            error.select(named(ERROR_FIELDS, "error")),
            alb.with_columns(pl.col("opened_at", "closed_at") - ahead).select(named(SHARED + ALB_FIELDS, "alb")),
            rows.select(
                "is_via_alb", "may_have_error", "nginx_ended_at", "nginx_ended_half_s", server=numbers.cast(pl.Int64)
            ),
        )
        return served.with_columns(
            # The load balancer is nearer to the client: its address is the client's own.
            pl.coalesce("alb_client_ip", "forwarded_ip", "client_ip").alias("client_ip"),
            *(pl.coalesce(name, f"alb_{name}").alias(name) for name in ("host", "path", "query", "user_agent")),
            pl.coalesce("trace_id", "alb_trace_id").alias("trace_id"),
            pl.max_horizontal("is_opened", "alb_is_opened").alias("is_opened"),
        ).drop("forwarded_ip", *(f"alb_{name}" for name in SHARED))


def join_servers(events: pl.DataFrame) -> tuple[Servers, ServerOffset | None]:
    """Find the lines of each connection the servers logged.

    Args:
        events: `schema.EVENTS`, copies folded, the error log's zone settled.

    Returns:
        The connections; and the offset of the ALB's clock (None: nothing to compare with).
    """
    lines = _nginx_lines(events)
    places = placed(events, is_alb_request())
    alb = pl.DataFrame({"alb": places[_in_order(events, places)]})
    pairs, ends, offset = pair_alb(
        taken(events, alb["alb"]).with_row_index("alb_row"), taken(events, lines["line"]).with_row_index("row")
    )
    ends = ends.select("row", nginx_ended_at="ended_at", nginx_ended_half_s="ended_half_s")
    lines = lines.with_row_index("row").join(ends, on="row", how="left", maintain_order="left")
    rows = _side_by_side(lines, alb.with_row_index("alb_row"), pairs, events)
    rows = rows.with_columns(_is_via_alb(rows, events).alias("is_via_alb"))
    is_ahead = offset is not None and abs(offset.skew_s) > offset.spread_s
    ahead_s = offset.skew_s if offset is not None and is_ahead else 0.0
    return Servers(rows, events.select(TOLD), ahead_s), offset


def _side_by_side(lines: pl.DataFrame, alb: pl.DataFrame, pairs: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Return one row per pair and per line without a partner, in order of time."""
    rows = (
        lines.join(pairs.select("row", "alb_row"), on="row", how="full", coalesce=True)
        .join(alb, on="alb_row", how="full", coalesce=True)
        .select("line", "error", "alb", "row", "may_have_error", "nginx_ended_at", "nginx_ended_half_s")
    )
    closed = events.select("closed_at")
    moments = beside(*(taken(closed, rows[name]).select(pl.col("closed_at").alias(name)) for name in ("line", "alb")))

    def texts_at(places: pl.Series) -> pl.DataFrame:
        some = rows.select("line", "alb", "row")[places]
        line, alb = (taken(events.select("event", "ref"), some[name]) for name in ("line", "alb"))
        is_access = pl.col("event") == EventKind.REQUEST
        return beside(line.select(pl.when(is_access).then("ref")), alb.select(alb_ref="ref"), some.select("row")).pipe(
            collected
        )

    return rows.drop("row")[in_order(moments.pipe(collected), texts_at)]


def _is_via_alb(rows: pl.DataFrame, events: pl.DataFrame) -> pl.Expr:
    """Whether a row came through the load balancer, by its own line there or the address its nodes speak from.

    Null without ALB lines: who knows.
    """
    if rows["alb"].is_null().all():
        return pl.lit(None, dtype=pl.Boolean)
    line = taken(events.select("event", "client_ip"), rows["line"]).pipe(collected)
    is_both = rows["alb"].is_not_null() & (line["event"] == EventKind.REQUEST)
    nodes = line["client_ip"].filter(is_both).drop_nulls().unique().to_list()
    return pl.col("alb").is_not_null() | line["client_ip"].is_in(nodes)


def _nginx_lines(events: pl.DataFrame) -> pl.DataFrame:
    """Return the places of nginx's lines in order, and of the error lines about them.

    Without any access log, error lines stand for themselves.

    Returns:
        `line`, `error`, `may_have_error` (there is one about this line or another, and it is not known which).
    """
    nothing_open = pl.lit(value=False).alias("may_have_error")
    access, errors = placed(events, is_nginx_request()), placed(events, is_nginx_error())
    if len(access) or not len(errors):
        lines = access[_in_order(events, access)]
        if not len(errors):
            return pl.DataFrame({"line": lines}).with_columns(pl.lit(None, errors.dtype).alias("error"), nothing_open)
        told = events.select(*ATTACHED_BY, "is_websocket", "level", "ref")
        attached = attach_errors(
            taken(told.select(ATTACHED_BY), lines).pipe(collected).with_row_index("row"),
            taken(told, errors).pipe(collected).with_columns(errors.alias("error")),
        )
        return (
            pl.DataFrame({"line": lines})
            .with_row_index("row")
            .join(
                attached.with_columns(may_have_error=pl.col("error").is_null()),
                on="row",
                how="left",
                maintain_order="left",
            )
            .select("line", "error", pl.col("may_have_error").fill_null(value=False))
        )
    errors = placed(events, is_nginx_error() & pl.col("is_websocket").fill_null(value=True))
    about = taken(events.select("closed_at", "ref"), errors).pipe(collected)
    errors = errors[about.select(pl.arg_sort_by("closed_at", "ref")).to_series()]
    return pl.DataFrame({"line": errors, "error": errors}).with_columns(nothing_open)


def _in_order(events: pl.DataFrame, places: pl.Series) -> pl.Series:
    """Put lines in order of their close, then of their place in the logs."""
    return in_order(
        taken(events.select("closed_at"), places).pipe(collected),
        lambda tied: taken(events.select("ref"), places[tied]).pipe(collected),
    )
