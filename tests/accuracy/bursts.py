"""How small a restart is found among ordinary closes, and how often none is: `python -m tests.accuracy bursts`.

Units: seconds, closes per second.
"""
# ruff: noqa: T201  # a command: it prints its tables

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from wslog.classify.bursts import RawBurst, Scope, scan_scopes, span_of

# closes in the burst, its length, ordinary closes per second
FOUND_SHARP: Final = ((10, 1.5, 0.05), (20, 1.5, 0.5), (60, 1.5, 5.0))
FOUND_SPREAD: Final = ((50, 30.0, 0.05), (100, 30.0, 0.5), (500, 30.0, 5.0))
RATES: Final = (0.05, 0.5, 5.0)
UNEVEN: Final = 0.3  # standard deviation of the rate from minute to minute


def ordinary(rng: np.random.Generator, rate: float, length_s: float) -> np.ndarray:
    """Close times whose rate wobbles from minute to minute."""
    minutes = int(length_s // 60)
    wobble = np.exp(rng.normal(-(UNEVEN**2) / 2, UNEVEN, minutes))
    counts = rng.poisson(rate * 60 * wobble)
    return np.sort(np.repeat(np.arange(minutes) * 60.0, counts) + rng.uniform(0, 60, int(counts.sum())))


def find_bursts(closes: pl.DataFrame) -> list[RawBurst]:
    """Find bursts in the scopes of *closes*: `scope`, `opened_s`, `closed_s` of opened connections."""
    parts = closes.sort("scope", "closed_s").partition_by("scope", maintain_order=True)
    scopes = (Scope(part["scope"][0], part) for part in parts)
    return scan_scopes(scopes, n_scopes=len(parts), span=span_of(closes))


def search(closed_s: np.ndarray) -> list[RawBurst]:
    """Search one upstream."""
    frame = pl.DataFrame({"closed_s": np.sort(closed_s) + 1.7e9})
    return find_bursts(
        frame.select(pl.lit("upstream a").alias("scope"), (pl.col("closed_s") - 900).alias("opened_s"), "closed_s")
    )


def found_share(rng: np.random.Generator, case: tuple[int, float, float], *, runs: int) -> float:
    """Part of the runs in which a burst in the middle of two hours is found."""
    n, length, rate = case
    hits = 0
    for _ in range(runs):
        at = 3600 + rng.uniform(0, 60)
        closed = np.concatenate([ordinary(rng, rate, 7200), at + rng.uniform(0, length, n)])
        hits += any(abs(b.start_s - 1.7e9 - at) <= length + 2 for b in search(closed))
    return hits / runs


def false_per_day(rng: np.random.Generator, rate: float, *, days: int) -> float:
    """Bursts found per day that holds none."""
    return sum(len(search(ordinary(rng, rate, 86400))) for _ in range(days)) / days


def run(arguments: Sequence[str]) -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy bursts")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--days", type=int, default=20)
    options = parser.parse_args(arguments)
    rng = np.random.default_rng(options.seed)
    print("| closes in the burst | within, s | ordinary closes per s | found |\n| --- | --- | --- | --- |")
    for case in (*FOUND_SHARP, *FOUND_SPREAD):
        print(f"| {case[0]} | {case[1]:g} | {case[2]:g} | {found_share(rng, case, runs=options.runs):.2f} |")
    print("\n| ordinary closes per s | false bursts per upstream and day |\n| --- | --- |")
    for rate in RATES:
        print(f"| {rate:g} | {false_per_day(rng, rate, days=options.days):.2f} |")
    return 0
