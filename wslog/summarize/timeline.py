"""Drops over time: buckets of a round width, by cause, with the connections open at the start of each."""

from __future__ import annotations

import datetime as dt
from typing import Final

import polars as pl

from wslog.result import TimelineBucket, Window
from wslog.summarize.drops import IS_OPENED, counts_by_cause
from wslog.summarize.rows import Rows
from wslog.summarize.windows import from_us, to_us

WIDTHS_S: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1_800),
    *(3_600, 10_800, 21_600, 43_200, 86_400),
    *(7 * 86_400, 28 * 86_400, 364 * 86_400),
)
MAX_BUCKETS: Final = 60
MOSTLY: Final = 0.9  # of the drops: if so many are in the shared window, those outside are clocks gone wrong
MIN_KNOWN_SHARE: Final = 0.5  # of opened connections with both ends known, to say how many were open


def build_timeline(drops: Rows, connections: pl.DataFrame, *, window: Window) -> tuple[TimelineBucket, ...]:
    """Count drops by time and cause, in at most `MAX_BUCKETS` round buckets, and one more at either end.

    Args:
        drops: As `drops_in` returns them.
        connections: `schema.CONNECTIONS`.
        window: The shared one.

    Returns:
        Buckets without a gap, empty ones included; none without drops. Where nearly all drops are in the window, those
        more than a bucket outside are not in it: a client whose clock is not known can be minutes or years off, and
        one of them would squeeze all others together. `Totals.drops` less the buckets' sum is how many these are.
    """
    span = _span_us(drops.column("closed_at"), window)
    if span is None:
        return ()
    low, high = span
    width_s = next((w for w in WIDTHS_S if high // (w * 10**6) - low // (w * 10**6) < MAX_BUCKETS), WIDTHS_S[-1])
    width = width_s * 10**6
    first, last = low // width, high // width
    bucket = pl.col("closed_at").dt.epoch("us") // width
    numbered = (
        drops.take("cause", "closed_at")
        .select("cause", bucket=bucket)
        .filter(pl.col("bucket").is_between(first - 1, last + 1))
    )
    by_bucket = counts_by_cause(numbered, "bucket")
    buckets = range(min([first, *by_bucket]), max([last, *by_bucket]) + 1)
    still_open = _open_at(connections, [from_us(bucket * width) for bucket in buckets])
    return tuple(
        TimelineBucket(
            at=from_us(bucket * width),
            width_s=float(width_s),
            by_cause=by_bucket.get(bucket, {}),
            open_connections=open_now,
        )
        for bucket, open_now in zip(buckets, still_open, strict=True)
    )


def _span_us(closed_at: pl.Series, window: Window) -> tuple[int, int] | None:
    """Return first and last instant to show: the window where nearly all drops are, else stretched to those near it."""
    first, last = closed_at.min(), closed_at.max()
    if not isinstance(first, dt.datetime) or not isinstance(last, dt.datetime):
        return None
    if window.start is None or window.end is None:
        return to_us(first), to_us(last)
    if closed_at.is_between(window.start, window.end).sum() >= MOSTLY * closed_at.drop_nulls().len():
        return to_us(window.start), to_us(window.end)
    length = max(window.end - window.start, dt.timedelta(minutes=10))
    inside = closed_at.filter(closed_at.is_between(window.start - length, window.end + length))
    first, last = inside.min(), inside.max()
    if not isinstance(first, dt.datetime) or not isinstance(last, dt.datetime):
        return to_us(window.start), to_us(window.end)
    return to_us(min(window.start, first)), to_us(max(window.end, last))


def _open_at(connections: pl.DataFrame, instants: list[dt.datetime]) -> list[int | None]:
    """Count the connections open at each instant; None everywhere if too few rows have both ends.

    Connections still open when the logs end have no row, so the last buckets are a little low.
    """
    opened = connections.select("is_opened", "opened_at", "closed_at").filter(IS_OPENED)
    both = opened.filter(pl.col("opened_at").is_not_null() & pl.col("closed_at").is_not_null())
    if opened.is_empty() or both.height < MIN_KNOWN_SHARE * opened.height:
        return [None] * len(instants)
    at = pl.Series("at", instants, dtype=pl.Datetime("us", "UTC"))
    began = both["opened_at"].sort().search_sorted(at, side="right").cast(pl.Int64)
    ended = both["closed_at"].sort().search_sorted(at, side="right").cast(pl.Int64)
    return [max(0, n) for n in (began - ended).to_list()]
