from __future__ import annotations

import pytest

from wslog.knowledge import Setting, load_mends
from wslog.schema import Cause, Tier
from wslog.summarize.advice import BACKOFF, HEARTBEAT, LOGS_FIRST, PREVENTS


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


def test_the_lines_for_nginx_name_the_location_they_go_into(table, document, idle_by_nginx):
    """Each timer has its location: what configuration says, else what the paths share, else their first folders."""
    rows = [idle_by_nginx | {"path": path, "upstream": "10.0.0.7:9002"} for path in ("/ws/a", "/ws/b", "/ws/b")]
    (lines,) = _about(document(table(*rows)), "proxy_read_timeout 86400s")
    assert lines.config.startswith("# in the location that serves /ws/\nproxy_read_timeout 86400s;")
    (lines,) = _about(document(table(*rows, idle_by_nginx | {"path": "/x"})), "proxy_read_timeout 86400s")
    assert lines.text.startswith("Raise proxy_read_timeout on /ws/ and /x from 60 s to 86400 s. ")
    assert lines.config.startswith("# in the location that serves /ws/ and /x\n")
    setting = Setting(timeout_id="nginx-proxy-read-timeout", value_s=60.0, scope="/w", host="", ref="nginx.conf:9")
    (lines,) = _about(document(table(*rows), settings=[setting]), "proxy_read_timeout 86400s")
    assert lines.config.startswith("# in the location that serves /w\n")


def test_no_upstream_of_the_logs_is_pasted_into_a_location(table, document, idle_by_nginx):
    """One path may be served by several upstreams: a block that sends it all to one of them would break the rest."""
    lost = {"cause": "handshake_failed", "tier": "nginx", "handshake_status": 426, "is_opened": False}
    row = {"path": "/ws/a", "upstream": "10.0.0.7:9002", "confidence": 0.99}
    told = document(table(idle_by_nginx | row, lost | row))
    configs = "\n".join(advice.config for advice in told.advice)
    assert "proxy_pass" in configs
    assert "10.0.0.7" not in configs


def test_a_place_is_named_with_enough_behind_it(table, document, idle_by_nginx):
    """A path is said to have a timer where the tier is known and the verdicts are sure, not for two doubtful rows."""
    quick = idle_by_nginx | {"path": "/quick", "timeout_s": 10.0}
    rows = [idle_by_nginx | {"path": "/ws"}] * 300 + [quick] * 38
    doubtful = [quick | {"path": "/stream", "tier": "unknown", "timeout_id": None}] * 4
    unsure = [quick | {"path": "/live", "confidence": 0.6}] * 4
    few = [quick | {"path": "/once"}] * 2
    told = document(table(*rows, *doubtful, *unsure, *few))
    (heartbeat,) = _about(told, "ws.ping()")
    assert "/quick has a 10 s timer: raise it." in heartbeat.text
    assert not any(
        path in advice.text + advice.config for advice in told.advice for path in ("/stream", "/live", "/once")
    )


def test_each_upstream_that_was_down_has_its_own_count(table, document):
    """The sum of the drops is not laid at one server's door; none is named on too few or unsure drops."""
    failed = {
        "cause": "handshake_failed",
        "tier": "app",
        "is_opened": False,
        "handshake_status": 502,
        "confidence": 0.99,
    }
    ports = [9002] * 244 + [9003] * 40 + [9009] * 16 + [9011] * 2
    told = document(table(*[failed | {"upstream": f"10.0.0.7:{port}"} for port in ports]))
    (start,) = _about(told, "before traffic comes")
    assert start.text.startswith("Start 10.0.0.7:9002 (244 drops), 10.0.0.7:9003 (40) and 10.0.0.7:9009 (16) before ")
    assert start.would_prevent_n == 302
    unsure = failed | {"upstream": "10.0.0.7:9002", "confidence": 0.7}
    alone = document(table(*[failed | {"upstream": "10.0.0.7:9002"}] * 3, unsure))
    assert _about(alone, "Start 10.0.0.7:9002 before traffic comes.")
    assert not _about(document(table(*[unsure] * 4)), "9002")


def test_what_may_be_anyones_timer_is_not_counted_for_nginx(table, document, idle_by_nginx):
    """Advice for nginx counts the drops decided for it; where no log decides, one piece speaks of every timer."""
    tie = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "aws-alb-idle"]}
    nobody = idle_by_nginx | {"tier": "unknown", "timeout_id": None}
    told = document(table(*[idle_by_nginx] * 5, *[tie] * 4, *[nobody] * 9))
    (raised,) = _about(told, "Raise proxy_read_timeout on")
    assert raised.would_prevent_n == 5
    (every,) = _about(told, "Raise every timer of 60 s")
    assert every.would_prevent_n == 13


def test_a_hostile_path_never_reaches_a_config(table, document, idle_by_nginx):
    """What could end a directive is not pasted."""
    told = document(table(idle_by_nginx | {"path": "/x; } server { return 200 'owned"}))
    assert "owned" not in "".join(advice.config + advice.text for advice in told.advice)


def test_a_tie_calls_for_both_tiers_at_once(table, document, idle_by_nginx):
    """Raising only one timer of two moves nothing: no piece of advice promises that it would."""
    tie = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "aws-alb-idle"]}
    told = document(table(tie))
    (every,) = _about(told, "Raise every timer of 60 s on the way")
    assert "proxy_read_timeout 86400s" in every.config
    assert "modify-load-balancer-attributes" in every.config
    assert not _about(told, "Raise proxy_read_timeout")
    assert not _about(told, "Raise the ALB's")
    decided = document(table(idle_by_nginx))
    assert not _about(decided, "modify-load-balancer-attributes")
    assert not _about(decided, "Raise every timer")


