from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from wslog.classify.spikes import Spike, configured_value, find_spikes

Floats = NDArray[np.float64]
N = 2000
BACKGROUNDS: dict[str, Callable[[np.random.Generator], Floats]] = {
    "lognormal": lambda rng: rng.lognormal(4, 1.2, N),
    "exponential": lambda rng: rng.exponential(80, N),
    "heartbeat of 25 s": lambda rng: np.concatenate([rng.uniform(0, 25, N * 9 // 10), rng.lognormal(5, 1, N // 10)]),
}


def pile(rng: np.random.Generator, at_s: float, n: int, delay_s: float = 0.05) -> Floats:
    return at_s + rng.exponential(delay_s, n)


def places(spikes: list[Spike]) -> list[float]:
    return [round(s.center_s, 1) for s in spikes]


@pytest.mark.parametrize("background", BACKGROUNDS)
@pytest.mark.parametrize("timers", [(55.0, 60.0, 61.0), (240.0, 300.0, 350.0), (47.3,), (137.9, 3600.0)], ids=str)
def test_timers_near_and_far_are_told_apart(background: str, timers: tuple[float, ...]) -> None:
    """55, 60 and 61 s are three timers, 240, 300 and 350 s too, and a timer need not be round."""
    rng = np.random.default_rng(5)
    values = np.concatenate([BACKGROUNDS[background](rng), *(pile(rng, t, 150) for t in timers)])
    found = find_spikes(np.round(values, 3))
    assert places(found) == pytest.approx(list(timers), rel=0.002)


def test_an_hour_in_whole_seconds() -> None:
    """A timer of 3600 s shows in whole-second data, where bins are 2 s wide."""
    rng = np.random.default_rng(6)
    values = np.floor(np.concatenate([rng.exponential(1500, N), pile(rng, 3600, 60, 0.2)]))
    (spike,) = find_spikes(values)
    assert spike.resolution_s == 1.0
    assert configured_value(spike, spike.q05_s, [3600.0]) == 3600.0


@pytest.mark.parametrize("timer", [24.0, 26.5, 60.0])
def test_a_spike_beside_a_heartbeat_cliff(timer: float) -> None:
    """A timer just below or above the cliff that a heartbeat of 25 s makes is found, and the cliff is none."""
    rng = np.random.default_rng(7)
    background = BACKGROUNDS["heartbeat of 25 s"](rng)
    assert find_spikes(background) == []
    assert places(find_spikes(np.concatenate([background, pile(rng, timer, 200)]))) == pytest.approx([timer], abs=0.15)


def test_a_tail_of_delays_is_no_second_spike() -> None:
    """A timer whose clients notice late, now and then by half a second, stays one spike."""
    rng = np.random.default_rng(8)
    late = np.concatenate([pile(rng, 60, 3000, 0.05), pile(rng, 60, 600, 0.4)])
    assert len(find_spikes(np.concatenate([rng.lognormal(4, 1.2, 20_000), late]))) == 1


def test_bins_that_change_their_width_make_no_valley() -> None:
    """A spike across 20 s, where bins double in width, is not cut in two."""
    rng = np.random.default_rng(9)
    assert len(find_spikes(np.concatenate([rng.exponential(60, 10_000), pile(rng, 19.9, 900, 0.15)]))) == 1


@pytest.mark.parametrize("wide_s", [6.0, 20.0])
def test_a_natural_mode_is_no_spike(wide_s: float) -> None:
    """A mode some ten per cent wide is wider than any timer makes it."""
    rng = np.random.default_rng(10)
    assert find_spikes(np.concatenate([rng.lognormal(4, 1.3, 6000), rng.normal(60, wide_s, 4000)])) == []


def test_share_and_its_interval() -> None:
    """The interval of the share holds the true share in nineteen of twenty sets, and the background is taken off."""
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(40):
        n = int(rng.binomial(3000, 0.05))
        (spike,) = find_spikes(np.concatenate([rng.lognormal(4, 1.2, 3000 - n), pile(rng, 60, n)]))
        hits += spike.share_low <= n / 3000 <= spike.share_high
    assert hits >= 36


def test_membership_is_a_probability() -> None:
    """Of the values in the spike, as many belong to it as their probabilities add up to."""
    rng = np.random.default_rng(12)
    said, true = 0.0, 0
    for _ in range(20):
        values = np.concatenate([rng.exponential(60, 4000), pile(rng, 30, 150, 0.1)])
        (spike,) = find_spikes(values)
        p = spike.probability(values)
        said, true = said + float(p.sum()), true + int((p[4000:] > 0).sum())
        assert p[(values < spike.low_s - 0.001) | (values >= spike.high_s + 0.001)].max() == 0.0
    assert said == pytest.approx(true, rel=0.05)
    assert spike.probability(np.array([np.nan, np.inf])).tolist() == [0.0, 0.0]


def test_few_or_no_values() -> None:
    """Nothing, too little and only missing values have no spikes; seven equal ones of ten have one."""
    assert find_spikes(np.array([])) == []
    assert find_spikes(np.array([60.0, 60.0, 60.0])) == []
    assert find_spikes(np.full(30, np.nan)) == []
    assert len(find_spikes(np.array([3.1, 60.01, 60.0, 60.02, 60.01, 60.03, 60.0, 60.04, 17.3, 412.9]))) == 1


def test_a_known_timer_lowers_the_bar() -> None:
    """Seven drops of 400 at a value that timers have are a spike more often than anywhere else."""
    rng = np.random.default_rng(13)
    sets = [np.concatenate([rng.lognormal(4, 1.2, 400), pile(rng, 60, 7, 0.1)]) for _ in range(20)]
    unknown, known = (sum(bool(find_spikes(s, known_s=timers)) for s in sets) for timers in ([], [60.0]))
    assert known >= unknown + 4


def test_configured_value() -> None:
    """The known timer just below the peak is meant, else the roundest number there; delays only add."""
    rng = np.random.default_rng(15)
    (spike,) = find_spikes(np.concatenate([rng.exponential(60, 1000), pile(rng, 47.1, 200)]))
    assert configured_value(spike, spike.q05_s, [45.0, 47.0, 47.1, 48.0]) == 47.1
    assert configured_value(spike, spike.q05_s, [45.0, 48.0]) == 47.0


@pytest.mark.parametrize("timer", [3600.0, 4000.0, 86_400.0])
def test_a_long_timer_is_not_the_middle_of_its_bin(timer: float) -> None:
    """Bins of hours are seconds wide, and a timer may stand at the edge of one."""
    rng = np.random.default_rng(15)
    (spike,) = find_spikes(np.concatenate([rng.exponential(600, 1000), timer + rng.uniform(0, 0.05, 200)]))
    assert configured_value(spike, spike.q05_s, [timer]) == timer
    assert configured_value(spike, spike.q05_s, []) == timer


def test_configured_value_of_whole_seconds() -> None:
    """In whole-second data the known timer within a second is meant; unknown ones are guessed round."""
    rng = np.random.default_rng(14)
    (spike,) = find_spikes(np.floor(np.concatenate([rng.exponential(60, 1000), pile(rng, 59.9, 200, 0.05)])))
    assert configured_value(spike, spike.q05_s, [60.0]) == 60.0
    assert configured_value(spike, spike.q05_s, []) == 60.0


def test_a_needle_is_a_timer_whatever_stands_behind_it() -> None:
    """Eighty at 29 s, and so many within the next three seconds that the window grows over them: it stays a needle.

    Without the needle, what is left is as wide as no timer makes it.
    """
    rng = np.random.default_rng(8)
    behind = np.concatenate([29.1 + rng.uniform(0, 2.9, 26), pile(rng, 32.0, 8)])
    usual = rng.lognormal(3, 1, 90)
    found = find_spikes(np.round(np.concatenate([usual, behind, pile(rng, 29.0, 80, 0.01)]), 3))
    assert places(found) == [29.0]
    assert found[0].high_s < 30.0
    assert find_spikes(np.round(np.concatenate([usual, 29.1 + rng.uniform(0, 2.9, 100)]), 3)) == []
