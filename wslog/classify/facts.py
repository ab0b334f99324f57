"""What each connection's row says, in the words the scorecard uses. One fact, one named expression."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.classify.configured import configured_timer
from wslog.knowledge.model import Setting
from wslog.knowledge.own_timers import ALB_IDLE, NGINX_READ
from wslog.schema import INSTANT, CloseCode, file_of

TIMED_OUT: Final = (110, 60)  # Linux, BSD
RESET: Final = (104, 54)
UPGRADED: Final = pl.col("error_action") == "proxying upgraded connection"
# How far from the servers' close the client's may lie if a frame or FIN told it: a burst of hundreds takes half a
# second to go through one process, a lost packet one more for its retransmission (RFC 6298). What comes later than
# the next retransmissions was told by something else: a wake-up, a returning network, a page that gave up.
FOLLOWED_S: Final = (-0.6, 1.5)
LATE_S: Final = 3.0
EARLY_S: Final = -1.5
EARLY_BY_CLOCK_S: Final = -3.0  # where no durations are told apart: a learnt clock is as good as the delays it is from
SURE_MATCH: Final = 0.99
SILENT_WITHIN_S: Final = 1.0  # messages this soon after the open are a greeting
SILENT_WITHIN_SHARE: Final = 0.03  # or within this part of the lifetime
REFUSED_FROM: Final = 400  # HTTP status
STEP_S: Final = 10  # an attempt's end and the line of its refusal, by two clocks
WIRE_SLACK_S: Final = 0.3  # two clocks compared, and nginx's lazy timer
PATH_TIMERS_FROM: Final = 3  # followed nginx timeouts on one path that make its timer known
INFO: Final = frozenset({"info", "debug"})  # an error log that has these shows nginx's own timeouts
NODES_FROM: Final = 3  # lines of one peer that the load balancer logged, too: one may be paired with another's

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


_LAG = pl.col("client_lag_s")
# A line that ended later, and whose duration is not known, is as likely another's unless the match is sure. Of what
# shares a moment with many, that moment is sure, though no line is its own.
_EARLY_BY_CLOCK = (_LAG <= EARLY_BY_CLOCK_S) & (pl.col("match_confidence").fill_null(1.0) >= SURE_MATCH)
_ERRNO, _SAID = pl.col("error_errno"), pl.col("error_message")
# One nginx of several is known by its access log, whatever its rotations are called.
_PROXY = pl.coalesce(pl.col("nginx_ref").str.replace(r"([.-]\d+)?(\.(gz|zst|bz2|xz))?:\d+$", ""), "alb_upstream")
_ANSWERED, _ACCESS_LOG = pl.col("nginx_upstream_status").is_not_null(), file_of("nginx_ref")
_SILENT_FROM = pl.max_horizontal(pl.lit(SILENT_WITHIN_S), SILENT_WITHIN_SHARE * pl.col("lifetime_s"))


def _since(column: str) -> pl.Expr:
    """Seconds from an instant to the close as the client saw it."""
    return (pl.col("closed_at") - pl.col(column)).dt.total_milliseconds() / 1000


# Where piles are looked for: what tells nothing of messages may have been silent all its life, and what only servers
# saw may have been dropped.
FOR_PILES: Final = (
    pl.when("is_unheard").then("lifetime_s").otherwise("idle_s").alias("idle_s"),
    (pl.col("is_silent") | pl.col("is_unheard")).alias("is_silent"),
    (pl.col("is_client_drop") | (pl.col("is_unheard") & ~pl.col("has_client"))).alias("is_client_drop"),
)

# Facts that a row tells by itself. Yes-or-no ones count unknown as no.
FLAGS: Final[Mapping[str, pl.Expr]] = {
    "is_client_drop": pl.col("has_client") & OPENED & IS_1006,
    "followed": _LAG.is_between(*FOLLOWED_S),
    "late": _LAG >= LATE_S,
    "early": pl.when(pl.col("server_lifetime_s").is_null()).then(_EARLY_BY_CLOCK).otherwise(_LAG <= EARLY_S),
    "nginx_timed_out": UPGRADED & _ERRNO.is_in(TIMED_OUT) & _SAID.str.starts_with("upstream timed out"),
    "has_alb": pl.col("alb_ref").is_not_null(),
    # Whose line it is, nobody knows: an unmatched record of that moment may be it.
    "is_unclaimed": pl.col("nginx_ref").is_not_null() & ~pl.col("has_client") & pl.col("alb_ref").is_null(),
    "nginx_lost_client": UPGRADED & _SAID.str.starts_with("client timed out"),
    # The level tells the side: errors of the upstream connection are errors, of the client's only info.
    "upstream_reset": UPGRADED & _ERRNO.is_in(RESET) & (pl.col("error_level") == "error"),
    "downstream_reset": UPGRADED & _ERRNO.is_in(RESET) & (pl.col("error_level") == "info"),
    # The path was up, nobody said goodbye, and no line says why.
    "ended_quietly": _LAG.is_between(*FOLLOWED_S) & pl.col("error_ref").is_null() & pl.col("close_called_at").is_null(),
    # No message, or none but a greeting right after the open.
    "is_silent": (pl.col("lifetime_s") - pl.col("idle_s")) <= _SILENT_FROM,
}
SPANS: Final[Mapping[str, pl.Expr]] = {
    # Silence as the servers had it. The lag rests on durations where it can: a clock is learnt, and off by more.
    "wire_idle_s": pl.col("idle_s") - _LAG,
    "unanswered_s": pl.col("idle_in_s") - pl.col("idle_out_s"),
    "close_wait_s": _since("close_called_at"),
    "attempt_s": _since("created_at"),
}


class Surroundings(Struct, frozen=True):
    """What a row is held against, learnt from all rows.

    Attributes:
        nginx_span, alb_span: First and last close that the tier's access log covers; null: it logged none.
        has_clients: Whether there is any client's record.
        hosts: Hosts of which the servers' logs show anything: an edge whose logs are not here proves nothing by
            silence.
        path_timers: nginx's timer on a path, in seconds, as those tell that it timed out.
        telling: Access logs of nginx that print what the app answered.
        refused: Moments (epoch, in steps of `STEP_S`) and paths of refused handshakes whose owner nobody knows.
        alb_nodes: Peers of nginx that are the load balancer: what they bring came through it, whether its line is here
            or not.
        unclaimed: Epoch seconds in which nginx logged the end of connections that no other tier is known to share.
    """

    nginx_span: tuple[dt.datetime | None, dt.datetime | None]
    alb_span: tuple[dt.datetime | None, dt.datetime | None]
    has_clients: bool
    hosts: tuple[str, ...]
    path_timers: Mapping[str, float]
    telling: tuple[str, ...]
    alb_nodes: tuple[str, ...]
    refused: tuple[pl.Series, pl.Series]
    unclaimed: pl.Series


def look_around(connections: pl.DataFrame, known_s: Sequence[float] = ()) -> Surroundings:
    """Learn from `schema.JOINED` rows, all of them, what a row of them is held against; *known_s*: known timers."""
    in_nginx, in_alb = pl.col("nginx_ref").is_not_null(), pl.col("alb_ref").is_not_null()
    hosts = connections.select(pl.col("host").filter(in_nginx | in_alb).unique()).to_series()
    return Surroundings(
        nginx_span=_span(connections, pl.col("nginx_closed_at").filter(in_nginx)),
        alb_span=_span(connections, pl.col("alb_closed_at").filter(in_alb)),
        has_clients=bool(connections["has_client"].any()),
        hosts=tuple(hosts.drop_nulls().sort()),
        path_timers={path: _nearest(timer_s, known_s) for path, timer_s in _path_timers(connections).items()},
        telling=tuple(connections.select(_ACCESS_LOG.filter(_ANSWERED).unique()).to_series().sort()),
        alb_nodes=tuple(_alb_nodes(connections.select("nginx_peer_ip", "client_ip", in_alb.alias("in_alb")))),
        refused=_refused(connections),
        unclaimed=connections.select(_second("nginx_closed_at").filter(FLAGS["is_unclaimed"]).unique()).to_series(),
    )


def _alb_nodes(rows: pl.DataFrame) -> pl.Series:
    """The peers of nginx whose lines the load balancer has, too, for clients of other addresses."""
    peers = rows.filter(pl.col("in_alb") & (pl.col("nginx_peer_ip") != pl.col("client_ip")))["nginx_peer_ip"]
    return peers.value_counts().filter(pl.col("count") >= NODES_FROM)["nginx_peer_ip"].sort()


def _second(column: str) -> pl.Expr:
    return pl.col(column).dt.epoch("s")


def _step(column: str) -> pl.Expr:
    return _second(column) // STEP_S


def _refused(connections: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """When and on which paths servers refused handshakes that no client's record is matched with."""
    is_refused = pl.coalesce("nginx_status", "alb_status") >= REFUSED_FROM
    is_unowned = _yes(is_refused) & ~pl.col("has_client")
    rows = connections.select(_step("server_closed_at"), "path", is_unowned.alias("is_unowned")).filter("is_unowned")
    return rows["server_closed_at"].drop_nulls().unique(), rows["path"].drop_nulls().unique()


