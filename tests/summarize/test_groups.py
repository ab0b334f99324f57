from __future__ import annotations

from wslog.schema import Cause, Tier
from wslog.summarize.drops import drops_in, in_order
from wslog.summarize.groups import group_drops


def _groups(connections, *, is_fine):
    groups = group_drops(
        drops_in(in_order(connections)), clusters=(), bursts=(), known={}, with_date=False, is_fine=is_fine
    )
    return [(g.cause, g.tier, g.timeouts_s, g.statuses, g.n) for g in groups]


def test_fine_groups_tell_timers_and_statuses_apart(table, idle_by_nginx):
    """A finding for each timer and each handshake status; a coarse group ranks them by how often they occur."""
    failed = {"cause": "handshake_failed", "is_opened": False}
    connections = table(
        idle_by_nginx,
        idle_by_nginx,
        idle_by_nginx | {"timeout_s": 30.0},
        failed | {"tier": "nginx", "handshake_status": 404},
        failed | {"tier": "app", "handshake_status": 502},
        failed | {"tier": "app", "handshake_status": 502},
        failed | {"tier": "network"},
        {"cause": None},
        {"cause": None},
        {"cause": None},
    )
    assert _groups(connections, is_fine=True) == [
        (Cause.HANDSHAKE_FAILED, Tier.APP, (), (502,), 2),
        (Cause.IDLE_TIMEOUT, Tier.NGINX, (60.0,), (), 2),
        (Cause.HANDSHAKE_FAILED, Tier.NETWORK, (), (None,), 1),
        (Cause.HANDSHAKE_FAILED, Tier.NGINX, (), (404,), 1),
        (Cause.IDLE_TIMEOUT, Tier.NGINX, (30.0,), (), 1),
        (Cause.UNKNOWN, Tier.UNKNOWN, (), (), 3),
    ]
    assert _groups(connections, is_fine=False) == [
        (Cause.HANDSHAKE_FAILED, Tier.UNKNOWN, (), (502, 404, None), 4),
        (Cause.IDLE_TIMEOUT, Tier.NGINX, (60.0, 30.0), (), 3),
        (Cause.UNKNOWN, Tier.UNKNOWN, (), (), 3),
    ]


def test_no_drops_no_groups(table):
    """Clean closes are no groups."""
    assert _groups(table({"is_drop": False, "cause": "clean_close"}), is_fine=True) == []
