"""What others of a pile, of a host or of a path say of whose timer it is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.classify.rows import joined, lifecycle
from wslog.classify.learnt import learn
from wslog.knowledge import load_timeouts

TIMEOUTS = load_timeouts()
TIMED_OUT: dict[str, Any] = {
    "error_ref": "error.log:1", "error_level": "info", "error_errno": 110, "error_message": "upstream timed out",
    "error_action": "proxying upgraded connection",
}  # fmt: skip
ALB: dict[str, Any] = {"alb_ref": "alb.log:1"}


def pile(silence_s: float, n: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"ended": 100 + 37.1 * k + silence_s, "idle_s": silence_s + k % 5 / 100, "lifetime_s": silence_s + 7 + 3.1 * k}
        | more
        for k in range(n)
    ]


def told(what: str, *rows: dict[str, Any], levels: frozenset[str] = frozenset()) -> dict[float, Any]:
    """Return what is told of piles, by the timer of their cluster."""
    connections = joined(*rows)
    learnt = learn(connections, lifecycle=lifecycle(), levels=levels, settings=(), timeouts=TIMEOUTS)
    rows_told = learnt.add_to(connections).drop_nulls("idle_timer_s")
    return dict(rows_told.select("idle_timer_s", what).unique().sort("idle_timer_s").iter_rows())


def longer(*rows: dict[str, Any]) -> dict[float, float | None]:
    """Return how long the load balancer let others be silent."""
    found: dict[float, float | None] = told("alb_silence_s", *rows)
    return found


def test_a_load_balancer_lets_no_silence_pass_that_is_longer_than_its_timer() -> None:
    """Of two piles behind one load balancer, the shorter is not its timer's."""
    assert longer(*pile(15.0, 20, **ALB), *pile(47.0, 20, **ALB)) == {15.0: 47.0, 47.0: None}


@pytest.mark.parametrize(
    "others",
    [
        pile(47.0, 20),  # not through the load balancer
        pile(47.0, 20, **ALB, host="push.example.com"),  # which may be another one
    ],
)
def test_what_another_way_lets_pass_says_nothing(others: list[dict[str, Any]]) -> None:
    """Connections past the load balancer, or of a host that may have another, do not speak for it."""
    assert longer(*pile(15.0, 20, **ALB), *others) == {15.0: None, 47.0: None}


def test_silence_since_the_open_may_be_full_of_pings() -> None:
    """Connections that look silent all their life may have been kept open by pings, which no client can see."""
    silent = [row | {"lifetime_s": row["idle_s"]} for row in pile(47.0, 20, **ALB)]
    assert longer(*pile(15.0, 20, **ALB), *silent)[15.0] is None


def test_ages_are_no_silences() -> None:
    """Where no log tells of messages, the longer pile is one of ages, through which there may have been talk."""
    unheard = [row | {"idle_s": None} for row in (*pile(15.0, 20, **ALB), *pile(47.0, 20, **ALB))]
    ages = [row | {"lifetime_s": 15.0 + 32 * (k >= 20) + k % 5 / 100} for k, row in enumerate(unheard)]
    assert set(longer(*ages).values()) == {None}


@pytest.mark.parametrize(
    ("silence_s", "late_s", "path", "is_its"),
    [
        (47.0, 1.0, "/ws", False),  # the application's, as well as the ALB's
        (47.0, 0.1, "/ws", True),  # on time
        (47.0, 1.0, "/push", True),  # two applications hardly agree
        (60.0, 1.0, "/ws", True),  # what the ALB has unless one sets it
    ],
)
def test_a_wide_pile_of_one_path_may_be_its_application_s(
    silence_s: float, late_s: float, path: str, *, is_its: bool
) -> None:
    """The ALB ends connections of all paths, and its default is known."""
    rows = [ALB | {"path": where} | row for where in ("/ws", path) for row in pile(silence_s, 40)]
    late = [row | {"idle_s": silence_s + late_s * (k % 40) / 40} for k, row in enumerate(rows)]
    assert list(told("is_pile_of_alb", *late).values()) == [is_its]


@pytest.mark.parametrize(("said", "is_unsaid"), [({}, True), (TIMED_OUT, False), ({"may_have_error": True}, False)])
def test_nginx_s_silence_about_others_of_a_pile_is_told(said: dict[str, Any], *, is_unsaid: bool) -> None:
    """A drop without an nginx line of its own is no timeout of nginx's where others of its path are none."""
    rows = (*pile(47.0, 20, **said), *pile(47.0, 3, nginx_ref=None, **ALB))
    assert told("is_pile_unsaid", *rows, levels=frozenset({"info"})) == {47.0: is_unsaid}
    assert told("is_pile_unsaid", *rows) == {47.0: False}
