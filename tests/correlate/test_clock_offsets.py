"""Clients' clocks from their own sure matches."""

import numpy as np
import pytest

from wslog.correlate.clock_offsets import SurePairs, client_offsets

NO_CLOCK = np.nan


def _sure(*pairs, half=0.0):
    record, ahead = (np.array(part) for part in zip(*pairs, strict=True))
    return SurePairs(record, ahead.astype(float), np.full(len(record), half))


def _offsets(clock, at, sure, **options):
    return client_offsets(np.array(clock), np.array(at, dtype=float), sure, **options)


def test_a_record_is_not_judged_by_its_own_match():
    """With its own match included a wrong pair would confirm itself: alone, it knows nothing."""
    offset, _ = _offsets([0, 0], [0, 100], _sure((0, 61.0)))
    assert np.isnan(offset[0])
    assert offset[1] == 61.0


def test_the_median_of_the_nearest_others_counts():
    """One wrong match among several does not move the clock."""
    sure = _sure(*((i, 2.0) for i in range(1, 5)), (5, 300.0))
    offset, spread = _offsets([0] * 6, range(0, 600, 100), sure)
    assert offset[0] == 2.0
    assert spread[0] < 0.1


def test_after_a_step_the_matches_nearby_count():
    """A clock that was set keeps its old offset before, its new one after."""
    sure = _sure(*((i, 1.0) for i in range(10)), *((i, 9.0) for i in range(10, 20)))
    offset, _ = _offsets([0] * 20, range(0, 20_000, 1000), sure)
    assert offset[2] == 1.0
    assert offset[17] == 9.0


def test_clocks_do_not_mix():
    """Another client's clock says nothing; records of nobody's clock learn nothing."""
    offset, _ = _offsets([0, 0, 1, -1], [0, 1, 2, 3], _sure((0, 5.0)))
    assert offset[1] == 5.0
    assert np.isnan(offset[[2, 3]]).all()


def test_a_fine_stamp_beats_coarse_ones_that_are_nearer():
    """Whole-second stamps speak only where there is nothing better."""
    sure = SurePairs(np.array([1, 2, 3]), np.array([3.4, 3.3, 3.0]), np.array([0.5, 0.5, 0.0]))
    offset, _ = _offsets([0] * 4, [0, 1, 2, 900], sure)
    assert offset[0] == 3.0


def test_one_match_and_an_old_one_are_less_certain():
    """The stated spread grows with age and shrinks with company."""
    at = [0, 10, 20, 30, 1e6]
    _, one = _offsets([0] * 5, at, _sure((1, 0.0)))
    _, three = _offsets([0] * 5, at, _sure((1, 0.0), (2, 0.0), (3, 0.0)))
    assert three[0] < one[0] < one[4]


def test_to_tell_a_clock_the_own_match_may_count():
    """Once nothing is judged by it, a record's own match is the best witness of its clock."""
    offset, _ = _offsets([0], [0], _sure((0, 61.0)), leave_out=False)
    assert offset == pytest.approx([61.0])


def test_nothing_sure_nothing_known():
    """Without matches every clock is unknown."""
    nothing = SurePairs(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    assert np.isnan(_offsets([0, 0], [0, 1], nothing)[0]).all()
