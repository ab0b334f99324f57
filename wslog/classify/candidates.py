"""Which known timers a verdict's value and tier allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.classify.fitting import fitting
from wslog.knowledge.model import Setting, Timeout, TimerKind
from wslog.knowledge.own_timers import OWN_TIMER
from wslog.schema import Cause, Tier

KEY: Final = ("cause", "tier", "timeout_s", "has_nginx", "has_alb")


def name_timers(rows: pl.DataFrame, timeouts: Sequence[Timeout], settings: Sequence[Setting]) -> pl.Series:
    """Return the candidates of each row; null where the cause is no timer, one entry where it is decided.

    A tier that is known names its timer. Where the tier is open, the timers of those tiers that logged the connection
    remain; if none did, every known timer with that default.

    Args:
        rows: `cause`, `tier`, `timeout_s`, `nginx_ref`, `alb_ref`.
        timeouts: Known timers.
        settings: Timers found in configuration.
    """
    keyed = rows.with_columns(
        pl.col("nginx_ref").is_not_null().alias("has_nginx"), pl.col("alb_ref").is_not_null().alias("has_alb")
    ).select(KEY)
    kinds = keyed.filter(pl.col("cause").is_in([Cause.IDLE_TIMEOUT, Cause.LIFETIME_LIMIT])).unique().sort(KEY)
    named = [_names(*key, timeouts=timeouts, settings=settings) for key in kinds.iter_rows()]
    table = kinds.with_columns(pl.Series("timeout_id", named, dtype=pl.List(pl.String)))
    return keyed.join(table, on=KEY, how="left", nulls_equal=True, maintain_order="left")["timeout_id"]


def _names(
    cause: str, tier: str, value_s: float | None, has_nginx: bool, has_alb: bool,
    *, timeouts: Sequence[Timeout], settings: Sequence[Setting],
) -> list[str] | None:  # fmt: skip
    if cause == Cause.LIFETIME_LIMIT:
        return list(fitting(value_s, (TimerKind.LIFETIME,), timeouts, settings)) or None if value_s else None
    if tier in OWN_TIMER:
        return [OWN_TIMER[Tier(tier)]]
    through = [OWN_TIMER[t] for t, was_there in ((Tier.ALB, has_alb), (Tier.NGINX, has_nginx)) if was_there]
    if through:
        return through
    return list(fitting(value_s, (TimerKind.IDLE_ANY,), timeouts, settings)) or None if value_s else None
