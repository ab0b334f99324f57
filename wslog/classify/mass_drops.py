"""Bursts of closes with a name: a restarted app, a reloaded, stopped or crashed nginx, or nobody we can name."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Final, TypeVar

import polars as pl
from msgspec import Struct

from wslog.classify.bursts import FEWEST, RawBurst, Scope, scan_scopes, span_of
from wslog.classify.closes import Closes
from wslog.classify.culprits import CAUSES, BurstKind, name_burst, narrowed, overlap
from wslog.classify.facts import IS_1006
from wslog.classify.survivors import TOGETHER_S, in_scope
from wslog.schema import Cause, ScopeKind, Tier

LONGEST_S: Final = 15.0  # a wider pile is a rush hour, not a happening
UNCLEAN_SHARE: Final = 0.5  # of a burst's closes; a burst of goodbyes drops nobody
LEAST_KILLED: Final = 0.2  # of what was alive in the scope, for a burst to matter

T = TypeVar("T")


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
        facts: What `Closes.of` reads.
        lifecycle: `schema.EVENTS` rows of nginx process life.
        has_notices: Whether nginx's error log is kept at a level that shows reloads and stops.

    Returns:
        Named bursts in order of time.
    """
    closes = Closes.of(facts)
    bursts = [burst for burst in _bursts(closes) if burst.end_s - burst.start_s <= LONGEST_S]
    start_s, told_s = attrgetter("start_s"), attrgetter("raw.start_s")
    named = [
        _name(burst, closes, _near(burst, bursts, start_s), lifecycle, has_notices=has_notices) for burst in bursts
    ]
    found = [m for m in named if m is not None]
    in_order = sorted(found, key=told_s)
    return [m for m in found if not _is_part_of_another(m, _near(m.raw, in_order, told_s))]


def _near(burst: RawBurst, others: Sequence[T], start_s: Callable[[T], float]) -> Sequence[T]:
    """Return those that may overlap a burst: to hold each against each would take the square of their number.

    Args:
        burst: The burst.
        others: Of `LONGEST_S` at most, in order of their start.
        start_s: Tells it.
    """
    first = bisect_left(others, burst.start_s - TOGETHER_S - LONGEST_S, key=start_s)
    return others[first : bisect_right(others, burst.end_s + TOGETHER_S, key=start_s)]


def _bursts(closes: Closes) -> list[RawBurst]:
    """Find bursts among all, among those that nginx never logged, and in each share."""
    # Where no log names the app server, a path stands for it.
    share_by = "upstream" if closes.facts["upstream"].is_not_null().any() else "path"
    rows = closes.told(_as_number(closes, share_by), _as_number(closes, "proxy"), pl.col("no_nginx_line"))
    unlogged = rows.filter("no_nginx_line")
    # One proxy alone is all of them.
    kinds = [share_by, *(["proxy"] if rows["proxy"].drop_nulls().n_unique() > 1 else [])]
    counts = {kind: rows[kind].drop_nulls().value_counts() for kind in kinds}

    def scopes() -> Iterator[Scope]:
        yield Scope(ScopeKind.ALL.value, rows)
        yield Scope(ScopeKind.NO_NGINX_LINE.value, unlogged)
        for kind in kinds:
            often = counts[kind].filter(pl.col("count") >= FEWEST)[kind].implode()  # a path may be one connection's own
            shared = rows.select(kind, "closed_s", "opened_s").filter(pl.col(kind).is_in(often))
            for (share,), of_share in shared.partition_by(kind, as_dict=True).items():
                yield Scope(f"{kind} {share}", of_share)

    n_scopes = 1 + (not unlogged.is_empty()) + sum(some.height for some in counts.values())
    return scan_scopes(scopes(), n_scopes=n_scopes, span=span_of(rows))


def _as_number(closes: Closes, kind: str) -> pl.Expr:
    """Names as numbers instead of texts."""
    return pl.col(kind).cast(pl.Enum(closes.facts[kind].drop_nulls().unique().sort()))


def _name(
    burst: RawBurst, closes: Closes, near: Sequence[RawBurst], lifecycle: pl.DataFrame, *, has_notices: bool
) -> MassDrop | None:
    """Say what a burst was; None if most of it said goodbye, most of its scope lived on, or nothing explains it."""
    if burst.killed_share < LEAST_KILLED:
        return None
    inside = closes.within(burst.start_s, burst.end_s).filter(in_scope(burst.scope))
    unclean = int(inside.select(IS_1006 | ~pl.col("has_client")).to_series().sum())
    if unclean < max(3, UNCLEAN_SHARE * inside.height):
        return None
    named = name_burst(burst, inside, closes, near, lifecycle, has_notices=has_notices)
    if named is None:
        return None
    kind, notices = named
    burst = narrowed(burst, inside)
    cause, tier = CAUSES[kind]
    what = f"{burst.n} connections ended within {_span(burst)} ({burst.scope}): {_percent(burst)} of what was open"
    return MassDrop(kind=kind, raw=burst, n_drops=unclean, cause=cause, tier=tier, evidence=(what, *notices))


def _span(burst: RawBurst) -> str:
    seconds = burst.end_s - burst.start_s
    return f"{seconds:.1f} s" if seconds >= 1 else f"{max(seconds * 1000, 1):.0f} ms"


def _percent(burst: RawBurst) -> str:
    return f"{round(100 * burst.killed_share)} %"


def _is_part_of_another(drop: MassDrop, drops: Sequence[MassDrop]) -> bool:
    """Whether another one tells the same happening better: one reload, not one per upstream; a cause, not a pile."""
    if drop.kind == BurstKind.TOGETHER:
        return any(other.kind != BurstKind.TOGETHER and overlap(other.raw, drop.raw) for other in drops)
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
