"""Where ends become frequent, and where they only seem to."""

from __future__ import annotations

import numpy as np
import pytest

from wslog.classify.histogram import Floats
from wslog.classify.onsets import find_onsets, time_lived


def spread(low: float, high: float, n: int) -> Floats:
    """Return n durations, evenly spread."""
    return low + (high - low) * (np.arange(n) + 0.5) / n


def fading(longest: float, n: int) -> Floats:
    """Return n silences as they are met at any moment: the longer, the rarer."""
    return longest * (1 - np.sqrt(1 - (np.arange(n) + 0.5) / n))


@pytest.mark.parametrize("width", [2.0, 10.0, 30.0])
def test_ends_behind_a_timer_are_found_however_wide_they_lie(width: float) -> None:
    """Eighty ends, up to half as long behind their timer, among thirty that nobody timed."""
    found = find_onsets(np.concatenate([spread(60, 60 + width, 80), fading(50, 30)]), np.asarray)
    assert len(found) == 1
    assert found[0].low_s == pytest.approx(60, abs=1.0)
    assert found[0].high_s >= 60 + 0.9 * width
    assert found[0].chance < 0.1 * found[0].n


@pytest.mark.parametrize("ends", [fading(300, 400), spread(0, 25, 300), spread(20, 28, 4), np.zeros(0)])
def test_silences_that_are_met_by_chance_have_no_onset(ends: Floats) -> None:
    """Long ones are rarer than short ones; a heartbeat cuts them off; four, far apart, say nothing."""
    assert find_onsets(ends, np.asarray) == []


def test_three_of_one_moment_are_an_onset() -> None:
    """Three within milliseconds after minutes of silence, among a few others, did not meet by chance."""
    found = find_onsets(np.array([350.001, 350.002, 350.002, 12.0, 80.0, 7.0]), np.asarray)
    assert [(round(onset.low_s), onset.n) for onset in found] == [(350, 3)]


def test_whole_seconds_are_no_moments() -> None:
    """Where clocks write whole seconds, many meet in each."""
    assert find_onsets(np.floor(fading(300, 2000)), np.asarray) == []


def test_two_timers_are_two() -> None:
    """Each is compared with what ends before it, not with the other."""
    found = find_onsets(np.concatenate([spread(40, 43, 60), spread(90, 99, 60), fading(90, 30)]), np.asarray)
    assert [round(onset.low_s) for onset in found] == [40, 90]


def test_ages_are_held_against_who_came_to_them() -> None:
    """Sixty that end from 900 s on are an onset where few are left by then, and none where everybody ends there."""
    ends = np.concatenate([spread(900, 960, 60), spread(10, 890, 20)])
    assert len(find_onsets(ends, time_lived(np.concatenate([ends, spread(10, 900, 200)])))) == 1
    steady = np.sort(np.random.default_rng(1).exponential(600, 400))
    assert find_onsets(steady, time_lived(steady)) == []


def test_time_lived_is_the_sum_of_lives_up_to_an_age() -> None:
    """Of lives of 10, 20 and 30 s: 10 + 15 + 15 s of them up to 15 s, all 60 s up to 30 s."""
    lived = time_lived(np.array([20.0, 10.0, 30.0]))
    assert lived(np.array([0.0, 15.0, 30.0, 99.0])).tolist() == [0.0, 40.0, 60.0, 60.0]


def test_order_does_not_matter() -> None:
    """The same ends in another order have the same onsets."""
    ends = np.concatenate([spread(60, 66, 40), fading(50, 30)])
    assert find_onsets(ends, np.asarray) == find_onsets(ends[::-1], np.asarray)
