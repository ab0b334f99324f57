"""Whose doing a burst was: by what it took, what it left alive, and what nginx wrote about itself then."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.classify.bursts import FEWEST, RawBurst
from wslog.classify.closes import Closes
from wslog.classify.facts import share_of
from wslog.classify.survivors import FEW, ONE_SHARE, TOGETHER_S, Survivors, commonest
from wslog.schema import Cause, EventKind, ScopeKind, Tier, split_scope

LEFT_ALONE: Final = 0.3  # of the others, that may have ended then on their own account
NOTICE_S: Final = 3.0  # a notice this near a burst is about it
RELOAD_WAIT_S: Final = 7200.0  # worker_shutdown_timeout is seldom longer
SHARP_S: Final = 0.2  # nginx cuts what is left of an old worker within milliseconds
ALL_AT_ONCE: Final = 0.8  # of everything open, for a burst to be the proxy's doing without a notice
MOST_KILLED: Final = 0.5  # of what was alive in the scope, for a burst to be a restart
PER_NODE: Final = 4  # connections of each address and more: a load balancer's nodes, that may drop one nginx
UNCLAIMED_SHARE: Final = 0.5  # so many lines of unknown owners, for connections without a line to be theirs
SAME_S: Final = 0.3  # of when they opened, or of their age: two lines of one connection
SCATTER_S: Final = 1.5  # of most clients' clocks around one moment
AT_ITS_MIDDLE: Final = 0.6  # so many of a moment that only clients tell of; those who learn late do so one by one
LEARNT_LATE_S: Final = 120.0  # a client whose network was away learns of a close this much later


class BurstKind(StrEnum):
    """What a burst was."""

    CRASH = "crash"  # an nginx worker died
    STOP = "stop"  # nginx was stopped fast
    UNLOGGED = "unlogged"  # nginx logged none of them, and does not say why
    RELOAD = "reload"  # nginx's old workers cut what was left
    CUT = "cut"  # a proxy cut all it held: nginx, or the one before it
    UPSTREAM = "upstream"  # one app server lost its connections
    PATH = "path"  # one path did, where no log names the app server
    TOGETHER = "together"  # many at once, and nothing says whose doing it was


CAUSES: Final = {
    BurstKind.CRASH: (Cause.PROXY_RESTART, Tier.NGINX),
    BurstKind.STOP: (Cause.PROXY_RESTART, Tier.NGINX),
    BurstKind.UNLOGGED: (Cause.PROXY_RESTART, Tier.NGINX),
    BurstKind.RELOAD: (Cause.PROXY_RELOAD, Tier.NGINX),
    BurstKind.CUT: (Cause.PROXY_RELOAD, Tier.UNKNOWN),
    BurstKind.UPSTREAM: (Cause.SERVER_RESTART, Tier.APP),
    BurstKind.PATH: (Cause.SERVER_RESTART, Tier.APP),
    BurstKind.TOGETHER: (Cause.UNKNOWN, Tier.UNKNOWN),
}
IS_LOGGED: Final = pl.col("nginx_closed_at").is_not_null()
Floats = NDArray[np.float64]
Named = tuple[BurstKind, tuple[str, ...]]


def overlap(one: RawBurst, other: RawBurst) -> bool:
    """Whether two bursts happened at the same time, give or take a second."""
    return one.start_s <= other.end_s + TOGETHER_S and one.end_s >= other.start_s - TOGETHER_S


def name_burst(
    burst: RawBurst,
    inside: pl.DataFrame,
    closes: Closes,
    near: Sequence[RawBurst],
    lifecycle: pl.DataFrame,
    *,
    has_notices: bool,
) -> Named | None:
    """Say whose doing a burst was, and by which lines; None if nothing explains it.

    Args:
        burst: The burst.
        inside: What is told of those in it.
        closes: All.
        near: Those that may overlap it, itself among them.
        lifecycle: `schema.EVENTS` rows of nginx process life.
        has_notices: Whether nginx's error log is kept at a level that shows reloads and stops.
    """
    if burst.scope == ScopeKind.NO_NGINX_LINE:
        return _unlogged(burst, inside, closes, lifecycle)
    lost = [other for other in near if _is_lost_with(other, burst)]
    n_lost = len({other.scope for other in lost})
    if reload := _reload(burst, inside, lifecycle):
        return reload
    left = Survivors.of(burst, inside, closes)
    if cut := _one_cut(burst, inside, n_lost, left, has_notices=has_notices):
        return cut
    is_one_cut = any(other.scope != burst.scope and _is_sharp_with(other, burst) for other in lost)
    return _by_scope(burst, n_lost, left, is_one_cut=is_one_cut)


def _is_lost_with(other: RawBurst, burst: RawBurst) -> bool:
    """Whether another app server (or path) lost most of its connections at the same time."""
    is_scope = split_scope(other.scope)[0] in {ScopeKind.UPSTREAM, ScopeKind.PATH}
    return is_scope and other.killed_share >= MOST_KILLED and overlap(other, burst)


def _is_sharp_with(one: RawBurst, other: RawBurst) -> bool:
    """Whether two bursts are as one cut: processes that end by themselves take their time."""
    return max(one.end_s, other.end_s) - min(one.start_s, other.start_s) <= SHARP_S


def _notices(lifecycle: pl.DataFrame, burst: RawBurst, kind: EventKind, *, before_s: float = NOTICE_S) -> list[str]:
    """The lines of nginx's life around a burst, the nearest to its start first."""
    if lifecycle.is_empty():
        return []
    at = pl.col("at").dt.timestamp("ms") / 1000
    hits = lifecycle.filter(
        (pl.col("event") == kind) & at.is_between(burst.start_s - before_s - 1.0, burst.end_s + 1.5)
    ).sort((at - burst.start_s).abs(), "ref")
    return hits.select(pl.format("{}: {}", "ref", pl.col("message").fill_null(""))).to_series().to_list()


