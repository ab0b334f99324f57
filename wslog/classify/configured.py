"""The timer that a configuration sets for a connection: nginx's by server and location, the ALB's if there is one."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from wslog.knowledge.model import Setting
from wslog.knowledge.own_timers import ALB_IDLE, NGINX_READ
from wslog.knowledge.tolerance import tolerance_s


def configured_timer(settings: Sequence[Setting], timeout_id: str) -> pl.Expr:
    """The configured value that applies to the row; null where several could.

    nginx picks the server by host, then its longest location; a host that no server names gets the default server,
    which may be any of them.
    """
    nothing = pl.lit(None, dtype=pl.Float64)
    mine = [s for s in settings if s.timeout_id == timeout_id]
    if not mine:
        return nothing
    if timeout_id == ALB_IDLE:
        value = pl.lit(mine[0].value_s) if len({s.value_s for s in mine}) == 1 else nothing
        return pl.when(pl.col("alb_ref").is_not_null()).then(value)
    by_host = {host: _by_location([s for s in mine if s.host == host]) for host in sorted({s.host for s in mine})}
    named = [pl.when(pl.col("host") == host).then(value) for host, value in by_host.items()]
    low, high = pl.min_horizontal(*by_host.values()), pl.max_horizontal(*by_host.values())
    return pl.coalesce(*named, pl.when(low == high).then(low))


def standing_at(value_s: float, places: pl.DataFrame, settings: Sequence[Setting]) -> Sequence[Setting]:
    """Leave out nginx's own idle timer where most connections are at places that have another value of it.

    Args:
        value_s: Silence after which they ended (s).
        places: `host`, `path` of those connections.
        settings: Timers found in configuration files.
    """
    is_another = (configured_timer(settings, NGINX_READ) - value_s).abs() > tolerance_s(value_s)
    n_elsewhere = places.select(pl.col("host", "path").cast(pl.String)).filter(is_another).height
    is_here = n_elsewhere <= places.height / 2
    return settings if is_here else [setting for setting in settings if setting.timeout_id != NGINX_READ]


def _by_location(settings: Sequence[Setting]) -> pl.Expr:
    """The value of the longest location that the row's path is in.

    A location by regular expression beats a plain prefix, and its pattern is PCRE, which we do not run: where a server
    has such locations with another value, a plain prefix decides nothing.
    """
    value = pl.lit(None, dtype=pl.Float64)
    by_pattern = {s.value_s for s in settings if s.scope.startswith("~")}
    named = [s for s in settings if not s.scope.startswith(("~", "@"))]
    for setting in sorted(named, key=lambda s: (s.scope.startswith("="), len(s.scope), s.ref)):
        place = setting.scope.removeprefix("^~").removeprefix("=").strip()
        is_sure = setting.scope.startswith(("=", "^~")) or by_pattern <= {setting.value_s}
        inside = pl.col("path") == place if setting.scope.startswith("=") else pl.col("path").str.starts_with(place)
        found = pl.lit(setting.value_s if is_sure else None, dtype=pl.Float64)
        value = pl.when(inside if place else pl.lit(value=True)).then(found).otherwise(value)
    return value
