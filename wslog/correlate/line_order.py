"""When lines with whole-second stamps were really written: their order in the file says more than the stamp.

nginx writes a line when a connection ends, so lines stand in order of close (up to the workers' interleaving). The k-th
of m lines between two known moments lies at about k/(m+1) of the way, with the spread of an order statistic,
gap·√(u(1-u)/(m+2)). Known moments are the bounds of the second and the closes that the load balancer tells of lines
that are surely paired.
"""

from __future__ import annotations

from typing import Final

import polars as pl

COARSE_S: Final = 0.5
INTERLEAVING_S: Final = 0.05
BOX: Final = 1.73  # half of a box whose standard deviation is 1


def estimate_ends(nginx: pl.DataFrame, known: pl.DataFrame | None = None) -> pl.DataFrame:
    """Add `ended_at`, the middle of what a line's close may mean, and `ended_half_s`, half of that.

    Args:
        nginx: Access events with `row`, `ref`, `closed_at`, `at_resolution_s`.
        known: `row`, `known_at`: closes known better, on nginx's clock.
    """
    resolution = pl.col("at_resolution_s").fill_null(1.0)
    nginx = nginx.drop("ended_at", "ended_half_s", strict=False)
    if not nginx.select((resolution > COARSE_S).any()).item():
        return nginx.with_columns(_after(resolution / 2).alias("ended_at"), (resolution / 2).alias("ended_half_s"))
    file, line = pl.col("ref").str.replace(r":\d+$", ""), pl.col("ref").str.extract(r":(\d+)$").cast(pl.Int64)
    lines = nginx.select("row", "closed_at", resolution.alias("step_s"), file.alias("file"), line.alias("line"))
    nothing = pl.DataFrame(schema={"row": nginx["row"].dtype, "known_at": pl.Datetime("us", "UTC")})
    known = nothing if known is None else known
    lines = lines.join(known, on="row", how="left").sort("file", "line")
    second = ["file", "closed_at"]
    into = ((pl.col("known_at") - pl.col("closed_at")).dt.total_microseconds() / 1e6).clip(0.0, pl.col("step_s"))
    lines = lines.with_columns(into.alias("into_s")).with_columns(
        pl.col("into_s").forward_fill().over(second).fill_null(0.0).alias("low"),
        pl.coalesce(pl.col("into_s").backward_fill().over(second), "step_s").alias("high"),
        pl.col("into_s").is_not_null().cum_sum().over(second).alias("stretch"),
    )
    stretch = [*second, "stretch"]
    unknown = pl.col("into_s").is_null()
    place = (unknown.cum_sum().over(stretch) / (unknown.sum().over(stretch) + 1)).alias("u")
    gap = (pl.col("high") - pl.col("low")).abs()
    spread = gap * (pl.col("u") * (1 - pl.col("u")) / (unknown.sum().over(stretch) + 2)).sqrt()
    lines = lines.with_columns(place).with_columns(
        pl.coalesce("into_s", pl.col("low") + (pl.col("high") - pl.col("low")) * pl.col("u")).alias("middle"),
        pl.when(unknown).then(BOX * spread + INTERLEAVING_S).otherwise(INTERLEAVING_S).alias("half"),
    )
    coarse = pl.col("step_s") > COARSE_S
    middle = pl.when(coarse).then("middle").otherwise(pl.col("step_s") / 2)
    half = pl.when(coarse).then(pl.min_horizontal("half", pl.col("step_s") / 2)).otherwise(pl.col("step_s") / 2)
    found = lines.select("row", _after(middle).alias("ended_at"), half.alias("ended_half_s"))
    return nginx.join(found, on="row", how="left", maintain_order="left")


def _after(seconds: pl.Expr) -> pl.Expr:
    return pl.col("closed_at") + pl.duration(microseconds=(seconds * 1e6).round().cast(pl.Int64))