def _unlogged(burst: RawBurst, inside: pl.DataFrame, closes: Closes, lifecycle: pl.DataFrame) -> Named | None:
    """Connections that nginx never logged went with the process that would have.

    Where it logged as many at that moment that nobody is known to own, it may have logged these. Unless the load
    balancer tells the moment, some time before or after will do, too: clients learn late, and the clock that several
    pages share may be unknown. But what ended together with most of all that was open is not late.
    """
    if crash := _notices(lifecycle, burst, EventKind.WORKER_CRASH):
        return BurstKind.CRASH, (*crash[:2], "a killed worker writes no access lines")
    if stop := _notices(lifecycle, burst, EventKind.STOP):
        return BurstKind.STOP, (*stop[:2], "a fast stop writes no access lines")
    n_open = closes.open_at(burst.start_s, since_s=burst.start_s).height
    is_theirs = pl.col("is_unclaimed") & pl.col("path").is_in(inside["path"].unique().implode())

    def around(seconds: float) -> pl.DataFrame:
        return closes.within(burst.start_s - seconds, burst.end_s + seconds).filter(is_theirs)

    n_unclaimed = around(TOGETHER_S).height
    if not _is_told_by_alb(inside) and burst.n < MOST_KILLED * n_open:
        n_unclaimed = max(n_unclaimed, _may_be_theirs(around(LEARNT_LATE_S), inside))
    is_moment = narrowed(burst, inside).n >= AT_ITS_MIDDLE * burst.n
    if burst.killed_share >= MOST_KILLED and is_moment and n_unclaimed < UNCLAIMED_SHARE * burst.n:
        return BurstKind.UNLOGGED, ("nginx wrote no access line for any of them",)
    return None


def _is_told_by_alb(inside: pl.DataFrame) -> bool:
    """Whether the load balancer tells when these ended, not the clients' own clocks alone."""
    return share_of(inside, pl.col("has_alb")) > 0.5


def _may_be_theirs(lines: pl.DataFrame, inside: pl.DataFrame) -> int:
    """Count the lines that may be some connection's own: opened with it, or as old as it, if they tell."""
    untold = int(lines["opened_s"].is_null().sum())
    age = (pl.col("closed_s") - pl.col("opened_s")).alias("age_s")
    told, theirs = (of.select("opened_s", age).drop_nulls() for of in (lines, inside))
    is_like = [_is_near(told[name].to_numpy(), theirs[name].to_numpy(), SAME_S) for name in ("opened_s", "age_s")]
    return untold + int((is_like[0] | is_like[1]).sum())


def _is_near(values: Floats, others: Floats, within: float) -> NDArray[np.bool_]:
    """Whether any of the others lies near each value."""
    others = np.sort(others)
    first, last = (np.searchsorted(others, values + shift) for shift in (-within, within))
    return np.asarray(last > first)


def narrowed(burst: RawBurst, inside: pl.DataFrame) -> RawBurst:
    """Narrow a burst that only clients tell of to its middle: a clock that is farther off may be off by anything."""
    if burst.scope != ScopeKind.NO_NGINX_LINE or _is_told_by_alb(inside):
        return burst
    median = pl.col("closed_s").quantile(0.5, "lower")  # one of them: between two piles is nobody
    middle = inside.filter((pl.col("closed_s") - median).abs() <= SCATTER_S)["closed_s"]
    start, end = float(middle.to_numpy().min()), float(middle.to_numpy().max())
    return burst._replace(start_s=start, end_s=end, n=len(middle))


