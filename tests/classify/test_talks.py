"""Whether a client that learnt late was done with talking when it went away."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.classify.rows import facts, joined, lifecycle
from wslog.classify.learnt import Learnt, learn
from wslog.classify.scorecard import judge, load_scorecard
from wslog.schema import Cause

CARD = load_scorecard()
AWAY: dict[str, Any] = {"idle_s": 380.0, "client_lag_s": 360.0, "visibility": "hidden"}


def path_of(talk_s: float, n: int = 20) -> tuple[pl.DataFrame, Learnt]:
    """Rows of a path whose connections talk for so long and are dropped after 20 s of silence, and two that were away.

    The first of these had talked as well, the second was silent all its life.
    """
    rows: list[dict[str, Any]] = [
        {"ended": 500 + 37.1 * k, "idle_s": 20 + k % 5 / 100, "lifetime_s": 20 + talk_s * (0.9 + 0.01 * k)}
        for k in range(n)
    ]
    away = [AWAY | {"lifetime_s": 380 + talk_s, "ended": 3000.0}, AWAY | {"lifetime_s": 380.0, "ended": 3300.0}]
    connections = joined(*rows, *away)
    return connections, learn(connections, lifecycle=lifecycle(), levels=frozenset(), settings=(), timeouts=())


@pytest.mark.parametrize(("talk_s", "cause"), [(4.0, Cause.IDLE_TIMEOUT), (200.0, Cause.UNKNOWN)])
def test_whoever_talks_for_long_is_likely_to_go_away_meanwhile(talk_s: float, cause: Cause) -> None:
    """After 20 s of silence, of which the client learnt minutes later: ten times as long a talk leaves it open."""
    connections, learnt = path_of(talk_s)
    verdict = judge(learnt.add_to(connections), CARD)
    assert verdict["cause"].tail(2).to_list() == [cause, Cause.IDLE_TIMEOUT]


def test_two_connections_tell_no_habit() -> None:
    """Fewer than three on a path say nothing of how long its connections talk."""
    assert path_of(200.0)[1].talks == {"/ws/chat": pytest.approx(199.0, abs=3)}
    assert path_of(200.0, n=2)[1].talks == {}
    assert facts({})["talked_db"].to_list() == [None]
