"""How long connections of a path talk before they fall silent for good.

A client that learns late of an idle timeout may have had nothing more to say, or have gone away in the middle of its
talk; its last message and the servers' close look the same. Whoever goes away hits the time of talking or the last
silence in proportion to how long these are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

FEWEST: Final = 3  # connections, to tell by them
EVEN_DB: Final = 10.0  # where talk and last silence are equally long
HEARD: Final = ("path", "idle_s", "lifetime_s", "is_silent", "is_unheard", "late", "early")


def talk_times(piled: pl.DataFrame) -> Mapping[str, float]:
    """Return how long those on a path talked, in seconds, that an idle timer ended then.

    Args:
        piled: `HEARD` of the drops in idle clusters.
    """
    is_told = ~pl.col("is_silent") & ~pl.col("is_unheard") & ~pl.col("late") & ~pl.col("early")
    talk = piled.filter(is_told).select("path", talk_s=pl.col("lifetime_s") - pl.col("idle_s")).drop_nulls()
    of_path = talk.group_by("path").agg(pl.col("talk_s").median(), pl.len().alias("n"))
    return dict(of_path.filter(pl.col("n") >= FEWEST).sort("path").select("path", "talk_s").iter_rows())


def add_talk(facts: pl.DataFrame, talks: Mapping[str, float]) -> pl.DataFrame:
    """Add `talk_s`, what is usual on the row's path, and `talked_db`.

    The latter says by how many decibans it is less sure that a client that had talked went away in its last silence.

    Args:
        facts: Any rows, with `wire_timer_s`, `path_timer_s` and `is_silent`.
        talks: From `talk_times`.
    """
    talk = pl.lit(None, dtype=pl.Float64)
    if talks:
        talk = pl.col("path").replace_strict(talks, default=None, return_dtype=pl.Float64)
    odds = talk / pl.coalesce("wire_timer_s", "path_timer_s")
    decibans = (EVEN_DB + 10 * odds.log(10)).clip(0.0, 2 * EVEN_DB)
    return facts.with_columns(talk.alias("talk_s"), pl.when(~pl.col("is_silent")).then(decibans).alias("talked_db"))