def _reload(burst: RawBurst, inside: pl.DataFrame, lifecycle: pl.DataFrame) -> Named | None:
    """Old workers that reach worker_shutdown_timeout cut what they still hold at once and log it."""
    if share_of(inside, IS_LOGGED) < 0.5:
        return None
    is_cut = _is_cut(inside)
    if is_cut is False:
        return None  # nginx says that it finished them: somebody else ended them
    exits = _notices(lifecycle, burst, EventKind.WORKER_EXIT, before_s=1.0)
    reloads = _notices(lifecycle, burst, EventKind.RELOAD, before_s=RELOAD_WAIT_S)
    drains = _notices(lifecycle, burst, EventKind.DRAIN, before_s=RELOAD_WAIT_S)
    if is_cut or (exits and (reloads or drains) and _spread_s(inside) <= SHARP_S):
        cut = ("$request_completion is empty: nginx cut them",) if is_cut else ()
        return BurstKind.RELOAD, (*(reloads or drains)[:1], *exits[:1], *cut)
    return None


def _is_cut(inside: pl.DataFrame) -> bool | None:
    """Whether nginx says that it cut most of them; None: it does not say."""
    told = inside.drop_nulls("nginx_is_complete")
    return share_of(told, ~pl.col("nginx_is_complete")) >= ALL_AT_ONCE if told.height else None


def _one_cut(burst: RawBurst, inside: pl.DataFrame, n_lost: int, left: Survivors, *, has_notices: bool) -> Named | None:
    """All connections of several app servers at once are one process's doing: nginx's, or that of a proxy before it."""
    kind, _ = split_scope(burst.scope)
    is_one_of_several = kind is ScopeKind.PROXY and left.n_elsewhere >= FEW and left.lost_elsewhere < MOST_KILLED
    if is_one_of_several:
        n_lost = inside.select(pl.coalesce("upstream", "path")).to_series().n_unique()
    is_wide = n_lost >= 2 and (kind is ScopeKind.ALL or is_one_of_several)
    is_all = is_wide and burst.killed_share >= ALL_AT_ONCE and share_of(inside, IS_LOGGED) >= 0.9
    if not is_all or (spread_s := _spread_s(inside)) > SHARP_S:
        return None
    what = f"{n_lost} app servers lost nearly everything in the same {spread_s:.2f} s"
    peers = inside["nginx_peer_ip"].drop_nulls()
    is_one_peer = len(peers) >= FEWEST and commonest(peers) >= ONE_SHARE
    is_of_few = len(peers) > 0 and peers.n_unique() <= len(peers) / PER_NODE
    is_behind = is_one_peer or (is_one_of_several and is_of_few)
    if has_notices or _is_cut(inside) is not None:  # nginx would have told of a reload
        denied = "nginx tells of no cut of its own: what stands before it ended them"
        return (BurstKind.CUT, (what, denied)) if is_one_peer or is_one_of_several else None
    if is_behind:
        return BurstKind.CUT, (what, f"nginx had them from {peers.mode().sort()[0]}: that side may have cut them")
    return BurstKind.RELOAD, (what,)


def _spread_s(inside: pl.DataFrame) -> float:
    """Return how long most of their closes took: a few that ended by themselves beside a cut don't stretch it."""
    closed = (inside["nginx_closed_at"].drop_nulls().dt.timestamp("ms") / 1000).sort().to_numpy()
    most = math.ceil(ALL_AT_ONCE * len(closed))
    return float((closed[most - 1 :] - closed[: len(closed) - most + 1]).min())


def _by_scope(burst: RawBurst, n_lost: int, left: Survivors, *, is_one_cut: bool) -> Named | None:
    """One app server losing most of its connections is its own doing; all at once, or several paths, somebody else's.

    An app server that ends takes its connections through every proxy and of every client. A path that loses a part may
    have lost one of several app servers, or one of two proxies' workers; those would have taken others along.
    """
    if left.is_of_one_client:
        return None  # that client's doing, or its network's
    killed, (kind, _) = burst.killed_share, split_scope(burst.scope)
    lost_elsewhere = 1.0 if is_one_cut else left.lost_elsewhere
    is_sharp = burst.end_s - burst.start_s <= TOGETHER_S
    if left.is_of_one_proxy:
        return (BurstKind.TOGETHER, ()) if killed >= MOST_KILLED or is_sharp else None
    if kind is ScopeKind.UPSTREAM and killed >= MOST_KILLED and lost_elsewhere < ALL_AT_ONCE:
        return BurstKind.UPSTREAM, ()
    is_only = n_lost <= 1 and lost_elsewhere < LEFT_ALONE
    if kind is ScopeKind.PATH and is_only and (killed >= ALL_AT_ONCE or (is_sharp and left.are_untouched(killed))):
        return BurstKind.PATH, ("no other path lost its connections then",)
    return (BurstKind.TOGETHER, ()) if killed >= MOST_KILLED or is_sharp else None
