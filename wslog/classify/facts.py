"""What each connection's row says, in the words the scorecard uses. One fact, one named expression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.knowledge.model import Setting
from wslog.schema import INSTANT, CloseCode

TIMED_OUT: Final = (110, 60)  # Linux, BSD
RESET: Final = (104, 54)
UPGRADED: Final = pl.col("error_action") == "proxying upgraded connection"
FOLLOWED_S: Final = (-0.6, 1.5)
LATE_S: Final = 3.0
EARLY_S: Final = -1.5
WIRE_SLACK_S: Final = 0.3  # two clocks compared, and nginx's lazy timer
PATH_TIMERS_FROM: Final = 3  # followed nginx timeouts on one path that make its timer known

IS_1006: Final = pl.col("close_code") == CloseCode.ABNORMAL
# Where no record says whether it opened, a known lifetime does: what never opened has none.
OPENED: Final = pl.col("is_opened").fill_null(pl.col("lifetime_s").is_not_null())
# The close as the servers saw it where they did: clients notice late, and all of a burst at their own moments.
ENDED_AT: Final = pl.coalesce("server_closed_at", "closed_at")


def _yes(condition: pl.Expr) -> pl.Expr:
    """Unknown counts as no."""
    return condition.fill_null(value=False)


def share_of(rows: pl.DataFrame, condition: pl.Expr) -> float:
    """Return the part of *rows* for which *condition* is known to hold; 0 of no rows."""
    return float(rows.select(condition.fill_null(value=False).mean().fill_null(0.0)).item())


def add_facts(connections: pl.DataFrame, *, levels: frozenset[str], settings: Sequence[Setting]) -> pl.DataFrame:
    """Add the facts to `schema.JOINED` rows.

    Args:
        connections: `schema.JOINED`.
        levels: nginx error levels seen in the logs.
        settings: Timers found in configuration files.
    """
    lag = pl.col("client_lag_s")
    has_nginx_log, has_alb_log = _covered(connections, "nginx"), _covered(connections, "alb")
    wire_idle = (pl.col("server_closed_at") - pl.col("last_message_at")).dt.total_milliseconds() / 1000
    silent_limit = pl.max_horizontal(pl.lit(1.0), 0.03 * pl.col("lifetime_s"))
    frame = connections.with_columns(
        ENDED_AT.alias("ended_at"),
        _yes(pl.col("has_client") & OPENED & IS_1006).alias("is_client_drop"),
        _yes(lag.is_between(*FOLLOWED_S)).alias("followed"),
        _yes(lag >= LATE_S).alias("late"),
        _yes(lag <= EARLY_S).alias("early"),
        _yes(
            UPGRADED
            & pl.col("error_errno").is_in(TIMED_OUT)
            & pl.col("error_message").str.starts_with("upstream timed out")
        ).alias("nginx_timed_out"),
        _yes(UPGRADED & pl.col("error_message").str.starts_with("client timed out")).alias("nginx_lost_client"),
        _yes(UPGRADED & pl.col("error_errno").is_in(RESET) & (pl.col("error_level") == "error")).alias(
            "upstream_reset"
        ),
        _yes(UPGRADED & pl.col("error_errno").is_in(RESET) & (pl.col("error_level") == "info")).alias(
            "downstream_reset"
        ),
        pl.lit(bool(levels & {"info", "debug"})).alias("info_visible"),
        (pl.col("nginx_ref").is_null() & pl.col("alb_ref").is_not_null() & OPENED & has_nginx_log).alias(
            "nginx_missing"
        ),
        (pl.col("nginx_ref").is_null() & has_nginx_log).alias("no_nginx_line"),
        (has_nginx_log | has_alb_log)
        .and_(_yes(pl.col("host").is_in(_logged_hosts(connections))))
        .alias("servers_cover"),
        (pl.col("alb_ref").is_null() & pl.col("nginx_ref").is_not_null() & has_alb_log).alias("alb_missing"),
        pl.when(pl.col("idle_s").is_not_null() & pl.col("client_skew_s").is_not_null())
        .then(wire_idle)
        .alias("wire_idle_s"),
        _yes((pl.col("lifetime_s") - pl.col("idle_s")) <= silent_limit).alias("is_silent"),
        (pl.col("idle_in_s") - pl.col("idle_out_s")).alias("unanswered_s"),
        ((pl.col("closed_at") - pl.col("close_called_at")).dt.total_milliseconds() / 1000).alias("close_wait_s"),
        ((pl.col("closed_at") - pl.col("created_at")).dt.total_milliseconds() / 1000).alias("attempt_s"),
        _setting(settings, "nginx-proxy-read-timeout").alias("nginx_setting_s"),
        _setting(settings, "aws-alb-idle").alias("alb_setting_s"),
    )
    # What nginx's timer is on a path, learnt from connections whose client followed it at once.
    learnt = (
        frame.filter(pl.col("nginx_timed_out") & pl.col("followed") & pl.col("wire_idle_s").is_not_null())
        .group_by("path")
        .agg(
            pl.col("wire_idle_s").median().alias("path_timer_s"),
            (pl.col("wire_idle_s") - pl.col("wire_idle_s").median()).abs().median().alias("spread_s"),
            pl.len().alias("n_path"),
        )
        .filter((pl.col("n_path") >= PATH_TIMERS_FROM) & (pl.col("spread_s") <= WIRE_SLACK_S))
    )
    known = learnt.select("path", "path_timer_s")
    timer = pl.coalesce("nginx_setting_s", "path_timer_s").alias("path_timer_s")
    return frame.join(known, on="path", how="left", maintain_order="left").with_columns(timer)


def add_wire_timer(facts: pl.DataFrame, idle_timers: Sequence[tuple[float, float, float]]) -> pl.DataFrame:
    """Add `wire_timer_s`: the idle timer that the servers' own silence before the close fits, whatever the client saw.

    Args:
        facts: With `wire_idle_s`.
        idle_timers: Idle clusters as (low, high, value), in seconds.
    """
    silence = pl.col("wire_idle_s")
    timer: pl.Expr = pl.when((silence - pl.col("path_timer_s")).abs() <= WIRE_SLACK_S).then("path_timer_s")
    for low, high, value in idle_timers:
        inside = silence.is_between(low - WIRE_SLACK_S, high + WIRE_SLACK_S)
        timer = pl.coalesce(pl.when(inside).then(pl.lit(value)), timer)
    return facts.with_columns(timer.alias("wire_timer_s"))


def _covered(connections: pl.DataFrame, tier: str) -> pl.Expr:
    """Whether that tier's access log covers the moment the connection ended."""
    logged = connections.filter(pl.col(f"{tier}_ref").is_not_null())[f"{tier}_closed_at"]
    return _yes(ENDED_AT.is_between(pl.lit(logged.min(), dtype=INSTANT), pl.lit(logged.max(), dtype=INSTANT)))


