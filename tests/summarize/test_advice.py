from __future__ import annotations

import pytest

from wslog.knowledge import Setting
from wslog.schema import Cause, Tier


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
    """Each timer has its location: what configuration says, else what the paths share, else their first folders."""
    rows = [idle_by_nginx | {"path": path, "upstream": "10.0.0.7:9002"} for path in ("/ws/a", "/ws/b", "/ws/b")]
    (location,) = _about(document(table(*rows)), "proxy_read_timeout 86400s")
    assert "location /ws/ {" in location.config
    assert "proxy_pass http://10.0.0.7:9002;" in location.config
    (location,) = _about(document(table(*rows, idle_by_nginx | {"path": "/x"})), "proxy_read_timeout 86400s")
    assert location.text.startswith("Raise proxy_read_timeout on /ws/ and /x from 60 s to 86400 s. ")
    assert "location /ws/ {" in location.config
    assert "location /x {" in location.config
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
    assert _about(told, "Raise all timers of 60 s")
    decided = document(table(idle_by_nginx))
    assert not _about(decided, "modify-load-balancer-attributes")
    assert not _about(decided, "Raise all timers")


def test_backoff_only_where_clients_come_back_in_crowds(table, document, burst):
    """A lost network alone is no storm; a restart is. It counts only repeated tries that an outage turned away."""
    lost = {"cause": "network_loss", "tier": "network"}
    assert not _about(document(table(lost)), "exponential backoff")
    failed = {"cause": "handshake_failed", "tier": "app", "is_opened": False}
    told = document(
        table(
            {"cause": "server_restart", "tier": "app"},
            failed | {"handshake_status": 502, "attempt": 1},
            failed | {"handshake_status": 502, "attempt": 2},
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
    (normal,) = _about(told, "raise no alarm" if cause == "client_suspended" else "nothing on the servers to repair")
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


def test_timers_of_one_tier_are_one_piece_of_advice(table, document, idle_by_nginx):
    """Three locations of one nginx: one instruction that names paths and values, and a block to paste for each."""
    rows = [
        idle_by_nginx | {"path": path, "timeout_s": timer, "upstream": upstream}
        for path, timer, upstream, n in (
            ("/ws", 45.0, "10.0.0.7:1", 9), ("/live", 30.0, "10.0.0.8:1", 8), ("/quick", 20.0, "10.0.0.9:1", 7)
        )
        for _ in range(n)
    ]  # fmt: skip
    told = document(table(*rows))
    (location,) = _about(told, "proxy_read_timeout 86400s")
    assert location.text.startswith("Raise proxy_read_timeout on /ws and 2 more from 45 s, 30 s and 20 s to 86400 s. ")
    assert location.would_prevent_n == len(rows)
    where = [line for line in location.config.splitlines() if line.startswith(("location", "    proxy_pass"))]
    assert where == [
        *("location /ws {", "    proxy_pass http://10.0.0.7:1;"),
        *("location /live {", "    proxy_pass http://10.0.0.8:1;"),
        *("location /quick {", "    proxy_pass http://10.0.0.9:1;"),
    ]
    index = told.advice.index(location)
    assert all(index in finding.advice for finding in told.findings)


def test_one_odd_path_does_not_set_everyones_heartbeat(table, document, idle_by_nginx):
    """A minor path with a much shorter timer is named, to be raised, and is not counted as prevented."""
    rows = [idle_by_nginx | {"path": "/ws"}] * 18 + [idle_by_nginx | {"path": "/quick", "timeout_s": 10.0}] * 3
    (heartbeat,) = _about(document(table(*rows)), "ws.ping()")
    assert heartbeat.text.startswith("Send a heartbeat every 25 s, best as a ping from the server. ")
    assert "/quick has a 10 s timer: raise it." in heartbeat.text
    assert heartbeat.would_prevent_n == 18


def test_small_refusals_are_told_together(table, document, idle_by_nginx):
    """Handshakes refused for several reasons are one piece of advice; a reason of much weight has its own."""
    failed = {"cause": "handshake_failed", "tier": "app", "is_opened": False}
    small = [failed | {"handshake_status": status, "path": f"/{status}"} for status in (404, 403, 426)]
    told = document(table(*[idle_by_nginx] * 97, *small))
    (together,) = _about(told, "refused handshakes")
    assert together.text.startswith("Mend the refused handshakes: 426 on /426, 403 on /403 and 1 more. ")
    assert together.would_prevent_n == 3
    assert "# 426\nlocation /426 {" in together.config
    index = told.advice.index(together)
    assert all(index in finding.advice for finding in told.findings if "never opened" in finding.statement)
    large = document(table(*[idle_by_nginx] * 7, *small))
    assert not _about(large, "refused handshakes")
    assert len(_about(large, "/404")) == 1


def test_two_drops_among_many_are_no_reason_to_change(table, document, idle_by_nginx):
    """What is under one per cent and under three drops gets no advice of its own, though it keeps its finding."""
    abort = {"cause": "server_abort", "tier": "app"}
    told = document(table(*[idle_by_nginx] * 300, abort, abort))
    assert not _about(told, "1011")
    assert [finding.n for finding in told.findings] == [300, 2]
    assert _about(document(table(abort)), "1011")


def test_a_dead_worker_replaces_the_advice_on_stopping(table, document, burst):
    """A log line that names the signal decides what to look for."""
    row = {"cause": "proxy_restart", "tier": "nginx"}
    killed = {"cause": Cause.PROXY_RESTART, "tier": Tier.NGINX, "scope": "all"}
    signal = ("error.log:7: worker process 31 exited on signal 9",)
    assert not _about(document(table(row), bursts=[burst(7, evidence=signal, **killed)]), "with quit")
    told = document(table(row), bursts=[burst(7, **killed)])
    assert _about(told, "with quit")
    assert not _about(told, "signal 9")


def test_a_products_default_is_no_reason_to_change_that_product(table, document, idle_by_nginx):
    """Where no server log was read, advice is for the tiers we know and not for every product with that default."""
    guess = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "phoenix-cowboy-idle"]}
    told = document(table(guess))
    assert _about(told, "proxy_read_timeout 86400s")
    assert not _about(told, "application's idle timeout")
