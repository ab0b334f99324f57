"""Timers that fire late or unevenly, each with the connections whose end may be its doing.

They make no spike, only an onset (`onsets`), among ends that no line and no burst explains. An idle timer is told by
what its members have in common, a limit of age by those who said goodbye before it. Where that says too little, an end
at such a silence or age is at least not the application's whim.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl
from msgspec import Struct

from wslog.classify.clusters import LEFT_SHARE, MADE_OF_IDLE, OUTLIVED_SHARE, UNANSWERED_S, UNANSWERED_SHARE
from wslog.classify.facts import share_of
from wslog.classify.histogram import Floats
from wslog.classify.location import nearest_setting
from wslog.classify.members import PLACE, Members, add_membership
from wslog.classify.onsets import ALPHA, SLACK, Exposure, Onset, find_onsets, time_lived
from wslog.classify.significance import log_tail
from wslog.knowledge.tolerance import tolerance_s

FEWEST: Final = 5  # ends, to tell a timer by them
ENOUGH: Final = 20  # ends at one place, to look at it alone
MOST_PLACES: Final = 100
MORE: Final = 1.5  # times as far as silences, ages lie apart if silence is what ended them
HEARD: Final = (
    "has_client", "is_client_drop", "is_silent", "is_unheard", "host", "path", "idle_s", "lifetime_s", "burst", "late",
    "early", "ended_quietly", "unanswered_s",
)  # fmt: skip
BELOW: Final = 0.5  # of an onset: from where on goodbyes are compared
TIMERS: Final = ("idle_s", "lifetime_s")
IS_TALKING: Final = ~pl.col("is_silent")
IN_BURST: Final = pl.col("burst").is_not_null()
IN_SPIKE: Final = pl.any_horizontal(pl.col("idle_db", "life_db").is_not_null())
AT_SPIKE: Final = pl.any_horizontal(pl.col("give_up_db", "idle_near", "life_near").is_not_null())
IS_QUIET: Final = pl.col("is_client_drop") & pl.col("ended_quietly") & ~pl.col("is_unheard")
IS_END: Final = IS_QUIET & ~IN_BURST & ~IN_SPIKE & ~AT_SPIKE
TOLD_PLACE: Final = PLACE.fill_null("").alias("place")
TOLD: Final = (
    pl.col("host", "path", "idle_s", "lifetime_s", "is_silent", "unanswered_s", "is_client_drop"),
    (pl.col("has_client") & ~pl.col("late") & ~pl.col("early")).alias("is_prompt"),
)


class LateTimer(Struct, frozen=True, kw_only=True):
    """A timer that fires late.

    Attributes:
        axis: `idle_s` or `lifetime_s`.
        place: Host and path whose connections it ends; empty: of all places that have none of their own.
        low_s, high_s: Where they end.
        timeout_s: The setting that this points to.
        decibans: How surely such an end is its doing.
        is_told: Whether it is known to be a timer of that kind; else only not to be chance.
    """

    axis: str
    place: str
    low_s: float
    high_s: float
    timeout_s: float
    decibans: float
    is_told: bool


def find_late_timers(facts: pl.DataFrame, members: Sequence[Members], known_s: Sequence[float] = ()) -> list[LateTimer]:
    """Find the timers that fire late, among what ended at once, in no burst and no spike, and left no line of why.

    Args:
        facts: The columns of `HEARD`, of all rows.
        members: Of the spikes, from `members.find_members`.
        known_s: Values of known timers.
    """
    drops = add_membership(facts.select(HEARD).filter("is_client_drop"), members)
    drops = drops.select(*TOLD, IS_END.alias("is_end"), pl.lit(value=False).alias("is_goodbye"))
    ends = drops.filter("is_end").group_by("host", "path").len().with_columns(TOLD_PLACE)
    if ends.is_empty():
        return []
    is_goodbye = (pl.col("has_client") & ~IN_BURST).alias("is_goodbye")
    others = facts.select(*TOLD, pl.lit(value=False).alias("is_end"), is_goodbye).filter(~pl.col("is_client_drop"))
    rows = pl.concat([drops, others]).join(ends.drop("len"), on=["host", "path"], nulls_equal=True)
    often = ends.filter((pl.col("len") >= ENOUGH) & (pl.col("place") != ""))
    often = often.sort("len", "place", descending=[True, False]).head(MOST_PLACES)
    parts = rows.filter(pl.col("place").is_in(often["place"].implode())).partition_by("place", as_dict=True)
    found = [late for (name,), part in sorted(parts.items()) for late in _at(str(name), part, known_s)]
    # One application may serve many paths.
    named = pl.Series(sorted({late.place for late in found}), dtype=pl.String)
    return [*found, *_at("", rows.filter(~pl.col("place").is_in(named.implode())), known_s)]


def _at(place: str, rows: pl.DataFrame, known_s: Sequence[float]) -> Iterator[LateTimer]:
    """Yield the timers of one place."""
    ends = rows.filter("is_end")
    talking, silent = ends.filter(IS_TALKING), ends.filter("is_silent")
    onsets = find_onsets(_floats(talking, "idle_s"), np.asarray)
    onsets = [onset for onset in onsets if not _do_others_end(onset, rows, "idle_s", np.asarray)]
    idle = [_of_silence(place, onset, rows, known_s) for onset in onsets]
    yield from idle
    lived = time_lived(_floats(rows, "lifetime_s"))
    onsets = find_onsets(_floats(talking, "lifetime_s"), lived)
    onsets = [onset for onset in onsets if not _do_others_end(onset, rows, "lifetime_s", lived)]
    ages = [_of_age(place, onset, rows, known_s) for onset in onsets]
    ages = [age for age in ages if not _is_shadow(age, idle, talking)]
    yield from ages
    # Who never spoke ends by either kind at the same age.
    alone = time_lived(_floats(rows.filter("is_silent"), "lifetime_s"))
    for onset in find_onsets(_floats(silent, "lifetime_s"), alone):
        is_known = any(timer.low_s < onset.high_s and onset.low_s < timer.high_s for timer in (*idle, *ages))
        if not is_known and not _do_others_end(onset, rows.filter("is_silent"), "lifetime_s", alone):
            yield _timer("lifetime_s", place, onset, known_s, is_told=False)


def _floats(rows: pl.DataFrame, column: str) -> Floats:
    return rows[column].drop_nulls().cast(pl.Float64).to_numpy()


def _timer(axis: str, place: str, onset: Onset, known_s: Sequence[float], *, is_told: bool) -> LateTimer:
    odds = (onset.n - onset.chance) / max(onset.chance, 0.01 * onset.n)
    low = nearest_setting(onset.low_s, onset.low_s, known_s, resolution_s=0.001, half_bin_s=0.0)
    return LateTimer(
        axis=axis, place=place, low_s=onset.low_s, high_s=onset.high_s, timeout_s=low,
        decibans=float(np.clip(10 * np.log10(max(odds, 1.0)), 0.0, 20.0)), is_told=is_told and onset.n >= FEWEST,
    )  # fmt: skip


def _of_silence(place: str, onset: Onset, rows: pl.DataFrame, known_s: Sequence[float]) -> LateTimer:
    """Tell an idle timer: silence is what they share, hardly any end so after more, and no matter who spoke last.

    Who says goodbye after one may have been kept open by pings, which a page cannot see.
    """
    silence, ends = pl.col("idle_s"), rows.filter(pl.col("is_end") & IS_TALKING)
    n_past = ends.filter(silence > onset.high_s).height
    inside = ends.filter(silence.is_between(onset.low_s, onset.high_s))
    is_unanswered = share_of(inside, pl.col("unanswered_s") > UNANSWERED_S) >= UNANSWERED_SHARE
    is_last = n_past <= OUTLIVED_SHARE * (n_past + onset.n)
    is_shared = _spread_s(inside["lifetime_s"]) > MORE * _spread_s(inside["idle_s"])
    return _timer("idle_s", place, onset, known_s, is_told=is_last and is_shared and not is_unanswered)


def _spread_s(durations: pl.Series) -> float:
    return (durations.quantile(0.95) or 0.0) - (durations.quantile(0.05) or 0.0)


def _of_age(place: str, onset: Onset, rows: pl.DataFrame, known_s: Sequence[float]) -> LateTimer:
    """Tell a limit of age: hardly any live longer."""
    age = pl.col("lifetime_s")
    past = rows.filter("is_prompt").filter(age > onset.high_s)
    n_drops = past.filter("is_client_drop").height
    n_left = past.height - n_drops
    is_last = n_drops <= OUTLIVED_SHARE * (n_drops + onset.n) and n_left <= LEFT_SHARE * (n_left + onset.n)
    is_known = _count(pl.col("is_goodbye"), onset, rows, "lifetime_s")[1] >= FEWEST  # when others leave
    return _timer("lifetime_s", place, onset, known_s, is_told=is_last and is_known)


def _do_others_end(onset: Onset, rows: pl.DataFrame, axis: str, exposure: Exposure) -> bool:
    """Whether goodbyes become frequent there as well: meetings last for an hour, and nobody limits them."""
    n, n_below = _count(pl.col("is_goodbye"), onset, rows, axis)
    below, low, high = exposure(np.array([BELOW * onset.low_s, onset.low_s, onset.high_s]))
    ratio = SLACK * float(high - low) / max(float(low - below), 1e-9)
    is_more = log_tail(n, n_below, ratio) < math.log(ALPHA)
    return n >= FEWEST and (is_more or not _is_their_own(onset, rows, axis))


def _is_their_own(onset: Onset, rows: pl.DataFrame, axis: str) -> bool:
    """Whether, beside goodbyes, these ends become frequent."""
    n, n_below = _count(pl.col("is_end"), onset, rows, axis)
    n_others, n_others_below = _count(pl.col("is_goodbye"), onset, rows, axis)
    return log_tail(n, n_below, SLACK * (n_others + 1) / max(n_others_below, 0.5)) < math.log(ALPHA)


def _count(what: pl.Expr, onset: Onset, rows: pl.DataFrame, axis: str) -> tuple[int, int]:
    """Count in an onset, and as many below it as to compare with."""
    value = pl.col(axis)
    inside = value.is_between(onset.low_s, onset.high_s, closed="left")
    below = value.is_between(BELOW * onset.low_s, onset.low_s, closed="left")
    n, n_below = rows.select((what & inside).sum().alias("n"), (what & below).sum().alias("n_below")).row(0)
    return n, n_below


def _is_shadow(age: LateTimer, idle: Sequence[LateTimer], ends: pl.DataFrame) -> bool:
    """Whether most that ended at these ages had been silent for as long as an idle timer takes."""
    inside = ends.filter(pl.col("lifetime_s").is_between(age.low_s, age.high_s))
    silent = [pl.col("idle_s").is_between(one.low_s, one.high_s) for one in idle]
    return bool(silent) and share_of(inside, pl.any_horizontal(silent)) > MADE_OF_IDLE


def add_late_timers(facts: pl.DataFrame, found: Sequence[LateTimer]) -> pl.DataFrame:
    """Add whose end may be a timer's that fires late, and how surely.

    These are `may_be_late_idle` and `may_be_late_limit`, and `late_idle_db`, `late_life_db`, `late_timer_s` where the
    timer is told.

    Args:
        facts: Any rows, with `HEARD` and their membership.
        found: From `find_late_timers`.
    """
    row = pl.int_range(pl.len(), dtype=pl.UInt32).alias("row")
    ends = facts.select(row, *TIMERS, TOLD_PLACE, IS_END.alias("is_end")).filter("is_end")
    told = facts.select(row).join(ends.select("row", **_told(found)), on="row", how="left", maintain_order="left")
    told = told.with_columns(pl.col("may_be_late_idle", "may_be_late_limit").fill_null(value=False))
    return facts.with_columns(told.drop("row").get_columns())


def _told(found: Sequence[LateTimer]) -> dict[str, pl.Expr]:
    """What timers say of rows that are candidates, by the column that it is told in."""
    places = pl.Series(sorted({one.place for one in found} - {""}), dtype=pl.String)
    is_named = pl.col("place").is_in(places.implode())
    nothing = pl.lit(None, dtype=pl.Float64)
    decibans: dict[str, pl.Expr] = {"idle_s": nothing, "lifetime_s": nothing}
    may_be = {"idle_s": pl.lit(value=False), "lifetime_s": pl.lit(value=False)}
    timer = nothing
    for one in found:
        value = pl.col(one.axis)
        is_here = pl.col("place") == one.place if one.place else ~is_named
        inside = is_here & value.is_between(one.low_s, one.high_s)
        slack = tolerance_s(one.timeout_s)
        near = is_here & value.is_between(one.low_s - slack, one.high_s + slack)
        for axis in (one.axis,) if one.is_told else TIMERS:
            may_be[axis] = may_be[axis] | near
        if one.is_told:
            decibans[one.axis] = pl.when(inside).then(one.decibans).otherwise(decibans[one.axis])
            timer = pl.when(inside).then(one.timeout_s).otherwise(timer)
    return {
        "may_be_late_idle": may_be["idle_s"],
        "may_be_late_limit": may_be["lifetime_s"],
        "late_idle_db": decibans["idle_s"],
        "late_life_db": decibans["lifetime_s"],
        "late_timer_s": timer,
    }
