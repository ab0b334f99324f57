"""Who was behind each burst of closes: a restarted app, a reloaded, stopped or crashed nginx, or nobody we can name."""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.classify.bursts import FEWEST, RawBurst, Scope, scan_scopes, span_of
from wslog.classify.facts import IS_1006, OPENED, share_of
from wslog.schema import Cause, EventKind, ScopeKind, Tier, split_scope

LONGEST_S: Final = 15.0  # a wider pile is a rush hour, not a happening
NOTICE_S: Final = 3.0  # a notice this near a burst is about it
RELOAD_WAIT_S: Final = 7200.0  # worker_shutdown_timeout is seldom longer
SHARP_S: Final = 0.2  # nginx cuts what is left of an old worker within milliseconds
UNCLEAN_SHARE: Final = 0.5  # of a burst's closes; a burst of goodbyes drops nobody
ALL_AT_ONCE: Final = 0.8  # of everything open, for a burst to be the proxy's doing without a notice
LEAST_KILLED: Final = 0.2  # of what was alive in the scope, for a burst to matter
MOST_KILLED: Final = 0.5  # and to be a restart
TOGETHER_S: Final = 1.0  # what ends this near one another ended together: stamps of whole seconds, two workers
FEW: Final = 3  # fewer open elsewhere say nothing
UNCLAIMED_SHARE: Final = 0.5  # so many lines of unknown owners, for connections without a line to be theirs
# nginx's own timers make echoes of whatever synchronised their clients; they are explained without a burst.
IS_TOLD: Final = OPENED & ~pl.col("nginx_timed_out") & (~pl.col("is_pagehide_only").fill_null(value=False))
CLOSED_S: Final = pl.when(IS_TOLD).then(pl.col("ended_at").dt.timestamp("ms") / 1000)
HEARD: Final = (
    "upstream", "path", "no_nginx_line", "is_unclaimed", "nginx_is_complete", "close_code", "has_client",
    "nginx_closed_at",
)  # fmt: skip


class BurstKind(StrEnum):
    """What a burst was."""

    CRASH = "crash"  # an nginx worker died
    STOP = "stop"  # nginx was stopped fast
    UNLOGGED = "unlogged"  # nginx logged none of them, and does not say why
    RELOAD = "reload"  # nginx's old workers cut what was left
    UPSTREAM = "upstream"  # one app server lost its connections
    PATH = "path"  # one path did, where no log names the app server
    TOGETHER = "together"  # many at once, and nothing says whose doing it was


class MassDrop(Struct, frozen=True, kw_only=True):
    """A burst with a name.

    Attributes:
        kind: What it was.
        evidence: Lines of proof.
    """

    kind: BurstKind
    raw: RawBurst
    n_drops: int
    cause: Cause
    tier: Tier
    evidence: tuple[str, ...]


def find_mass_drops(facts: pl.DataFrame, lifecycle: pl.DataFrame, *, has_notices: bool) -> list[MassDrop]:
    """Find bursts among opened connections and say who was behind them.

    Args:
        facts: `HEARD`, `ended_at`, `opened_at`, and what `IS_TOLD` reads.
        lifecycle: `schema.EVENTS` rows of nginx process life.
        has_notices: Whether nginx's error log is kept at a level that shows reloads and stops.

    Returns:
        Named bursts in order of time.
    """
    # Where no log names the app server, a path stands for it.
    share_by = "upstream" if facts["upstream"].is_not_null().any() else "path"
    bursts = [burst for burst in _bursts(facts, share_by) if burst.end_s - burst.start_s <= LONGEST_S]
    if not bursts:
        return []
    rows = facts.select(*HEARD, CLOSED_S.alias("closed_s"), epoch("opened_at").alias("opened_s"))
    rows = rows.filter(pl.col("closed_s").is_not_null()).sort("closed_s")
    named = [_name(burst, rows, bursts, lifecycle, has_notices=has_notices) for burst in bursts]
    found = [m for m in named if m is not None]
    return [m for m in found if not _is_part_of_another(m, found)]


