from __future__ import annotations

import numpy as np
import pytest

from wslog.classify.combs import find_comb, find_weak_comb


@pytest.mark.parametrize(
    ("places", "period"),
    [([25.0, 50.1, 75.0], 25.0), ([18.0, 25.1, 50.0, 70.0, 75.1, 100.2], 25.1), ([60.0, 90.0, 120.0, 180.0], 30.0)],
)
def test_spikes_on_consecutive_multiples_are_a_comb(places: list[float], period: float) -> None:
    """Three spikes in a row on multiples of one period are a comb, strangers between them or not."""
    comb = find_comb(places)
    assert comb is not None
    assert comb.period_s == pytest.approx(period, rel=0.005)
    assert comb.has(4 * period)
    assert not comb.has(4.4 * period)


@pytest.mark.parametrize("places", [[], [60.0], [60.0, 350.0], [10.0, 30.0, 45.0, 75.0], [30.0, 60.0, 300.0]])
def test_timers_that_are_no_comb(places: list[float]) -> None:
    """Two in a row, or three with gaps between, are timers."""
    assert find_comb(places) is None


def test_a_weak_comb_shows_in_its_harmonics() -> None:
    """One drop in eleven on multiples of 23.7 s, gives the period away without any spike."""
    rng = np.random.default_rng(1)
    background = rng.lognormal(4, 1.0, 3000)
    comb = 23.7 * rng.integers(1, 14, 300) + rng.normal(0, 0.4, 300)
    values = np.concatenate([background, comb])
    found = find_weak_comb(values)
    assert found is not None
    assert found.period_s == pytest.approx(23.7, rel=0.02)
    assert find_weak_comb(background) is None


def test_whole_seconds_are_no_comb() -> None:
    """The grain of a clock is not a heartbeat, nor is the cliff that one makes."""
    rng = np.random.default_rng(2)
    assert find_weak_comb(np.floor(rng.lognormal(4, 1.0, 5000))) is None
    assert find_weak_comb(np.round(rng.uniform(0, 25, 5000))) is None
    assert find_weak_comb(np.array([8.0, 16.0, 24.0])) is None
