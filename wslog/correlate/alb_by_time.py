"""ALB lines find the nginx line of the same request when no id says so: by when, how long, how much, and through whom.

    weight = (1-π)/π · f(δ)·g(Δ) / (λ·h) · bytes · node

with δ the difference of the closes, Δ that of the durations, λ the rows per second that print the same words, h the
density of durations. How many bytes the ALB counts on top of nginx's, and from which address each of its nodes speaks
to nginx, is learnt from the pairs that are sure without. Units: seconds.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from wslog.correlate.assignment import choose_partners, pair_probabilities
from wslog.correlate.densities import DurationDensity, laplace
from wslog.correlate.line_order import LineOrder
from wslog.correlate.sides import Floats, Ints
from wslog.correlate.windows import WindowIndex

PASSES: Final = 3
SURE: Final = 0.95
LIKELY: Final = 0.8
REACH_S: Final = 0.6  # beyond what the stamp leaves open: bursts keep a proxy busy for half a second
RATE_WINDOW_S: Final = 150.0
LEAST_RATE: Final = 1 / 300.0
PRESENT_ODDS: Final = 9.0
NODE: Final = pl.col("ref").str.extract(r"_(\d+\.\d+\.\d+\.\d+)_[^_/]*$")


def pair_by_time(
    alb: pl.DataFrame, nginx: pl.DataFrame, *, on: list[str], order: LineOrder, skew_s: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pair one to one, abstaining where it could be either.

    Args:
        alb: `alb_row`, `alb_at`, `alb_ip`, `alb_s`, `bytes_out`, `node` and the columns *on*.
        nginx: `row`, `ref`, `closed_at`, `at_resolution_s`, `lifetime_s`, `body_bytes`, `client_ip`, `forwarded_ip`
            and *on*.
        on: What both print.
        order: The nginx lines in order.
        skew_s: How far the ALB's clock runs ahead.

    Returns:
        `row`, `alb_row`, `pair_confidence`; and the nginx rows' `row`, `ended_at`, `ended_half_s`.
    """
    ends = nginx.hstack(order.ends().drop("row"))
    found = pl.DataFrame(schema={"left": pl.Int64, "right": pl.Int64, "p": pl.Float64})
    pairs = pl.DataFrame()
    for number in range(PASSES):
        pairs = _candidates(alb, ends, on=on, skew_s=skew_s)
        if not pairs.height:
            break
        if number:
            wrong, right = (
                pairs.join(found, on=["left", "right"], how="anti"),
                pairs.join(found, on=["left", "right"], how="semi"),
            )
            learnt = _learnt(pairs, right, wrong, given="status", value="extra_bytes") + _learnt(
                pairs, right, wrong, given="node", value="client_ip"
            )
        else:
            learnt = np.zeros(pairs.height)
        weight = np.exp(np.clip(pairs["log_weight"].to_numpy() + learnt, -40, 40))
        left, right_rows = (np.unique(pairs[name].to_numpy(), return_inverse=True)[1] for name in ("left", "right"))
        pairs = pairs.with_columns(pl.Series("p", pair_probabilities(left, right_rows, weight)))
        found = choose_partners(pairs.select("left", "right", "p"), at_least=SURE)
        moved = pl.col("alb_at") - pl.duration(microseconds=round(skew_s * 1e6))
        known = found.join(alb.select(pl.col("alb_row").alias("left"), moved.alias("known_at")), on="left")
        known = known.select(pl.col("right").cast(nginx["row"].dtype).alias("row"), "known_at")
        ends = nginx.hstack(order.ends(known).drop("row"))
    chosen = choose_partners(pairs.select("left", "right", "p"), at_least=LIKELY) if pairs.height else found
    return (
        chosen.select(pl.col("right").alias("row"), pl.col("left").alias("alb_row"), pair_confidence="p"),
        ends.select("row", "ended_at", "ended_half_s"),
    )


