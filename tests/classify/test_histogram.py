from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.classify import histogram
from wslog.classify.histogram import ALL_EDGES, Histogram, coarsest_resolution, merge, sketch
from wslog.classify.spikes import find_in

durations = st.lists(st.floats(0, 5000, allow_nan=False).map(lambda x: round(x, 3)), max_size=200)


def facts(hist: Histogram) -> list[list[int]]:
    return [x.tolist() for x in (hist.bins, hist.counts, hist.seconds, hist.second_counts)]


@given(values=durations, owners=st.lists(st.integers(0, 4), min_size=200, max_size=200))
def test_any_split_of_the_input_merges_to_the_same(values: list[float], owners: list[int]) -> None:
    """However the values are dealt out to sketches, merging gives the very counts of one sketch."""
    array, owner = np.array(values), np.array(owners[: len(values)], dtype=int)
    parts = [sketch(array[owner == i]) for i in range(5)]
    assert facts(merge(parts)) == facts(sketch(array)) == facts(parts[0] + merge(parts[1:]))


@given(values=durations, at_once=st.integers(1, 50))
def test_few_values_at_a_time_count_the_same(values: list[float], at_once: int) -> None:
    """However few values are counted at a time, the counts are those of all at once."""
    whole = facts(sketch(np.array(values)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(histogram, "AT_ONCE", at_once)
        assert facts(sketch(np.array(values))) == whole


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n_parts=st.integers(2, 7))
def test_any_split_finds_the_same_spikes(seed: int, n_parts: int) -> None:
    """The spikes of merged sketches equal, to the last digit, those of the whole."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([rng.lognormal(4, 1, 600), 60 + rng.exponential(0.1, 80), 350 + rng.exponential(0.1, 60)])
    owner = rng.integers(0, n_parts, len(values))
    whole, parts = sketch(values), merge(sketch(values[owner == i]) for i in range(n_parts))

    def told(hist: Histogram) -> list[tuple[float, ...]]:
        return [(s.center_s, s.low_s, s.high_s, s.n, s.share_low, s.p_value) for s in find_in(hist)]

    assert told(parts) == told(whole)
    assert len(told(whole)) >= 2


def test_bins_are_a_thousandth_wide_and_whole_seconds_are_edges() -> None:
    """A bin is at most 0.1 % wide above 2 s, and each second up to 2000 s is an edge."""
    low, high = ALL_EDGES[2000:-1], ALL_EDGES[2001:]
    assert ((high - low) <= 0.001 * low).all()
    assert np.isin(np.arange(0, 2_000_001, 1000), ALL_EDGES).all()


def test_what_is_no_duration_is_left_out() -> None:
    """Missing, negative, infinite and absurd values are not counted."""
    assert sketch(np.array([np.nan, -1.0, np.inf, 1e12, 3.0])).n == 1


def test_grain_of_clocks() -> None:
    """Milliseconds stay milliseconds in spite of exact timers; whole seconds show even when only a part is whole."""
    rng = np.random.default_rng(3)
    fine = np.round(rng.lognormal(4, 1, 500), 3)
    exact_timers = np.repeat([30.0, 60.0, 90.0, 120.0, 300.0, 350.0], 40)
    assert sketch(np.concatenate([fine, exact_timers])).resolution_s == 0.001
    assert sketch(np.floor(fine)).resolution_s == 1.0
    assert sketch(np.where(rng.uniform(size=500) < 0.2, np.round(fine), fine)).resolution_s == 1.0
    assert sketch(np.array([60.0, 60.0, 61.0, 60.0, 60.0])).resolution_s == 1.0
    assert sketch(np.array([60.0, 60.0, 60.0])).resolution_s == 0.001  # one exact timer says nothing


def test_one_coarse_source_makes_all_coarse() -> None:
    """A file that writes whole seconds counts by itself, unless it holds next to nothing."""
    rng = np.random.default_rng(4)
    fine = sketch(np.round(rng.lognormal(4, 1, 3000), 3))
    coarse, tiny = (sketch(np.floor(rng.lognormal(4, 1, n))) for n in (150, 30))
    assert coarsest_resolution([fine, coarse]) == 1.0
    assert coarsest_resolution([fine, tiny]) == 0.001
    assert coarsest_resolution([]) == 0.001
