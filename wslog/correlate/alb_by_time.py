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
from wslog.correlate.candidates import LEAST_RATE, PRESENT_ODDS, RATE_WINDOW_S
from wslog.correlate.densities import DurationDensity, laplace
from wslog.correlate.line_order import LineOrder
from wslog.correlate.numbering import number_met, number_rows
from wslog.correlate.sides import Floats
from wslog.correlate.windows import WindowIndex

PASSES: Final = 3
SURE: Final = 0.95
LIKELY: Final = 0.8
FARTHEST_S: Final = 1.0  # durations of a pair that are farther apart are not one request's
REACH_S: Final = 0.6  # beyond what the stamp leaves open: bursts keep a proxy busy for half a second


class ByTime:
    """Both sides, reduced once to what every pass compares."""

    def __init__(self, alb: pl.DataFrame, nginx: pl.DataFrame, order: LineOrder, *, on: list[str]) -> None:
        """Number what must be equal.

        Args:
            alb: The ALB's side, from `alb_sides.reduced`.
            nginx: nginx's.
            order: Of the lines of *nginx*.
            on: What both print.
        """
        self._alb, self._nginx, self._order = alb, nginx, order
        words = [number_met(pl.concat([alb[name], nginx[name]])) for name in on]
        numbers, _ = number_rows(*words)
        self._groups, self._members = numbers[: alb.height], numbers[alb.height :]
        self._alb_ip, self._forwarded_ip = (number_met(of["address"]) for of in (alb, nginx))
        self._alb_s, self._lifetime = (of.cast(pl.Float64).to_numpy() for of in (alb["alb_s"], nginx["lifetime_s"]))
        self._alike = DurationDensity(self._lifetime).at(self._lifetime)

    def pair(self, *, skew_s: float) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Pair one to one, abstaining where it could be either.

        Args:
            skew_s: How far the ALB's clock runs ahead.

        Returns:
            `row`, `alb_row`, `pair_confidence`; and the nginx rows' `row`, `ended_at`, `ended_half_s`.
        """
        ends = self._order.ends()
        found = pl.DataFrame(schema={"left": pl.Int64, "right": pl.Int64, "p": pl.Float64})
        pairs = pl.DataFrame()
        for number in range(PASSES):
            pairs = self._candidates(ends, skew_s=skew_s)
            if not pairs.height:
                break
            learnt = _learnt_of(pairs, found) if number else np.zeros(pairs.height)
            weight = np.exp(np.clip(pairs["log_weight"].to_numpy() + learnt, -40, 40))
            left, right = (number_rows(pairs[name].cast(pl.Int64).to_numpy())[0] for name in ("left", "right"))
            pairs = pairs.with_columns(pl.Series("p", pair_probabilities(left, right, weight)))
            found = choose_partners(pairs.select("left", "right", "p"), at_least=SURE)
            moved = pl.col("alb_at") - pl.duration(microseconds=round(skew_s * 1e6))
            known = found.join(self._alb.select(pl.col("alb_row").alias("left"), moved.alias("known_at")), on="left")
            ends = self._order.ends(
                known.select(pl.col("right").cast(self._nginx["row"].dtype).alias("row"), "known_at")
            )
        chosen = choose_partners(pairs.select("left", "right", "p"), at_least=LIKELY) if pairs.height else found
        return chosen.select(pl.col("right").alias("row"), pl.col("left").alias("alb_row"), pair_confidence="p"), ends

    def _candidates(self, ends: pl.DataFrame, *, skew_s: float) -> pl.DataFrame:
        """List the pairs that print the same words at about the same time, with the log weight of their times."""
        at = self._alb["alb_at"].dt.timestamp("us").to_numpy() / 1e6 - skew_s
        end = ends["ended_at"].dt.timestamp("us").to_numpy() / 1e6
        epoch = float(np.nanmedian(end)) if not np.isnan(end).all() else 0.0
        at, end = at - epoch, end - epoch
        index = WindowIndex(np.arange(len(end)), self._members, end)
        halves = ends["ended_half_s"].to_numpy()
        reach = REACH_S + float(np.nan_to_num(halves).max(initial=0.0))
        left, right = index.pairs(self._groups, at - reach, at + reach)
        ours, theirs = self._alb_ip[left], self._forwarded_ip[right]
        longer = self._alb_s[left] - self._lifetime[right]
        fits = ~(np.abs(longer) > FARTHEST_S) & ((ours == theirs) | (ours < 0) | (theirs < 0))
        left, right, longer = left[fits], right[fits], longer[fits]
        near = index.count(self._groups, at - RATE_WINDOW_S, at + RATE_WINDOW_S)
        rate = np.maximum(near / (2 * RATE_WINDOW_S), LEAST_RATE)
        log_weight = np.log(PRESENT_ODDS) + _log_time(at[left] - end[right], halves[right]) - np.log(rate[left])
        fit = 0.85 * laplace(np.nan_to_num(longer), 0.003) + 0.15 * laplace(np.nan_to_num(longer), 0.2)
        log_weight += np.where(~np.isnan(longer), np.log(fit / self._alike[right]), 0.0)
        alb: pl.DataFrame = self._alb.select(pl.col("alb_row").alias("left"), "bytes_out", "node")[left]
        peer = pl.col("node").alias("peer")
        nginx: pl.DataFrame = self._nginx.select(pl.col("row").alias("right"), "body_bytes", peer, "status")[right]
        extra_bytes = (pl.col("bytes_out") - pl.col("body_bytes")).alias("extra_bytes")
        return pl.concat([alb, nginx], how="horizontal").with_columns(pl.Series("log_weight", log_weight), extra_bytes)


def _log_time(off: Floats, half: Floats) -> Floats:
    return np.asarray(np.log(0.85 * laplace(off, 0.005, half) + 0.15 * laplace(off, 0.2, half)))


def _learnt_of(pairs: pl.DataFrame, found: pl.DataFrame) -> Floats:
    """Log ratio of what bytes and nodes say, learnt from the pairs that are sure."""
    wrong = pairs.join(found, on=["left", "right"], how="anti")
    right = pairs.join(found, on=["left", "right"], how="semi")
    return _learnt(pairs, right, wrong, given="status", value="extra_bytes") + _learnt(
        pairs, right, wrong, given="node", value="peer"
    )


def _learnt(pairs: pl.DataFrame, right: pl.DataFrame, wrong: pl.DataFrame, *, given: str, value: str) -> Floats:
    """Log ratio of how often partners and strangers show *value*, given *given*; 0 where either is not known."""

    def shares(of: pl.DataFrame, name: str) -> pl.DataFrame:
        return of.drop_nulls([given, value]).group_by(given, value).len(name)

    joined = pairs.select(given, value)
    for of, name in ((right, "right"), (wrong, "wrong"), (pairs, "any")):
        all_of = of.drop_nulls([given, value]).group_by(given).len(f"{name}_all")
        joined = joined.join(shares(of, name), on=[given, value], how="left", maintain_order="left")
        joined = joined.join(all_of, on=given, how="left", maintain_order="left")
    joined = joined.with_columns(pl.col("^(right|wrong|any).*$").fill_null(0))
    usual = pl.col("any") / pl.col("any_all").clip(lower_bound=1)
    partners = (pl.col("right") + usual) / (pl.col("right_all") + 1)
    strangers = (pl.col("wrong") + usual) / (pl.col("wrong_all") + 1)
    known = pl.col(value).is_not_null() & pl.col(given).is_not_null()
    return joined.select(pl.when(known).then((partners / strangers).log()).otherwise(0.0)).to_series().to_numpy()