def _bursts(facts: pl.DataFrame, share_by: str) -> list[RawBurst]:
    """Find bursts among all, among those that nginx never logged, and in each share."""
    shares = pl.Enum(facts[share_by].drop_nulls().unique().sort())  # numbers instead of texts
    times = (CLOSED_S.alias("closed_s"), epoch("opened_at").alias("opened_s"))
    closes = facts.select(*times, pl.col(share_by).cast(shares).alias("share"), "no_nginx_line")
    closes = closes.sort("closed_s", nulls_last=True)
    closes = closes.head(closes["closed_s"].count())
    unlogged, counts = closes.filter("no_nginx_line"), closes["share"].drop_nulls().value_counts()
    often = counts.filter(pl.col("count") >= FEWEST)["share"].implode()  # a path may be one connection's own

    def scopes() -> Iterator[Scope]:
        yield Scope(ScopeKind.ALL.value, closes)
        yield Scope(ScopeKind.NO_NGINX_LINE.value, unlogged)
        shared = closes.select("share", "closed_s", "opened_s").filter(pl.col("share").is_in(often))
        for (share,), of_share in shared.partition_by("share", as_dict=True).items():
            yield Scope(f"{share_by} {share}", of_share)

    return scan_scopes(scopes(), n_scopes=1 + (not unlogged.is_empty()) + counts.height, span=span_of(closes))


def epoch(column: str) -> pl.Expr:
    """Return a moment in seconds since 1970."""
    return pl.col(column).dt.timestamp("ms") / 1000


def _name(
    burst: RawBurst, rows: pl.DataFrame, bursts: list[RawBurst], lifecycle: pl.DataFrame, *, has_notices: bool
) -> MassDrop | None:
    """Say what a burst was; None if most of it said goodbye, most of its scope lived on, or nothing explains it."""
    if burst.killed_share < LEAST_KILLED:
        return None
    inside = _closed_within(rows, burst.start_s, burst.end_s).filter(in_scope(burst.scope))
    unclean = inside.filter(IS_1006 | ~pl.col("has_client")).height
    if unclean < max(3, UNCLEAN_SHARE * inside.height):
        return None
    if burst.scope == ScopeKind.NO_NGINX_LINE:
        named = _unlogged(burst, rows, lifecycle)
    else:
        lost = [other for other in bursts if _is_lost_with(other, burst)]
        n_lost = len({other.scope for other in lost})
        reload = _reload(burst, inside, n_lost, lifecycle, has_notices=has_notices)
        is_one_cut = any(other.scope != burst.scope and _is_sharp_with(other, burst) for other in lost)
        lost_elsewhere = 1.0 if is_one_cut else _lost_elsewhere(burst, rows)
        named = reload or _by_scope(burst, n_lost, lost_elsewhere)
    if named is None:
        return None
    kind, notices = named
    cause, tier = CAUSES[kind]
    what = f"{burst.n} connections ended within {_span(burst)} ({burst.scope}): {_percent(burst)} of what was open"
    return MassDrop(kind=kind, raw=burst, n_drops=unclean, cause=cause, tier=tier, evidence=(what, *notices))


def _closed_within(rows: pl.DataFrame, first_s: float, last_s: float) -> pl.DataFrame:
    """Return those of *rows*, which are in order of `closed_s`, that closed from one moment to another."""
    closed = rows["closed_s"]
    return rows[closed.search_sorted(first_s, "left") : closed.search_sorted(last_s, "right")]


def _span(burst: RawBurst) -> str:
    seconds = burst.end_s - burst.start_s
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(seconds * 1000, 1):.0f} ms"


def _percent(burst: RawBurst) -> str:
    return f"{round(100 * burst.killed_share)} %"


