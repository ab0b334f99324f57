from __future__ import annotations

import pytest

from wslog.classify.combs import find_comb


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
