"""Mends with the values of the drops they speak to: timers, paths, upstreams, one configuration for each path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import polars as pl

from wslog.knowledge import Mend, Setting, fill, tolerance_s
from wslog.summarize.groups import DropGroup, ranked

MAX_CONFIGS: Final = 3
MAX_PLACES: Final = 3
MIN_SHARE: Final = 0.05  # of a group's drops
FOLDER: Final = r"^(/[^/]+/?)"


class Place(NamedTuple):
    """A path, the timer that fired there, and the application servers behind it, one for each drop."""

    path: str | None
    timeout_s: float | None
    upstreams: pl.Series


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
        The mend; its configuration stands there once for each path, `MAX_CONFIGS` times at most.
    """
    told = [group for group in groups if not group.is_tiny] or list(groups)
    places = [place for group in told for place in places_of(group, settings)]
    known = [place.timeout_s for place in places if place.timeout_s is not None]
    upstream = _most_common([place.upstreams for place in places])
    whole = fill(
        mend,
        timeout_s=min(known, default=None),
        ping_s=ping_s,
        timeouts=list(dict.fromkeys(known)),
        paths=list(dict.fromkeys(place.path for place in places if place.path)),
        path=places[0].path if places else None,
        upstream=upstream,
    )
    configs = dict.fromkeys(
        fill(
            mend,
            timeout_s=place.timeout_s,
            ping_s=ping_s,
            path=place.path,
            upstream=_most_common([place.upstreams]) or upstream,
        ).config
        for place in places
    )
    return replace(whole, config="\n".join(list(configs)[:MAX_CONFIGS])) if len(configs) > 1 else whole


def path_of(group: DropGroup, settings: Sequence[Setting] = ()) -> str | None:
    """Return where most of a group's connections were; None: their paths are not known."""
    places = places_of(group, settings)
    return places[0].path if places else None


def places_of(group: DropGroup, settings: Sequence[Setting] = ()) -> list[Place]:
    """Return where a group's connections were, most first.

    That is the nginx location that is configured with their timer, else the path prefix that all share, up to a slash,
    else the first folders of their paths; places of a few connections are left out.
    """
    timeout_s = min(group.timeouts_s) if group.timeouts_s else None
    scopes = {
        setting.scope
        for setting in settings
        if setting.timeout_id in group.timeout_ids
        and setting.scope[:1] == "/"
        and _is_one_of(setting, group.timeouts_s)
    }
    shared = next(iter(scopes)) if len(scopes) == 1 else _shared_prefix(group.drops["path"])
    if shared is not None or group.drops["path"].drop_nulls().is_empty():
        return [Place(shared, timeout_s, group.drops["upstream"])]
    rows = group.drops.filter(pl.col("path").is_not_null()).with_columns(folder=pl.col("path").str.extract(FOLDER))
    parts = [
        rows.filter(pl.col("folder") == str(folder)) for folder in ranked(rows["folder"].drop_nulls())[:MAX_PLACES]
    ]
    large = [part for part in parts if part.height >= MIN_SHARE * group.n] or parts[:1]
    return [Place(_shared_prefix(part["path"]), timeout_s, part["upstream"]) for part in large]


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


def _most_common(parts: Sequence[pl.Series]) -> object:
    values = ranked(pl.concat(parts).drop_nulls()) if parts else []
    return values[0] if values else None
