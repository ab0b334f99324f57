"""The accuracy tables at sizes that the ordinary test run can afford; the full ones are in README.md."""

from __future__ import annotations

import pytest

from tests.accuracy.spike_kinds import combs, typing
from tests.accuracy.spikes import ABLATION, BARS, measure

SEEDS = {"tuned": 7, "fresh": 8}
# Few sets: a bar holds within two standard errors.
ROOM = 0.03


@pytest.mark.parametrize("world", SEEDS)
@pytest.mark.parametrize(("n", "sets"), [(20, 100), (100, 60), (1_000, 30), (10_000, 12)])
def test_spikes_meet_their_bars(world: str, n: int, sets: int) -> None:
    """Precision and recall of detectable spikes, at every size and on worlds nothing was tuned on."""
    tally = measure(n, sets, world=world, seed=SEEDS[world])
    precision, recall = BARS[n]
    assert tally.precision() >= precision - ROOM, tally.misses
    assert tally.recall() >= recall - ROOM, tally.misses
    assert tally.member_f1() >= 0.95
    assert tally.detectable >= 10


@pytest.mark.parametrize("world", SEEDS)
@pytest.mark.parametrize("n", [20, 100, 1_000, 10_000])
def test_sets_without_a_timer_have_no_spikes(world: str, n: int) -> None:
    """At most one of 40 spike-free sets raises an alarm."""
    assert measure(n, 40, world=world, seed=SEEDS[world], n_timers=0).false_alarms <= 1


def test_every_rule_earns_its_place() -> None:
    """Without the denser band, or without slack, smooth backgrounds have spikes; with both they have none."""
    alarms = {
        name: measure(10_000, 10, world="tuned", seed=9, n_timers=0, rules=ABLATION[name]).false_alarms
        for name in ("full", "pooled bands, any width", "neither, any width")
    }
    assert alarms["full"] == 0
    assert alarms["pooled bands, any width"] >= 1
    assert alarms["neither, any width"] >= 3


@pytest.mark.parametrize("world", SEEDS)
def test_kinds_are_told_apart(world: str) -> None:
    """Idle timers, lifetime limits and what only silent connections show are not mistaken for each other."""
    tally = typing(SEEDS[world], 8, world=world)
    assert tally["wrong kind"] == 0
    assert tally["right"] >= 5


def test_combs_are_found_and_not_invented() -> None:
    """A comb of a fifth of the drops is nearly always found; a smooth background has none."""
    assert combs(1, 6, 0.2, world="fresh")["missed"] <= 1
    assert combs(1, 6, 0.0, world="fresh")["false"] == 0
