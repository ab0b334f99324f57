"""ISO weeks in a time zone: their names, their two ends as instants, and which week an instant lies in."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final, Self
from zoneinfo import ZoneInfo

import polars as pl

from wslog.errors import OptionError

_FORM: Final = re.compile(r"(\d{4})-?[Ww](\d{1,2})")


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """One ISO week (ISO 8601): Monday to Sunday, week 1 holds the year's first Thursday. `2026-W53` is one."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str, *, option: str = "--week") -> Self:
        """Read `2026-W46`.

        Raises:
            OptionError: If it has another form, or the year has no such week.
        """
        found = _FORM.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError
            week = cls(int(found[1]), int(found[2]))
            week.monday  # noqa: B018  (a week that does not exist raises here)
        except ValueError:
            raise OptionError(
                f"{text!r} is not an ISO week", where=option, mend="Write it as 2026-W46; most years have 52, some 53."
            ) from None
        return week

    @classmethod
    def of(cls, at: dt.datetime, zone: ZoneInfo) -> Self:
        """Return the week that an instant lies in."""
        year, number, _ = at.astimezone(zone).isocalendar()
        return cls(year, number)

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.number:02d}"

    @property
    def monday(self) -> dt.date:
        """Its first day."""
        return dt.date.fromisocalendar(self.year, self.number, 1)

    def plus(self, weeks: int) -> Week:
        """Return the week that many weeks later."""
        year, number, _ = (self.monday + dt.timedelta(weeks=weeks)).isocalendar()
        return Week(year, number)

    def start(self, zone: ZoneInfo) -> dt.datetime:
        """Return its first instant, in UTC."""
        return _midnight(self.monday, zone)

    def end(self, zone: ZoneInfo) -> dt.datetime:
        """Return the first instant after it, in UTC: 167 or 169 hours after its start when clocks change."""
        return _midnight(self.monday + dt.timedelta(days=7), zone)

    def days(self, zone: ZoneInfo) -> tuple[dt.datetime, ...]:
        """Return the first instants of its seven days, in UTC."""
        return tuple(_midnight(self.monday + dt.timedelta(days=n), zone) for n in range(7))


def _midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    # Where clocks go forward at midnight there is no 0:00; the zone's rule then gives the instant they went forward.
    return dt.datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(dt.UTC)


def week_names(at: pl.Expr, zone: ZoneInfo) -> pl.Expr:
    """Return the names of the weeks that instants lie in (`%G-W%V`; SQLite before 3.46 knows no `%G`)."""
    return at.dt.convert_time_zone(zone.key).dt.strftime("%G-W%V")
