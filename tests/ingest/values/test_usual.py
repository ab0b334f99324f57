"""Usual values of a column are read cheaply, and as the exact way reads them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from wslog.ingest.values.usual import read_stamps, read_usual, stamp_regex

_DIGIT = st.sampled_from("0123456789")


def exact_stamps(text: pl.Expr) -> pl.Expr:
    return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False)


def read(texts: list[str | None], digits: int) -> pl.Series:
    column = pl.Series("at", texts, dtype=pl.String)
    return read_usual(column, stamp_regex(digits), lambda usual: read_stamps(usual, digits), exact_stamps)


@st.composite
def stamps(draw: st.DrawFn, digits: int) -> str:
    """Return a time, or something like one: days that do not exist, hours and minutes that no clock shows."""
    number = st.integers(0, 99)
    year, month, day = draw(st.integers(0, 9_999)), draw(st.integers(0, 13)), draw(st.integers(0, 32))
    hour, minute, second = draw(st.integers(0, 25)), draw(st.integers(0, 61)), draw(number)
    fraction = "".join(draw(st.lists(_DIGIT, min_size=digits - 1, max_size=digits + 1)))
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}{draw(st.sampled_from('ZZZz '))}"


@pytest.mark.parametrize("digits", [3, 6])
@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_stamps_are_read_as_the_exact_way_reads_them(digits: int, data: st.DataObject) -> None:
    """Whole columns of usual ones, odd ones, and both."""
    texts = data.draw(st.lists(stamps(digits) | st.none() | st.text(max_size=5), max_size=6))
    column = pl.Series("at", texts, dtype=pl.String)
    assert_series_equal(read(texts, digits), pl.select(exact_stamps(pl.lit(column))).to_series().alias("at"))


def test_usual_stamps_do_not_go_the_exact_way() -> None:
    """Else the cheap way would be right and unused."""
    times = pl.Series(["2026-03-10T10:01:00.186Z", "2024-02-29T23:59:59.999Z"])

    def fail(text: pl.Expr) -> pl.Expr:
        return text.map_elements(lambda _: pytest.fail("asked"), return_dtype=pl.Datetime("us", "UTC"))

    assert read_usual(times, stamp_regex(3), lambda text: read_stamps(text, 3), fail).null_count() == 0


def test_usual_and_odd_values_keep_their_places() -> None:
    """Each row has its own value, of one way or the other; null stays null."""
    column = pl.Series("x", ["a", "1", None, "b", "2"])
    found = read_usual(column, "^[a-z]$", lambda text: text.str.to_uppercase(), lambda text: text + "!")
    assert found.to_list() == ["A", "1!", None, "B", "2!"]
    assert found.name == "x"
