"""Counts, shares, durations, instants and owners as a person reads them; the same in every sentence and report."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from wslog.schema import Tier

NOT_KNOWN: Final = "not known"
WHO: Final[Mapping[Tier, str]] = {
    Tier.CLIENT: "the client",
    Tier.NETWORK: "the network",
    Tier.ALB: "the ALB",
    Tier.NGINX: "nginx",
    Tier.APP: "the application",
    Tier.UNKNOWN: "something",
}
"""Each tier as the subject of a sentence."""
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


def whole_percent(share: float) -> str:
    """Return a share as a sentence says it, without decimals: `38 %`, `under 1 %`, `over 99 %`."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


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
    return f"{count(whole)} {large} {rest} {small}" if rest else f"{count(whole)} {large}"


def timer(value_s: float) -> str:
    """Return a timer's value the way configuration files write it, in seconds, to the hundredth: `60 s`, `86400 s`."""
    if value_s >= 100 or value_s == round(value_s):
        return f"{value_s:.0f} s"
    return f"{value_s:.2f}".rstrip("0").rstrip(".") + " s" if value_s >= 0.01 else f"{value_s:g} s"


def signed_seconds(value: float | None) -> str:
    """Return a clock skew with its sign: `+3.2 s`, `-250 ms`."""
    shown = seconds(value)
    return f"+{shown}" if value is not None and value > 0 else shown


def instant(at: dt.datetime | None) -> str:
    """Return an instant in UTC to the second: `2026-03-10 10:01:00`; the zone stands in the column's head."""
    return at.strftime("%Y-%m-%d %H:%M:%S") if at is not None else NOT_KNOWN


def clock(at: dt.datetime, *, with_date: bool) -> str:
    """Return an instant (UTC) for a sentence, to the second."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC" if with_date else "%H:%M:%S UTC")


def moment(at: dt.datetime, zone: str) -> str:
    """Return an instant on the wall clock of *zone*, as a week's report says it: `Wed 11 Nov 14:03`."""
    local = at.astimezone(ZoneInfo(zone))
    return f"{local:%a} {local.day} {local:%b %H:%M}"


def span(start: dt.datetime | None, end: dt.datetime | None) -> str:
    """Return a stretch of time, naming the day once if it is one: `2026-03-10 10:00:00 to 10:09:12 UTC`."""
    if start is None or end is None:
        return NOT_KNOWN
    if instant(start) == instant(end):
        return f"{instant(start)} UTC"
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


def sentence(text: str) -> str:
    """Return *text* with a capital first letter, except `nginx`, which has none."""
    return text if text.startswith("nginx") else text[:1].upper() + text[1:]
