"""How long a load balancer lets its connections be silent: what piles up at a shorter silence is not its timer's doing.

A load balancer has one idle timer. Where connections of a host passed through it and were silent for longer, as many
others, the drops of that host at a shorter silence are another's: the application's, or that of a proxy that nobody
logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from wslog.classify.members import Members, add_membership
from wslog.knowledge.tolerance import NEAR_S, NEAR_SHARE

FEWEST: Final = 3  # connections of a host at one silence; less may be there by chance
HEARD: Final = ("has_alb", "is_client_drop", "is_silent", "nginx_timed_out", "host")
# Pings keep connections open that look silent from their open on; what spoke and fell silent was, or nginx says so.
_WAS_SILENT: Final = pl.col("has_alb") & pl.col("is_client_drop") & (~pl.col("is_silent") | pl.col("nginx_timed_out"))


def longest_silences(facts: pl.DataFrame, members: Sequence[Members]) -> Mapping[str, float]:
    """Return the longest silence, in seconds, that a load balancer let pass, per host.

    Args:
        facts: `HEARD`, and what `members.add_membership` hears, of all rows.
        members: From `members.find_members`.
    """
    if sum(one.axis == "idle_s" for one in members) < 2:
        return {}
    told = add_membership(facts.filter(_WAS_SILENT), members).drop_nulls(["host", "idle_timer_s"])
    piles = told.group_by("host", "idle_timer_s").len().filter(pl.col("len") >= FEWEST)
    return dict(piles.group_by("host").agg(pl.col("idle_timer_s").max()).sort("host").iter_rows())


def add_longest_silence(facts: pl.DataFrame, silences: Mapping[str, float]) -> pl.DataFrame:
    """Add `alb_silence_s`: how long the row's load balancer let others be silent, where that is longer than its own."""
    silence = pl.lit(None, dtype=pl.Float64)
    if silences:
        silence = pl.col("host").replace_strict(silences, default=None, return_dtype=pl.Float64)
    near = pl.max_horizontal(pl.lit(NEAR_S), NEAR_SHARE * pl.col("idle_timer_s"))
    is_longer = pl.col("alb_ref").is_not_null() & (silence > pl.col("idle_timer_s") + near)
    return facts.with_columns(pl.when(is_longer).then(silence).alias("alb_silence_s"))
