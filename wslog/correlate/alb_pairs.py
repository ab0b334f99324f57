"""ALB lines find the nginx line of the same request: by trace id, else by what both print and when."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.correlate.alb_by_time import ByTime
from wslog.correlate.alb_sides import reduced, words_of_both
from wslog.correlate.clock_offsets import FEWEST_VOTES, QUARTER_HOUR_S, ServerOffset
from wslog.correlate.line_order import COARSE_STEP_S, LineOrder
from wslog.correlate.places import collected
from wslog.schema import Tier

# Lines that many others look like say little about a clock, and all pairs of them would be too many.
RARE: Final = 30
NEAR_S: Final = 75.0  # clocks that are off by more have been set right before, or by whole quarter hours
IS_TRACED: Final = pl.col("is_traced")


def pair_alb(alb: pl.LazyFrame, nginx: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame, ServerOffset | None]:
    """Find the nginx line of each ALB line.

    By trace id where both log it. Lines whose nginx log has none are paired by path, status, close time and what else
    both print (query, user agent, host, forwarded address), after the ALB's clock offset has been voted for.

    Args:
        alb: ALB access events with `alb_row`; collected some columns at a time, as the others.
        nginx: nginx access events with `row`.

    Returns:
        `row`, `alb_row`, `pair_confidence`; the nginx rows' `row`, `ended_at`, `ended_half_s`; and the ALB's offset
        (positive runs ahead of nginx).
    """
    rows = nginx.select("row", is_traced=pl.col("trace_id").is_not_null()).pipe(collected)
    alb_rows = alb.select("alb_row").pipe(collected)
    if rows.is_empty() or alb_rows.is_empty():
        nothing = pl.DataFrame(schema={"row": pl.UInt32, "alb_row": pl.UInt32, "pair_confidence": pl.Float64})
        return (
            nothing,
            pl.concat(_order(nginx, rows.filter(some)["row"]).ends() for some in (IS_TRACED, ~IS_TRACED)),
            None,
        )
    exact = _by_trace_id(alb, nginx)
    rest = alb_rows.join(exact, on="alb_row", how="anti", maintain_order="left")["alb_row"]
    untraced = rows.filter(~IS_TRACED).join(exact, on="row", how="anti", maintain_order="left")["row"]
    loose, ends, offset = _pair_by_time(alb, nginx, exact, rest=rest, untraced=untraced)
    traced = rows.join(untraced.to_frame(), on="row", how="anti", maintain_order="left")["row"]
    pairs = pl.concat([exact.select(loose.columns).cast(loose.schema), loose])
    return pairs, pl.concat([_order(nginx, traced).ends(), ends]), offset


def _pair_by_time(
    alb: pl.LazyFrame, nginx: pl.LazyFrame, exact: pl.DataFrame, *, rest: pl.Series, untraced: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame, ServerOffset | None]:
    """Pair what no id has paired, and settle the ALB's offset, by what is exact if there is enough of that.

    Returns:
        As `pair_alb`, of the rows *untraced*.
    """
    is_exact = exact.height >= FEWEST_VOTES
    sides = reduced(_at(alb, rest), _at(nginx, untraced)) if is_exact else reduced(alb, nginx)
    offset = _median_offset(exact) if is_exact else _vote(*sides)
    alb_side = sides[0].filter(pl.col("alb_row").is_in(rest.implode()))
    nginx_side = sides[1].filter(pl.col("row").is_in(untraced.implode()))
    by_time = ByTime(alb_side, nginx_side, _order(nginx, untraced), on=words_of_both(alb_side, nginx_side))
    loose, ends = by_time.pair(skew_s=offset.skew_s if offset else 0.0)
    if offset is not None and not is_exact and loose.height >= FEWEST_VOTES:
        # Now that most pairs are right, they tell the offset better than the vote did.
        paired = loose.join(alb_side, on="alb_row").join(nginx_side, on="row", suffix="_nginx")
        offset = _median_offset(paired.with_columns(_ahead().alias("ahead_s")), note=offset.note)
        loose, ends = by_time.pair(skew_s=offset.skew_s)
    return loose, ends, offset


def _at(lines: pl.LazyFrame, rows: pl.Series) -> pl.LazyFrame:
    return lines.select(pl.all().gather(rows))


def _order(nginx: pl.LazyFrame, rows: pl.Series) -> LineOrder:
    return LineOrder(_at(nginx.select("row", "ref", "closed_at", "at_resolution_s"), rows).pipe(collected))


def _by_trace_id(alb: pl.LazyFrame, nginx: pl.LazyFrame) -> pl.DataFrame:
    """Pair by X-Amzn-Trace-Id; an id that several lines share is not exact."""
    return (
        alb.select("alb_row", "trace_id", pl.col("closed_at").alias("alb_at"))
        .drop_nulls("trace_id")
        .join(nginx.select("row", "trace_id", "closed_at", "at_resolution_s"), on="trace_id", how="inner")
        .filter((pl.len().over("alb_row") == 1) & (pl.len().over("row") == 1))
        .with_columns(
            _ahead().alias("ahead_s"),
            pl.lit(1.0).alias("pair_confidence"),
        )
        .pipe(collected)
    )


def _median_offset(pairs: pl.DataFrame, *, note: str = "") -> ServerOffset:
    """Settle on the middle of what the pairs say.

    Stamps of whole seconds smear the difference over a second, evenly only for many pairs: the middle between its ends
    is nearer than the median then, and what is spread beyond the stamp is the clock's.
    """
    ahead = pairs["ahead_s"]
    step_s = float(pairs["at_resolution_s"].fill_null(0.001).median() or 0.0)  # type: ignore[arg-type]
    low, middle, high = (float(ahead.quantile(q, "linear") or 0.0) for q in (0.05, 0.5, 0.95))
    if step_s > COARSE_STEP_S:
        low, high = (float(ahead.quantile(q, "linear") or 0.0) for q in (0.02, 0.98))
        middle = (low + high) / 2
    spread_s = max(high - low - (step_s if step_s > COARSE_STEP_S else 0.0), 0.0)
    return ServerOffset(Tier.ALB, round(middle, 3), round(spread_s, 3), pairs.height, note)


def _ahead() -> pl.Expr:
    """How far the ALB's close is ahead; nginx's stamp is cut off: compare with the middle of what it may mean."""
    half = pl.col("at_resolution_s").fill_null(0.001) / 2
    return (pl.col("alb_at") - pl.col("closed_at")).dt.total_microseconds() / 1e6 - half


def _compared(pairs: pl.DataFrame) -> pl.DataFrame:
    """Add how far the ALB's close is ahead, and drop pairs that contradict each other in address or duration."""
    return pairs.with_columns(_ahead().alias("ahead_s")).filter(
        (pl.col("address") == pl.col("address_nginx")).fill_null(value=True)
        & ((pl.col("alb_s") - pl.col("lifetime_s")).abs() <= 1.0).fill_null(value=True)
    )


def _vote(alb_side: pl.DataFrame, nginx_side: pl.DataFrame) -> ServerOffset | None:
    """Vote for the ALB's offset: the box of close-time differences that most pairs of rare lines fall into.

    Whole quarter hours (wrong zones) are tried as well as small offsets.
    """
    on = words_of_both(alb_side, nginx_side)
    rare = (pl.len().over(on) <= RARE).alias("rare")
    pairs = _compared(
        alb_side.filter(rare).join(nginx_side.filter(rare), on=on, how="inner", nulls_equal=True, suffix="_nginx")
    )
    quarters = (pl.col("ahead_s") / QUARTER_HOUR_S).round() * QUARTER_HOUR_S
    near = pairs.filter((pl.col("ahead_s") - quarters).abs() <= NEAR_S)
    votes = near.group_by((pl.col("ahead_s") * 2).round().alias("box")).agg(pl.len(), pl.col("ahead_s").median())
    votes = votes.sort(["len", "box"], descending=[True, False])
    if not votes.height or votes["len"][0] < FEWEST_VOTES:
        return None
    agreeing = near.filter((pl.col("ahead_s") - votes["ahead_s"][0]).abs() <= 1.0)
    return _median_offset(agreeing, note="voted from close times")
