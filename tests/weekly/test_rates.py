"""Rates, their dispersion and their change; Student's t."""

from __future__ import annotations

import math

import pytest

from wslog.weekly import student
from wslog.weekly.rates import NO_HISTORY, WOBBLE, Blocks, compare, difference, dispersion, estimate, learn_noise
from wslog.weekly_result import Estimate

EVEN = Blocks((100.0,) * 7, (1_000.0,) * 7)


@pytest.mark.parametrize(
    ("t", "df", "p"), [(2.446912, 6, 0.05), (12.7062, 1, 0.05), (1.959964, 1e6, 0.05), (0, 5, 1.0)]
)
def test_student_agrees_with_the_tables(t: float, df: float, p: float) -> None:
    """Two-sided probabilities, and the quantiles that give them back."""
    assert student.two_sided_p(t, df) == pytest.approx(p, rel=1e-4)
    if t:
        assert student.quantile(p, df) == pytest.approx(t, rel=1e-4)


def test_even_days_scatter_like_poisson_and_one_wild_day_does_not() -> None:
    """A burst on one day raises the dispersion, so that it cannot pass for a change of the week."""
    assert dispersion(EVEN) == 1.0
    wild = Blocks((100.0,) * 6 + (700.0,), EVEN.exposures)
    assert dispersion(wild) > 100
    assert (compare(wild, EVEN, NO_HISTORY) or pytest.fail("none")).p_value > 0.05


def test_a_clear_change_is_clear_and_a_weekly_wobble_is_none() -> None:
    """Half as many drops on every day is a change; five percent fewer are not, however many drops there are."""
    half = Blocks((50.0,) * 7, EVEN.exposures)
    change = compare(half, EVEN, NO_HISTORY)
    assert change is not None
    assert change.t < 0
    assert change.p_value < 0.001
    many = Blocks((1e6,) * 7, EVEN.exposures)
    fewer = Blocks((0.95e6,) * 7, EVEN.exposures)
    assert (compare(fewer, many, NO_HISTORY) or pytest.fail("none")).p_value > 0.4


def test_none_at_all_can_be_compared() -> None:
    """From forty to none is a change; from one to none is not."""
    none = Blocks((0.0,) * 7, EVEN.exposures)
    forty = Blocks((6.0, 5.0, 6.0, 6.0, 5.0, 6.0, 6.0), EVEN.exposures)
    one = Blocks((1.0, *(0.0,) * 6), EVEN.exposures)
    assert (compare(none, forty, NO_HISTORY) or pytest.fail("none")).p_value < 0.001
    assert (compare(none, one, NO_HISTORY) or pytest.fail("none")).p_value > 0.2
    assert compare(Blocks((0.0,) * 7, (0.0,) * 7), forty, NO_HISTORY) is None


def test_an_interval_holds_its_value_and_reaches_below_nothing_never() -> None:
    """No negative rates; with no drops the interval still has an upper end."""
    for week in (EVEN, Blocks((1.0, *(0.0,) * 6), EVEN.exposures), Blocks((0.0,) * 7, EVEN.exposures)):
        made = estimate(week, NO_HISTORY, per=1000)
        low, value, high = (made.low or 0.0, made.value or 0.0, made.high or 0.0)
        assert 0 <= low <= value < high
    assert estimate(Blocks((), ()), NO_HISTORY, per=1) == Estimate(value=None, low=None, high=None)


def test_the_interval_of_a_difference_holds_both_ends() -> None:
    """Two intervals that touch give a difference whose interval holds zero."""
    made = difference(Estimate(value=10, low=8, high=12.5), Estimate(value=13, low=12, high=15))
    assert made.value == -3
    assert made.low == pytest.approx(-3 - math.hypot(2, 2))
    assert made.high == pytest.approx(-3 + math.hypot(2.5, 1))


def test_history_tells_its_own_wobble() -> None:
    """Weeks that differ by a third raise the wobble above 7 %; weeks alike lower it, slowly."""
    jumpy = [Blocks((100.0 * factor,) * 7, EVEN.exposures) for factor in (10, 14, 9, 13, 10, 15, 9)]
    calm = [Blocks((1000.0,) * 7, EVEN.exposures)] * 7
    assert learn_noise(jumpy).wobble > 0.2
    assert 0.04 < learn_noise(calm).wobble < WOBBLE
    assert learn_noise(calm[:2]) == NO_HISTORY
