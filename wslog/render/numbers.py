"""Counts, shares, durations and instants as a person reads them; the same in every report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

NOT_KNOWN: Final = "not known"
_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
_DAY: Final = 86_400.0


def count(n: int) -> str:
    """Return a count in groups of three, set apart by no-break spaces: `120 431`."""
    return f"{n:,}".replace(",", "\u00a0")


def counted(n: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: `1 drop`, `412 drops`."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def percent(share: float | None) -> str:
    """Return a share as a percentage that never rounds something to nothing or almost all to all."""
    if share is None:
        return NOT_KNOWN
    value = share * 100
    if value <= 0:
        return "0 %"
    if value < 0.1:
        return "<0.1 %"
    if value < 9.95:
        return f"{value:.1f} %".replace(".0 %", " %")
    if 99.5 <= value < 100:
        return ">99 %"
    return f"{value:.0f} %"


def percent_range(low: float, high: float) -> str:
    """Return an interval of shares: `38 to 45 %`."""
    first, last = percent(low), percent(high)
    return first if first == last else f"{first.removesuffix(' %')} to {last}"


def decimal(value: float) -> str:
    """Return a number with the digits that matter: `0.42`, `3.1`, `128`, `1 204`."""
    if value == 0:
        return "0"
    size = abs(value)
    if size >= 100:
        return count(round(value))
    shown = f"{value:.1f}" if size >= 1 else f"{value:.2g}"
    return shown.removesuffix(".0")


def seconds(value: float | None) -> str:
    """Return a length of time in the largest unit that keeps it exact enough: `250 ms`, `61.3 s`, `5 h 12 min`."""
    if value is None:
        return NOT_KNOWN
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size == 0:
        shown = "0 s"
    elif size < 0.9995:
        shown = f"{max(size * 1_000, 0.1):.3g} ms"
    elif size < 119.95:
        shown = f"{size:.1f} s".replace(".0 s", " s")
    elif size < 2 * _HOUR:
        shown = _two_units(size, _MINUTE, "min", 1.0, "s")
    elif size < 2 * _DAY:
        shown = _two_units(size, _HOUR, "h", _MINUTE, "min")
    else:
        shown = _two_units(size, _DAY, "d", _HOUR, "h")
    return sign + shown


def _two_units(size: float, large_s: float, large: str, small_s: float, small: str) -> str:
    whole, rest = divmod(round(size / small_s), round(large_s / small_s))
    return f"{whole} {large} {rest} {small}" if rest else f"{whole} {large}"


def timer(value_s: float) -> str:
    """Return a configured value the way configuration files write it, in seconds: `60 s`, `3600 s`."""
    return f"{value_s:g} s"


def signed_seconds(value: float | None) -> str:
    """Return a clock skew with its sign: `+3.2 s`, `-250 ms`."""
    shown = seconds(value)
    return f"+{shown}" if value is not None and value > 0 else shown


def instant(at: dt.datetime | None) -> str:
    """Return an instant in UTC to the second: `2026-03-10 10:01:00`; the zone stands in the column's head."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at is not None else NOT_KNOWN


def span(start: dt.datetime | None, end: dt.datetime | None) -> str:
    """Return a stretch of time, naming the day once if it is one: `2026-03-10 10:00:00 to 10:09:12 UTC`."""
    if start is None or end is None:
        return NOT_KNOWN
    last = end.strftime("%H:%M:%S") if start.date() == end.date() else instant(end)
    return f"{instant(start)} to {last} UTC"


def bar(share: float, *, width: int) -> str:
    """Return a share as a bar of block characters, in eighths; anything above nothing shows at least a sliver."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return "█" * full + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[rest]


def joined(words: Sequence[str], *, last: str = "and") -> str:
    """Return words as a list in a sentence: `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
