"""What became of the clusters between two weeks: new, gone, moved, larger, smaller (METHOD 1.3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from wslog.knowledge.tolerance import tolerance_s
from wslog.result import Cluster
from wslog.weekly.rates import NO_HISTORY, WOBBLE, Blocks, compare
from wslog.weekly_result import ClusterChange, WeekCluster, WeekSummary
from wslog.wording import sentence, whole_percent

ALPHA: Final = 0.005
CRITICAL: Final = 2.58
# Smallest share found in 90 % of runs, by drops (METHOD 1.5), and what lies between on a log-log scale.
LIMITS: Final = ((20, 0.40), (50, 0.15), (100, 0.10), (1_000, 0.015), (10_000, 0.004), (100_000, 0.003))
MARGIN: Final = 1.5
LEAST_MEMBERS: Final = 15  # to expect of the other week: fewer may be missed by chance
_WORDS: Final = {
    "idle_s": "closes after {} of silence",
    "idle_in_s": "closes {} after the last message in",
    "idle_out_s": "closes {} after the last message out",
    "lifetime_s": "closes at the age of {}",
}


def compare_clusters(week: WeekSummary, other: WeekSummary) -> tuple[ClusterChange, ...]:
    """Compare two weeks' clusters, the largest first; the shares are of the drops that have a value on the axis."""
    left = list(other.clusters)
    changes: list[ClusterChange] = []
    for own in week.clusters:
        twin = next((one for one in left if _is_same(own.cluster, one.cluster)), None)
        if twin is None:
            changes.append(_appeared(own, other))
        else:
            left.remove(twin)
            changes.append(_changed(own, twin))
    changes += [_vanished(one, week) for one in left]
    return tuple(sorted(_with_moves(changes), key=lambda change: (-change.cluster.n, change.cluster.id)))


def detection_limit(n: int) -> float:
    """Return the smallest share of *n* drops that would surely be seen as a cluster; 1 below twenty drops."""
    if n < LIMITS[0][0]:
        return 1.0
    for (n0, share0), (n1, share1) in pairwise(LIMITS):
        if n <= n1:
            part = math.log(n / n0) / math.log(n1 / n0)
            return math.exp(math.log(share0) + part * math.log(share1 / share0))
    return LIMITS[-1][1]


def _is_same(one: Cluster, two: Cluster) -> bool:
    within = tolerance_s(max(one.center_s, two.center_s))
    return one.axis == two.axis and (
        abs(one.center_s - two.center_s) <= within or abs(one.timeout_s - two.timeout_s) <= within
    )


def _is_visible(cluster: Cluster, week: WeekSummary) -> bool:
    """Return whether a week would surely have shown a cluster of this share of its drops."""
    n = week.n_valued.get(cluster.axis, 0)
    return cluster.share_low > detection_limit(n) * MARGIN and cluster.share_low * n >= LEAST_MEMBERS


def _appeared(own: WeekCluster, other: WeekSummary) -> ClusterChange:
    is_new = _is_visible(own.cluster, other)
    what = describe(own.cluster)
    statement = (
        f"New: {what}, {whole_percent(own.cluster.share)} of the drops {whose(own.cluster)}"
        if is_new
        else f"{sentence(what)}: not seen last week, which had too few drops to show it"
    )
    return ClusterChange(kind="new" if is_new else "unclear", cluster=own.cluster, previous=None, statement=statement)


def _vanished(gone: WeekCluster, week: WeekSummary) -> ClusterChange:
    is_gone = _is_visible(gone.cluster, week)
    what = describe(gone.cluster)
    statement = (
        f"Gone: {what}, {whole_percent(gone.cluster.share)} of last week's drops {whose(gone.cluster)}"
        if is_gone
        else f"{sentence(what)}: not seen any more, but this week has too few drops to tell"
    )
    return ClusterChange(
        kind="gone" if is_gone else "unclear", cluster=gone.cluster, previous=gone.cluster, statement=statement
    )


def _changed(own: WeekCluster, twin: WeekCluster) -> ClusterChange:
    week, other = _blocks(own), _blocks(twin)
    now, before = week.rate or 0.0, other.rate or 0.0
    spread = math.sqrt(_variance(own) + _variance(twin) + (WOBBLE * (now + before) / 2) ** 2)
    by_days = compare(week, other, NO_HISTORY)
    what = sentence(describe(own.cluster))
    is_changed = abs(now - before) > CRITICAL * spread and by_days is not None and by_days.p_value < ALPHA
    kind = ("grew" if now > before else "shrank") if is_changed else "same"
    how = (
        f"{whole_percent(before)} → {whole_percent(now)} of the drops {whose(own.cluster)}"
        if is_changed
        else f"{whole_percent(now)} of the drops {whose(own.cluster)}, as before"
    )
    return ClusterChange(kind=kind, cluster=own.cluster, previous=twin.cluster, statement=f"{what}: {how}")  # type: ignore[arg-type]


def _variance(one: WeekCluster) -> float:
    """Return the variance of a share from its interval."""
    cluster = one.cluster
    return ((cluster.share_high - cluster.share_low) / (2 * 1.96)) ** 2


def _blocks(one: WeekCluster) -> Blocks:
    return Blocks(tuple(map(float, one.by_day)), tuple(map(float, one.valued_by_day)))


def _with_moves(changes: Sequence[ClusterChange]) -> list[ClusterChange]:
    """Read one gone and one new cluster of the same timers, or of the same axis and like size, as one that moved."""
    new = [change for change in changes if change.kind == "new"]
    gone = [change for change in changes if change.kind == "gone"]
    moved: list[ClusterChange] = []
    for one in new:
        twin = next((other for other in gone if _may_be_moved(one.cluster, other.cluster)), None)
        if twin is None:
            continue
        gone.remove(twin)
        part = whole_percent(one.cluster.share)
        statement = (
            f"Moved: {describe(twin.cluster)} → {one.cluster.timeout_s:g} s, {part} of the drops {whose(one.cluster)}"
        )
        moved.append(ClusterChange(kind="moved", cluster=one.cluster, previous=twin.cluster, statement=statement))
    taken = {id(change.cluster) for change in moved} | {id(change.previous) for change in moved}
    return [*moved, *(change for change in changes if id(change.cluster) not in taken)]


def _may_be_moved(new: Cluster, old: Cluster) -> bool:
    if new.axis != old.axis:
        return False
    share = min(new.share, old.share) / max(new.share, old.share)
    return bool(set(new.timeout_ids) & set(old.timeout_ids)) or (
        share > 0.6 and not (new.timeout_ids and old.timeout_ids)
    )


def whose(cluster: Cluster) -> str:
    """Return which drops a cluster's share is of: those that never opened have neither silence nor age."""
    return f"whose {'age' if cluster.axis == 'lifetime_s' else 'silence'} is known"


def describe(cluster: Cluster) -> str:
    """Return what a cluster's drops have in common, in words."""
    return _WORDS.get(cluster.axis, "closes at {}").format(f"{cluster.timeout_s:g} s")
