"""Which hours of a week all tiers' logs cover, and where some are missing: silence is never read as improvement."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from wslog.schema import Format, Tier
from wslog.weekly_result import Gap, WeekSummary

SLOTS: Final = 7 * 24
MISSING_LINES: Final = 20.0  # so many lines expected, and none there: they are missing, not late or few
LEAST_LINES: Final = 3
THIN: Final = 0.4  # of what the other servers' logs let expect: part of a tier's hosts is missing
THIN_LINES: Final = 60.0
ERROR_LINES: Final = 60.0  # so many lines of an error log expected, and none there
NAMED: Final = 0.2  # of the drops, at least, are what the error log lets nginx be blamed for
NEAR_HOURS: Final = 24
END_HOURS: Final = 12
HOUR: Final = dt.timedelta(hours=1)
SERVERS: Final = (Tier.ALB.value, Tier.NGINX.value)


@dataclass(frozen=True, slots=True)
class Covered:
    """Per hour, whether all tiers' logs are there; the gaps; and from which hour on nothing is there any more."""

    hours: tuple[bool, ...]
    gaps: tuple[Gap, ...]
    ends_early: bool

    @property
    def share(self) -> float:
        """Of the week's hours."""
        return sum(self.hours) / len(self.hours)


def slots_of(week: WeekSummary) -> tuple[int, ...]:
    """Return for each hour of a week its place among the 168 of a week on the wall clock, Monday 0:00 first.

    In the night when clocks go back two hours share a place; when they go forward one is left out.
    """
    zone = ZoneInfo(week.zone)
    local = [(week.start + n * HOUR).astimezone(zone) for n in range(len(week.hours.attempts))]
    return tuple(at.weekday() * 24 + at.hour for at in local)


def tiers_of(weeks: Sequence[WeekSummary]) -> tuple[str, ...]:
    """Return the tiers that any of some weeks has more than a few lines of, in order inward."""
    return tuple(
        tier.value for tier in Tier if any(sum(week.hours.lines.get(tier.value, ())) >= LEAST_LINES for week in weeks)
    )


