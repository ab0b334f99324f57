"""Which known timers a verdict's value and tier allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.classify.fitting import fitting
from wslog.knowledge.model import Setting, Timeout, TimerKind
from wslog.knowledge.own_timers import OWN_TIMER
from wslog.schema import Cause, Tier

KEY: Final = ("cause", "tier", "timeout_s", "may_be_nginx", "may_be_alb")
# nginx logs its own timeouts at info: where info lines show and none is about the connection, it was not nginx.
IS_NGINX_RULED_OUT: Final = (
    pl.col("info_visible") & ~pl.col("nginx_timed_out") & ~pl.col("may_have_error").fill_null(value=False)
)


def name_timers(rows: pl.DataFrame, timeouts: Sequence[Timeout], settings: Sequence[Setting]) -> pl.Series:
    """Return the candidates of each row; null where the cause is no timer, one entry where it is decided.

    A tier that is known names its timer. Where the tier is open, the timers of those tiers that logged the connection
    remain, whatever value their owner gave them; where that is not two or more, also every known timer with that
    default. One alone would read as decided, so it only stands where a configuration sets it.

    Args:
        rows: `cause`, `tier`, `timeout_s`, `nginx_ref`, `from_alb`, `info_visible`, `nginx_timed_out`,
            `may_have_error`.
        timeouts: Known timers.
        settings: Timers found in configuration.
    """
    keyed = rows.select(
        *KEY[:3],
        pl.when(pl.col("nginx_ref").is_not_null()).then(~IS_NGINX_RULED_OUT).alias("may_be_nginx"),
        pl.col("from_alb").alias("may_be_alb"),
    )
    kinds = keyed.filter(pl.col("cause").is_in([Cause.IDLE_TIMEOUT, Cause.LIFETIME_LIMIT])).unique().sort(KEY)
    named = [_names(*key, timeouts=timeouts, settings=settings) for key in kinds.iter_rows()]
    table = kinds.with_columns(pl.Series("timeout_id", named, dtype=pl.List(pl.String)))
    return keyed.join(table, on=KEY, how="left", nulls_equal=True, maintain_order="left")["timeout_id"]


def _names(
    cause: str, tier: str, value_s: float | None, may_be_nginx: bool | None, may_be_alb: bool,
    *, timeouts: Sequence[Timeout], settings: Sequence[Setting],
) -> list[str] | None:  # fmt: skip
    if cause == Cause.LIFETIME_LIMIT:
        return list(fitting(value_s, (TimerKind.LIFETIME,), timeouts, settings)) or None if value_s else None
    if tier in OWN_TIMER:
        return [OWN_TIMER[Tier(tier)]]
    through = [OWN_TIMER[t] for t, may_be in ((Tier.ALB, may_be_alb), (Tier.NGINX, may_be_nginx is True)) if may_be]
    if len(through) > 1 or value_s is None:
        return through if len(through) > 1 else None
    ruled_out = OWN_TIMER[Tier.NGINX] if may_be_nginx is False else ""
    others = [name for name in fitting(value_s, (TimerKind.IDLE_ANY,), timeouts, settings) if name != ruled_out]
    found = through + [name for name in others if name not in through]
    is_configured = any(setting.timeout_id in found for setting in settings)
    return found if len(found) > 1 or (found and is_configured) else None
