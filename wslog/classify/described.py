"""Spikes as the clusters of the result: how many drops their verdicts put into each, and which timer it points to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import polars as pl

from wslog.classify.clusters import TypedSpike
from wslog.classify.fitting import IDLE_KINDS, fitting
from wslog.knowledge.model import Setting, Timeout, TimerKind
from wslog.result import Cluster


def to_clusters(
    found: Sequence[TypedSpike], judged: pl.DataFrame, timeouts: Sequence[Timeout], settings: Sequence[Setting]
) -> tuple[Cluster, ...]:
    """Turn spikes into the clusters of the result.

    Args:
        found: From `find_clusters`; a cluster's id is its place here.
        judged: The judged connections (`schema.CONNECTIONS`): where their verdicts name the timer, so does the
            cluster; else the candidates that they leave, or every known timer of that value.
        timeouts: Known timers.
        settings: Timers found in configuration.
    """
    kinds = {
        "idle_s": IDLE_KINDS,
        "lifetime_s": (TimerKind.LIFETIME,),
        "idle_out_s": (TimerKind.CLOSE_WAIT, TimerKind.PING_TIMEOUT),
    }
    clusters = []
    # As in `FOR_PILES`: where nothing is known of messages, ages are what was looked through.
    is_asked = pl.col("client_ref").is_not_null() | pl.col("client_ref").is_null().all()
    is_asked = is_asked & pl.col("is_opened").fill_null(value=True)
    silence = pl.coalesce("idle_s", pl.when(is_asked).then("lifetime_s")).alias("idle_s")
    drops = judged.select("cluster_id", "is_drop", "lifetime_s", silence).filter("is_drop")
    judged = judged.select("cluster_id", "timeout_id")
    for number, item in enumerate(found):
        members = judged.filter(pl.col("cluster_id") == number)["timeout_id"]
        named = _named(members) or fitting(item.timeout_s, kinds[item.axis], timeouts, settings)
        spike = item.spike
        # The spike was found among some of the drops; all that the verdicts put into it count.
        n = drops.filter(pl.col("cluster_id") == number).height
        if not n:
            continue  # other evidence explains all of them
        share = n / max(drops["lifetime_s" if item.axis == "lifetime_s" else "idle_s"].count(), 1)
        widths = (share * edge / spike.share for edge in (spike.share_low, spike.share_high))
        share_low, share_high = (round(min(width, 1.0), 4) for width in widths)
        clusters.append(
            Cluster(
                id=number,
                axis=item.axis,
                center_s=round(spike.center_s, 3),
                width_s=round(item.q95_s - item.q05_s, 3),
                timeout_s=item.timeout_s,
                n=n,
                share=round(share, 4),
                share_low=share_low,
                share_high=share_high,
                p_value=spike.p_value,
                timeout_ids=named,
            )
        )
    return tuple(clusters)


def _named(timeout_ids: pl.Series) -> tuple[str, ...]:
    """Return the timers that verdicts name, each alone; else the candidates that most of them leave."""
    decided = timeout_ids.filter(timeout_ids.list.len() == 1).explode().unique().sort()
    if len(decided):
        return tuple(decided)
    left: Counter[tuple[str, ...]] = Counter()
    for ids, n in timeout_ids.drop_nulls().list.join(" ").value_counts().rows():  # of few kinds, so put in order here
        left[tuple(sorted(ids.split()))] += n
    del left[()]
    return min(left, key=lambda ids: (-left[ids], ids), default=())
