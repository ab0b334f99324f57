"""How well spikes are found, measured where the truth is known: `python -m tests.accuracy spikes --help`.

A spike is *detectable* if it has at least 5 members and members / sqrt(neighbours + 1) >= 5, its neighbours being the
background's values where the middle 96 % of its members are. A found spike is right if it stands within 2 % or 0.6 s
(1.5 s in whole seconds) of a timer that no better one has claimed; anything else found is wrong.
"""

# ruff: noqa: T201  # a command: it prints its tables

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.accuracy.spike_kinds import combs, typing
from tests.accuracy.spike_worlds import USUAL_S, Sample, draw
from wslog.classify.histogram import sketch
from wslog.classify.scan import Rules
from wslog.classify.spikes import Spike, configured_value, find_in

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
    settings: int = 0
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
        return self.settings_right / self.settings if self.settings else 1.0


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
        if timer in USUAL_S:
            tally.settings += 1
            tally.settings_right += configured_value(spike, spike.q05_s, USUAL_S) == timer


def measure(
    n: int, sets: int, *, world: str, seed: int, rules: Rules | None = None, n_timers: int | None = None
) -> Tally:
    """Draw and search *sets* sets of *n* durations."""
    rng = np.random.default_rng([seed, n])
    tally = Tally()
    for _ in range(sets):
        sample = draw(rng, n, world=world, n_timers=n_timers)
        score(sample, find_in(sketch(sample.values_s), known_s=USUAL_S, rules=rules), tally)
    return tally


ABLATION = {
    "full": Rules(alpha=0.01),
    "pooled bands": Rules(alpha=0.01, denser_band=False),
    "no slack": Rules(alpha=0.01, slack=False),
    "neither": Rules(alpha=0.01, denser_band=False, slack=False),
    "full, any width": Rules(alpha=0.01, compact=False),
    "pooled bands, any width": Rules(alpha=0.01, denser_band=False, compact=False),
    "no slack, any width": Rules(alpha=0.01, slack=False, compact=False),
    "neither, any width": Rules(alpha=0.01, denser_band=False, slack=False, compact=False),
}


def _print_bars(sizes: Sequence[int], seeds: dict[str, int], part: float) -> int:
    """Print precision and recall against their bars; return how many of them are missed."""
    print("| n | world | sets | detectable | precision (bar) | recall (bar) | member F1 | location p95 ", end="")
    print("| false alarms | setting guessed | s per set |\n|" + " --- |" * 11)
    missed = 0
    for n in sizes:
        for world, seed in seeds.items():
            began, sets = time.perf_counter(), max(4, int(SIZES[n] * part))
            t = measure(n, sets, world=world, seed=seed)
            took = (time.perf_counter() - began) / sets
            p, r = BARS[n]
            missed += (t.precision() < p) + (t.recall() < r)
            print(
                f"| {n} | {world} | {sets} | {t.detectable} | {t.precision():.3f} ({p}) | {t.recall():.3f} ({r}) "
                f"| {t.member_f1():.3f} | {t.location_p95():.2%} | {t.false_alarms} of {t.empty_sets} "
                f"| {t.setting_share():.3f} | {took:.3f} |",
                flush=True,
            )
    return missed


def _print_ablation(sets: int, seed: int) -> None:
    print("| rules | n = 1 000 | 10 000 | 100 000 |\n| --- | --- | --- | --- |")
    for name, rules in ABLATION.items():
        shares = [
            measure(n, sets, world="tuned", seed=seed, rules=rules, n_timers=0).false_alarms / sets
            for n in (1_000, 10_000, 100_000)
        ]
        print(f"| {name} | " + " | ".join(f"{s:.3f}" for s in shares) + " |", flush=True)


def _print_alarms(sets: int, seeds: dict[str, int]) -> None:
    print("| world | n = 20 | 100 | 1 000 | 10 000 |\n|" + " --- |" * 5)
    for world, seed in seeds.items():
        tallies = [measure(n, sets, world=world, seed=seed, n_timers=0) for n in (20, 100, 1_000, 10_000)]
        print(f"| {world} | " + " | ".join(f"{t.false_alarms} of {t.sets}" for t in tallies) + " |", flush=True)


def _print_kinds(sets: int, seeds: dict[str, int]) -> None:
    print("| world | right kind | wrong kind | missed | false spikes | false alarms |\n|" + " --- |" * 6)
    for world, seed in seeds.items():
        t = typing(seed, sets, world=world)
        counts = f"{t['right']} | {t['wrong kind']} | {t['missed']} | {t['false']} | {t['alarms']} of {t['empty']}"
        print(f"| {world} | {counts} |", flush=True)


def _print_combs(sets: int, seeds: dict[str, int]) -> None:
    print("| world | share | by spikes | by power | missed | false |\n|" + " --- |" * 6)
    for world, seed in seeds.items():
        for share in (0.0, 0.05, 0.1, 0.2):
            t = combs(seed, sets, share, world=world)
            print(f"| {world} | {share:.0%} | {t['strong']} | {t['weak']} | {t['missed']} | {t['false']} |", flush=True)


def run(arguments: Sequence[str]) -> int:
    """Print a table; exit code 1 if a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy spikes")
    parser.add_argument("table", choices=("bars", "alarms", "ablation", "kinds", "combs"), nargs="?", default="bars")
    parser.add_argument("--n", type=int, action="append", choices=tuple(BARS), help="only this size")
    parser.add_argument("--part", type=float, default=1.0, help="of the usual number of sets")
    parser.add_argument("--seeds", type=int, nargs=3, default=(101, 202, 303), metavar=("TUNED", "FRESH", "UNSEEN"))
    options = parser.parse_args(arguments)
    seeds = dict(zip(("tuned", "fresh", "unseen"), options.seeds, strict=True))
    if options.table == "bars":
        return int(_print_bars(options.n or tuple(BARS), seeds, options.part) > 0)
    if options.table == "ablation":
        _print_ablation(int(100 * options.part), seeds["tuned"])
    elif options.table == "kinds":
        _print_kinds(int(160 * options.part), seeds)
    elif options.table == "combs":
        _print_combs(int(60 * options.part), seeds)
    else:
        _print_alarms(int(500 * options.part), seeds)
    return 0
