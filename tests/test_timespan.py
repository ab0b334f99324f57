"""What people write for a moment."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from wslog.errors import OptionError
from wslog.timespan import parse_moment, parse_span

UTC = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = dt.datetime(2026, 11, 25, 12, 30, tzinfo=dt.UTC)  # a Wednesday


def moment(text: str, *, zone: ZoneInfo = UTC, is_end: bool = False) -> str:
    return parse_moment(text, option="--since", now=NOW, zone=zone, is_end=is_end).isoformat()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22", "2026-11-22T00:00:00+00:00"),
        ("2026-11-22T17:00", "2026-11-22T17:00:00+00:00"),
        ("2026-11-22 17:00:30", "2026-11-22T17:00:30+00:00"),
        ("2026-11-22T17:00:00+01:00", "2026-11-22T16:00:00+00:00"),
        ("2026-11-22T17:00:00Z", "2026-11-22T17:00:00+00:00"),
        ("2026-W46", "2026-11-09T00:00:00+00:00"),
        ("2026-w46", "2026-11-09T00:00:00+00:00"),
        ("24h", "2026-11-24T12:30:00+00:00"),
        ("90m", "2026-11-25T11:00:00+00:00"),
        ("7d", "2026-11-18T12:30:00+00:00"),
        ("2w", "2026-11-11T12:30:00+00:00"),
        ("7 days ago", "2026-11-18T12:30:00+00:00"),
        ("1 hour ago", "2026-11-25T11:30:00+00:00"),
        ("today", "2026-11-25T00:00:00+00:00"),
        (" Yesterday ", "2026-11-24T00:00:00+00:00"),
        ("last week", "2026-11-16T00:00:00+00:00"),
    ],
)
def test_every_form_is_read(text: str, expected: str) -> None:
    """Dates, times, weeks, spans and words mean the instant that a person means."""
    assert moment(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22", "2026-11-23T00:00:00+00:00"),
        ("2026-W46", "2026-11-16T00:00:00+00:00"),
        ("yesterday", "2026-11-25T00:00:00+00:00"),
        ("last week", "2026-11-23T00:00:00+00:00"),
        ("2026-11-22T17:00", "2026-11-22T17:00:00+00:00"),
        ("24h", "2026-11-24T12:30:00+00:00"),
    ],
)
def test_a_day_as_an_end_is_included(text: str, expected: str) -> None:
    """`--until 2026-11-22` ends after that day; an instant stays an instant."""
    assert moment(text, is_end=True) == expected


def test_days_are_the_zones_days() -> None:
    """A date begins at that zone's midnight, on both sides of a clock change; a named offset wins over the zone."""
    assert moment("2026-11-22", zone=BERLIN) == "2026-11-21T23:00:00+00:00"
    assert moment("2026-10-25", zone=BERLIN) == "2026-10-24T22:00:00+00:00"
    assert moment("2026-10-25", zone=BERLIN, is_end=True) == "2026-10-25T23:00:00+00:00"  # a day of 25 hours
    assert moment("2026-11-22T17:00Z", zone=BERLIN) == "2026-11-22T17:00:00+00:00"


def test_today_is_the_zones_today() -> None:
    """Shortly before midnight UTC it is tomorrow in Berlin already."""
    late = dt.datetime(2026, 11, 25, 23, 30, tzinfo=dt.UTC)
    assert parse_moment("today", option="--since", now=late, zone=BERLIN).isoformat() == "2026-11-25T23:00:00+00:00"


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "2026-W60", "25:00", "2026-11-22T17:00+99:00", "-3d", "3 x ago"]
)
def test_what_is_no_moment_is_an_error(text: str) -> None:
    """The error names the option and the forms that would do."""
    with pytest.raises(OptionError) as caught:
        moment(text)
    assert caught.value.where == "--since"
    assert "2026-11-22" in (caught.value.mend or "")


@pytest.mark.parametrize("text", ["99999999999d", "9999-12-31", "0001-01-01T00:00+05:00"])
def test_a_moment_that_no_calendar_holds_is_one_all_the_same(text: str) -> None:
    """`--until 9999-12-31`, meant as no bound at all, is told how to set none."""
    with pytest.raises(OptionError, match="beyond the years 1 to 9999") as caught:
        moment(text, is_end=True)
    assert caught.value.mend == "Leave --since out to set no bound."


def test_a_span_is_read_in_the_zone_named() -> None:
    """Dates mean days of the bare `--tz`; a zone for one format only says nothing about what the user types."""
    now = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
    start, end = parse_span("2026-11-22", "2026-11-22", tz=("nginx-error=Asia/Tokyo", "Europe/Berlin"), now=now)
    assert start == dt.datetime(2026, 11, 21, 23, tzinfo=dt.UTC)
    assert end == dt.datetime(2026, 11, 22, 23, tzinfo=dt.UTC)
    assert parse_span("2026-11-22", None, tz=("nginx-error=Asia/Tokyo",), now=now) == (
        dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
        None,
    )
