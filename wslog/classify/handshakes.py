"""Why a connection never opened, and which tier refused it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.schema import Cause, Tier

HUNG_S: Final = 5.0  # a refusal answers at once; an attempt that hangs this long met nobody
CERTAIN: Final = 0.99
HEARD: Final = (
    "has_client", "is_online", "attempt_s", "closed_at", "servers_cover", "handshake_status", "nginx_status",
    "nginx_upstream_status", "tells_app_status", "nginx_ref", "alb_status", "alb_upstream_status", "alb_ref",
    "error_ref", "error_action", "error_message",
)  # fmt: skip


def judge_handshakes(rows: pl.DataFrame, down: Sequence[tuple[dt.datetime, dt.datetime, str]]) -> pl.DataFrame:
    """Judge attempts that never opened.

    Args:
        rows: `HEARD` of attempts whose client or server says that they never opened.
        down: Times at which nginx was down (start, end, `file:line`).

    Returns:
        `cause`, `tier`, `confidence`, `label`, `evidence`, one row per row.
    """
    status, answered = pl.col("nginx_status"), pl.col("nginx_upstream_status")
    is_down, down_ref = _during(down)
    unseen = pl.col("handshake_status").is_null()
    offline = ~pl.col("is_online").fill_null(value=True)
    hung = (pl.col("attempt_s") >= HUNG_S) & pl.col("servers_cover")
    lost = unseen & ~is_down & (offline | hung) & pl.col("has_client")
    from_app = answered.is_not_null() & (answered == status)
    message = pl.col("error_message").fill_null("")
    # A browser always asks for an upgrade, in HTTP/1.1: an app that misses either was not told of it.
    unasked = status.is_in([426, 505]) & from_app & pl.col("has_client")
    said_refused = message.str.contains(r"no live upstreams|connect\(\) (to .* )?failed|prematurely closed")
    alb, target = pl.col("alb_status"), pl.col("alb_upstream_status")
    # Behind an ALB it is nginx that says 502 or 504, and it says so of the app server.
    alb_passed_on = alb.is_in([502, 504]) & (target == alb)
    rules = (
        (lost, Tier.NETWORK),
        ((status == 499) | (alb == 460), Tier.CLIENT),
        (status.is_in([502, 504]) | said_refused, Tier.APP),
        (unasked, Tier.NGINX),
        (status.is_not_null() & from_app, Tier.APP),
        # Where the log would show that the app said it, nginx did; else only its own error line tells.
        (status.is_not_null() & (pl.col("tells_app_status") | pl.col("error_ref").is_not_null()), Tier.NGINX),
        ((alb == 502) & target.is_null(), Tier.NGINX),
        (alb_passed_on, Tier.APP),
        (alb.is_not_null() & target.is_null(), Tier.ALB),
        (is_down, Tier.NGINX),
    )
    tier = pl.coalesce(*(pl.when(holds).then(pl.lit(who.value)) for holds, who in rules), pl.lit(Tier.UNKNOWN.value))
    said = pl.concat_list(_statements(is_down, down_ref, unseen, offline, from_app)).list.drop_nulls()
    return rows.select(
        pl.when(lost)
        .then(pl.lit(Cause.NETWORK_LOSS.value))
        .otherwise(pl.lit(Cause.HANDSHAKE_FAILED.value))
        .alias("cause"),
        tier.alias("tier"),
        pl.when(lost).then(0.85).otherwise(CERTAIN).alias("confidence"),
        pl.lit("handshake").alias("label"),
        said.alias("evidence"),
    )


def _during(down: Sequence[tuple[dt.datetime, dt.datetime, str]]) -> tuple[pl.Expr, pl.Expr]:
    """Whether the attempt failed while nginx was down, and the line that says so."""
    is_down, ref = pl.lit(value=False), pl.lit(None, dtype=pl.String)
    for start, end, where in down:
        inside = pl.col("closed_at").is_between(pl.lit(start), pl.lit(end)).fill_null(value=False)
        is_down = is_down | inside
        ref = pl.when(inside).then(pl.lit(where)).otherwise(ref)
    return is_down, ref


def _statements(
    is_down: pl.Expr, down_ref: pl.Expr, unseen: pl.Expr, offline: pl.Expr, from_app: pl.Expr
) -> list[pl.Expr]:
    """The evidence, one text (or null) each, the strongest first."""

    def text(value: pl.Expr) -> pl.Expr:
        return value.cast(pl.String).fill_null("-")

    def line(ref: str) -> pl.Expr:
        return pl.col(ref).fill_null("one of several lines of that moment")

    doing = pl.coalesce(pl.format(" while {}", pl.col("error_action")), pl.lit(""))
    error = pl.when(pl.col("error_ref").is_not_null()).then(
        pl.format("{}: {}{}", text(pl.col("error_ref")), text(pl.col("error_message")), doing)
    )
    hidden = pl.lit("its log does not show whether the app did")
    told = pl.when("tells_app_status").then(pl.format("app said {}", text(pl.col("nginx_upstream_status"))))
    whose = pl.when(from_app).then(pl.lit("passing on the app's answer")).otherwise(pl.coalesce(told, hidden))
    nginx = pl.when(pl.col("nginx_status").is_not_null()).then(
        pl.format("{}: nginx answered {}, {}", line("nginx_ref"), text(pl.col("nginx_status")), whose)
    )
    alb_said, target_said = text(pl.col("alb_status")), text(pl.col("alb_upstream_status"))
    alb = pl.when(pl.col("alb_status").is_not_null()).then(
        pl.format("{}: the ALB answered {}, its target said {}", line("alb_ref"), alb_said, target_said)
    )
    down = pl.when(unseen & is_down).then(pl.format("{}: nginx was down at that time", text(down_ref)))
    nobody_logged = pl.when("servers_cover").then(pl.lit("no server logged it, and it")).otherwise(pl.lit("it"))
    hung = pl.when(unseen & (pl.col("attempt_s") >= HUNG_S)).then(
        pl.format("{} hung for {} s", nobody_logged, text(pl.col("attempt_s").round(1)))
    )
    gone = pl.when(unseen & offline).then(pl.lit("the browser said it was offline"))
    is_nowhere = unseen & ~is_down & pl.col("error_ref").is_null()
    nobody = pl.when(is_nowhere).then(pl.lit("the client saw no open; no server line was found for it"))
    return [error, nginx, alb, down, hung, gone, nobody]
