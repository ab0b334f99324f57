"""What charts need beyond the rest."""

from __future__ import annotations

from msgspec import Struct

from wslog.schema import Cause


class Bin(Struct, frozen=True, kw_only=True):
    """Count of values in [low, high) seconds, split by cause for stacked charts."""

    low: float
    high: float
    n: int
    by_cause: dict[str, int]


class Point(Struct, frozen=True, kw_only=True):
    """One drop in the lifetime-against-idle chart."""

    lifetime_s: float
    idle_s: float
    cause: Cause


class TimerLine(Struct, frozen=True, kw_only=True):
    """A known or configured timer, to be drawn as a line in charts."""

    value_s: float
    label: str


class ChartData(Struct, frozen=True, kw_only=True):
    """What the charts need beyond the rest; `points` are at most 2 000 drops, evenly taken."""

    idle: tuple[Bin, ...]
    lifetime: tuple[Bin, ...]
    points: tuple[Point, ...]
    timers: tuple[TimerLine, ...]
