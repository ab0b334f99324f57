from __future__ import annotations

import pytest

from wslog.result import Reconnects, Window
from wslog.schema import Tier
from wslog.summarize.drops import drops_in, in_order
from wslog.summarize.reconnects import EDGES_S, summarize_reconnects


def _reconnects(connections, windows=(), bursts=()):
    return summarize_reconnects(drops_in(in_order(connections)), connections, bursts=bursts, windows=windows)


def test_gaps_and_their_quantiles(table):
    """Only gaps of drops count; a null gap is none."""
    result = _reconnects(
        table(
            {"closed": 0, "reconnect_gap_s": 1.0, "cause": "network_loss"},
            {"closed": 0, "reconnect_gap_s": 3.0},
            {"closed": 0, "reconnect_gap_s": None},
            {"closed": 0, "reconnect_gap_s": 50.0, "is_drop": False},
        )
    )
    assert (result.n, result.p50_s) == (2, 2.0)
    assert result.p95_s == pytest.approx(2.9)
    assert [(b.low, b.high, b.by_cause) for b in result.gaps if b.n] == [
        (1.0, 2.0, {"network_loss": 1}),
        (2.0, 5.0, {"unknown": 1}),
    ]
    assert len(result.gaps) == len(EDGES_S) - 1


def test_a_gap_of_days_has_its_own_bin(table):
    """The last bins grow until they hold the longest gap."""
    result = _reconnects(table({"closed": 0, "reconnect_gap_s": 100_000.0}))
    assert result.gaps[-1].low <= 100_000 < result.gaps[-1].high


def test_who_never_came_back_gave_up_if_the_logs_went_on(table, at):
    """Not those who came back, not those at the end of the logs, not those who only left."""
    connections = table(
        {"session_id": "gone", "opened": 0, "closed": 100},
        {"session_id": "back", "opened": 0, "closed": 100, "reconnect_gap_s": 3.0},
        {"session_id": "back", "opened": 103, "closed": 150, "is_drop": False},
        {"session_id": "late", "opened": 0, "closed": 950},
        {"session_id": "left", "opened": 0, "closed": 100, "cause": "client_left"},
        {"session_id": None, "opened": 0, "closed": 100},
    )
    window = Window(tier=Tier.CLIENT, start=at(0), end=at(1000))
    assert _reconnects(connections, [window]).gave_up == 1
    shared = Window(tier=None, start=at(0), end=at(150))
    assert _reconnects(connections, [window, shared]).gave_up == 0


def test_no_drops(table):
    """An empty table has no gaps and no quantiles."""
    result = _reconnects(table())
    assert result == Reconnects(n=0, p50_s=None, p95_s=None, gave_up=0, gaps=(), storms=())
