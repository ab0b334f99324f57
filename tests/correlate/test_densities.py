"""Densities of differences and durations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.correlate.densities import DurationDensity, LagShape, OffsetPrior, laplace, student3, student3_tail

WIDE = np.arange(-4000, 4000, 0.005)


@pytest.mark.parametrize("density", [student3, laplace])
@settings(deadline=None)
@given(st.floats(0.05, 5), st.floats(0, 2))
def test_densities_have_mass_one(density, scale, half):
    """With a flat top or without, all probability adds up to one."""
    assert density(WIDE, scale, half).sum() * 0.005 == pytest.approx(1.0, abs=0.01)


def test_the_tail_is_what_the_bell_leaves():
    """The closed form agrees with the sum of the density."""
    beyond = student3(WIDE[np.abs(WIDE) > 3.0], 2.0).sum() * 0.005
    assert student3_tail(np.array([3.0]), 2.0)[0] == pytest.approx(beyond, abs=1e-3)


def test_lags_are_learnt_apart_for_whole_seconds():
    """Fine durations give a narrow scale and their shift; rounded ones keep a flat top."""
    rng = np.random.default_rng(1)
    longer = np.concatenate([rng.laplace(-0.2, 0.02, 500), rng.uniform(-0.5, 0.5, 500)])
    is_whole = np.arange(1000) >= 500
    shape = LagShape().refit(longer, is_whole)
    assert shape.centre[0] == pytest.approx(-0.2, abs=0.01)
    assert shape.scale[0] == pytest.approx(0.02, abs=0.01)
    assert shape.half[1] > 0.5
    fine, whole = np.array([False]), np.array([True])
    at = np.array([0.4])
    assert shape.density(at, whole) > 5 * shape.density(at, fine)


def test_an_offset_prior_learns_where_clocks_are_and_keeps_a_doubt():
    """After sure pairs the density is high where they lie, and nowhere zero within reach."""
    offsets = np.random.default_rng(1).normal(5.0, 0.5, 400)
    prior = OffsetPrior(offsets)
    near, far = prior.density(np.array([5.0, 300.0]))
    assert near > 0.3
    assert 0 < far < 0.01
    assert prior.tail(np.array([0.0]))[0] == pytest.approx(1.0, abs=0.01)
    assert prior.tail(np.array([3.0]))[0] < 0.15


def test_a_duration_that_many_have_is_weak_evidence():
    """The density is high on a spike and low beside it; an unknown duration counts as one."""
    values = np.concatenate([np.full(500, 60.0), np.linspace(1, 1000, 500), [np.nan]])
    density = DurationDensity(values).at(np.array([60.0, 47.3, np.nan]))
    assert density[0] > 100 * density[1] > 0
    assert density[2] == 1.0


def test_no_durations_at_all():
    """A log without durations still has a density."""
    assert DurationDensity(np.array([np.nan])).at(np.array([np.nan])).tolist() == [1.0]
