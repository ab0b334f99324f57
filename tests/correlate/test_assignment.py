"""Probabilities of pairs when everyone has one partner at most."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.correlate import assignment
from wslog.correlate.assignment import choose_partners, pair_probabilities

EDGES = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0, 1e6)), max_size=20, unique_by=lambda e: e[:2]
)


def _p(*edges):
    left, right, weight = (np.array(part) for part in zip(*edges, strict=True))
    return pair_probabilities(left, right, weight.astype(float))


def test_one_candidate_is_its_odds():
    """A weight of nine against nobody is nine in ten."""
    assert _p((0, 0, 9.0)) == pytest.approx([0.9])


def test_two_equal_records_share_one_row_and_neither_is_sure():
    """Either could be the row's partner: 0.49 each, the rest is that both have none."""
    assert _p((0, 0, 30.0), (1, 0, 30.0)) == pytest.approx([0.49, 0.49], abs=0.01)


def test_a_row_that_is_taken_is_left_to_its_owner():
    """A record with two candidates takes the one that nobody else claims."""
    p = _p((0, 0, 100.0), (0, 1, 100.0), (1, 1, 1e6))
    assert p[0] > 0.95
    assert p[1] < 0.05


@given(EDGES)
def test_nobody_has_more_than_one_partner(edges):
    """The probabilities of one side's partners add up to one at most, whatever the weights."""
    if not edges:
        return
    left, right, _ = (np.array(part) for part in zip(*edges, strict=True))
    p = _p(*edges)
    assert ((p >= 0) & (p <= 1)).all()
    # Loops in the candidate graph make belief propagation approximate.
    for side in (left, right):
        assert np.bincount(side, weights=p).max() <= 1.2


def _plainly(left, right, weight):
    """Belief propagation with every pair asked in every sweep."""

    def others(row, value):
        return np.maximum(np.bincount(row, weights=value)[row] - value, 0.0)

    to_left, to_right = np.ones(len(weight)), np.ones(len(weight))
    for _ in range(assignment.SWEEPS):
        before = to_left, to_right
        to_left = 1.0 / (1.0 + others(left, weight * to_right))
        to_right = 1.0 / (1.0 + others(right, weight * to_left))
        if max(np.abs(to_left - before[0]).max(), np.abs(to_right - before[1]).max()) < assignment.SETTLED:
            break
    odds = weight * to_left * to_right
    return odds / (1.0 + odds)


@pytest.mark.parametrize(("at_a_time", "many"), [(1, 2.0), (7, 2.0), (1000, 0.5)])
@settings(deadline=None)
@given(EDGES)
def test_to_ask_only_who_hears_something_new_changes_no_bit(at_a_time, many, edges):
    """Rows whose messages stand still are left out, and rows are asked some at a time: the same to the last bit."""
    if not edges:
        return
    left, right, weight = (np.array(part) for part in zip(*edges, strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assignment, "AT_A_TIME", at_a_time)
        patch.setattr(assignment, "MANY", many)
        found = pair_probabilities(left, right, weight.astype(float))
    assert found.tolist() == _plainly(left, right, weight.astype(float)).tolist()


def test_no_pairs_no_probabilities():
    """Nothing to judge, nothing returned."""
    assert len(pair_probabilities(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))) == 0


def test_choosing_is_one_to_one():
    """Of two claims to one row the likelier is kept; unlikely ones are nobody's."""
    pairs = pl.DataFrame({"left": [0, 1, 2], "right": [5, 5, 6], "p": [0.92, 0.95, 0.6]})
    assert choose_partners(pairs, at_least=0.9).rows() == [(1, 5, 0.95)]


@settings(deadline=None)
@given(EDGES, st.sampled_from([0.3, 0.6, 0.9]))
def test_nobody_is_chosen_twice(edges, at_least):
    """However unlikely a pair may be and still be chosen, no row has two partners; the likeliest goes first."""
    rows = [(left, right, (weight % 97) / 97) for left, right, weight in edges]
    pairs = pl.DataFrame(rows, schema={"left": pl.Int64, "right": pl.Int64, "p": pl.Float64}, orient="row")
    ours = {}
    for left, right, p in sorted(rows, key=lambda pair: (-pair[2], *pair[:2])):
        if p >= at_least:
            ours.setdefault(left, (right, p))
    chosen = {}
    for left, (right, p) in sorted(ours.items(), key=lambda one: (-one[1][1], one[0])):
        chosen.setdefault(right, (left, p))
    expected = sorted((left, right, p) for right, (left, p) in chosen.items())
    assert choose_partners(pairs, at_least=at_least).rows() == expected