def _candidates(alb: pl.DataFrame, ends: pl.DataFrame, *, on: list[str], skew_s: float) -> pl.DataFrame:
    """List the pairs that print the same words at about the same time, with the log weight of their times."""
    groups, members = _groups(alb, ends, on)
    at = alb["alb_at"].dt.timestamp("us").to_numpy() / 1e6 - skew_s
    end = ends["ended_at"].dt.timestamp("us").to_numpy() / 1e6
    epoch = float(np.nanmedian(end)) if not np.isnan(end).all() else 0.0
    at, end = at - epoch, end - epoch
    index = WindowIndex(np.arange(len(end)), members, end)
    reach = REACH_S + float(ends["ended_half_s"].max() or 0.0)  # type: ignore[arg-type]
    left, right = index.pairs(groups, at - reach, at + reach)
    rate = np.maximum(index.count(groups, at - RATE_WINDOW_S, at + RATE_WINDOW_S) / (2 * RATE_WINDOW_S), LEAST_RATE)
    half = ends["ended_half_s"].to_numpy()[right]
    log_weight = np.log(PRESENT_ODDS) + _log_time(at[left] - end[right], half) - np.log(rate[left])
    lifetime = ends["lifetime_s"].cast(pl.Float64).to_numpy()
    longer = alb["alb_s"].cast(pl.Float64).to_numpy()[left] - lifetime[right]
    timed = ~np.isnan(longer)
    fit = 0.85 * laplace(np.nan_to_num(longer), 0.003) + 0.15 * laplace(np.nan_to_num(longer), 0.2)
    log_weight += np.where(timed, np.log(fit / DurationDensity(lifetime).at(lifetime[right])), 0.0)
    pairs = pl.concat(
        [
            alb.select(pl.col("alb_row").alias("left"), "alb_ip", "bytes_out", "node")[left],
            ends.select(pl.col("row").alias("right"), "forwarded_ip", "body_bytes", "client_ip", "status")[right],
        ],
        how="horizontal",
    ).with_columns(
        pl.Series("log_weight", log_weight), (pl.col("bytes_out") - pl.col("body_bytes")).alias("extra_bytes")
    )
    same = (pl.col("forwarded_ip") == pl.col("alb_ip")).fill_null(value=True)
    return pairs.filter(same & pl.Series(~timed | (np.abs(np.nan_to_num(longer)) <= 1.0)))


def _log_time(off: Floats, half: Floats) -> Floats:
    return np.asarray(np.log(0.85 * laplace(off, 0.005, half) + 0.15 * laplace(off, 0.2, half)))


def _groups(alb: pl.DataFrame, nginx: pl.DataFrame, on: list[str]) -> tuple[Ints, Ints]:
    """Number the lines that print the same words alike."""
    both = pl.concat([alb.select(on), nginx.select(on)], how="vertical_relaxed")
    numbers = both.select(pl.struct(on).rank("dense").cast(pl.Int64)).to_series().to_numpy()
    return numbers[: alb.height], numbers[alb.height :]


def _learnt(pairs: pl.DataFrame, right: pl.DataFrame, wrong: pl.DataFrame, *, given: str, value: str) -> Floats:
    """Log ratio of how often partners and strangers show *value*, given *given*; 0 where either is not known."""

    def shares(of: pl.DataFrame, name: str) -> pl.DataFrame:
        counts = of.drop_nulls([given, value]).group_by(given, value).len("n")
        return counts.select(
            given, value, (pl.col("n")).alias(name), pl.col("n").sum().over(given).alias(f"{name}_all")
        )

    joined = pairs.select(given, value)
    for of, name in ((right, "right"), (wrong, "wrong"), (pairs, "any")):
        all_of = of.drop_nulls([given, value]).group_by(given).len(f"{name}_all")
        joined = joined.join(shares(of, name).drop(f"{name}_all"), on=[given, value], how="left", maintain_order="left")
        joined = joined.join(all_of, on=given, how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("^(right|wrong|any).*$").fill_null(0))
    usual = pl.col("any") / pl.col("any_all").clip(lower_bound=1)
    partners = (pl.col("right") + usual) / (pl.col("right_all") + 1)
    strangers = (pl.col("wrong") + usual) / (pl.col("wrong_all") + 1)
    known = pl.col(value).is_not_null() & pl.col(given).is_not_null()
    return joined.select(pl.when(known).then((partners / strangers).log()).otherwise(0.0)).to_series().to_numpy()