CAUSES: Final = {
    BurstKind.CRASH: (Cause.PROXY_RESTART, Tier.NGINX),
    BurstKind.STOP: (Cause.PROXY_RESTART, Tier.NGINX),
    BurstKind.UNLOGGED: (Cause.PROXY_RESTART, Tier.NGINX),
    BurstKind.RELOAD: (Cause.PROXY_RELOAD, Tier.NGINX),
    BurstKind.UPSTREAM: (Cause.SERVER_RESTART, Tier.APP),
    BurstKind.PATH: (Cause.SERVER_RESTART, Tier.APP),
    BurstKind.TOGETHER: (Cause.UNKNOWN, Tier.UNKNOWN),
}
Named = tuple[BurstKind, tuple[str, ...]]


def _is_lost_with(other: RawBurst, burst: RawBurst) -> bool:
    """Whether another app server (or path) lost most of its connections at the same time."""
    is_scope = split_scope(other.scope)[0] in {ScopeKind.UPSTREAM, ScopeKind.PATH}
    return is_scope and other.killed_share >= MOST_KILLED and _overlap(other, burst)


def _overlap(one: RawBurst, other: RawBurst) -> bool:
    """Whether two bursts happened at the same time, give or take a second."""
    return one.start_s <= other.end_s + TOGETHER_S and one.end_s >= other.start_s - TOGETHER_S


def _is_sharp_with(one: RawBurst, other: RawBurst) -> bool:
    """Whether two bursts are as one cut: processes that end by themselves take their time."""
    return max(one.end_s, other.end_s) - min(one.start_s, other.start_s) <= SHARP_S


def _notices(lifecycle: pl.DataFrame, burst: RawBurst, kind: EventKind, *, before_s: float = NOTICE_S) -> list[str]:
    """The lines of nginx's life around a burst, the nearest to its start first."""
    if lifecycle.is_empty():
        return []
    at = epoch("at")
    hits = lifecycle.filter(
        (pl.col("event") == kind) & at.is_between(burst.start_s - before_s - 1.0, burst.end_s + 1.5)
    ).sort((at - burst.start_s).abs(), "ref")
    return hits.select(pl.format("{}: {}", "ref", pl.col("message").fill_null(""))).to_series().to_list()


def _unlogged(burst: RawBurst, rows: pl.DataFrame, lifecycle: pl.DataFrame) -> Named | None:
    """Connections that nginx never logged went with the process that would have.

    Where it logged as many that nobody is known to own, it may have logged these.
    """
    if crash := _notices(lifecycle, burst, EventKind.WORKER_CRASH):
        return BurstKind.CRASH, (*crash[:2], "a killed worker writes no access lines")
    if stop := _notices(lifecycle, burst, EventKind.STOP):
        return BurstKind.STOP, (*stop[:2], "a fast stop writes no access lines")
    around = _closed_within(rows, burst.start_s - TOGETHER_S, burst.end_s + TOGETHER_S)
    n_unclaimed = around["is_unclaimed"].sum()
    if burst.killed_share >= MOST_KILLED and n_unclaimed < UNCLAIMED_SHARE * burst.n:
        return BurstKind.UNLOGGED, ("nginx wrote no access line for any of them",)
    return None


