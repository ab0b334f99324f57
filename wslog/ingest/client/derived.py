"""What follows from several fields of a client record, by the column: opening, last receiving, visibility.

The same as in `record.read_record`, which says it for one record.
"""

from __future__ import annotations

import polars as pl

from wslog.schema import EventKind


def _us(seconds: pl.Expr) -> pl.Expr:
    return (seconds * 1e6).round(mode="half_to_even").cast(pl.Int64)


def opening(*, has_key: bool) -> list[list[pl.Expr]]:
    """Derive the close from the open or the open from the close, and say whether it opened; step by step.

    Args:
        has_key: The records have a key for the time of opening: one that holds no time says that it never opened.
    """
    duration_us, after_us = _us(pl.col("duration_s")), _us(pl.col("open_after_s"))
    opened, flag = pl.col("opened_us"), pl.col("is_opened")
    closing = [pl.coalesce("closed_us", opened + duration_us).alias("closed_us")]
    from_start, from_end = pl.col("created_us") + after_us, pl.col("closed_us") - duration_us
    is_never = (~flag).fill_null(value=False)
    has_opened = opened.is_not_null() | from_start.is_not_null()
    opened_then = [
        pl.when(~is_never).then(pl.coalesce(opened, from_start, from_end)).alias("opened_us"),
        pl.when(is_never)
        .then(statement=False)
        .when(has_opened)
        .then(statement=True)
        .when(from_end.is_not_null() | flag.is_not_null() | pl.lit(not has_key))
        .then(flag)  # a duration may count from the constructor
        .otherwise(statement=False)
        .alias("is_opened"),
    ]
    is_open = pl.col("event") == EventKind.OPEN.value
    of_opens = [
        pl.when(is_open).then("closed_us").otherwise("opened_us").alias("opened_us"),
        pl.when(~is_open).then("closed_us").alias("closed_us"),
        (is_open | pl.col("is_opened")).alias("is_opened"),
    ]
    return [closing, opened_then, of_opens]


def last_received() -> pl.Expr:
    """Take the last activity for the last receiving where neither direction is told."""
    silent = pl.coalesce("last_activity_us", pl.col("closed_us") - _us(pl.col("idle_s")))
    is_unknown = pl.col("last_received_us").is_null() & pl.col("last_sent_us").is_null()
    return pl.when(is_unknown).then(silent).otherwise("last_received_us").alias("last_received_us")


def visibility() -> pl.Expr:
    """Settle it by the word, or else by the flag."""
    word, hidden = pl.col("visibility").str.to_lowercase(), pl.col("is_hidden")
    return (
        pl.when(word.is_in(["visible", "hidden"]))
        .then(word)
        .when(hidden)
        .then(pl.lit("hidden"))
        .when(~hidden)
        .then(pl.lit("visible"))
        .alias("visibility")
    )