def test_a_timer_without_candidates_is_to_be_looked_for(table, document, idle_by_nginx):
    """A value that is no product's default may be set anywhere; one tier alone is changed only if it alone fits."""
    nobody = idle_by_nginx | {"tier": "unknown", "timeout_id": None, "timeout_s": 45.0}
    assert _about(document(table(nobody)), "Raise every timer of 45 s on the way")
    only_alb = nobody | {"timeout_id": ["aws-alb-idle"]}
    assert _about(document(table(only_alb)), "Raise the ALB's idle_timeout.timeout_seconds from 45 s to 3600.")
    assert not _about(document(table(only_alb)), "Raise every timer")


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


def test_a_lost_upgrade_header_calls_for_the_headers(table, document):
    """426 means that a location does not pass the header on; the lines to paste say where they go."""
    row = {"cause": "handshake_failed", "tier": "nginx", "handshake_status": 426, "path": "/v1/ws", "is_opened": False}
    row["confidence"] = 0.99
    (mend,) = _about(document(table(row)), "proxy_set_header Upgrade")
    assert mend.config.startswith("# in the location that serves /v1/ws\nproxy_http_version 1.1;")


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
    """Three locations of one nginx: one instruction that names paths and values, and the lines to paste once."""
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
    assert location.config.startswith("# in the location that serves /ws, /live and /quick\n")
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
    failed = {"cause": "handshake_failed", "tier": "app", "is_opened": False, "confidence": 0.99}
    small = [failed | {"handshake_status": status, "path": f"/{status}"} for status in (404, 403, 426)]
    told = document(table(*[idle_by_nginx] * 97, *small))
    (together,) = _about(told, "refused handshakes")
    assert together.text.startswith("Mend the refused handshakes: 426 on /426, 403 on /403 and 1 more. ")
    assert together.would_prevent_n == 3
    assert "# 426\n# in the location that serves /426\n" in together.config
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


def test_a_dead_worker_and_a_stop_each_get_their_own_drops(table, document, burst):
    """Of nginx's stop and of a worker's death an hour later, each mend prevents the drops of its own moment."""
    row = {"cause": "proxy_restart", "tier": "nginx"}
    what = {"cause": Cause.PROXY_RESTART, "tier": Tier.NGINX, "scope": "no nginx line"}
    died = burst(3600, evidence=("error.log:7: worker process 31 exited on signal 9",), **what)
    stopped = burst(7, evidence=("error.log:3: signal 15 (SIGTERM) received",), **what)
    told = document(table(*[row | {"closed": 8}] * 5, *[row | {"closed": 3602}] * 3), bursts=[stopped, died])
    assert [advice.would_prevent_n for advice in _about(told, "with quit")] == [5]
    assert [advice.would_prevent_n for advice in _about(told, "signal 9")] == [3]


def test_a_products_default_is_no_reason_to_change_that_product(table, document, idle_by_nginx):
    """Where no server log was read, advice is for the tiers we know and not for every product with that default."""
    guess = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "phoenix-cowboy-idle"]}
    told = document(table(guess))
    assert _about(told, "proxy_read_timeout 86400s")
    assert not _about(told, "application's idle timeout")


def test_mends_that_advice_treats_apart_exist():
    """A renamed entry of mends.toml cannot leave a rule behind that waits for the old name."""
    named = {HEARTBEAT, BACKOFF, LOGS_FIRST, *PREVENTS}
    assert named <= {mend.id for mend in load_mends()}


def test_an_error_log_alone_calls_for_the_application_too(table, document):
    """No status is logged there; that nginx got no answer is, and of which server."""
    row = {"cause": "handshake_failed", "tier": "app", "is_opened": False, "confidence": 0.99}
    told = document(table(*[row | {"nginx_error_ref": "error.log:3", "upstream": "10.0.0.7:9002"}] * 3))
    assert _about(told, "Start 10.0.0.7:9002 before traffic comes.")


def test_a_refused_handshake_has_its_path_whoever_refused_it(table, document):
    """No tier need be known for that; where the paths have nothing in common, none is named."""
    row = {"cause": "handshake_failed", "tier": "unknown", "is_opened": False, "confidence": 0.99}
    refused = [row | {"handshake_status": 403, "path": "/ws/chat"}] * 3
    busy = [row | {"handshake_status": 503, "path": path} for path in (None, None, None)]
    told = document(table(*refused, *busy, *[row | {"handshake_status": 502}] * 200))
    assert _about(told, "Mend the refused handshakes: 403 on /ws/chat and 503.")


def test_hidden_pages_are_to_look_at_their_socket_when_they_are_seen_again(table, document, idle_by_nginx):
    """Whatever ended them; it prevents none of these drops, and where most pages were in sight it is no matter."""
    hidden = idle_by_nginx | {"visibility": "hidden"}
    (wake,) = _about(document(table(*[hidden] * 3, idle_by_nginx)), "when the page becomes visible")
    assert wake.would_prevent_n == 0
    assert _about(document(table(*[{"cause": "unknown", "visibility": "hidden"}] * 3)), "when the page becomes visible")
    assert not _about(document(table(hidden, hidden, *[idle_by_nginx] * 2)), "when the page becomes visible")


def test_a_timer_of_unknown_value_does_not_set_the_heartbeat(table, document, idle_by_nginx):
    """An error log alone has no silences: that 25 s fit the usual 60 s may be too slow for what is set there."""
    told = document(table(*[idle_by_nginx | {"timeout_s": None}] * 3))
    (heartbeat,) = _about(told, "Send a heartbeat every 25 s")
    assert "The value of a timer that fired is not in these logs: stay below half" in heartbeat.text
    assert not _about(document(table(idle_by_nginx)), "stay below half")