def _reload(
    burst: RawBurst, inside: pl.DataFrame, n_lost: int, lifecycle: pl.DataFrame, *, has_notices: bool
) -> Named | None:
    """Old workers that reach worker_shutdown_timeout cut what they still hold at once and log it."""
    is_logged = pl.col("nginx_closed_at").is_not_null()
    logged_share = share_of(inside, is_logged)
    if logged_share < 0.5:
        return None
    told = inside.filter(pl.col("nginx_is_complete").is_not_null())
    is_cut = share_of(told, ~pl.col("nginx_is_complete")) >= 0.8
    if told.height and not is_cut:
        return None  # nginx says that it finished them: somebody else ended them
    spread = _spread_s(inside.select(epoch("nginx_closed_at")).to_series().drop_nulls())
    exits = _notices(lifecycle, burst, EventKind.WORKER_EXIT, before_s=1.0)
    reloads = _notices(lifecycle, burst, EventKind.RELOAD, before_s=RELOAD_WAIT_S)
    drains = _notices(lifecycle, burst, EventKind.DRAIN, before_s=RELOAD_WAIT_S)
    if is_cut or (exits and (reloads or drains) and spread <= SHARP_S):
        cut = ("$request_completion is empty: nginx cut them",) if is_cut else ()
        return BurstKind.RELOAD, (*(reloads or drains)[:1], *exits[:1], *cut)
    is_all = burst.scope == ScopeKind.ALL and n_lost >= 2 and burst.killed_share >= ALL_AT_ONCE and logged_share >= 0.9
    if is_all and spread <= SHARP_S and not has_notices:  # nginx would have told of a reload
        return BurstKind.RELOAD, (f"{n_lost} app servers lost nearly everything in the same {spread:.2f} s",)
    return None


def _spread_s(closed_s: pl.Series) -> float:
    """Return how long most of these closes took: a few that ended by themselves beside a cut don't stretch it."""
    closed = closed_s.sort().to_numpy()
    most = math.ceil(ALL_AT_ONCE * len(closed))
    return float((closed[most - 1 :] - closed[: len(closed) - most + 1]).min())


def _lost_elsewhere(burst: RawBurst, rows: pl.DataFrame) -> float:
    """Return the part of what was open outside of a burst's scope that ended together with it; 0: too little to say."""
    later = _closed_within(rows, burst.start_s - TOGETHER_S, math.inf)
    others = (pl.col("opened_s") < burst.start_s) & ~in_scope(burst.scope)
    ended = others & (pl.col("closed_s") <= burst.end_s + TOGETHER_S)
    n_others, n_ended = later.select(others.sum().alias("others"), ended.sum().alias("ended")).row(0)
    return float(n_ended / n_others) if n_others >= FEW else 0.0


def _by_scope(burst: RawBurst, n_lost: int, lost_elsewhere: float) -> Named | None:
    """One app server losing most of its connections is its own doing; all at once, or several paths, somebody else's.

    A path that loses a half may have lost one of two proxies' workers, so it must lose nearly all.
    """
    if burst.killed_share < MOST_KILLED:
        return None
    kind, _ = split_scope(burst.scope)
    if kind == ScopeKind.UPSTREAM and lost_elsewhere < ALL_AT_ONCE:
        return BurstKind.UPSTREAM, ()
    is_only = n_lost <= 1 and lost_elsewhere < MOST_KILLED
    if kind == ScopeKind.PATH and is_only and burst.killed_share >= ALL_AT_ONCE:
        return BurstKind.PATH, ("no other path lost its connections then",)
    return BurstKind.TOGETHER, ()


def _is_part_of_another(drop: MassDrop, drops: list[MassDrop]) -> bool:
    """Whether another one tells the same happening better: one reload, not one per upstream; a cause, not a pile."""
    if drop.kind == BurstKind.TOGETHER:
        return any(other.kind != BurstKind.TOGETHER and _overlap(other.raw, drop.raw) for other in drops)
    wide = (ScopeKind.ALL, ScopeKind.NO_NGINX_LINE)
    if drop.raw.scope in wide:
        return False
    return any(
        other is not drop
        and other.cause == drop.cause
        and other.raw.scope in wide
        and abs(other.raw.start_s - drop.raw.start_s) <= 1.0
        for other in drops
    )


def in_scope(scope: str) -> pl.Expr:
    """Whether a row is of a scope, which is called as in `RawBurst.scope`."""
    kind, _, name = scope.partition(" ")
    if kind in {ScopeKind.UPSTREAM, ScopeKind.PATH}:
        return pl.col(kind) == name
    if scope == ScopeKind.NO_NGINX_LINE:
        return pl.col("no_nginx_line")
    return pl.lit(value=True)
