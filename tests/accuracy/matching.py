"""Measure matching in synthetic worlds: precision, recall, skew error and calibration against their bars.

`python -m tests.accuracy matching` prints the tables; `--quick` uses smaller days, `--scale` runs 0.9 M by 1.3 M rows.
"""
# ruff: noqa: T201  # a command: it prints its tables

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import polars as pl

from tests.accuracy.matching_worlds import CHANGED, KNOWN, WORLDS, Day, World, make_day
from wslog.correlate.assignment import choose_partners
from wslog.correlate.clients import drop_repeats
from wslog.correlate.matching import match_clients

ACCEPT: Final = 0.9
BINS: Final = (0.5, 0.9, 0.95, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Score:
    """How well one day was matched; `pairs` holds `client`, `server`, `p`, `right` of every best pair."""

    precision: float
    recall: float
    skew_error_s: float
    cpu_s: float
    pairs: pl.DataFrame


def measure(day: Day) -> Score:
    """Match *day* and compare with the truth; copies of a record count once."""
    began = time.process_time()
    clients = drop_repeats(day.clients)
    pairs, offsets = match_clients(clients, day.servers)
    best = choose_partners(pairs.rename({"client": "left", "server": "right"}), at_least=0.5)
    cpu_s = time.process_time() - began
    truth = day.truth.join(clients.select("client"), on="client", how="semi")
    judged = best.rename({"left": "client", "right": "server"}).join(
        truth.rename({"server": "partner"}), on="client", how="left"
    )
    judged = judged.with_columns((pl.col("partner") == pl.col("server")).fill_null(value=False).alias("right"))
    accepted = judged.filter(pl.col("p") >= ACCEPT)
    n_right = accepted["right"].sum()
    skew = truth.join(offsets, on="client").join(accepted.select("client"), on="client", how="semi")
    error = (skew["offset_s"] - skew["skew_s"]).abs().median()
    return Score(
        n_right / max(accepted.height, 1), n_right / max(truth["server"].count(), 1), float(error or 0.0),  # type: ignore[arg-type]
        cpu_s, judged.select("client", "server", "p", "right"),
    )  # fmt: skip


def calibration(pairs: pl.DataFrame) -> pl.DataFrame:
    """Share of right pairs among those stated in each range of confidence."""
    cut = pl.col("p").cut(list(BINS), left_closed=True).cast(pl.String).alias("stated")
    binned = pairs.with_columns(cut).group_by("stated")
    return binned.agg(pl.len().alias("n"), pl.col("p").mean(), pl.col("right").mean()).sort("p")


def run(arguments: Sequence[str]) -> int:
    """Print the tables; exit code 1 if a bar is missed by more than 0.01."""
    parser = argparse.ArgumentParser(prog="python -m tests.accuracy matching")
    parser.add_argument("--quick", action="store_true", help="a quarter of the connections")
    parser.add_argument("--scale", action="store_true", help="only the big run")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.scale:
        return _run_scale()
    missed = 0
    everything = []
    print("| world | precision (bar) | recall (bar) | skew error, median s | CPU s |\n| --- | --- | --- | --- | --- |")
    for world in (*WORLDS, *CHANGED):
        score = measure(make_day(replace(world, n=world.n // 4) if options.quick else world, seed=options.seed))
        is_low = score.precision < world.precision - 0.01 or score.recall < world.recall - 0.01
        missed += is_low
        everything.append(score.pairs)
        print(_row(world, score, "  MISSED" if is_low else ""), flush=True)
    print("\n| stated | pairs | mean stated | right |\n| --- | --- | --- | --- |")
    for stated, n, p, right in calibration(pl.concat(everything)).iter_rows():
        print(f"| {stated} | {n} | {p:.4f} | {right:.4f} |")
    return 1 if missed else 0


def _row(world: World, score: Score, remark: str) -> str:
    return (
        f"| {world.name} | {score.precision:.4f} ({world.precision:.3f}) | {score.recall:.3f} ({world.recall:.3f}) "
        f"| {score.skew_error_s:.3f} | {score.cpu_s:.1f} |{remark}"
    )


def _run_scale() -> int:
    """Match 0.9 M client records with 1.3 M server rows, addresses known."""
    day = make_day(replace(KNOWN, n=1_300_000), seed=1)
    day = replace(day, clients=day.clients.filter(pl.col("client") % 10 < 7))
    print(f"{day.clients.height:,} client records, {day.servers.height:,} server rows", flush=True)
    score = measure(day)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(_row(KNOWN, score, f" peak {peak:.2f} GiB"))
    return 0
