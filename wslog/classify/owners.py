"""Whose timer a pile may be, by what is known of all that are piled up: the load balancer's, or nginx's.

A load balancer has one idle timer. Where connections of a host passed through it and were silent for longer, as many
others, the drops of that host at a shorter silence are another's: the application's, or that of a proxy that nobody
logs. A wide pile of one path alone may as well be the application's, which looks at its timers now and then, unless the
load balancer is known to have such a timer.
Where nginx writes down its own timeouts, and those of a path left none, it was not its timer for the rest either, whose
line nobody could match.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.classify.clusters import TypedSpike
from wslog.classify.fitting import IDLE_KINDS, fitting
from wslog.knowledge.model import Setting, Timeout
from wslog.knowledge.own_timers import ALB_IDLE
from wslog.knowledge.tolerance import NEAR_S, NEAR_SHARE

FEWEST: Final = 3  # connections at one silence; less may be there by chance
SAID_SHARE: Final = 0.1  # of a pile: timers of two owners may have one value
SURE_DB: Final = 6.0  # of membership
HEARD: Final = (
    "has_alb", "from_alb", "is_silent", "is_unheard", "nginx_timed_out", "nginx_closed_at",
    "may_have_error", "host", "path",
)  # fmt: skip
_IS_TOLD: Final = pl.col("from_alb") | pl.col("nginx_closed_at").is_not_null()
# Pings keep connections open that look silent from their open on; what spoke and fell silent was, or nginx says so.
_FELL_SILENT: Final = ~pl.col("is_silent") & ~pl.col("is_unheard")
_WAS_SILENT: Final = pl.col("has_alb") & (_FELL_SILENT | pl.col("nginx_timed_out"))
_IS_UNSAID: Final = (
    pl.col("nginx_closed_at").is_not_null()
    & ~pl.col("nginx_timed_out")
    & ~pl.col("may_have_error").fill_null(value=False)
)


class Owners(Struct, frozen=True):
    """Whose timer the piles may be.

    Attributes:
        silences: The longest silence, in seconds, that a load balancer let pass, per host.
        of_alb: Timers that a load balancer is known to have, that fire on time, or that stand on several paths.
        unsaid: Paths on which nginx, which logs its timeouts, wrote none for a pile, per timer.
    """

    silences: Mapping[str, float] = {}
    of_alb: Sequence[float] = ()
    unsaid: Mapping[float, Sequence[str]] = {}


def find_owners(
    piled: pl.DataFrame, spikes: Sequence[TypedSpike], *,
    timeouts: Sequence[Timeout], settings: Sequence[Setting], shows_info: bool,
) -> Owners:  # fmt: skip
    """Tell it of the idle piles.

    Args:
        piled: `HEARD`, and their membership, of the drops in idle clusters.
        spikes: From `clusters.find_clusters`.
        timeouts: Known timers.
        settings: Timers found in configuration files.
        shows_info: Whether nginx's error log is kept at a level that shows its timeouts.
    """
    told = piled.filter(_IS_TOLD)
    values = set(told["idle_timer_s"])
    passed = told.filter(_WAS_SILENT).drop_nulls("host").group_by("host", "idle_timer_s").len()
    longest = passed.filter(pl.col("len") >= FEWEST).group_by("host").agg(pl.col("idle_timer_s").max()).sort("host")
    piles = told.filter(pl.col("idle_db") >= SURE_DB).drop_nulls("path").group_by("idle_timer_s", "path")
    counts = piles.agg(pl.col("from_alb", "nginx_timed_out").sum(), _IS_UNSAID.sum().alias("unsaid"))
    n_paths = counts.filter(pl.col("from_alb") >= FEWEST).group_by("idle_timer_s").len()
    several = set(n_paths.filter(pl.col("len") > 1)["idle_timer_s"])
    known = {value for value in values if ALB_IDLE in fitting(value, IDLE_KINDS, timeouts, settings)}
    is_unsaid = (pl.col("unsaid") >= FEWEST) & (pl.col("nginx_timed_out") <= SAID_SHARE * pl.col("unsaid"))
    unsaid = counts.filter(is_unsaid & shows_info).sort("idle_timer_s", "path")
    punctual = {one.timeout_s for one in spikes if _is_punctual(one)} & values
    return Owners(
        silences=dict(longest.iter_rows()) if len(values) > 1 else {},
        of_alb=tuple(sorted(several | known | punctual)),
        unsaid=dict(unsaid.group_by("idle_timer_s", maintain_order=True).agg("path").iter_rows()),
    )


def _is_punctual(found: TypedSpike) -> bool:
    """Whether a timer fires as soon as it is time, as well as its log tells."""
    return found.q95_s - found.q05_s <= NEAR_S + found.spike.resolution_s


def add_owners(facts: pl.DataFrame, owners: Owners) -> pl.DataFrame:
    """Add what speaks for or against an owner of the row's pile.

    These are `alb_silence_s`: how long the row's load balancer let others be silent, where that is longer than its own;
    `is_pile_of_alb`, `is_pile_unsaid`: whether the pile is one of `Owners.of_alb`, and of its path one of `unsaid`.
    """
    silence, timer = pl.lit(None, dtype=pl.Float64), pl.col("idle_timer_s")
    if owners.silences:
        silence = pl.col("host").replace_strict(owners.silences, default=None, return_dtype=pl.Float64)
    is_longer = pl.col("from_alb") & (silence > timer + pl.max_horizontal(pl.lit(NEAR_S), NEAR_SHARE * timer))
    is_unsaid = [
        (timer == value) & pl.col("path").is_in(pl.Series(paths, dtype=pl.String).implode())
        for value, paths in owners.unsaid.items()
    ]
    return facts.with_columns(
        pl.when(is_longer).then(silence).alias("alb_silence_s"),
        timer.is_in(owners.of_alb).fill_null(value=False).alias("is_pile_of_alb"),
        pl.any_horizontal(pl.lit(value=False), *is_unsaid).fill_null(value=False).alias("is_pile_unsaid"),
    )
