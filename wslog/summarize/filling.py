"""Mends with the values of the drops they speak to: timers, paths, upstreams, one configuration for each path."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Final, NamedTuple

import polars as pl
from msgspec.structs import replace

from wslog.knowledge import Mend, Setting, fill, tolerance_s
from wslog.schema import Cause, Tier
from wslog.summarize.groups import DropGroup, ranked
from wslog.summarize.rows import Rows
from wslog.summarize.statements import SURE_FROM

MAX_CONFIGS: Final = 3
MAX_PLACES: Final = 3
MIN_SHARE: Final = 0.05  # of a group's drops
# A place is named with so many sure drops behind it, or with this share of what the advice is on.
ENOUGH_N: Final = 3
ENOUGH_SHARE: Final = 0.01
FOLDER: Final = r"^(/[^/]+/?)"


class Place(NamedTuple):
    """A path, and the timer that fired there."""

    path: str | None
    timeout_s: float | None


def sure_of(drops: Rows) -> pl.DataFrame:
    """Return `path` and `upstream` of those that may speak for a place: `SURE_FROM` sure, and a known tier ended them.

    A handshake that failed is asked for on its path whoever refused it.
    """
    is_placed = (pl.col("tier") != Tier.UNKNOWN.value) | (pl.col("cause") == Cause.HANDSHAKE_FAILED.value)
    return drops.where((pl.col("confidence").fill_nan(None) >= SURE_FROM) & is_placed).take("path", "upstream")


def is_enough(n: int, *, of: int) -> bool:
    """Return whether *n* sure drops are enough to name a place in advice on *of* drops."""
    return n >= ENOUGH_N or (n > 0 and n >= ENOUGH_SHARE * of)


def fill_for(
    mend: Mend, groups: Sequence[DropGroup], *, settings: Sequence[Setting], ping_s: float | None = None
) -> Mend:
    """Fill a mend with what its groups have in common: every timer and path, largest group first.

    Args:
        mend: The mend.
        groups: Those it speaks to, ranked; their timers and paths go into its sentences in this order.
        settings: Timers found in configuration; they tell the location that a timer is for.
        ping_s: The heartbeat's interval; None: it follows from the timers.

    Returns:
        The mend; places and application servers that too few sure drops speak for are not named in it. Its
        configuration stands there once for each path, `MAX_CONFIGS` times at most.
    """
    told = [group for group in groups if not group.is_tiny] or list(groups)
    n_drops = sum(group.n for group in groups)
    places = [place for group in told for place in places_of(group, settings, of=n_drops)]
    filled = functools.partial(
        fill, mend, ping_s=ping_s, paths=list(dict.fromkeys(place.path for place in places if place.path)),
        upstreams=_upstreams(groups, of=n_drops),
    )  # fmt: skip
    timers = list(dict.fromkeys(group.timeout_s for group in told if group.timeout_s is not None))
    first = places[0].path if places else None
    whole = filled(timeout_s=min(timers, default=None), timeouts_s=timers, path=first)
    configs = dict.fromkeys(filled(timeout_s=place.timeout_s, path=place.path).config for place in places)
    return replace(whole, config="\n".join(list(configs)[:MAX_CONFIGS])) if len(configs) > 1 else whole


def path_of(group: DropGroup, settings: Sequence[Setting] = ()) -> str | None:
    """Return where most of a group's connections were; None: their paths are not known, or too few are sure."""
    places = places_of(group, settings)
    return places[0].path if places else None


def places_of(group: DropGroup, settings: Sequence[Setting] = (), *, of: int | None = None) -> list[Place]:
    """Return where a group's connections were for sure, most first.

    That is the nginx location that is configured with their timer, else the path prefix that all share, up to a slash,
    else the first folders of their paths; places that too few sure drops speak for are left out.

    Args:
        group: Drops with one timer or status.
        settings: Timers found in configuration.
        of: Drops that the advice is on, None: the group's.
    """
    n_drops = group.n if of is None else of
    sure = sure_of(group.drops)
    if not is_enough(sure.height, of=n_drops):
        return []
    scopes = {
        setting.scope
        for setting in settings
        if setting.timeout_id in group.timeout_ids
        and setting.scope[:1] == "/"
        and _is_one_of(setting, group.timeouts_s)
    }
    shared = next(iter(scopes)) if len(scopes) == 1 else _shared_prefix(sure["path"])
    if shared is not None or sure["path"].drop_nulls().is_empty():
        return [Place(shared, group.timeout_s)]
    rows = sure.filter(pl.col("path").is_not_null()).with_columns(folder=pl.col("path").str.extract(FOLDER))
    parts = [
        rows.filter(pl.col("folder") == str(folder)) for folder in ranked(rows["folder"].drop_nulls())[:MAX_PLACES]
    ]
    large = [part for part in parts if part.height >= MIN_SHARE * group.n] or parts[:1]
    return [
        Place(_shared_prefix(part["path"]), group.timeout_s) for part in large if is_enough(part.height, of=n_drops)
    ]


def _upstreams(groups: Sequence[DropGroup], *, of: int) -> list[tuple[str, int | None]]:
    """Return the application servers with their drops, most first; without a number if one had all drops."""
    sure = pl.concat([sure_of(group.drops).select("upstream") for group in groups])
    drops = pl.concat([group.drops.take("upstream") for group in groups])
    counts = (
        drops.drop_nulls()
        .group_by("upstream")
        .len("times")
        .join(sure.group_by("upstream").len("sure"), on="upstream")
        .sort("times", "upstream", descending=[True, False])
    )
    named = [(str(name), int(n)) for name, n, n_sure in counts.iter_rows() if is_enough(int(n_sure), of=of)]
    return [(name, None) for name, n in named] if len(named) == 1 and named[0][1] == of else [*named]


def _shared_prefix(values: pl.Series) -> str | None:
    """Return the path that all have, or their common prefix up to a slash; None: they share nothing."""
    paths = values.drop_nulls()
    if paths.is_empty():
        return None
    first, last = str(paths.min()), str(paths.max())
    if first == last:
        return first
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    prefix = first[: first[:same].rfind("/") + 1]
    return prefix if len(prefix) > 1 else None


def _is_one_of(setting: Setting, timeouts_s: Sequence[float]) -> bool:
    """Return whether a setting is one of the timers seen."""
    return any(abs(setting.value_s - seen_s) <= tolerance_s(seen_s) for seen_s in timeouts_s)
