"""Bursts that are echoes: clients that an earlier one brought back together, whose timers end them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.classify.clusters import TypedSpike
from wslog.classify.culprits import BurstKind
from wslog.classify.mass_drops import MassDrop

# Kinds of burst that nothing but the burst itself speaks for.
UNPROVEN: Final = (BurstKind.UPSTREAM, BurstKind.PATH, BurstKind.TOGETHER)
ECHO_SHARE: Final = 0.8
TIMERS: Final = ("idle_s", "lifetime_s")  # what a timer makes constant


def without_echoes(drops: Sequence[MassDrop], facts: pl.DataFrame, spikes: Sequence[TypedSpike]) -> list[MassDrop]:
    """Leave out the bursts whose members had all been silent, or open, for exactly as long as a timer takes.

    Args:
        drops: From `mass_drops.find_mass_drops`.
        facts: With their membership.
        spikes: From `clusters.find_clusters`, found outside of bursts.
    """
    in_spike = pl.lit(value=False)
    for found in spikes:
        if found.axis in TIMERS:
            in_spike = in_spike | pl.col(found.axis).is_between(found.spike.low_s, found.spike.high_s)
    is_told = pl.col("is_client_drop") & pl.any_horizontal(pl.col(TIMERS).is_not_null())
    told = facts.select("is_client_drop", *TIMERS, "burst").filter(pl.col("burst").is_not_null() & is_told)
    shares = told.group_by("burst").agg(in_spike.fill_null(value=False).mean().alias("share"))
    is_echo = set(shares.filter(pl.col("share") >= ECHO_SHARE)["burst"])
    return [drop for i, drop in enumerate(drops) if drop.kind not in UNPROVEN or i not in is_echo]
