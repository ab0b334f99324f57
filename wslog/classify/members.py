"""How surely each drop is a member of each spike: what its place in the spike says, and what its path does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.classify.clusters import TypedSpike, outlived
from wslog.classify.facts import FOR_PILES
from wslog.knowledge.tolerance import tolerance_s

# Per axis: the columns for decibans, for the timer's value, for the cluster, and for lying just outside of one.
MEMBERSHIP: Final = {
    "idle_s": ("idle_db", "idle_timer_s", "idle_cluster", "idle_near"),
    "lifetime_s": ("life_db", "life_timer_s", "life_cluster", "life_near"),
    "idle_out_s": ("give_up_db", "give_up_s", "give_up_cluster", "give_up_near"),
}
HEARD: Final = ("has_client", "is_client_drop", "is_silent", "is_unheard", "host", "path", "idle_s", "lifetime_s")
COLUMNS: Final = (pl.Float64, pl.Float64, pl.Int32, pl.Boolean)
PLACE: Final = pl.concat_str(pl.col("host").fill_null(""), "path")  # hosts of one path may have limits of their own
AT_THE_LIMIT_DB: Final = 13.0  # ended within a timer's tolerance of a limit that nobody on the path outlived
PSEUDO_MEMBERS: Final = 2.0


class Members(Struct, frozen=True, eq=False):
    """The members of a spike, as evidence for one kind of timer.

    Attributes:
        item: The spike.
        number: Of its cluster.
        axis: The kind of timer.
        duration: The column that is in it.
        inside: Whether a row is in it.
        near: Whether a row lies just outside of it.
        path_db: `path`, `path_db`: how sure membership is on a path that has members, in decibans.
    """

    item: TypedSpike
    number: int
    axis: str
    duration: str
    inside: pl.Expr
    near: pl.Expr
    path_db: pl.DataFrame


def find_members(facts: pl.DataFrame, found: Sequence[TypedSpike]) -> list[Members]:
    """Tell the members of each spike, by what all rows say of their paths.

    Args:
        facts: The columns of `HEARD`, of all rows.
        found: From `clusters.find_clusters`; the number of a cluster is its place here.
    """
    facts = facts.with_columns(FOR_PILES)
    return [
        _find_one(facts, item, number, axis)
        for number, item in enumerate(found)
        for axis in (("idle_s", "lifetime_s") if item.is_either else (item.axis,))
    ]


def _find_one(facts: pl.DataFrame, item: TypedSpike, number: int, axis: str) -> Members:
    duration = "lifetime_s" if item.is_either or axis == "lifetime_s" else "idle_s"
    value, may_be = pl.col(duration), pl.col("is_client_drop")
    if item.is_either:
        may_be = may_be & pl.col("is_silent")
    if axis == "lifetime_s":
        lasting = outlived(item, facts).with_columns(PLACE.alias("place"))
        may_be = may_be & ~_is_at(lasting.filter("outlived"))
        if item.is_either:
            # Where everybody was silent and ended at once, the commoner kind is meant: an idle timer.
            may_be = may_be & (pl.col("is_unheard") | ~_is_at(lasting.filter("is_alone")))
    low, high, slack = item.spike.low_s, item.spike.high_s, tolerance_s(item.timeout_s)
    inside = (value.is_between(low, high, closed="left") & may_be).fill_null(value=False)
    near = (value.is_between(low - slack, high + slack) & may_be).fill_null(value=False) & ~inside
    return Members(item, number, axis, duration, inside, near, _path_decibans(facts, inside, value, _background(item)))


def _is_at(places: pl.DataFrame) -> pl.Expr:
    return PLACE.is_in(places["place"].implode()).fill_null(value=False)


def _background(item: TypedSpike) -> float:
    """Part of a spike that is there by chance; never quite none or all of it."""
    return min(max(item.spike.background_share, 0.01), 0.99)


def _path_decibans(facts: pl.DataFrame, inside: pl.Expr, value: pl.Expr, background_share: float) -> pl.DataFrame:
    """Return how sure membership is on each path that has members, in decibans.

    A timer stands on some paths and not on others: where no other connection of the path is in the spike, this one is
    there by chance. On a path: 1 - (mu + S b) / (k - 1 + S), with k members (the row itself left out), mu of them
    expected from the background, and S pseudo-members of the whole spike's background share b, so that a path with
    few connections counts as any.
    """
    counts = pl.col("is_client_drop") & value.is_not_null()
    paths = facts.select("path", inside.alias("k"), counts.alias("n")).group_by("path").agg(pl.all().sum())
    k, n = pl.col("k").cast(pl.Float64), pl.col("n")
    mu = ((background_share * k.sum()) / n.sum()) * n
    p = 1 - (mu + PSEUDO_MEMBERS * background_share) / ((k - 1).clip(lower_bound=0.0) + PSEUDO_MEMBERS)
    return paths.with_columns(_decibans(p).alias("path_db")).filter(k > 0).select("path", "path_db")


def add_membership(facts: pl.DataFrame, members: Sequence[Members]) -> pl.DataFrame:
    """Add which spike each drop is in, and how sure that is in decibans (null: in none, or no such duration).

    Args:
        facts: Any rows, with the columns of `HEARD`.
        members: What `find_members` found in all of them.
    """
    nothing = {
        name: pl.lit(None, dtype=dtype)
        for names in MEMBERSHIP.values()
        for name, dtype in zip(names, COLUMNS, strict=True)
    }
    told = facts.select(HEARD).with_columns(*FOR_PILES, **nothing)
    for one in members:
        told = _add_one(told, one)
    return facts.with_columns(told.select(*nothing).get_columns())


def _add_one(told: pl.DataFrame, one: Members) -> pl.DataFrame:
    """Add the members of one spike, as evidence for one kind of timer."""
    item, inside, near = one.item, one.inside, one.near
    db_name, timer_name, cluster_name, near_name = MEMBERSHIP[one.axis]
    of_bin = pl.Series(item.spike.probability(told[one.duration].cast(pl.Float64).to_numpy()))
    of_path = told.select("path").join(one.path_db, on="path", how="left", nulls_equal=True, maintain_order="left")
    by_chance = 1 - _background(item)
    decibans = _decibans(pl.lit(of_bin)) + pl.lit(of_path["path_db"]) - _decibans(pl.lit(by_chance))
    counted: pl.Expr = pl.when(inside).then(decibans.clip(0.0, 20.0))
    if one.axis == "lifetime_s" and not item.is_either:
        counted = pl.coalesce(counted, pl.when(near).then(pl.lit(AT_THE_LIMIT_DB)))
        inside = inside | near
    return told.with_columns(
        pl.coalesce(counted, db_name).alias(db_name),
        pl.when(inside).then(item.timeout_s).otherwise(pl.col(timer_name)).alias(timer_name),
        pl.when(inside).then(pl.lit(one.number, dtype=pl.Int32)).otherwise(pl.col(cluster_name)).alias(cluster_name),
        pl.when(near).then(pl.lit(value=True)).otherwise(pl.col(near_name)).alias(near_name),
    )


def _decibans(p: pl.Expr) -> pl.Expr:
    """10 log10 of the odds, for probabilities within 0.01 and 0.99."""
    p = p.clip(0.01, 0.99)
    return 10 * (p / (1 - p)).log(10)
