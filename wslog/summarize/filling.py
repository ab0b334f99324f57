"""Mends with the values of the drops they speak to: timers, paths, upstreams, one configuration for each path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from wslog.knowledge import Mend, Setting, fill
from wslog.summarize.groups import DropGroup, ranked

MAX_CONFIGS: Final = 3


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
    paths = [path_of(group, settings) for group in told]
    timers = [min(group.timeouts_s) if group.timeouts_s else None for group in told]
    upstream = _most_common_upstream(told)
    known = [timer for timer in timers if timer is not None]
    whole = fill(
        mend,
        timeout_s=min(known, default=None),
        ping_s=ping_s,
        timeouts=list(dict.fromkeys(known)),
        paths=list(dict.fromkeys(path for path in paths if path)),
        path=paths[0] if paths else None,
        upstream=upstream,
    )
    each = {
        fill(
            mend, timeout_s=timer, ping_s=ping_s, path=path, upstream=_most_common_upstream([group]) or upstream
        ).config: path
        for group, timer, path in zip(reversed(told), reversed(timers), reversed(paths), strict=True)
    }
    configs = list(reversed(each))
    return replace(whole, config="\n".join(configs[:MAX_CONFIGS])) if len(configs) > 1 else whole


def path_of(group: DropGroup, settings: Sequence[Setting] = ()) -> str | None:
    """Return where a group's connections were: the nginx location that is configured with their timer, else a path."""
    scopes = {
        setting.scope
        for setting in settings
        if setting.timeout_id in group.timeout_ids
        and setting.scope[:1] == "/"
        and _is_one_of(setting, group.timeouts_s)
    }
    return next(iter(scopes)) if len(scopes) == 1 else common_path(group.drops["path"])


def common_path(values: pl.Series) -> str | None:
    """Return the path prefix that all share, up to a slash, or the most common path if that is only `/`."""
    paths = values.drop_nulls()
    first, last = str(paths.min()), str(paths.max())
    if paths.is_empty() or first == last:
        return None if paths.is_empty() else first
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    prefix = first[: first[:same].rfind("/") + 1]
    return prefix if len(prefix) > 1 else str(ranked(paths)[0])


def _is_one_of(setting: Setting, timeouts_s: Sequence[float]) -> bool:
    """Return whether a setting is one of the timers seen; a value read off closes is good to 1 %, or 0.35 s."""
    return any(abs(setting.value_s - seen_s) <= max(0.35, 0.01 * seen_s) for seen_s in timeouts_s)


def _most_common_upstream(groups: Sequence[DropGroup]) -> object:
    upstreams = ranked(pl.concat([group.drops["upstream"] for group in groups]).drop_nulls()) if groups else []
    return upstreams[0] if upstreams else None
