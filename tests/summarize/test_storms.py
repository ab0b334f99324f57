from __future__ import annotations

from wslog.result import Storm
from wslog.summarize.storms import find_storms


def _steady(begin, end, step):
    return [{"opened": second, "closed": second + 5, "is_drop": False} for second in range(begin, end, step)]


def test_a_restart_brings_all_back_at_once(table, at, burst):
    """Thirty attempts in three seconds and the one that was due, where one in ten is usual; failed tries count."""
    crowd = [{"opened": 602 + nth % 3, "closed": 900, "is_drop": False} for nth in range(20)]
    failed = [{"closed": 603, "is_opened": False} for _ in range(10)]
    storms = find_storms(table(*_steady(0, 1300, 10), *crowd, *failed), [burst(600)])
    assert storms == (Storm(at=at(600), n=31, per_second=3.1, usual_per_second=0.1),)


def test_a_calm_return_is_no_storm(table, burst):
    """Clients that spread over a minute stay below five times the usual."""
    spread = _steady(600, 660, 6)
    assert find_storms(table(*_steady(0, 1300, 10), *spread), [burst(600)]) == ()


def test_one_event_in_two_scopes_is_one_storm(table, burst):
    """The burst of an upstream and the same burst over all make one storm."""
    crowd = [{"opened": 602, "closed": 900, "is_drop": False} for _ in range(30)]
    storms = find_storms(table(*_steady(0, 1300, 10), *crowd), [burst(600), burst(601, scope="all")])
    assert [storm.n for storm in storms] == [31]


def test_without_a_usual_rate_nothing_is_a_storm(table, burst):
    """Logs that begin with the burst cannot say what is usual."""
    crowd = [{"opened": second, "closed": 900, "is_drop": False} for second in (0, 1, 2) for _ in range(10)]
    assert find_storms(table(*crowd), [burst(0)]) == ()
    assert find_storms(table(), [burst(0)]) == ()
