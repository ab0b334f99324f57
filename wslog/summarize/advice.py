"""What to change: mends from the knowledge base that the drops call for, filled in and ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from wslog.knowledge import Mend, Setting, fill, mends_for
from wslog.result import Advice, Burst, Reconnects
from wslog.schema import Cause, Tier
from wslog.summarize.filling import fill_for, path_of
from wslog.summarize.groups import TINY_N, DropGroup
from wslog.summarize.heartbeats import Heartbeat, choose_heartbeat
from wslog.wording import joined, timer

CUTS: Final = frozenset({Cause.SERVER_RESTART, Cause.PROXY_RELOAD, Cause.PROXY_RESTART})
HEARTBEAT: Final = "heartbeat"
BACKOFF: Final = "backoff-with-jitter"
NO_ANSWER: Final = 502
OUTAGE: Final = frozenset({429, 502, 503, 504, None})  # statuses of handshakes that a later try may get through
WHEN_VISIBLE: Final = "reconnect-when-visible"
LOGS_FOR_UNKNOWN: Final = 3
LOGS_FIRST: Final = "handshake-logs-first"
MINOR: Final = 0.05  # advice on refused handshakes below this share is told together
# Mends that speak to more causes than they prevent: they shorten the outage, find the fault, or say it is none.
PREVENTS: Final[Mapping[str, frozenset[Cause]]] = {
    HEARTBEAT: frozenset({Cause.IDLE_TIMEOUT}),
    BACKOFF: frozenset({Cause.HANDSHAKE_FAILED}),
    "pagehide-close": frozenset(),
    WHEN_VISIBLE: frozenset(),
}


class _Plan(Struct, frozen=True, kw_only=True):
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
) -> tuple[tuple[Advice, ...], tuple[tuple[int, ...], ...]]:
    """Collect what to change, what would prevent most first, better logs last.

    Args:
        groups: Drops by cause, tier and timer.
        mends: The knowledge base's.
        to_log: Ids of the mends that would make the next answer better, the most useful first.
        reconnects: Storms in it call for backoff.
        settings: Timers found in configuration.

    Returns:
        The advice, and for each group the indexes of what speaks to it. The first sentence of each text is a complete
        short instruction. `would_prevent_n` counts the drops a piece of advice speaks to, so two pieces may count the
        same drops.
    """
    plans = _plans(groups, mends=mends, reconnects=reconnects, settings=settings)
    ordered = sorted(plans, key=lambda plan: (-plan.prevents_n, -plan.speaks_to_n, plan.rank, plan.mend.title))
    n_drops = groups[0].n_drops if groups else 0
    advice = [_advice(plan.mend, n=plan.prevents_n, n_drops=n_drops) for plan in ordered]
    by_id = {mend.id: mend for mend in mends}
    logging = {key: len(advice) + nth for nth, key in enumerate(dict.fromkeys(key for key in to_log if key in by_id))}
    path = path_of(groups[0]) if groups else None
    advice += [_advice(fill(by_id[key], path=path), n=0, n_drops=n_drops) for key in logging]
    indexes = tuple(
        (*(i for i, plan in enumerate(ordered) if nth in plan.groups), *_logs_for(group, logging))
        for nth, group in enumerate(groups)
    )
    return tuple(advice), indexes


def _logs_for(group: DropGroup, logging: Mapping[str, int]) -> list[int]:
    """Return the advice on logging that a group needs: all helps the unknown, the first decides a tie."""
    if group.cause is Cause.HANDSHAKE_FAILED:
        return [logging[LOGS_FIRST]] if group.statuses[:1] == (None,) and LOGS_FIRST in logging else []
    others = [index for key, index in logging.items() if key != LOGS_FIRST]
    if group.cause is Cause.UNKNOWN:
        return others[:LOGS_FOR_UNKNOWN]
    return others[: int(group.tier is Tier.UNKNOWN and len(group.timeout_ids) > 1)]


def _advice(mend: Mend, *, n: int, n_drops: int) -> Advice:
    return Advice(
        text=mend.instruction,
        config=mend.config,
        would_prevent_n=n,
        would_prevent_share=n / n_drops if n_drops else 0.0,
        is_observability=mend.is_observability,
    )


def _plans(
    groups: Sequence[DropGroup],
    *,
    mends: Sequence[Mend],
    reconnects: Reconnects,
    settings: Sequence[Setting],
) -> list[_Plan]:
    """Fill each mend in once, for all groups it speaks to; one that only tiny groups need is left out."""
    needs_backoff = bool(reconnects.storms) or any(group.cause in CUTS for group in groups)
    heartbeat = choose_heartbeat(groups)
    speaks: dict[str, list[int]] = {}
    for nth, group in enumerate(groups):
        for mend in _mends_of(group, mends):
            if mend.id != BACKOFF or needs_backoff:
                speaks.setdefault(mend.id, []).append(nth)
    has_large = any(not group.is_tiny for group in groups)
    plans = []
    for rank, mend in enumerate(mends):
        mine = speaks.get(mend.id, [])
        parts = [groups[nth] for nth in mine]
        if not parts or (has_large and all(group.is_tiny for group in parts)):
            continue
        meant = [_meant(mend, _of_bursts(group, _calling(mend, group, mends))) for group in parts]
        ready = fill_for(mend, meant, settings=settings, ping_s=heartbeat.ping_s)
        if mend.id == HEARTBEAT:
            ready = _with_exceptions(_with_doubt(ready, parts), parts, heartbeat, settings)
        prevented = [_n_prevented(mend, group, heartbeat) for group in meant]
        plans.append(
            _Plan(
                mend=ready,
                rank=rank,
                groups=tuple(mine),
                prevents_n=sum(prevented),
                speaks_to_n=sum(group.n for group in meant),
            )
        )
    return _join_minor(plans, groups)


def _calling(mend: Mend, group: DropGroup, mends: Sequence[Mend]) -> list[Burst]:
    """Return the bursts whose own lines call for a mend: what another one says of some of them is not about these."""
    closer = [mend] if mend.evidence else [other for other in mends if other.replaces == mend.id and other.evidence]

    def is_told(burst: Burst) -> bool:
        return any(other.evidence in line for other in closer for line in burst.evidence)

    return [burst for burst in group.bursts if is_told(burst) == bool(mend.evidence)]


def _of_bursts(group: DropGroup, chosen: Sequence[Burst]) -> DropGroup:
    """Return the drops of a group that are nearer in time to *chosen* bursts than to others; all, if there are none."""
    others = [burst for burst in group.bursts if burst not in chosen]
    if not chosen or not others:
        return group
    here, there = (
        pl.min_horizontal((pl.col("closed_at") - burst.at).abs() for burst in bursts) for bursts in (chosen, others)
    )
    return replace(group, drops=group.drops.where(here <= there), bursts=tuple(chosen))


def _meant(mend: Mend, group: DropGroup) -> DropGroup:
    """Return the drops of a group that a mend may help.

    Where the tier is not decided, a mend for one tier means only the drops that a timer of that tier may have ended.
    """
    if group.tier is not Tier.UNKNOWN or mend.tier in {None, Tier.UNKNOWN}:
        return group
    theirs = [timeout.id for timeout in group.candidates if timeout.tier is mend.tier]
    is_theirs = pl.any_horizontal(pl.col("timeout_id").list.contains(timeout_id) for timeout_id in theirs)
    return replace(group, drops=group.drops.where(is_theirs))


def _n_prevented(mend: Mend, group: DropGroup, heartbeat: Heartbeat) -> int:
    """Return how many drops of a group a mend would prevent; backoff spares the tries after the first in vain."""
    if group.cause not in PREVENTS.get(mend.id, frozenset(mend.causes)):
        return 0
    if mend.id == HEARTBEAT and not heartbeat.helps(group):
        return 0
    return int((group.drops.column("attempt") > 1).sum()) if mend.id == BACKOFF else group.n


def _mends_of(group: DropGroup, mends: Sequence[Mend]) -> list[Mend]:
    """Return what speaks to a group: no mends for tiers that are no candidates, nor for other statuses than its own."""
    status = group.statuses[0] if group.statuses else None
    if status is None and group.cause is Cause.HANDSHAKE_FAILED and group.tier is Tier.APP:
        status = NO_ANSWER  # an error log alone: what nginx tells a client that the application had nothing to say to
    proofs = [burst.evidence for burst in group.bursts] or [()]
    found = dict.fromkeys(
        mend
        for proof in proofs
        for mend in mends_for(
            mends, group.cause, tier=group.tier, status=status, timeout_ids=group.timeout_ids, evidence=proof
        )
    )
    if _is_of_hidden_pages(group):
        found |= dict.fromkeys(mend for mend in mends if mend.id == WHEN_VISIBLE)
    is_in_vain = group.cause is Cause.HANDSHAKE_FAILED and status not in OUTAGE
    return [mend for mend in found if mend.tier in _tiers_for(group) and not (mend.id == BACKOFF and is_in_vain)]


def _is_of_hidden_pages(group: DropGroup) -> bool:
    """Return whether most pages were in the background: their timers are held back, and nobody sees them reconnect."""
    n_hidden = int((group.drops.column("visibility") == "hidden").sum())
    return group.cause in {Cause.IDLE_TIMEOUT, Cause.UNKNOWN} and n_hidden >= TINY_N and 2 * n_hidden > group.n


def _tiers_for(group: DropGroup) -> set[Tier | None]:
    """Return whose mends a group calls for.

    Where nobody knows whose timer it was, raising that of one tier may move nothing: the mends of a tier count only if
    the timers that fit are all its own.
    """
    tiers = {timeout.tier for timeout in group.candidates}
    is_one_of_ours = len(tiers) == 1 and tiers <= {Tier.NGINX, Tier.ALB}
    return {None, *tiers} if group.tier is Tier.UNKNOWN and is_one_of_ours else {None, group.tier}


def _with_doubt(mend: Mend, groups: Sequence[DropGroup]) -> Mend:
    """Say by what to choose the interval where no log tells the value of a timer."""
    timed = [group for group in groups if group.cause is Cause.IDLE_TIMEOUT and not group.is_tiny]
    if all(group.timeout_s is not None for group in timed):
        return mend
    doubt = "The value of a timer that fired is not in these logs: stay below half of the smallest that you have set."
    return replace(mend, text=f"{doubt} {mend.text}")


def _with_exceptions(
    mend: Mend, groups: Sequence[DropGroup], heartbeat: Heartbeat, settings: Sequence[Setting]
) -> Mend:
    """Name the paths whose timers are too short for a heartbeat that suits all others."""
    short = [group for group in groups if not heartbeat.helps(group) and not group.is_tiny]
    if not short:
        return mend
    where: dict[float, list[str]] = {}
    for group in short:
        # Tiers in doubt make their own groups: a path is said to have a timer only where the tier is known.
        if group.timeout_s is not None and (path := path_of(group, settings)) is not None:
            where.setdefault(group.timeout_s, []).append(path)
    told = [
        f"{joined(list(dict.fromkeys(paths)))} {'have' if len(set(paths)) > 1 else 'has'} "
        f"a {timer(timer_s)} timer: raise it."
        for timer_s, paths in where.items()
    ]
    return replace(mend, text=" ".join([*told, mend.text]))


def _join_minor(plans: Sequence[_Plan], groups: Sequence[DropGroup]) -> list[_Plan]:
    """Tell together what speaks to handshakes refused with some status, where each is a small share of the drops."""
    n_drops = groups[0].n_drops if groups else 0
    minor = [plan for plan in plans if plan.mend.statuses and plan.prevents_n < MINOR * n_drops]
    if len(minor) < 2:
        return list(plans)
    minor.sort(key=lambda plan: (-plan.prevents_n, plan.rank))
    parts = [(_status_of(plan, groups), plan) for plan in minor]
    paths = [path_of(groups[plan.groups[0]]) for plan in minor]
    heads = [f"{status} on {path}" if path else status for (status, _), path in zip(parts, paths, strict=True)]
    shown = heads if len(heads) < 3 else [*heads[:2], f"{len(heads) - 2} more"]
    mend = replace(
        minor[0].mend,
        id="handshakes-by-status",
        title=f"Mend the refused handshakes: {joined(shown)}.",
        text=" ".join(f"{status}: {plan.mend.title}" for status, plan in parts),
        config="\n".join(f"# {status}\n{plan.mend.config.lstrip()}" for status, plan in parts if plan.mend.config),
    )
    together = replace(
        minor[0],
        mend=mend,
        groups=tuple(sorted(nth for plan in minor for nth in plan.groups)),
        prevents_n=sum(plan.prevents_n for plan in minor),
        speaks_to_n=sum(plan.speaks_to_n for plan in minor),
    )
    return [*(plan for plan in plans if plan not in minor), together]


def _status_of(plan: _Plan, groups: Sequence[DropGroup]) -> str:
    statuses = {str(groups[nth].statuses[0]) for nth in plan.groups}
    return joined(sorted(statuses))
