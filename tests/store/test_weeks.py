"""ISO weeks in a zone: year ends, clock changes, names."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.errors import OptionError
from wslog.store.weeks import Week, week_names

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia")]


def test_the_year_2026_has_53_weeks() -> None:
    """2026-W53 ends on 3 January 2027; after it comes 2027-W01."""
    week = Week.parse("2026-W53")
    assert week.plus(1) == Week(2027, 1)
    assert week.plus(-53) == Week(2025, 52)
    assert week.monday == dt.date(2026, 12, 28)
    assert Week.of(dt.datetime(2027, 1, 3, 23, 59, tzinfo=dt.UTC), ZoneInfo("UTC")) == week


@pytest.mark.parametrize("text", ["2025-W53", "2026-W00", "2026-W54", "W46", "2026-46", "next week", ""])
def test_what_is_no_week_is_refused(text: str) -> None:
    """A mistyped week is named with the form it should have."""
    with pytest.raises(OptionError, match="not an ISO week"):
        Week.parse(text)


def test_a_week_in_which_clocks_change_is_an_hour_shorter_or_longer() -> None:
    """In Berlin 2026-W13 has 167 hours and 2026-W43 has 169."""
    berlin = ZoneInfo("Europe/Berlin")
    hours = {name: (Week.parse(name).end(berlin) - Week.parse(name).start(berlin)) / dt.timedelta(hours=1)
             for name in ("2026-W13", "2026-W43", "2026-W20")}  # fmt: skip
    assert hours == {"2026-W13": 167, "2026-W43": 169, "2026-W20": 168}


@given(
    st.datetimes(dt.datetime(2019, 1, 1), dt.datetime(2032, 12, 31), timezones=st.just(dt.UTC)),
    st.sampled_from(ZONES),
)
def test_every_instant_lies_in_the_week_that_both_ways_name(at: dt.datetime, zone: ZoneInfo) -> None:
    """Python's calendar, polars' `%G-W%V` and the week's own ends agree."""
    week = Week.of(at, zone)
    assert week.start(zone) <= at < week.end(zone)
    frame = pl.DataFrame({"at": [at]}, schema={"at": pl.Datetime("us", "UTC")})
    assert frame.select(week_names(pl.col("at"), zone)).item() == str(week)
    assert Week.parse(str(week)) == week
