"""What people write for a moment (`--since 24h`, `2026-W46`, `yesterday`) or a span, as instants in UTC."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from wslog.errors import OptionError
from wslog.zones import zone_named

FORMS: Final = (
    "2026-11-22, 2026-11-22T17:00, 2026-11-22T17:00:00+01:00, 2026-W46, 7d, 24h, 90m, 7 days ago, "
    "today, yesterday, last week"
)
UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60}
Moment = str | dt.datetime | None
"""As people write it, or as a program has it; None: that end is open."""
_AGO: Final = re.compile(r"(\d+)\s*(w|d|h|m|weeks?|days?|hours?|minutes?)(\s+ago)?")
_WEEK: Final = re.compile(r"(\d{4})-?w(\d{2})")
_DAY: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}|\d{4}-?w\d{2}-?\d")


def parse_moment(text: str, *, option: str, now: dt.datetime, zone: ZoneInfo, is_end: bool = False) -> dt.datetime:
    """Read a moment.

    Args:
        text: What the user wrote.
        option: For the error message (`--since`).
        now: The present instant, from the door.
        zone: Of dates and times that name none.
        is_end: Read a day or a week as its end, so that `--until 2026-11-22` includes that day.

    Raises:
        OptionError: If it has none of the known forms.
    """
    words = text.strip().lower()
    local = now.astimezone(zone)
    try:
        if ago := _AGO.fullmatch(words):
            return now - dt.timedelta(seconds=int(ago[1]) * UNITS[ago[2][0]])
        start, days = _span(words, local.date())
        if start is not None:
            day = start + dt.timedelta(days=days if is_end else 0)
            return dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.UTC)
        moment = dt.datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(dt.UTC)
    except ValueError:
        raise OptionError(f"{text!r} is not a date or time", where=option, mend=f"Write one of: {FORMS}.") from None
    except OverflowError:
        raise OptionError(
            f"{text!r} is beyond the years 1 to 9999", where=option, mend=f"Leave {option} out to set no bound."
        ) from None


def parse_span(
    since: Moment, until: Moment, *, tz: Sequence[str], now: dt.datetime
) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Read both ends of a span; dates without a zone are meant in the bare `ZONE` of *tz*, else in UTC.

    Raises:
        OptionError: If one cannot be read.
    """
    bare = [name for name in tz if "=" not in name]
    zone = zone_named(bare[-1]) if bare else ZoneInfo("UTC")

    def instant(value: Moment, option: str) -> dt.datetime | None:
        if value is None or isinstance(value, dt.datetime):
            return value if value is None or value.tzinfo else value.replace(tzinfo=zone)
        return parse_moment(value, option=option, now=now, zone=zone, is_end=option == "--until")

    return instant(since, "--since"), instant(until, "--until")


def _span(words: str, today: dt.date) -> tuple[dt.date | None, int]:
    """Return the first day and the length in days of what names whole days; None: it names a time."""
    if words == "today":
        return today, 1
    if words == "yesterday":
        return today - dt.timedelta(days=1), 1
    if words == "last week":
        monday = today - dt.timedelta(days=today.weekday() + 7)
        return monday, 7
    if week := _WEEK.fullmatch(words):
        return dt.date.fromisocalendar(int(week[1]), int(week[2]), 1), 7
    if _DAY.fullmatch(words):
        return dt.date.fromisoformat(words.upper()), 1
    return None, 0
