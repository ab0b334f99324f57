"""How far clocks run ahead: each client's, learnt from its own sure matches (the judged one left out), and servers'."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from wslog.schema import Tier

NEIGHBOURS: Final = 5
HANDSHAKE_SD_S: Final = 0.06
ONE_PAIR_SD_S: Final = 0.15
DRIFT: Final = 40e-6  # ordinary quartz, seconds per second
QUARTER_HOUR_S: Final = 900.0  # zones differ by whole quarters of an hour
FEWEST_VOTES: Final = 3


class ServerOffset(NamedTuple):
    """How far a server log's clock runs ahead of the reference clock, and from how many pairs that is known."""

    tier: Tier
    skew_s: float
    spread_s: float
    n: int
    note: str


def client_offsets(records: pl.DataFrame, sure: pl.DataFrame) -> pl.DataFrame:
    """Estimate the clock offset each client record was written with.

    The median over the (up to five) sure matches of the same clock that are nearest in time, never its own: with its
    own match included a wrong pair would confirm itself.

    Args:
        records: `client`, `clock`, `end_at`.
        sure: `client`, `clock`, `end_at`, `ahead_s` of accepted pairs.

    Returns:
        `client`, `offset_s`, `offset_sd_s`; only records whose clock has another sure match.
    """
    ranked = (
        sure.drop_nulls(["clock", "end_at"])
        .sort("clock", "end_at", "client")
        .with_columns(pl.int_range(pl.len()).over("clock").alias("rank"))
    )
    if not ranked.height:
        return pl.DataFrame(schema={"client": pl.Int64, "offset_s": pl.Float64, "offset_sd_s": pl.Float64})
    place = (
        records.drop_nulls(["clock", "end_at"])
        .sort("end_at")
        .join_asof(
            ranked.select("clock", "end_at", "rank").sort("end_at"),
            on="end_at",
            by="clock",
            strategy="backward",
            check_sortedness=False,
        )
    )
    reach = pl.int_ranges(
        pl.col("rank").fill_null(-1).cast(pl.Int64) - NEIGHBOURS,
        pl.col("rank").fill_null(-1).cast(pl.Int64) + NEIGHBOURS + 2,
    )
    others = (
        place.select("client", "clock", "end_at", reach.alias("rank"))
        .explode("rank")
        .join(
            ranked.select(
                "clock", "rank", pl.col("client").alias("other"), pl.col("end_at").alias("other_at"), "ahead_s"
            ),
            on=["clock", "rank"],
        )
        .filter(pl.col("client") != pl.col("other"))
        .with_columns(((pl.col("other_at") - pl.col("end_at")).dt.total_milliseconds().abs() / 1000).alias("age_s"))
        .sort("client", "age_s", "other")
    )
    nearest = others.filter(pl.int_range(pl.len()).over("client") < NEIGHBOURS)
    centred = nearest.with_columns(pl.col("ahead_s").median().over("client").alias("offset_s"))
    mad = 1.48 * (pl.col("ahead_s") - pl.col("offset_s")).abs().median()
    variance = (
        HANDSHAKE_SD_S**2
        + mad**2 / pl.len()
        + pl.when(pl.len() == 1).then(ONE_PAIR_SD_S**2).otherwise(0.0)
        + (DRIFT * pl.col("age_s").min()) ** 2
    )
    return (
        centred.group_by("client").agg(pl.col("offset_s").first(), variance.sqrt().alias("offset_sd_s")).sort("client")
    )
