"""Numbers as a person reads them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog import wording as numbers


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (None, "not known"),
        (0.0, "0 %"),
        (0.00004, "<0.1 %"),
        (0.0312, "3.1 %"),
        (0.09, "9 %"),
        (0.412, "41 %"),
        (0.9999, ">99 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(share: float | None, shown: str) -> None:
    """Something is never shown as nothing, nor almost all as all."""
    assert numbers.percent(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "not known"),
        (0.0, "0 s"),
        (0.004, "4 ms"),
        (0.25, "250 ms"),
        (0.9996, "1 s"),
        (60.0, "60 s"),
        (61.34, "61.3 s"),
        (119.97, "2 min"),
        (725.0, "12 min 5 s"),
        (7_199.9, "120 min"),
        (15_420.0, "4 h 17 min"),
        (200_000.0, "2 d 8 h"),
        (-0.41, "-410 ms"),
    ],
)
def test_seconds(value: float | None, shown: str) -> None:
    """Lengths of time use the unit that says enough."""
    assert numbers.seconds(value) == shown


@given(st.floats(min_value=0, max_value=1e9))
def test_seconds_never_shows_sixty_of_a_smaller_unit(value: float) -> None:
    """Rounding carries over: there is no `5 min 60 s`."""
    assert not numbers.seconds(value).endswith((" 60 s", " 60 min", " 24 h")) or value < 120


def test_counts_and_ranges() -> None:
    """Counts are grouped, nouns agree, ranges and spans say the common part once."""
    at = dt.datetime(2026, 3, 10, 8, 1, tzinfo=dt.UTC)
    assert numbers.counted(1, "drop") == "1 drop"
    assert numbers.counted(120_431, "drop") == "120\u00a0431 drops"
    assert numbers.percent_range(0.382, 0.443) == "38 to 44 %"
    assert numbers.percent_range(0.5, 0.5) == "50 %"
    assert numbers.span(at, at + dt.timedelta(hours=1)) == "2026-03-10 08:01:00 to 09:01:00 UTC"
    assert numbers.span(at, at + dt.timedelta(days=1)) == "2026-03-10 08:01:00 to 2026-03-11 08:01:00 UTC"
    assert numbers.span(at, at + dt.timedelta(milliseconds=9)) == "2026-03-10 08:01:00 UTC"
    assert numbers.span(None, at) == "not known"
    assert numbers.signed_seconds(3.2) == "+3.2 s"
    assert numbers.joined(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.2, "0.2"), (48.0, "48"), (3.14, "3.1"), (1_204.5, "1\u00a0204")]
)
def test_decimal(value: float, shown: str) -> None:
    """Numbers keep the digits that matter."""
    assert numbers.decimal(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, ""), (0.001, "▏"), (0.5, "████"), (1.0, "████████"), (7.0, "████████")]
)
def test_bar(share: float, shown: str) -> None:
    """Nothing shows nothing, anything shows something, and no bar leaves its column."""
    assert numbers.bar(share, width=8) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (60.0, "60 s"),
        (1.5, "1.5 s"),
        (0.25, "0.25 s"),
        (59.98, "59.98 s"),
        (120.4, "120 s"),
        (86_400.0, "86400 s"),
        (1_234_567.0, "1234567 s"),
        (0.005, "0.005 s"),
    ],
)
def test_timers_show_no_idle_decimals(value: float, shown: str) -> None:
    """Durations keep the decimals that say something, and no others."""
    assert numbers.timer(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0 %"), (0.004, "under 1 %"), (0.38, "38 %"), (0.996, "over 99 %"), (1.0, "100 %")],
)
def test_whole_percent_never_rounds_some_to_none_or_most_to_all(share: float, shown: str) -> None:
    """Only nothing is 0 % and only all is 100 %."""
    assert numbers.whole_percent(share) == shown


def test_nginx_keeps_its_small_letter() -> None:
    """A sentence begins with a capital, but nginx is a name."""
    assert [numbers.sentence("the ALB closed"), numbers.sentence("nginx closed")] == ["The ALB closed", "nginx closed"]
