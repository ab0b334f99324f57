"""ALB lines find the nginx line of the same request: by trace id, else by what both print and when."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.correlate.assignment import choose_partners, pair_probabilities
from wslog.correlate.clock_offsets import FEWEST_VOTES, QUARTER_HOUR_S, ServerOffset
from wslog.schema import Tier

# Lines that many others look like say little about a clock, and all pairs of them would be too many.
RARE: Final = 30
LIKELY: Final = 0.5
DELAY_S: Final = 0.05  # how soon after one another two tiers write of the same end
STEP_S: Final = 2.0
COMPARABLE: Final = ("query", "user_agent", "host")
# X-Forwarded-For ends with the address that the load balancer added.
LAST_FORWARDED: Final = pl.col("forwarded_for").str.extract(r"([^,\s]+)\s*$")


def pair_alb(alb: pl.DataFrame, nginx: pl.DataFrame) -> tuple[pl.DataFrame, ServerOffset | None]:
    """Find the nginx line of each ALB line.

    By trace id where both log it. Lines whose nginx log has none are paired by path, status, close time and what else
    both print (query, user agent, host, forwarded address), after the ALB's clock offset has been voted for.

    Args:
        alb: ALB access events with `alb_row`.
        nginx: nginx access events with `row`.

    Returns:
        `row`, `alb_row`, `pair_confidence`; and the ALB's offset (positive runs ahead of nginx).
    """
    exact = _by_trace_id(alb, nginx)
    offset = _median_offset(exact) if exact.height >= FEWEST_VOTES else _vote(alb, nginx)
    rest = alb.join(exact, on="alb_row", how="anti")
    untraced = nginx.filter(pl.col("trace_id").is_null()).join(exact, on="row", how="anti")
    loose = _by_time(rest, untraced, offset.skew_s if offset else 0.0)
    return pl.concat([exact.select(loose.columns), loose]), offset


def _by_trace_id(alb: pl.DataFrame, nginx: pl.DataFrame) -> pl.DataFrame:
    """Pair by X-Amzn-Trace-Id; an id that several lines share is not exact."""
    return (
        alb.select("alb_row", "trace_id", pl.col("closed_at").alias("alb_at"))
        .drop_nulls("trace_id")
        .join(nginx.select("row", "trace_id", "closed_at"), on="trace_id", how="inner")
        .filter((pl.len().over("alb_row") == 1) & (pl.len().over("row") == 1))
        .with_columns(
            ((pl.col("alb_at") - pl.col("closed_at")).dt.total_milliseconds() / 1000).alias("ahead_s"),
            pl.lit(1.0).alias("pair_confidence"),
        )
    )


def _median_offset(pairs: pl.DataFrame, *, note: str = "") -> ServerOffset:
    ahead = pl.col("ahead_s")
    skew_s, spread_s = pairs.select(
        ahead.median().alias("skew"), (ahead.quantile(0.95) - ahead.quantile(0.05)).alias("spread")
    ).row(0)
    return ServerOffset(Tier.ALB, round(skew_s, 3), round(spread_s, 3), pairs.height, note)


def _comparable(alb: pl.DataFrame, nginx: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[str]]:
    """Reduce both sides to what is compared, with the columns that must be equal."""
    both = [name for name in COMPARABLE if alb[name].is_not_null().any() and nginx[name].is_not_null().any()]
    on = ["path", "status", *both]
    renamed = {"closed_at": "alb_at", "client_ip": "alb_ip", "lifetime_s": "alb_s"}
    alb_side = alb.select("alb_row", *on, *(pl.col(ours).alias(name) for ours, name in renamed.items()))
    forwarded = LAST_FORWARDED.alias("forwarded_ip")
    return alb_side, nginx.select("row", *on, "closed_at", "lifetime_s", "at_resolution_s", forwarded), on


def _compared(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add how far the ALB's close is ahead, and drop pairs that contradict each other in address or duration."""
    # nginx's stamp is a floor: compare with the middle of what it may mean.
    ahead = (pl.col("alb_at") - pl.col("closed_at")).dt.total_milliseconds() / 1000 - pl.col("at_resolution_s") / 2
    return pairs.with_columns(ahead.alias("ahead_s")).filter(
        (pl.col("forwarded_ip") == pl.col("alb_ip")).fill_null(value=True)
        & ((pl.col("alb_s") - pl.col("lifetime_s")).abs() <= 1.0).fill_null(value=True)
    )


def _vote(alb: pl.DataFrame, nginx: pl.DataFrame) -> ServerOffset | None:
    """Vote for the ALB's offset: the box of close-time differences that most pairs of rare lines fall into.

    Whole quarter hours (wrong zones) are tried as well as small offsets.
    """
    alb_side, nginx_side, on = _comparable(alb, nginx)
    rare = (pl.len().over(on) <= RARE).alias("rare")
    pairs = _compared(alb_side.filter(rare).join(nginx_side.filter(rare), on=on, how="inner", nulls_equal=True))
    quarters = (pl.col("ahead_s") / QUARTER_HOUR_S).round() * QUARTER_HOUR_S
    near = pairs.filter((pl.col("ahead_s") - quarters).abs() <= 20.0)
    votes = near.group_by((pl.col("ahead_s") * 2).round().alias("box")).agg(pl.len(), pl.col("ahead_s").median())
    votes = votes.sort(["len", "box"], descending=[True, False])
    if not votes.height or votes["len"][0] < FEWEST_VOTES:
        return None
    agreeing = near.filter((pl.col("ahead_s") - votes["ahead_s"][0]).abs() <= 1.0)
    return _median_offset(agreeing, note="voted from close times")


def _by_time(alb: pl.DataFrame, nginx: pl.DataFrame, skew_s: float) -> pl.DataFrame:
    """Pair one to one by close time, abstaining where it could be either."""
    alb_side, nginx_side, on = _comparable(alb, nginx)
    moved = pl.col("alb_at").dt.timestamp("ms") / 1000 - skew_s
    bucket = (moved / STEP_S).floor().cast(pl.Int64)
    around = alb_side.with_columns(pl.concat_list(bucket - 1, bucket, bucket + 1).alias("bucket")).explode("bucket")
    there = (pl.col("closed_at").dt.timestamp("ms") / 1000 / STEP_S).floor().cast(pl.Int64).alias("bucket")
    pairs = _compared(around.join(nginx_side.with_columns(there), on=[*on, "bucket"], how="inner", nulls_equal=True))
    half = pl.col("at_resolution_s") / 2
    beyond = ((pl.col("ahead_s") - skew_s).abs() - half).clip(lower_bound=0.0)
    # Within the stamp's own resolution every moment is as likely; beyond it, delays fall off.
    weight = (-beyond / DELAY_S).exp() / (pl.col("at_resolution_s") + 2 * DELAY_S) * 10
    pairs = pairs.filter(beyond <= 12 * DELAY_S).with_columns(weight.alias("weight"))
    alb_rows, rows = (pairs[name].cast(pl.Int64).to_numpy() for name in ("alb_row", "row"))
    p = pair_probabilities(alb_rows, rows, pairs["weight"].to_numpy())
    found = pairs.select(pl.col("alb_row").alias("left"), pl.col("row").alias("right")).with_columns(pl.Series("p", p))
    chosen = choose_partners(found, at_least=LIKELY)
    return chosen.select(pl.col("right").alias("row"), pl.col("left").alias("alb_row"), pair_confidence="p")
