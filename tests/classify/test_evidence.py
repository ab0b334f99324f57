"""When each piece of evidence speaks."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.classify.rows import at, facts
from wslog.classify.evidence import ITEMS
from wslog.schema import JOINED

TIMED_OUT: dict[str, Any] = {
    "error_ref": "error.log:1", "error_level": "info", "error_errno": 110, "error_message": "upstream timed out",
    "error_action": "proxying upgraded connection",
}  # fmt: skip
INFO = frozenset({"info"})


def speaks(item: str, row: dict[str, Any], *, levels: frozenset[str] = frozenset(), **more: Any) -> bool:
    said = facts(row, levels=levels, **more).select(ITEMS[item].alias("said"))["said"].item()
    return said is not None and bool(said)


@pytest.mark.parametrize(
    ("item", "row", "more"),
    [
        ("nginx_timed_out", TIMED_OUT, {}),
        ("in_idle_cluster", {}, {"idle_db": 20.0}),
        ("in_idle_cluster_by_age", {"idle_s": None}, {"idle_db": 20.0}),
        ("not_in_idle_cluster", {}, {}),
        ("in_lifetime_cluster", {}, {"life_db": 20.0}),
        ("in_lifetime_cluster_by_age", {}, {"life_db": 20.0, "life_cluster": 0, "idle_cluster": 0}),
        ("not_in_lifetime_cluster", {}, {}),
        ("late_idle_timer", {}, {"late_idle_db": 20.0}),
        ("late_lifetime_limit", {}, {"late_life_db": 20.0}),
        ("in_give_up_cluster", {}, {"give_up_db": 20.0}),
        ("nginx_setting_fits", {}, {"idle_timer_s": 60.0, "nginx_setting_s": 60.0, "alb_setting_s": 350.0}),
        ("alb_setting_fits", {}, {"idle_timer_s": 60.0, "nginx_setting_s": 3600.0, "alb_setting_s": 60.0}),
        ("pile_unsaid", {"nginx_ref": None}, {"is_pile_unsaid": True}),
        ("through_alb", {"alb_ref": "alb.log:1"}, {"idle_db": 20.0, "is_pile_of_alb": True}),
        ("through_alb_alone", {"alb_ref": "alb.log:1"}, {"idle_db": 20.0}),
        ("through_alb_alone", {}, {"idle_db": 20.0, "from_alb": True}),
        ("not_through_alb", {}, {"alb_missing": True}),
        ("alb_outlasted", {}, {"alb_silence_s": 47.0}),
        ("followed", {}, {}),
        ("early", {"client_lag_s": -20.0}, {}),
        ("late", {"client_lag_s": 40.0}, {}),
        ("woke_up", {"client_lag_s": 40.0, "idle_out_s": 0.01}, {"wire_idle_s": -39.9}),
        ("late_message", {"client_lag_s": None, "idle_out_s": 0.01, "idle_in_s": 90.0}, {}),
        ("sent_into_the_void", {"client_lag_s": 40.0, "idle_out_s": 20.0, "idle_in_s": 90.0}, {}),
        ("silent_anyway", TIMED_OUT | {"client_lag_s": 40.0, "idle_s": 47.0}, {"path_timer_s": 7.0}),
        ("silent_anyway", {"client_lag_s": 40.0}, {"wire_idle_s": 25.0, "wire_timer_s": 25.0}),  # no timer of nginx's
        ("talked_before", TIMED_OUT | {"client_lag_s": 40.0, "idle_s": 47.0}, {"path_timer_s": 7.0, "talked_db": 10.0}),
        ("pings_stopped", TIMED_OUT | {"client_lag_s": 40.0}, {"path_timer_s": 25.0, "wire_idle_s": 90.0}),
        ("hidden", {"visibility": "hidden"}, {}),
        ("visible", {}, {}),
        ("offline", {"is_online": False}, {}),
        ("in_page_cache", {"is_persisted": True}, {}),
        ("close_called", {"close_called_at": at(540.0)}, {}),
        ("unanswered", {"idle_in_s": 20.0}, {"give_up_db": 20.0}),
        *((f"burst_{kind}", {}, {"burst": 0, "burst_kind": kind})
          for kind in ("crash", "stop", "unlogged", "reload", "upstream", "path", "together")),
        ("alone", {}, {}),
        ("cut_by_nginx", {"nginx_is_complete": False}, {}),
        ("nginx_line_missing", {}, {"nginx_missing": True}),
        ("upstream_reset", TIMED_OUT | {"error_errno": 104, "error_level": "error"}, {}),
        ("downstream_reset", TIMED_OUT | {"error_errno": 104}, {}),
        ("nginx_lost_client", TIMED_OUT | {"error_message": "client timed out"}, {}),
        ("quiet_end_unlogged", {}, {}),
    ],
)  # fmt: skip
def test_the_item_speaks(item: str, row: dict[str, Any], more: dict[str, Any]) -> None:
    """Each item speaks on the row that it is about."""
    assert speaks(item, row, **more)


@pytest.mark.parametrize("item", ["nginx_silent_about_timeout", "quiet_end"])
def test_silence_speaks_only_at_level_info(item: str) -> None:
    """What nginx did not write is evidence only where it would have written it."""
    assert speaks(item, {}, levels=INFO)
    assert not speaks(item, {})
    assert not speaks(item, {"nginx_ref": None}, levels=INFO)
    assert not speaks(item, TIMED_OUT, levels=INFO)
    assert not speaks(item, {"may_have_error": True}, levels=INFO)


@pytest.mark.parametrize(
    ("item", "row", "more", "why"),
    [
        ("not_in_idle_cluster", {"idle_s": None}, {}, "no silence was logged"),
        ("not_in_idle_cluster", TIMED_OUT, {}, "nginx counts the pings that a page cannot see"),
        ("not_in_idle_cluster", {"client_lag_s": 40.0}, {}, "its silence is that of its absence"),
        ("nginx_setting_fits", {}, {"idle_timer_s": 60.0, "nginx_setting_s": 60.0, "alb_setting_s": 60.0}, "both fit"),
        ("nginx_setting_fits", {}, {"idle_timer_s": 60.0, "nginx_setting_s": 60.0}, "the ALB's is not known"),
        ("woke_up", {"client_lag_s": 40.0, "idle_out_s": 20.0}, {"wire_idle_s": -20.0}, "it was awake for long"),
        ("late_message", {"idle_out_s": 0.01, "idle_in_s": 90.0}, {}, "a server's clock decides"),
        ("silent_anyway", TIMED_OUT, {"path_timer_s": 7.0}, "the client was not late"),
        (
            "silent_anyway",
            TIMED_OUT | {"client_lag_s": 40.0},
            {"path_timer_s": 7.0, "wire_idle_s": -20.0},
            "it sent meanwhile",
        ),
        (
            "sent_into_the_void",
            {"client_lag_s": 40.0, "idle_out_s": 20.0, "idle_in_s": 90.0},
            {"wire_timer_s": 25.0},
            "the timer ran from its last message, so that one arrived",
        ),
        (
            "silent_anyway",
            TIMED_OUT | {"client_lag_s": 40.0, "idle_s": 47.0, "is_persisted": True},
            {"path_timer_s": 7.0},
            "it could not speak",
        ),
        (
            "silent_anyway",
            TIMED_OUT | {"client_lag_s": 40.0},
            {"path_timer_s": 25.0, "wire_idle_s": 90.0},
            "pings kept it open for longer than the timer lets, so that somebody stopped answering",
        ),
        ("pings_stopped", TIMED_OUT, {"path_timer_s": 25.0, "wire_idle_s": 90.0}, "the app may have stopped, too"),
        ("pings_stopped", TIMED_OUT | {"client_lag_s": 40.0}, {"path_timer_s": 25.0, "wire_idle_s": 25.1}, "no pings"),
        ("not_in_idle_cluster", {}, {"may_be_late_idle": True}, "a timer that fires late makes no needle"),
        ("not_in_lifetime_cluster", {}, {"may_be_late_limit": True}, "a limit that varies makes no needle"),
        ("quiet_end_unlogged", {}, {"may_be_late_idle": True}, "a timer that fires late may explain it"),
        ("close_called", {"close_called_at": at(599.0)}, {}, "a second is no wait"),
        ("quiet_end_unlogged", {}, {"burst": 0, "burst_kind": "upstream"}, "others ended with it"),
        ("quiet_end_unlogged", {}, {"idle_db": 20.0}, "a timer explains it"),
        ("quiet_end_unlogged", {"idle_s": None}, {}, "how long it was silent is not known, so a timer may explain it"),
        ("cut_by_nginx", {}, {}, "the log does not print the completion"),
        ("offline", {"is_online": None}, {}, "the record does not say"),
        ("alone", {}, {"burst": 0}, "others ended with it"),
    ],
)
def test_the_item_is_silent(item: str, row: dict[str, Any], more: dict[str, Any], why: str) -> None:
    """Near misses: what looks like the item and is not."""
    assert not speaks(item, row, **more), why


def test_a_row_that_nobody_knows_anything_of_says_little() -> None:
    """Missing inputs add nothing: a row of nulls speaks only of being alone."""
    nothing = dict.fromkeys(JOINED)
    frame = facts(nothing | {"has_client": True, "ended": 600.0})
    said = frame.select(item.cast(pl.Float64).fill_null(0.0).alias(name) for name, item in ITEMS.items()).row(
        0, named=True
    )
    assert {name for name, value in said.items() if value} <= {"alone"}
