"""Weights of candidate pairs, a few records or clocks at a time."""

from dataclasses import replace

import pytest

from tests.accuracy.matching_worlds import BUSY, WORLDS, make_day
from wslog.correlate import matching, weights
from wslog.correlate.matching import match_clients


@pytest.mark.parametrize("at_a_time", [1, 100])
@pytest.mark.parametrize("world", [WORLDS[4], BUSY], ids=lambda world: world.name)
def test_how_many_are_looked_at_together_changes_no_bit(world, at_a_time, monkeypatch):
    """Records are compared, and clocks voted for, some at a time: how many changes time and memory only."""
    day = make_day(replace(world, n=400), seed=7)
    whole = match_clients(day.clients, day.servers)
    monkeypatch.setattr(matching, "AT_A_TIME", at_a_time)
    monkeypatch.setattr(weights, "AT_A_TIME", at_a_time)
    for of_whole, of_parts in zip(whole, match_clients(day.clients, day.servers), strict=True):
        assert of_parts.equals(of_whole)
