"""What a load balancer let pass says what its timer is not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.classify.rows import joined, lifecycle
from wslog.classify.learnt import learn

ALB: dict[str, Any] = {"alb_ref": "alb.log:1"}


def pile(silence_s: float, n: int, **more: Any) -> list[dict[str, Any]]:
    return [
        {"ended": 100 + 37.1 * k + silence_s, "idle_s": silence_s + k % 5 / 100, "lifetime_s": silence_s + 7 + 3.1 * k}
        | more
        for k in range(n)
    ]


def longer(*rows: dict[str, Any]) -> dict[float, float | None]:
    """Return, by the timer of their cluster, how long the load balancer let others be silent."""
    connections = joined(*rows)
    learnt = learn(connections, lifecycle=lifecycle(), levels=frozenset(), settings=(), timeouts=())
    told = learnt.add_to(connections).drop_nulls("idle_timer_s")
    return dict(told.select("idle_timer_s", "alb_silence_s").unique().sort("idle_timer_s").iter_rows())


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