def _span(connections: pl.DataFrame, logged: pl.Expr) -> tuple[dt.datetime | None, dt.datetime | None]:
    first, last = connections.select(logged.min().alias("first"), logged.max().alias("last")).row(0)
    return first, last


def _path_timers(connections: pl.DataFrame) -> Mapping[str, float]:
    """Learn nginx's timer on each path from connections whose client followed it at once."""
    silence = pl.col("silence_s")
    is_told = _yes(FLAGS["nginx_timed_out"]) & _yes(FLAGS["followed"])
    told = connections.select("path", pl.when(is_told).then(SPANS["wire_idle_s"]).alias("silence_s"))
    learnt = (
        told.drop_nulls()
        .group_by("path")
        .agg(
            silence.median().alias("timer_s"),
            (silence - silence.median()).abs().median().alias("spread_s"),
            pl.len().alias("n"),
        )
    )
    sure = learnt.filter((pl.col("n") >= PATH_TIMERS_FROM) & (pl.col("spread_s") <= WIRE_SLACK_S))
    return dict(sure.select("path", "timer_s").iter_rows())


def _nearest(timer_s: float, known_s: Sequence[float]) -> float:
    """Return the known timer that a learnt one must be, as well as clocks tell; else itself."""
    nearest = min(known_s, key=lambda known: (abs(known - timer_s), known), default=timer_s)
    return nearest if abs(nearest - timer_s) <= WIRE_SLACK_S else timer_s


