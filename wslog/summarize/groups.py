"""Drops with the same cause, put together with the clusters and bursts they belong to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from wslog.knowledge import Timeout
from wslog.result import Burst, Cluster
from wslog.schema import Cause, ScopeKind, Tier
from wslog.summarize.rows import Rows
from wslog.wording import clock

# Below both of these a group is told in passing, and no advice of its own is given for it.
TINY_SHARE: Final = 0.01
TINY_N: Final = 3
SAME_EVENT: Final = dt.timedelta(seconds=10)
# What may end many connections at one moment. A timer's burst is the echo of an earlier one and proves nothing.
IN_BURSTS: Final = frozenset(
    {
        Cause.SERVER_RESTART,
        Cause.PROXY_RELOAD,
        Cause.PROXY_RESTART,
        Cause.NETWORK_LOSS,
        Cause.HEARTBEAT_TIMEOUT,
        Cause.UNKNOWN,
    }
)


class DropGroup(Struct, frozen=True, kw_only=True):
    """Drops that one sentence can speak of.

    Attributes:
        drops: Its rows, in `ORDER`.
        n_drops: How many drops there are in all.
        timeouts_s: The timers' values, the most frequent first; empty: no timer.
        timeout_ids: Timers that may be behind it, the most frequent first.
        candidates: Those of them that are known.
        statuses: Handshake statuses of those that never opened, the most frequent first; None: not logged.
        clusters: Those its drops belong to.
        bursts: Those with its cause and tier, in order of time.
        with_date: The analysis is of several days: a moment without its day would be ambiguous.
    """

    cause: Cause
    tier: Tier
    drops: Rows
    n_drops: int
    timeouts_s: tuple[float, ...]
    timeout_ids: tuple[str, ...]
    candidates: tuple[Timeout, ...]
    statuses: tuple[int | None, ...]
    clusters: tuple[Cluster, ...]
    bursts: tuple[Burst, ...]
    with_date: bool

    @property
    def n(self) -> int:
        """Drops in the group."""
        return self.drops.height

    @property
    def share(self) -> float:
        """Of all drops."""
        return self.n / self.n_drops

    @property
    def is_tiny(self) -> bool:
        """Too few drops to act on."""
        return self.n < TINY_N and self.share < TINY_SHARE

    @property
    def timeout_s(self) -> float | None:
        """The most frequent timer's value, the only one where groups are fine; None: no timer."""
        return self.timeouts_s[0] if self.timeouts_s else None

    def moment(self, burst: Burst) -> str:
        """Return when one of its bursts began, for a sentence."""
        return clock(burst.at, with_date=self.with_date)

    def most_common(self, column: str) -> str | None:
        """Return the most frequent value of a text column, or None if no row has one."""
        values = ranked(self.drops.column(column).drop_nulls())
        return str(values[0]) if values else None

    def shared(self, column: str) -> str | None:
        """Return the value that a text column has in every row, or None if there is no such value."""
        values = self.drops.column(column).unique()
        return None if values.len() != 1 or values[0] is None else str(values[0])


def group_drops(
    drops: Rows, *, clusters: Sequence[Cluster], bursts: Sequence[Burst], known: Mapping[str, Timeout], with_date: bool,
    is_fine: bool,
) -> tuple[DropGroup, ...]:  # fmt: skip
    """Group drops by cause and tier, the largest first, `unknown` last.

    Args:
        drops: As `drops_in` returns them.
        clusters: Ids equal `cluster_id`.
        bursts: Mass drops of any cause, in order of time.
        known: Timers by id.
        with_date: The connections closed on several days.
        is_fine: Also tell timers' values apart, and failed handshakes by their status; if not, failed handshakes of
            all tiers are one group, and so is `unknown`; its tier is `unknown` if they differ.
    """
    over_tiers = pl.col("cause").is_in([Cause.HANDSHAKE_FAILED.value, Cause.UNKNOWN.value])
    never_opened = pl.col("cause") == Cause.HANDSHAKE_FAILED.value
    status = pl.when(never_opened).then(pl.col("handshake_status").fill_null(-1))
    told = drops.take("cause", "tier", "timeout_s", "handshake_status")
    keyed = (
        told.select("cause", "tier", "timeout_s", status)
        if is_fine
        else told.select("cause", pl.when(~over_tiers).then("tier"))
    )
    parts = keyed.with_columns(place=drops.places).partition_by(keyed.columns, maintain_order=True, include_key=False)
    groups = [
        _group(
            replace(drops, places=part["place"]), n_drops=drops.height, clusters=clusters, bursts=bursts, known=known,
            with_date=with_date,
        )
        for part in parts
    ]  # fmt: skip
    return tuple(sorted(groups, key=_rank))


def _rank(group: DropGroup) -> tuple[bool, int, str, str, float, int]:
    return (
        group.cause is Cause.UNKNOWN,
        -group.n,
        group.cause.value,
        group.tier.value,
        -1.0 if group.timeout_s is None else group.timeout_s,
        (group.statuses[0] or -1) if group.statuses else -2,
    )


def _group(
    drops: Rows, *, n_drops: int, clusters: Sequence[Cluster], bursts: Sequence[Burst], known: Mapping[str, Timeout],
    with_date: bool,
) -> DropGroup:  # fmt: skip
    cause = Cause(drops.column("cause")[0])
    tiers = drops.column("tier").unique()
    tier = Tier(tiers[0]) if tiers.len() == 1 else Tier.UNKNOWN
    cluster_ids = set(drops.column("cluster_id").unique().drop_nulls())
    timeout_ids = tuple(str(value) for value in ranked(drops.column("timeout_id").explode().drop_nulls()))
    mine = [burst for burst in bursts if burst.cause is cause and burst.tier is tier and cause in IN_BURSTS]
    return DropGroup(
        cause=cause,
        tier=tier,
        drops=drops,
        n_drops=n_drops,
        timeouts_s=tuple(float(str(value)) for value in ranked(drops.column("timeout_s").drop_nulls())),
        timeout_ids=timeout_ids,
        candidates=tuple(known[key] for key in timeout_ids if key in known),
        statuses=tuple(None if value is None else int(str(value)) for value in ranked(drops.column("handshake_status")))
        if cause is Cause.HANDSHAKE_FAILED
        else (),
        clusters=tuple(cluster for cluster in clusters if cluster.id in cluster_ids),
        bursts=_without_echoes(mine),
        with_date=with_date,
    )


def _without_echoes(bursts: Sequence[Burst]) -> tuple[Burst, ...]:
    """Leave out bursts over everything that a narrower scope explains at the same moment."""
    narrow = [burst for burst in bursts if burst.scope_kind is not ScopeKind.ALL]
    return tuple(
        burst
        for burst in bursts
        if burst in narrow or not any(abs(burst.at - other.at) <= SAME_EVENT for other in narrow)
    )


def ranked(values: pl.Series) -> list[object]:
    """Return the distinct values of a series, the most frequent first, ties in rising order, nulls last among them."""
    name = values.name
    counted = values.to_frame().group_by(name).len("times")
    return counted.sort("times", name, descending=[True, False], nulls_last=True)[name].to_list()