def find_covered(
    week: WeekSummary, others: Sequence[WeekSummary], *, tiers: Sequence[str], now: dt.datetime | None
) -> Covered:
    """Find the hours that the logs of all *tiers* cover.

    Args:
        week: The week.
        others: Other weeks, for what an hour of the week usually holds.
        tiers: Those that count: without a single line of one of them, no hour is covered.
        now: The present, if the week may not be over.
    """
    n = len(week.hours.attempts)
    over = n if now is None else max(0, min(n, (now - week.start) // HOUR))
    missing: dict[str, list[bool]] = {}
    for tier in tiers:
        usual = _usual(week, others, tier)
        seen = week.hours.lines.get(tier, (0,) * n)
        missing[tier] = _silent(seen, usual, over=over)
    _add_thin(missing, week, others)
    quiet = _silent_errors(week, others, over=over)
    nothing = [all(missing[tier][i] for tier in tiers) if tiers else True for i in range(n)]
    nothing = [flag or i >= over for i, flag in enumerate(nothing)]
    if not others:
        _add_ends(nothing, week)
    covered = tuple(not nothing[i] and not quiet[i] and not any(missing[tier][i] for tier in tiers) for i in range(n))
    gaps = [_gap(week, None, i, j, over) for i, j in _runs(nothing)]
    for tier in tiers:
        own = [flag and not nothing[i] for i, flag in enumerate(missing[tier])]
        gaps += [_gap(week, tier, i, j, over) for i, j in _runs(own)]
    whole = missing.get(Tier.NGINX.value, [False] * n)
    only_errors = [quiet[i] and not nothing[i] and not whole[i] for i in range(n)]
    gaps += [_gap(week, Format.NGINX_ERROR, i, j, over) for i, j in _runs(only_errors)]
    gaps.sort(key=lambda gap: (gap.start, gap.tier or ""))
    return Covered(covered, tuple(gaps), ends_early=bool(nothing and nothing[-1]))


def _add_ends(nothing: list[bool], week: WeekSummary) -> None:
    """Mark what lies before the first and after the last line, where no other week says whether that is usual."""
    lit = [i for i in range(len(nothing)) if any(lines[i] for lines in week.hours.lines.values())]
    first, last = (lit[0], lit[-1]) if lit else (len(nothing), -1)
    for i in range(len(nothing)):
        is_end = (i < first and first >= END_HOURS) or (i > last and len(nothing) - 1 - last >= END_HOURS)
        nothing[i] = nothing[i] or is_end


def _usual(week: WeekSummary, others: Sequence[WeekSummary], tier: str) -> list[float]:
    """Return per hour how many lines of a tier it usually holds: as in other weeks, else as on the other days."""
    known = [other for other in others if sum(other.hours.lines.get(tier, ()))]
    slots = slots_of(week)
    if known:
        by_slot = [_by_slot(other, tier) for other in known]
        return [statistics.median(_smooth(counts, slot) for counts in by_slot) for slot in slots]
    own = _by_slot(week, tier)
    return [statistics.median(own[(slot + 24 * day) % SLOTS] for day in range(1, 7)) for slot in slots]


def _by_slot(week: WeekSummary, tier: str) -> list[float]:
    counts = [0.0] * SLOTS
    for slot, n in zip(slots_of(week), week.hours.lines.get(tier, ()), strict=False):
        counts[slot] += n
    return counts


def _smooth(counts: Sequence[float], slot: int) -> float:
    return sum(counts[(slot + step) % SLOTS] for step in (-1, 0, 1)) / 3


def _silent(seen: Sequence[int], usual: Sequence[float], *, over: int) -> list[bool]:
    """Mark runs of hours without a line where the level of the hours around them lets expect many."""
    flags = [False] * len(seen)
    if not sum(seen):
        return [i < over for i in range(len(seen))]
    for first, after in _runs([n == 0 and i < over for i, n in enumerate(seen)]):
        levels = [_level(seen, usual, range(first - 1, -1, -1)), _level(seen, usual, range(after, len(seen)))]
        level = min((one for one in levels if one is not None), default=1.0)
        if sum(usual[first:after]) * level >= MISSING_LINES:
            flags[first:after] = [True] * (after - first)
    return flags


def _silent_errors(week: WeekSummary, others: Sequence[WeekSummary], *, over: int) -> list[bool]:
    """Mark runs of hours without a line of nginx's error log, if they are lost and not mended.

    Without that log the same drops have other causes: errors that were mended take their drops with them. Where no
    client counts drops, nothing tells the two apart, and missing lines count as lost.
    """
    n = len(week.hours.attempts)
    seen = week.hours.lines.get(Format.NGINX_ERROR, (0,) * n)
    flags = [False] * n
    known = [one for one in others if sum(one.hours.lines.get(Format.NGINX_ERROR, ()))] or ([week] if sum(seen) else [])
    exposure = sum(sum(one.hours.connection_hours) for one in known)
    if exposure <= 0:
        return flags
    lines = sum(sum(one.hours.lines[Format.NGINX_ERROR]) for one in known) / exposure
    drops = sum(sum(one.hours.opened_drops) for one in known)
    named = sum(cause.n for one in known for cause in one.causes if cause.tier is Tier.NGINX)
    least = 1 - max(NAMED, min(1.0, named / max(1, drops))) / 2
    counts_drops = sum(week.hours.lines.get(Tier.CLIENT.value, ())) > 0
    for first, after in _runs([count == 0 and i < over for i, count in enumerate(seen)]):
        hours = sum(week.hours.connection_hours[first:after])
        left = sum(week.hours.opened_drops[first:after]) * exposure / max(1e-9, hours * drops)
        if hours * lines >= ERROR_LINES and (left >= least or not counts_drops):
            flags[first:after] = [True] * (after - first)
    return flags


def _level(seen: Sequence[int], usual: Sequence[float], hours: range) -> float | None:
    """Return the lines of the nearest hours that have some, against what they usually have."""
    near = [i for i in hours if seen[i]][:NEAR_HOURS]
    expected = sum(usual[i] for i in near)
    return sum(seen[i] for i in near) / expected if expected > 0 else None


def _add_thin(missing: dict[str, list[bool]], week: WeekSummary, others: Sequence[WeekSummary]) -> None:
    """Mark six-hour stretches in which one server tier has far fewer lines than the other lets expect.

    Only servers log every connection; clients log drops too, and few of those are good news.
    """
    both = [tier for tier in SERVERS if tier in missing]
    if len(both) < 2 or not others:
        return
    usual = {tier: _usual(week, others, tier) for tier in both}
    for first in range(0, len(week.hours.attempts), 6):
        stretch = range(first, min(first + 6, len(week.hours.attempts)))
        level = {}
        for tier in both:
            lines, expected = week.hours.lines.get(tier, ()), sum(usual[tier][i] for i in stretch)
            level[tier] = (sum(lines[i] for i in stretch) / expected if lines and expected else 0.0, expected)
        for tier, other in (both, both[::-1]):
            if level[tier][1] * level[other][0] >= THIN_LINES and level[tier][0] < THIN * level[other][0]:
                for i in stretch:
                    missing[tier][i] = True


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Return (first, after last) of each run of set flags."""
    runs: list[tuple[int, int]] = []
    for i, flag in enumerate(flags):
        if flag and runs and runs[-1][1] == i:
            runs[-1] = (runs[-1][0], i + 1)
        elif flag:
            runs.append((i, i + 1))
    return runs


def _gap(week: WeekSummary, tier: str | None, first: int, after: int, over: int) -> Gap:
    if first >= over:
        note = "the week is not over"
    elif tier is None:
        note = "no lines of any log" if after < len(week.hours.attempts) else "the logs end"
    else:
        what = "lines of nginx's error log" if tier == Format.NGINX_ERROR else f"{tier} lines"
        note = f"no {what}, or far too few" if tier in SERVERS else f"no {what}"
    return Gap(
        tier=None if tier is None else Tier.NGINX if tier == Format.NGINX_ERROR else Tier(tier),
        start=week.start + first * HOUR,
        end=min(week.start + after * HOUR, week.end),
        n_hours=after - first,
        note=note,
    )
