"""What to change: mends from the knowledge base that the drops call for, filled in and ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from wslog.knowledge import Mend, Setting, Timeout, fill, mends_for
from wslog.result import Advice, Reconnects
from wslog.schema import Cause, Tier
from wslog.summarize.groups import DropGroup, ranked

CUTS: Final = frozenset({Cause.SERVER_RESTART, Cause.PROXY_RELOAD, Cause.PROXY_RESTART})
BACKOFF: Final = "backoff-with-jitter"
OUTAGE: Final = frozenset({429, 502, 503, 504, None})  # statuses of handshakes that a later try may get through
EVERY_TIER: Final = "idle-timeout-every-tier"
LOGS_FOR_UNKNOWN: Final = 3
LOGS_FIRST: Final = "handshake-logs-first"
# Mends that speak to more causes than they prevent: they shorten the outage, find the fault, or say it is none.
PREVENTS: Final[Mapping[str, frozenset[Cause]]] = {
    "heartbeat": frozenset({Cause.IDLE_TIMEOUT, Cause.HEARTBEAT_TIMEOUT}),
    BACKOFF: frozenset({Cause.HANDSHAKE_FAILED}),
    "pagehide-close": frozenset({Cause.CLIENT_SUSPENDED}),
    "reconnect-when-visible": frozenset(),
    "suspended-is-normal": frozenset(),
    "client-left-is-normal": frozenset(),
    "network-detect-early": frozenset(),
    LOGS_FIRST: frozenset(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """One mend, filled in, and the groups (by index) that it speaks to."""

    mend: Mend
    rank: int
    groups: tuple[int, ...]
    prevents_n: int
    speaks_to_n: int


def collect_advice(
    groups: Sequence[DropGroup],
    *,
    mends: Sequence[Mend],
    to_log: Sequence[str],
    reconnects: Reconnects,
    settings: Sequence[Setting],
    known: Mapping[str, Timeout],
) -> tuple[tuple[Advice, ...], tuple[tuple[int, ...], ...]]:
    """Collect what to change, what would prevent most first, better logs last.

    Args:
        groups: Drops by cause, tier and timer.
        mends: The knowledge base's.
        to_log: Ids of the mends that would make the next answer better, the most useful first.
        reconnects: Storms in it call for backoff.
        settings: Timers found in configuration.
        known: Timers by id.

    Returns:
        The advice, and for each group the indexes of what speaks to it. `would_prevent_n` counts the drops a piece of
        advice speaks to, so two pieces may count the same drops.
    """
    plans = _merge(groups, mends=mends, reconnects=reconnects, settings=settings, known=known)
    ordered = sorted(plans, key=lambda plan: (-plan.prevents_n, -plan.speaks_to_n, plan.rank, plan.mend.text))
    n_drops = groups[0].n_drops if groups else 0
    advice = [_advice(plan.mend, n=plan.prevents_n, n_drops=n_drops) for plan in ordered]
    indexes = tuple(tuple(i for i, plan in enumerate(ordered) if nth in plan.groups) for nth in range(len(groups)))
    by_id = {mend.id: mend for mend in mends}
    path = _common_path(pl.concat([group.drops.select("path") for group in groups])) if groups else None
    better_logs = [fill(by_id[key], path=path) for key in dict.fromkeys(to_log) if key in by_id]
    logging = tuple(range(len(advice), len(advice) + len(better_logs)))
    advice += [_advice(mend, n=0, n_drops=n_drops) for mend in better_logs]
    return tuple(advice), tuple(mine + logging[: _n_logs(group)] for group, mine in zip(groups, indexes, strict=True))


def _n_logs(group: DropGroup) -> int:
    """Return how many pieces of advice on logging a group needs: all help the unknown, the first decides a tie."""
    if group.cause is Cause.UNKNOWN:
        return LOGS_FOR_UNKNOWN
    return int(group.tier is Tier.UNKNOWN and len(group.timeout_ids) > 1)


def _advice(mend: Mend, *, n: int, n_drops: int) -> Advice:
    return Advice(
        text=mend.text,
        config=mend.config,
        would_prevent_n=n,
        would_prevent_share=n / n_drops if n_drops else 0.0,
        is_observability=mend.is_observability,
    )


def _merge(
    groups: Sequence[DropGroup],
    *,
    mends: Sequence[Mend],
    reconnects: Reconnects,
    settings: Sequence[Setting],
    known: Mapping[str, Timeout],
) -> list[_Plan]:
    """Fill each mend in: once for all its groups if it is for any tier, else once per timer and path."""
    needs_backoff = bool(reconnects.storms) or any(group.cause in CUTS for group in groups)
    speaks: dict[str, list[int]] = {}
    for nth, group in enumerate(groups):
        for mend in _mends_of(group, mends, known):
            if mend.id != BACKOFF or needs_backoff:
                speaks.setdefault(mend.id, []).append(nth)
    filled: dict[Mend, list[int]] = {}
    ranks: dict[Mend, int] = {}
    for rank, mend in enumerate(mends):
        mine = speaks.get(mend.id, [])
        parts = [mine] if mend.tier is None and not mend.statuses else [[nth] for nth in mine]
        for part in parts if mine else []:
            ready = _fill(mend, [groups[nth] for nth in part], settings=settings)
            filled.setdefault(ready, []).extend(part)
            ranks[ready] = rank
    return [
        _Plan(
            mend=mend,
            rank=ranks[mend],
            groups=tuple(mine),
            prevents_n=sum(groups[nth].n for nth in mine if _prevents(mend, groups[nth].cause)),
            speaks_to_n=sum(groups[nth].n for nth in mine),
        )
        for mend, mine in filled.items()
    ]


def _prevents(mend: Mend, cause: Cause) -> bool:
    return cause in PREVENTS.get(mend.id, frozenset(mend.causes))


def _mends_of(group: DropGroup, mends: Sequence[Mend], known: Mapping[str, Timeout]) -> list[Mend]:
    """Return what speaks to a group: no mends for tiers that are no candidates, nor for other statuses than its own."""
    status = group.statuses[0] if group.statuses else None
    found = mends_for(mends, group.cause, tier=group.tier, status=status, timeout_ids=group.timeout_ids)
    never_opened = group.cause is Cause.HANDSHAKE_FAILED
    left_out = set()
    if len(group.timeout_ids) < 2:
        left_out.add(EVERY_TIER)
    if never_opened and status is not None:
        left_out.add(LOGS_FIRST)
    if never_opened and status not in OUTAGE:
        left_out.add(BACKOFF)
    tiers: set[Tier | None] = {known[key].tier for key in group.timeout_ids if key in known}
    tiers |= {None, Tier.UNKNOWN, group.tier}
    return [
        mend for mend in found if mend.id not in left_out and (mend.tier in tiers or group.tier is not Tier.UNKNOWN)
    ]


def _fill(mend: Mend, groups: Sequence[DropGroup], *, settings: Sequence[Setting]) -> Mend:
    """Fill a mend with the smallest timer and the most common path and upstream of its groups."""
    timers = [min(group.timeouts_s) for group in groups if group.timeouts_s]
    drops = pl.concat([group.drops.select("path", "upstream") for group in groups])
    scopes = {scope for group in groups for scope in _scopes(group, settings)}
    upstreams = ranked(drops["upstream"].drop_nulls())
    return fill(
        mend,
        timeout_s=min(timers, default=None),
        path=next(iter(scopes)) if len(scopes) == 1 else _common_path(drops),
        upstream=upstreams[0] if upstreams else None,
    )


def _scopes(group: DropGroup, settings: Sequence[Setting]) -> set[str]:
    """Return the nginx locations whose configured timer is the one that ended a group's connections."""
    return {
        setting.scope
        for setting in settings
        if setting.timeout_id in group.timeout_ids
        and setting.scope[:1] == "/"
        and _is_one_of(setting, group.timeouts_s)
    }


def _is_one_of(setting: Setting, timeouts_s: Sequence[float]) -> bool:
    """Return whether a setting is one of the timers seen; a value read off closes is good to 1 %, or 0.35 s."""
    return any(abs(setting.value_s - seen_s) <= max(0.35, 0.01 * seen_s) for seen_s in timeouts_s)


def _common_path(drops: pl.DataFrame) -> str | None:
    """Return the path prefix that all drops share, up to a slash, or the most common path if that is only `/`."""
    paths = drops["path"].drop_nulls()
    first, last = str(paths.min()), str(paths.max())
    if paths.is_empty() or first == last:
        return None if paths.is_empty() else first
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    prefix = first[: first[:same].rfind("/") + 1]
    return prefix if len(prefix) > 1 else str(ranked(paths)[0])
