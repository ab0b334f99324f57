"""How well spikes are found, measured where the truth is known: `python -m tests.accuracy spikes --help`.

A spike is *detectable* if it has at least 5 members and members / sqrt(neighbours + 1) >= 5, its neighbours being the
background's values where the middle 96 % of its members are. A found spike is right if it stands within 2 % or 0.6 s
(1.5 s in whole seconds) of a timer that no better one has claimed; anything else found is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tests.accuracy.spike_worlds import USUAL_S, Sample, draw
from wslog.classify.histogram import sketch
from wslog.classify.scan import Rules
from wslog.classify.spikes import Spike, find_in

BARS = {20: (0.95, 0.85), 100: (0.97, 0.93), 1_000: (0.98, 0.95), 10_000: (0.98, 0.98), 1_000_000: (0.98, 0.98)}
SIZES = {20: 400, 100: 400, 1_000: 400, 10_000: 200, 1_000_000: 24}  # sets per size


@dataclass(slots=True)
class Tally:
    """Counts over many sets."""

    sets: int = 0
    empty_sets: int = 0
    false_alarms: int = 0
    found: int = 0
    right: int = 0
    detectable: int = 0
    recalled: int = 0
    f1: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    settings_right: int = 0
    misses: list[str] = field(default_factory=list)

    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    def recall(self) -> float:
        return self.recalled / self.detectable if self.detectable else 1.0

    def member_f1(self) -> float:
        return float(np.mean(self.f1)) if self.f1 else 1.0

    def location_p95(self) -> float:
        return float(np.quantile(self.errors, 0.95)) if self.errors else 0.0

    def setting_share(self) -> float:
        return self.settings_right / len(self.errors) if self.errors else 1.0


def is_detectable(sample: Sample, timer: int) -> bool:
    """Whether anybody could be asked to find this timer."""
    mine = sample.values_s[sample.owner == timer]
    if len(mine) < 5:
        return False
    low, high = np.quantile(mine, (0.02, 0.98))
    others = sample.values_s[sample.owner == -1]
    neighbours = int(((others >= low) & (others <= high)).sum())
    return bool(len(mine) / np.sqrt(neighbours + 1) >= 5)


def pair(sample: Sample, spikes: list[Spike]) -> dict[int, int]:
    """Timer → found spike, the nearest first."""
    reach = 1.5 if sample.is_whole else 0.6
    near = sorted(
        (abs(s.center_s - t), i, j)
        for j, s in enumerate(spikes)
        for i, t in enumerate(sample.timers_s)
        if abs(s.center_s - t) <= max(0.02 * t, reach)
    )
    paired: dict[int, int] = {}
    for _, i, j in near:
        if i not in paired and j not in paired.values():
            paired[i] = j
    return paired


def score(sample: Sample, spikes: list[Spike], tally: Tally) -> None:
    """Add one set to the tally."""
    paired = pair(sample, spikes)
    tally.sets += 1
    tally.found += len(spikes)
    tally.right += len(paired)
    if not sample.timers_s:
        tally.empty_sets += 1
        tally.false_alarms += bool(spikes)
    for j, spike in enumerate(spikes):
        if j not in paired.values():
            tally.misses.append(f"false {spike.center_s:.3f} n={spike.n:.0f} in {sample.name} {sample.timers_s}")
    for i, timer in enumerate(sample.timers_s):
        if not is_detectable(sample, i):
            continue
        tally.detectable += 1
        if i not in paired:
            tally.misses.append(f"missed {timer} n={(sample.owner == i).sum()} in {sample.name} {sample.timers_s}")
            continue
        spike = spikes[paired[i]]
        tally.recalled += 1
        said, true = spike.probability(sample.values_s) >= 0.5, sample.owner == i
        tally.f1.append(2 * float((said & true).sum()) / float(said.sum() + true.sum()))
        tally.errors.append(abs(spike.center_s - timer) / timer)
        setting = _setting(spike)
        tally.settings_right += abs(setting - timer) < 0.011 or (sample.is_whole and abs(setting - timer) <= 1.0)


def _setting(spike: Spike) -> float:
    from wslog.classify.spikes import configured_value

    return configured_value(spike, spike.q05_s, USUAL_S)


def run(n: int, sets: int, *, world: str, seed: int, rules: Rules | None = None, n_timers: int | None = None) -> Tally:
    """Draw and search *sets* sets of *n* durations."""
    rng = np.random.default_rng([seed, n])
    tally = Tally()
    for _ in range(sets):
        sample = draw(rng, n, world=world, n_timers=n_timers)
        score(sample, find_in(sketch(sample.values_s), known_s=USUAL_S, rules=rules), tally)
    return tally
