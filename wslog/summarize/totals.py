"""How many connections there were, how many dropped, and for how long clients were without one."""

from __future__ import annotations

import math
from typing import Final

import polars as pl

from wslog.result import Totals
from wslog.schema import Cause
from wslog.summarize.drops import HOURS, IS_DROP, IS_OPENED
from wslog.summarize.rows import Rows

CLIENT: Final = (
    pl.when(pl.col("session_id").is_not_null())
    .then(pl.struct("session_id", pl.col("host", "path").fill_null("")).hash())
    .alias("client")
)
"""A session on one host and path, as a number of 64 bits: of a million clients two share one by a chance of 3e-8."""


def count_totals(connections: Rows) -> Totals:
    """Count attempts and what became of them.

    `drops_per_1000_connection_hours` counts the drops of connections that had opened, over the hours of all that had
    opened: a failed handshake has no hours to divide by. Connections still open when the logs end have no row, so
    their hours are missing.
    """
    narrow = connections.take("is_opened", "opened_at", "closed_at", "is_drop", "lifetime_s", "cause")
    row = narrow.select(
        attempts=pl.len(),
        opened=IS_OPENED.sum(),
        closed=pl.col("closed_at").is_not_null().sum(),
        drops=IS_DROP.sum(),
        opened_drops=(IS_DROP & IS_OPENED).sum(),
        ends_not_known=(~IS_DROP & IS_OPENED & (pl.col("cause") == Cause.UNKNOWN.value)).sum(),
        hours=HOURS,
    ).row(0, named=True)
    hours = float(row["hours"] or 0.0)
    return Totals(
        attempts=row["attempts"],
        opened=row["opened"],
        closed=row["closed"],
        drops=row["drops"],
        connection_hours=hours,
        drops_per_1000_connection_hours=row["opened_drops"] / hours * 1000 if hours > 0 else None,
        offline_seconds=_offline_seconds(connections.table),
        ends_not_known=row["ends_not_known"],
    )


def _offline_seconds(connections: pl.DataFrame) -> float | None:
    """Add up `offline_spells`.

    Returns:
        Seconds; null if nothing says who came back, or no client that none of them dropped.
    """
    if connections.select(IS_DROP.any()).item() is not True:
        return 0.0 if connections["client_ref"].count() else None
    spells = offline_spells(connections, connections)
    return math.fsum(spells["gap_s"]) if spells.height else None


def offline_spells(connections: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Find the times from each drop to the same client's next successful open.

    A client is a session on one host and path. Several drops before one open (failed tries, two tabs) are one time
    offline, counted from the first. A drop without a session, or with no open after it, adds its `reconnect_gap_s`:
    what is known at least.

    Args:
        connections: Whose drops count.
        later: Where opens are looked for; holds *connections* too.

    Returns:
        `closed_at` (UTC) of the drop that began it, and `gap_s`.
    """
    drops = (
        connections.select(CLIENT, "closed_at", "reconnect_gap_s", "is_drop")
        .filter(IS_DROP & pl.col("closed_at").is_not_null())
        .drop("is_drop")
        .sort("closed_at", "reconnect_gap_s")
    )
    reopened = drops.join_asof(
        _opens(drops, later),
        left_on="closed_at",
        right_on="next_open_at",
        by="client",
        strategy="forward",
        allow_exact_matches=False,  # a connection of no length would find itself
        coalesce=False,
        check_sortedness=False,  # both sides are sorted
    )
    answered = (
        reopened.filter(pl.col("next_open_at").is_not_null())
        .group_by("client", "next_open_at")
        .agg(pl.col("closed_at").min())
        .sort("next_open_at", "closed_at")
        .select("closed_at", gap_s=(pl.col("next_open_at") - pl.col("closed_at")).dt.total_microseconds() / 1e6)
    )
    open_ended = reopened.filter(pl.col("next_open_at").is_null() & pl.col("reconnect_gap_s").is_not_null()).select(
        "closed_at", gap_s=pl.col("reconnect_gap_s").clip(lower_bound=0)
    )
    return pl.concat([answered, open_ended])


def _opens(drops: pl.DataFrame, connections: pl.DataFrame) -> pl.DataFrame:
    """Return `client` and `next_open_at` of each successful open of a client that has drops, sorted by time."""
    return (
        connections.select(CLIENT, "opened_at", "is_opened")
        .filter(pl.col("client").is_not_null() & IS_OPENED & pl.col("opened_at").is_not_null())
        .join(drops.select("client").unique(), on="client", how="semi")
        .select("client", next_open_at="opened_at")
        .sort("next_open_at")
    )
