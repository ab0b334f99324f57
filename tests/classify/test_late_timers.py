"""Timers that fire late, told from what ends connections whatever they do."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.classify.rows import joined, lifecycle
from wslog.classify.learnt import learn

Rows = list[dict[str, Any]]


def silences(low: float, high: float, n: int, **more: Any) -> Rows:
    """Return drops after silences from low to high, at ages that vary widely."""
    step = (high - low) / n
    silent = ({"idle_s": low + step * k, "idle_in_s": low + step * k, "idle_out_s": low + step * k} for k in range(n))
    return [
        one | {"ended": 100 + 37.1 * k, "lifetime_s": high + 20 + 53.3 * k % 700} | more for k, one in enumerate(silent)
    ]


def ages(low: float, high: float, n: int, **more: Any) -> Rows:
    """Return drops at ages from low to high, in the midst of a talk."""
    step = (high - low) / n
    return [
        {"ended": 2000 + 37.1 * k, "lifetime_s": low + step * k, "idle_s": 1 + 2.3 * k % 19} | more for k in range(n)
    ]


def told(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return the rows with what late timers say of them."""
    connections = joined(*rows)
    learnt = learn(connections, lifecycle=lifecycle(), levels=frozenset(), settings=(), timeouts=())
    return learnt.add_to(connections)


GOODBYES = ages(20, 900, 200, close_code=1000, was_clean=True)


def test_drops_behind_a_silence_are_an_idle_timers() -> None:
    """From 60 s of silence on many end, within ten seconds; hardly any at less."""
    found = told(*silences(60, 70, 40), *silences(1, 50, 10))
    assert found.filter(pl.col("late_idle_db") > 10)["idle_s"].to_list() == [60 + k / 4 for k in range(40)]
    assert found["late_timer_s"].drop_nulls().unique().to_list() == [60.0]
    assert not found["may_be_late_limit"].any()


def test_what_said_nothing_at_all_is_a_member_as_well() -> None:
    """Who was silent from the open on ends by the same timer."""
    never = [row | {"lifetime_s": row["idle_s"]} for row in silences(60, 70, 10)]
    assert told(*never, *silences(60, 70, 40))["late_idle_db"].is_not_null().all()


def test_drops_behind_an_age_are_a_limits() -> None:
    """Nobody lives longer than 960 s, and those who say goodbye do so at any age."""
    found = told(*ages(900, 960, 60), *GOODBYES)
    assert found.filter(pl.col("late_life_db") > 10).height == 60
    assert found["late_timer_s"].drop_nulls().unique().to_list() == [900.0]


def test_who_meets_the_same_end_is_no_other() -> None:
    """Drops of these ages whose lag is unknown, and lines without a client, may be the limit's doing as well."""
    unmatched = ages(900, 960, 40, client_lag_s=None) + ages(900, 960, 40, has_client=False, close_code=None)
    assert told(*ages(900, 960, 60), *unmatched, *GOODBYES)["late_life_db"].is_not_null().sum() == 60


@pytest.mark.parametrize(
    "others",
    [
        ages(900, 960, 60, close_code=1000, was_clean=True) + GOODBYES,  # as many say goodbye then: a meeting was over
        [],  # nobody says whether others leave at that age, too
        ages(1000, 1500, 60, close_code=1000, was_clean=True) + GOODBYES,  # many live longer
    ],
)
def test_an_age_at_which_others_end_as_well_is_no_limit(others: Rows) -> None:
    """It takes those who left sooner, and nobody who stayed longer, to tell a limit."""
    assert told(*ages(900, 960, 60), *others)["late_life_db"].is_null().all()


def test_silences_that_only_follow_from_ages_are_no_idle_timers() -> None:
    """Who falls silent early and ends at a usual age was silent for a usual time; it may be either, or neither."""
    rows = [row | {"lifetime_s": row["idle_s"] + 100.0} for row in silences(900, 990, 60)]
    found = told(*rows, *silences(10, 800, 5))
    assert found["late_idle_db"].is_null().all()
    assert found["may_be_late_idle"].sum() >= 60


def test_messages_that_nobody_answered_are_no_idle_timers() -> None:
    """Who gives up on an answer is silent for as long, too."""
    rows = [row | {"idle_in_s": row["idle_s"] + 20.0} for row in silences(60, 70, 40)]
    assert told(*rows, *silences(1, 50, 10))["late_idle_db"].is_null().all()


def test_of_three_it_is_only_known_that_they_are_no_chance() -> None:
    """Too few to name a timer, three that were silent for equally long are not put down to the application, either."""
    found = told(*silences(90, 90.03, 3), *silences(1, 50, 4))
    assert found["late_idle_db"].is_null().all()
    assert found.filter("may_be_late_idle")["idle_s"].to_list() == pytest.approx([90.0, 90.01, 90.02])


@pytest.mark.parametrize(
    "change",
    [
        {"client_lag_s": 9.0},
        {"client_lag_s": None},
        {"error_ref": "error.log:1"},
        {"idle_s": None},
        {"close_code": 1000},
    ],
)
def test_only_what_ended_at_once_and_without_a_line_is_looked_at(change: dict[str, Any]) -> None:
    """Late clients, lines that say why, unknown silences and goodbyes make no late timer."""
    found = told(*(row | change for row in silences(60, 70, 40)), *silences(1, 50, 10))
    assert found["late_idle_db"].is_null().all()


def test_a_timer_stands_where_it_ends_connections() -> None:
    """On another path, as many ends of any silence, some of them as long: they are no doing of its."""
    here, there = silences(60, 70, 40), silences(1, 200, 60, path="/ws/feed")
    found = told(*here, *there)
    assert found.filter(pl.col("late_idle_db").is_not_null())["path"].unique().to_list() == ["/ws/chat"]


def test_one_timer_may_stand_on_many_paths() -> None:
    """Of thirty rooms with two drops each, none says anything alone."""
    rooms = [row | {"path": f"/ws/room{k % 30}"} for k, row in enumerate(silences(60, 70, 60))]
    assert told(*rooms, *silences(1, 50, 10))["late_idle_db"].is_not_null().sum() == 60
