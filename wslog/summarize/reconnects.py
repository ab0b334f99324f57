"""What clients did after a drop: how soon they came back, who gave up, and where all came back at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.result import Bin, Burst, Reconnects, Window
from wslog.schema import Cause, Tier
from wslog.summarize.bins import count_into_bins
from wslog.summarize.drops import STARTED_AT
from wslog.summarize.rows import Rows
from wslog.summarize.storms import find_storms

EDGES_S: Final = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0)
GAVE_UP_AFTER_S: Final = 60.0  # logs must go on this long after a drop before silence means giving up


def summarize_reconnects(
    drops: Rows, connections: pl.DataFrame, *, bursts: Sequence[Burst], windows: Sequence[Window]
) -> Reconnects:
    """Describe the reconnects after drops.

    Args:
        drops: As `drops_in` returns them.
        connections: `schema.CONNECTIONS`.
        bursts: Mass drops, in order of time, for storms.
        windows: The shared one included.
    """
    gaps = (
        drops.take("cause", "reconnect_gap_s")
        .filter(pl.col("reconnect_gap_s").is_finite())
        .with_columns(pl.col("reconnect_gap_s").clip(lower_bound=0))
    )
    return Reconnects(
        n=gaps.height,
        p50_s=_quantile(gaps, 0.5),
        p95_s=_quantile(gaps, 0.95),
        gave_up=_count_gave_up(drops, connections, _logs_end(connections, windows)),
        gaps=_bins(gaps),
        storms=find_storms(connections, bursts),
    )


def _quantile(gaps: pl.DataFrame, q: float) -> float | None:
    return gaps["reconnect_gap_s"].quantile(q, interpolation="linear")


def _bins(gaps: pl.DataFrame) -> tuple[Bin, ...]:
    if gaps.is_empty():
        return ()
    top = float(gaps["reconnect_gap_s"].max())  # type: ignore[arg-type]  # a Float64 column has a float maximum
    edges = list(EDGES_S)
    while edges[-1] <= top:
        edges.append(edges[-1] * 2)
    return count_into_bins(gaps, "reconnect_gap_s", edges)


def _logs_end(connections: pl.DataFrame, windows: Sequence[Window]) -> dt.datetime | None:
    """Return when the clients' records end: only there would a later attempt show its session.

    A client whose clock is off can seem to have written after the recording; what all tiers cover ends before that.
    """
    own = [window.end for window in windows if window.tier in {Tier.CLIENT, None} and window.end is not None]
    last = connections["closed_at"].max()
    return min(own) if own else (last if isinstance(last, dt.datetime) else None)


def _count_gave_up(drops: Rows, connections: pl.DataFrame, end: dt.datetime | None) -> int:
    """Count drops whose session made no later attempt, though the logs went on for `GAVE_UP_AFTER_S`.

    Sessions that only went away (`client_left`) did not give up; drops without a session cannot be told. A later
    socket that was still open when the logs ended has left no record, so this is the most there can be.
    """
    if end is None:
        return 0
    last_seen = end - dt.timedelta(seconds=GAVE_UP_AFTER_S)
    silent = drops.take("session_id", "reconnect_gap_s", "cause", "closed_at").filter(
        pl.col("session_id").is_not_null()
        & pl.col("reconnect_gap_s").is_null()
        & (pl.col("cause") != Cause.CLIENT_LEFT.value)
        & (pl.col("closed_at") <= last_seen)
    )
    last_start = (
        connections.select("session_id", "opened_at", "closed_at")
        .join(silent, on="session_id", how="semi")
        .group_by("session_id")
        .agg(last_start=STARTED_AT.max())
    )
    started = silent.join(last_start, on="session_id", how="left", maintain_order="left")
    return started.filter(pl.col("last_start") <= pl.col("closed_at")).height
