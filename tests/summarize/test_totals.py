from __future__ import annotations

import pytest

from wslog.result import Totals
from wslog.summarize.drops import in_order
from wslog.summarize.totals import count_totals


def test_totals_of_a_typed_table(table):
    """Attempts, opens, closes, drops, hours, and a rate over the drops that had opened."""
    connections = table(
        {"opened": 0, "closed": 3600, "lifetime_s": 3600.0},
        {"opened": 0, "closed": 3600, "lifetime_s": 3600.0, "is_drop": False},
        {"closed": 10, "is_opened": False},
        {"is_drop": False, "is_opened": None},
    )
    assert count_totals(in_order(connections)) == Totals(
        attempts=4,
        opened=2,
        closed=3,
        drops=2,
        connection_hours=2.0,
        drops_per_1000_connection_hours=500.0,
        offline_seconds=None,
    )


def test_offline_time_ends_with_the_next_successful_open(table):
    """Failed tries in between belong to one time offline, counted once."""
    connections = table(
        {"session_id": "s", "path": "/ws", "opened": 0, "closed": 100, "reconnect_gap_s": 2.0},
        {"session_id": "s", "path": "/ws", "closed": 102, "is_opened": False, "reconnect_gap_s": 6.0},
        {"session_id": "s", "path": "/ws", "opened": 108, "closed": 200, "is_drop": False},
    )
    assert count_totals(in_order(connections)).offline_seconds == pytest.approx(8.0)


def test_offline_time_is_kept_apart_by_session_and_path(table):
    """Another session's or path's open ends nobody else's time offline."""
    connections = table(
        {"session_id": "a", "path": "/ws", "opened": 0, "closed": 100},
        {"session_id": "b", "path": "/ws", "opened": 101, "closed": 150, "is_drop": False},
        {"session_id": "a", "path": "/x", "opened": 102, "closed": 150, "is_drop": False},
        {"session_id": "a", "path": "/ws", "opened": 130, "closed": 150, "is_drop": False},
    )
    assert count_totals(in_order(connections)).offline_seconds == pytest.approx(30.0)


def test_offline_time_without_sessions_is_what_gaps_say(table):
    """Without a session the known gaps add up, and nothing is matched across rows."""
    connections = table(
        {"opened": 0, "closed": 100, "reconnect_gap_s": 2.5},
        {"opened": 0, "closed": 100},
        {"opened": 300, "closed": 400, "is_drop": False},
    )
    assert count_totals(in_order(connections)).offline_seconds == pytest.approx(2.5)


def test_offline_time_unknown_and_none(table):
    """No identity at all is null; no drops is zero, if a client says so."""
    assert count_totals(in_order(table({"opened": 0, "closed": 100}))).offline_seconds is None
    kept = {"opened": 0, "closed": 100, "is_drop": False}
    assert count_totals(in_order(table(kept | {"client_ref": "client.jsonl:1"}))).offline_seconds == 0.0
    assert count_totals(in_order(table(kept))).offline_seconds is None


def test_ends_that_no_log_tells_are_counted(table):
    """What opened and is neither a drop nor known to have ended well; a failed handshake is none of it."""
    open_end = {"is_drop": False, "is_opened": True, "cause": "unknown"}
    rows = (
        open_end,
        open_end,
        open_end | {"cause": "clean_close"},
        open_end | {"is_drop": True},
        open_end | {"is_opened": False},
    )
    assert count_totals(in_order(table(*rows))).ends_not_known == 2
