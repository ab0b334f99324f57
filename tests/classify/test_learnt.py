"""What all connections say together holds for any of them."""

from __future__ import annotations

from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from tests.classify.rows import joined, lifecycle
from wslog.classify.learnt import learn
from wslog.knowledge import load_timeouts

TIMED_OUT: dict[str, Any] = {
    "error_ref": "error.log:1", "error_level": "info", "error_errno": 110, "error_message": "upstream timed out",
    "error_action": "proxying upgraded connection",
}  # fmt: skip
TIMEOUTS = [TIMED_OUT | {"ended": 100 + 17.3 * k, "lifetime_s": 70 + 3.1 * k, "idle_s": 60.0} for k in range(30)]
RESTART = [
    {"ended": 900 + k / 100, "lifetime_s": 200 + 7 * k, "idle_s": 3 + 5.9 * k, "upstream": "a"} for k in range(20)
]
OTHERS = [{"ended": 50 + 40 * k, "close_code": 1000, "upstream": "b", "path": "/b"} for k in range(40)]
UNLOGGED = [{"ended": 300 + 60 * k, "nginx_ref": None, "alb_ref": "alb.log:1"} for k in range(5)]
ELSEWHERE = [{"ended": 300 + 60 * k, "nginx_ref": None, "host": "elsewhere.example.com"} for k in range(5)]


def test_each_row_is_held_against_all() -> None:
    """Path timers, bursts, clusters and coverage of some rows are those that all rows together give."""
    connections = joined(*TIMEOUTS, *RESTART, *OTHERS, *UNLOGGED, *ELSEWHERE)
    learnt = learn(
        connections, lifecycle=lifecycle(), levels=frozenset({"info"}), settings=(), timeouts=load_timeouts()
    )
    whole = learnt.add_to(connections)
    for name in ("path_timer_s", "burst", "idle_cluster", "wire_timer_s"):
        assert 0 < whole[name].count() < whole.height, name
    for name in ("nginx_missing", "servers_cover"):
        assert whole[name].n_unique() == 2, name
    parts = pl.concat(learnt.add_to(part) for part in connections.iter_slices(7))
    assert_frame_equal(parts, whole, check_exact=True)