def _logged_hosts(connections: pl.DataFrame) -> list[str]:
    """Hosts of which the servers' logs show anything: an edge whose logs are not here proves nothing by silence."""
    logged = connections.filter(pl.col("nginx_ref").is_not_null() | pl.col("alb_ref").is_not_null())
    return logged["host"].drop_nulls().unique().sort().to_list()


def _setting(settings: Sequence[Setting], timeout_id: str) -> pl.Expr:
    """The configured value that applies to the row; null where several could.

    nginx picks the server by host, then its longest location; a host that no server names gets the default server,
    which may be any of them.
    """
    nothing = pl.lit(None, dtype=pl.Float64)
    mine = [s for s in settings if s.timeout_id == timeout_id]
    if not mine:
        return nothing
    if timeout_id == "aws-alb-idle":
        value = pl.lit(mine[0].value_s) if len({s.value_s for s in mine}) == 1 else nothing
        return pl.when(pl.col("alb_ref").is_not_null()).then(value)
    by_host = {host: _by_location([s for s in mine if s.host == host]) for host in sorted({s.host for s in mine})}
    named = [pl.when(pl.col("host") == host).then(value) for host, value in by_host.items()]
    low, high = pl.min_horizontal(*by_host.values()), pl.max_horizontal(*by_host.values())
    return pl.coalesce(*named, pl.when(low == high).then(low))


def _by_location(settings: Sequence[Setting]) -> pl.Expr:
    """The value of the longest location that the row's path is in; locations by regular expression are not judged."""
    value = pl.lit(None, dtype=pl.Float64)
    for setting in sorted(settings, key=lambda s: (s.scope.startswith("="), len(s.scope), s.ref)):
        place = setting.scope.removeprefix("^~").removeprefix("=").strip()
        if setting.scope.startswith(("~", "@")):
            continue
        inside = pl.col("path") == place if setting.scope.startswith("=") else pl.col("path").str.starts_with(place)
        value = pl.when(inside if place else pl.lit(value=True)).then(setting.value_s).otherwise(value)
    return value