def tell_facts(around: Surroundings, *, levels: frozenset[str], settings: Sequence[Setting]) -> Mapping[str, pl.Expr]:
    """Return the facts of a `schema.JOINED` row by name.

    Args:
        around: What it is held against.
        levels: nginx error levels seen in the logs.
        settings: Timers found in configuration files.
    """
    configured = configured_timer(settings, NGINX_READ)
    return {
        "ended_at": ENDED_AT,
        "proxy": _PROXY,
        **{name: _yes(flag) for name, flag in FLAGS.items()},
        **SPANS,
        "is_unheard": _unheard(around),
        "info_visible": pl.lit(bool(levels & INFO)),
        "nginx_setting_s": configured,
        "alb_setting_s": configured_timer(settings, ALB_IDLE),
        "path_timer_s": pl.coalesce(configured, _learnt_timer(around.path_timers)),
        "tells_app_status": _yes(_ACCESS_LOG.is_in(around.telling)),
        "from_alb": _from_alb(around),
        "alb_proof": pl.coalesce("alb_ref", "nginx_ref"),
        **_absences(around),
    }


def _unheard(around: Surroundings) -> pl.Expr:
    """Whether no log tells of a connection's messages: the client's does not, or there are servers' logs alone.

    Of its silence only an upper limit is known then: its lifetime.
    """
    is_asked = pl.col("has_client") | pl.lit(value=not around.has_clients)
    return _yes(is_asked & OPENED & pl.col("idle_s").is_null() & pl.col("lifetime_s").is_not_null())


def _learnt_timer(path_timers: Mapping[str, float]) -> pl.Expr:
    if not path_timers:
        return pl.lit(None, dtype=pl.Float64)
    return pl.col("path").replace_strict(path_timers, default=None, return_dtype=pl.Float64)


def _from_alb(around: Surroundings) -> pl.Expr:
    """Whether it came through the load balancer, as its line says, or who spoke to nginx."""
    return pl.col("alb_ref").is_not_null() | _yes(pl.col("nginx_peer_ip").is_in(around.alb_nodes))


def _absences(around: Surroundings) -> Mapping[str, pl.Expr]:
    """Which lines are missing where their log covers the moment; absence speaks only where presence was possible."""
    has_nginx_log, has_alb_log = _within(around.nginx_span), _within(around.alb_span)
    no_nginx, no_alb = pl.col("nginx_ref").is_null(), pl.col("alb_ref").is_null()
    # A moment without a line: one of several lines of that moment is its own.
    is_unseen = no_nginx & pl.col("nginx_closed_at").is_null()
    knows_host = _yes(pl.col("host").is_in(around.hosts))
    # A line of that second whose owner nobody knows may be the one that seems to be missing.
    unclaimed = pl.concat([around.unclaimed + shift for shift in (-1, 0, 1)]).unique()
    # So may a refusal some seconds off be that of an attempt that hung.
    steps, paths = around.refused
    near = pl.concat([steps + shift for shift in (-1, 0, 1)]).unique()
    no_refusal = ~_yes(_step("closed_at").is_in(near.implode()) & pl.col("path").is_in(paths.implode()))
    no_other = ~_yes(_second("alb_closed_at").is_in(unclaimed.implode()))
    return {
        "nginx_missing": no_nginx & ~no_alb & OPENED & has_nginx_log & no_other,
        "no_nginx_line": is_unseen & has_nginx_log,
        "alb_missing": no_alb & ~no_nginx & has_alb_log & ~_from_alb(around),
        "servers_cover": (has_nginx_log | has_alb_log) & knows_host & no_refusal,
    }


def _within(span: tuple[dt.datetime | None, dt.datetime | None]) -> pl.Expr:
    """Whether the connection ended while a tier's log was kept."""
    first, last = (pl.lit(moment, dtype=INSTANT) for moment in span)
    return _yes(ENDED_AT.is_between(first, last))


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
