"""What happened when, to whom, and what clients did next."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from wslog.result.chart_data import Bin
from wslog.schema import Cause


class Storm(Struct, frozen=True, kw_only=True):
    """Clients that all came back at once."""

    at: dt.datetime
    n: int
    per_second: float
    usual_per_second: float


class Reconnects(Struct, frozen=True, kw_only=True):
    """What clients did after a drop. `gave_up` never tried again while the logs went on."""

    n: int
    p50_s: float | None
    p95_s: float | None
    gave_up: int
    gaps: tuple[Bin, ...]
    storms: tuple[Storm, ...]


class TimelineBucket(Struct, frozen=True, kw_only=True):
    """Drops that closed in [at, at + width_s), by cause; `open_connections` at its start, if known."""

    at: dt.datetime
    width_s: float
    by_cause: dict[str, int]
    open_connections: int | None


class Group(Struct, frozen=True, kw_only=True):
    """Totals of one path, host, upstream, user-agent family or network. `value` is untrusted text."""

    value: str
    attempts: int
    opened: int
    drops: int
    connection_hours: float
    top_cause: Cause | None


class Breakdown(Struct, frozen=True, kw_only=True):
    """The largest groups along each dimension, most drops first."""

    path: tuple[Group, ...]
    host: tuple[Group, ...]
    upstream: tuple[Group, ...]
    user_agent: tuple[Group, ...]
    network: tuple[Group, ...]
