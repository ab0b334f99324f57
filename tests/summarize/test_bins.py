from __future__ import annotations

import itertools
import math

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.result import Bin
from wslog.summarize.bins import choose_edges, count_into_bins


def test_values_fall_into_half_open_bins_split_by_cause():
    """A value on an edge belongs to the bin above; what is outside goes to the outermost."""
    drops = pl.DataFrame({"s": [-1.0, 0.0, 1.0, 1.5, 99.0, None], "cause": ["a", "b", "a", "b", "a", "a"]})
    assert count_into_bins(drops, "s", (0.0, 1.0, 2.0)) == (
        Bin(low=0.0, high=1.0, n=2, by_cause={"a": 1, "b": 1}),
        Bin(low=1.0, high=2.0, n=3, by_cause={"a": 2, "b": 1}),
    )


def test_a_timer_a_little_early_or_late_stays_in_one_bin():
    """Bins are centred on whole seconds: 59.7 s and 60.3 s are the same 60 s."""
    edges = choose_edges(pl.Series([59.7, 60.3, 4.0]), [60.0])
    assert [edge for edge in edges if 59 < edge < 61] == [59.5, 60.5]
    assert max(edges) > 90


def test_long_durations_take_log_bins():
    """An hour is not 3600 bars."""
    edges = choose_edges(pl.Series([1.0, 3600.0]), [3600.0])
    assert len(edges) < 160
    assert edges[-1] > 3600
    assert not {1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 100.0, 1000.0} & set(edges)
    assert [edge for edge in edges if 9 < edge < 11] == [9.5, 10.5]


def test_no_values_no_bins():
    """Nulls and infinities alone make no histogram."""
    assert choose_edges(pl.Series([None, math.inf, math.nan], dtype=pl.Float64), []) == ()


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.floats(-10, 1e8), min_size=1, max_size=40), st.lists(st.floats(0.1, 1e5), max_size=3))
def test_edges_rise_and_hold_every_value(values, centers):
    """Whatever the data, no value falls outside, and no bin is empty in width or the bins endless."""
    edges = choose_edges(pl.Series(values), centers)
    assert all(low < high for low, high in itertools.pairwise(edges))
    assert edges[0] == 0
    assert edges[-1] > max(values)
    assert len(edges) < 400
    drops = pl.DataFrame({"s": values, "cause": ["x"] * len(values)})
    assert sum(b.n for b in count_into_bins(drops, "s", edges)) == len(values)
