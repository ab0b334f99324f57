"""Rows of a group within a window of time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wslog.correlate.windows import WindowIndex

TIMES = st.floats(-1000, 1000).map(lambda t: round(t, 2))
ROWS = st.lists(st.tuples(st.integers(0, 3), TIMES), max_size=30)


@given(ROWS, st.lists(st.tuples(st.integers(0, 4), TIMES, st.floats(0, 50)), max_size=10))
def test_windows_find_what_a_plain_search_finds(rows, asked):
    """Every row of the group within the bounds, and no other."""
    group, time = np.array([g for g, _ in rows], dtype=np.int64), np.array([t for _, t in rows], dtype=np.float64)
    index = WindowIndex(np.arange(len(rows)), group, time)
    wanted = np.array([g for g, _, _ in asked], dtype=np.int64)
    # A quarter of a millisecond past the grid, so that no bound falls on a row.
    low = np.array([t for _, t, _ in asked], dtype=np.float64) - 0.004
    high = low + 0.008 + np.array([w for _, _, w in asked], dtype=np.float64)
    window, row = index.pairs(wanted, low, high)
    expected = {
        (i, j)
        for i in range(len(asked))
        for j in range(len(rows))
        if group[j] == wanted[i] and np.rint(low[i] * 1000) <= np.rint(time[j] * 1000) <= np.rint(high[i] * 1000)
    }
    assert set(zip(window.tolist(), row.tolist(), strict=True)) == expected
    assert index.count(wanted, low, high).sum() == len(expected)


def test_unknown_times_find_nothing_and_are_not_found():
    """NaN is no moment, neither of a row nor of a window."""
    index = WindowIndex(np.arange(2), np.zeros(2, dtype=np.int64), np.array([1.0, np.nan]))
    bounds = np.array([0.0, np.nan]), np.array([9.0, 9.0])
    assert index.count(np.zeros(2, dtype=np.int64), *bounds).tolist() == [1, 0]
