"""Values out of untrusted JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.ingest.values.json_values import Instant, flag, instant, load, number, text, whole


@pytest.mark.parametrize("value", [0, 1242.3, -1, True, None, "", "-", "null", [], {}])
def test_what_is_no_time(value: object) -> None:
    """A DOM timeStamp, zero, booleans and placeholders are no times at all, so they reject nothing."""
    assert instant(value) is None


@pytest.mark.parametrize(
    "value", ["Tue, 10 Mar 2026 10:01:00 GMT", "Tue Mar 10 2026 11:01:00 GMT+0100 (CET)", "2026-03-10T10:01:00,000Z"]
)
def test_forms_of_date(value: str) -> None:
    """The texts that JavaScript's Date makes are read."""
    assert instant(value) == Instant(1773136860000000, pytest.approx(0.001 if ",000" in value else 1.0), has_zone=True)


def test_minutes() -> None:
    """A time without seconds is only a minute fine."""
    assert instant("2026-03-10T10:01Z") == Instant(1773136860000000, 60.0, has_zone=True)


@pytest.mark.parametrize(
    ("value", "read"),
    [("false", False), ("True", True), (0, False), (1, True), ("0", False), (2, None), ("maybe", None), (None, None)],
)
def test_flags(value: object, read: bool | None) -> None:
    """`"false"` is false; what is neither is None."""
    assert flag(value) is read


def test_numbers_are_finite() -> None:
    """Infinity, NaN, booleans and hundreds of digits are no numbers."""
    assert [number(v) for v in (float("inf"), float("nan"), True, "1e400", 10**400, " 7 ", "7.5")] == [None] * 5 + [
        7.0,
        7.5,
    ]
    assert whole("1006.0", 1000, 4999) == 1006


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.text(), v),
        max_leaves=5,
    )
)
def test_anything(value: object) -> None:
    """No value raises, and text that comes out can be written as UTF-8."""
    assert load(json.dumps(value)) is not NotImplemented
    got = instant(value)
    assert got is None or isinstance(got, str | Instant)
    flag(value)
    whole(value, 0, 10)
    (text(value) or "").encode()
    (text(load('"' + "\\ud83d" + '"')) or "").encode()


@settings(max_examples=200)
@given(st.one_of(st.floats(), st.integers(), st.text("0123456789-:TZ.+ ", max_size=30), st.floats().map(str)))
def test_any_time(value: object) -> None:
    """An instant is always between 2000 and 2100."""
    got = instant(value)
    if isinstance(got, Instant):
        assert 946_684_800_000_000 <= got.us < 4_102_444_800_000_000
