from __future__ import annotations

import pytest

from wslog.knowledge import Setting


def _texts(told):
    return [advice.text for advice in told.advice if not advice.is_observability]


def _about(told, word):
    return [advice for advice in told.advice if word in advice.text + advice.config and not advice.is_observability]


def test_silence_calls_for_a_heartbeat_under_the_smallest_timer(table, document, idle_by_nginx):
    """One heartbeat for all timers, at less than half of the smallest, and it counts all their drops."""
    told = document(
        table(
            idle_by_nginx,
            idle_by_nginx | {"timeout_s": 30.0},
            {"cause": "server_abort", "tier": "app"},
            {"cause": None},
        )
    )
    (heartbeat,) = _about(told, "ws.ping()")
    assert "every 13 s" in heartbeat.text
    assert (heartbeat.would_prevent_n, heartbeat.would_prevent_share) == (2, 0.5)
    assert told.advice[0] == heartbeat
    assert all(0 in finding.advice for finding in told.findings if finding.timeout_s)


def test_nginx_gets_its_own_location_for_the_paths_that_dropped(table, document, idle_by_nginx):
    """Each timer has its location: what configuration says, else what the paths share, else the most common path."""
    rows = [idle_by_nginx | {"path": path, "upstream": "10.0.0.7:9002"} for path in ("/ws/a", "/ws/b", "/ws/b")]
    (location,) = _about(document(table(*rows)), "proxy_read_timeout 86400s")
    assert "location /ws/ {" in location.config
    assert "proxy_pass http://10.0.0.7:9002;" in location.config
    (location,) = _about(document(table(*rows, idle_by_nginx | {"path": "/x"})), "proxy_read_timeout 86400s")
    assert "location /ws/b {" in location.config
    setting = Setting(timeout_id="nginx-proxy-read-timeout", value_s=60.0, scope="/w", host="", ref="nginx.conf:9")
    (location,) = _about(document(table(*rows), settings=[setting]), "proxy_read_timeout 86400s")
    assert "location /w {" in location.config


def test_a_hostile_path_never_reaches_a_config(table, document, idle_by_nginx):
    """What could end a directive is not pasted."""
    told = document(table(idle_by_nginx | {"path": "/x; } server { return 200 'owned"}))
    assert "owned" not in "".join(advice.config + advice.text for advice in told.advice)


def test_a_tie_calls_for_both_tiers(table, document, idle_by_nginx):
    """Raising only one timer of two moves nothing."""
    tie = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "aws-alb-idle"]}
    told = document(table(tie))
    assert _about(told, "proxy_read_timeout 86400s")
    assert _about(told, "modify-load-balancer-attributes")
    assert _about(told, "raise all of them")
    decided = document(table(idle_by_nginx))
    assert not _about(decided, "modify-load-balancer-attributes")
    assert not _about(decided, "raise all of them")


def test_backoff_only_where_clients_come_back_in_crowds(table, document, burst):
    """A lost network alone is no storm; a restart is. It counts only tries that an outage turned away."""
    lost = {"cause": "network_loss", "tier": "network"}
    assert not _about(document(table(lost)), "exponential backoff")
    failed = {"cause": "handshake_failed", "tier": "app", "is_opened": False}
    told = document(
        table(
            {"cause": "server_restart", "tier": "app"},
            failed | {"handshake_status": 502},
            failed | {"handshake_status": 404},
        )
    )
    (backoff,) = _about(told, "exponential backoff")
    assert backoff.would_prevent_n == 1
    (missing,) = (finding for finding in told.findings if "404" in finding.statement)
    assert told.advice.index(backoff) not in missing.advice


def test_a_lost_upgrade_header_calls_for_the_location_block(table, document):
    """426 means that a location does not pass the header on; the block to paste has the path."""
    row = {"cause": "handshake_failed", "tier": "nginx", "handshake_status": 426, "path": "/v1/ws", "is_opened": False}
    (mend,) = _about(document(table(row)), "proxy_set_header Upgrade")
    assert "location /v1/ws {" in mend.config


@pytest.mark.parametrize("cause", ["client_suspended", "client_left"])
def test_what_is_normal_is_not_sold_as_prevention(table, document, cause):
    """Advice that only shortens or explains an outage prevents no drop."""
    told = document(table({"cause": cause, "tier": "client"}))
    (normal,) = _about(told, "alarm" if cause == "client_suspended" else "nothing on the servers to repair")
    assert normal.would_prevent_n == 0


def test_nothing_dropped_nothing_to_change(table, document):
    """No advice without a reason."""
    assert _texts(document(table({"is_drop": False, "cause": "clean_close"}))) == []


def test_better_logs_come_last(table, document):
    """What prevents nothing stands below what does."""
    told = document(table({"cause": None}, {"cause": "server_restart", "tier": "app"}))
    flags = [advice.is_observability for advice in told.advice]
    assert flags == sorted(flags)
    assert True in flags
