"""Heartbeats too weak to be spikes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.accuracy.weak_combs import find_weak_comb


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
