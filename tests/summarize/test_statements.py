from __future__ import annotations

import pytest

from wslog.knowledge import load_timeouts
from wslog.schema import Cause, Tier
from wslog.summarize.drops import drops_in, in_order
from wslog.summarize.groups import group_drops
from wslog.summarize.statements import CLAUSES, state

TIE = ["nginx-proxy-read-timeout", "aws-alb-idle"]

CASES = {
    "nginx closed 2 after 60 s of silence (proxy_read_timeout)": {
        "cause": "idle_timeout", "tier": "nginx", "timeout_s": 60.0, "timeout_id": TIE[:1],
    },
    "the ALB's idle timeout or nginx's proxy_read_timeout closed 2 after 60 s of silence: no log says which": {
        "cause": "idle_timeout", "tier": "unknown", "timeout_s": 60.0, "timeout_id": TIE,
    },
    "a timer whose owner no log names closed 2 after 47 s of silence": {
        "cause": "idle_timeout", "tier": "unknown", "timeout_s": 47.0, "timeout_id": [],
    },
    "nginx closed 2 after a silence of unknown length": {"cause": "idle_timeout", "tier": "nginx"},
    "a limit ended 2 at an age of 90 s, whatever their traffic: which tier holds it is not known": {
        "cause": "lifetime_limit", "tier": "unknown", "timeout_s": 90.0,
    },
    "the application's process ended and cut 2, all of them on 10.0.0.7:9002": {
        "cause": "server_restart", "tier": "app", "upstream": "10.0.0.7:9002",
    },
    "the application ended 2 one by one, without a close frame": {"cause": "server_abort", "tier": "app"},
    "the end of nginx's old workers after a reload cut 2": {"cause": "proxy_reload", "tier": "nginx"},
    "nginx stopped or lost a worker process and cut 2": {"cause": "proxy_restart", "tier": "nginx"},
    "the network between client and edge went away under 2": {"cause": "network_loss", "tier": "network"},
    "a sleeping device or a frozen page ended 2": {"cause": "client_suspended", "tier": "client"},
    "the page gave up waiting for an answer from 10.0.0.7:9002 for 10 s and ended 2": {
        "cause": "heartbeat_timeout", "tier": "app", "timeout_s": 10.0, "upstream": "10.0.0.7:9002",
    },
    "the page gave up waiting for an answer from the application and ended 2": {
        "cause": "heartbeat_timeout", "tier": "app",
    },
    "the server gave up waiting for an answer from the page for 10 s and ended 2": {
        "cause": "heartbeat_timeout", "tier": "client", "timeout_s": 10.0,
    },
    "most likely the ALB closed 2 after 350 s of silence (idle_timeout.timeout_seconds)": {
        "cause": "idle_timeout", "tier": "alb", "timeout_s": 350.0, "timeout_id": TIE[1:], "confidence": 0.98,
    },
    "most likely the end of nginx's old workers after a reload cut 2": {
        "cause": "proxy_reload", "tier": "nginx", "confidence": 0.75,
    },
    "the page itself closed 2 with close(), and no answer came for 60 s": {
        "cause": "close_timeout", "tier": "unknown", "timeout_s": 60.0,
    },
    "a malformed or oversized frame from the application ended 2": {"cause": "protocol_error", "tier": "app"},
    "2 never opened on /v1/ws: the handshake was answered with 426 (the Upgrade header was lost on the way)": {
        "cause": "handshake_failed", "tier": "nginx", "handshake_status": 426, "path": "/v1/ws",
    },
    "2 never opened: the handshake was answered with 502 (what the ALB passes it on to was not there to answer)": {
        "cause": "handshake_failed", "tier": "nginx", "handshake_status": 502,
    },
    "2 never opened: nginx was down at that time": {"cause": "handshake_failed", "tier": "nginx"},
    "2 never opened: the handshake was answered with 599": {
        "cause": "handshake_failed", "tier": "app", "handshake_status": 599,
    },
    "2 never opened: nginx got no answer from the application": {
        "cause": "handshake_failed", "tier": "app", "nginx_error_ref": "error.log:3",
    },
    "2 never opened, and nginx's error log says why": {
        "cause": "handshake_failed", "tier": "unknown", "nginx_error_ref": "error.log:3",
    },
    "2 never opened, and no server log says why": {"cause": "handshake_failed", "tier": "network"},
    "these logs do not say what ended 2": {"cause": "unknown", "tier": "unknown"},
}  # fmt: skip


def _state(connections, timeouts, bursts=(), *, with_date=False, is_fine=True):
    (group,) = group_drops(
        drops_in(in_order(connections)),
        clusters=(),
        bursts=bursts,
        known=timeouts,
        with_date=with_date,
        is_fine=is_fine,
    )
    return state(group, str(group.n))


@pytest.mark.parametrize("said", CASES)
def test_each_cause_has_its_sentence(table, timeouts, said):
    """The sentence says who ended them and by what, and no more than the rows do."""
    assert _state(table(CASES[said], CASES[said]), timeouts) == said


def test_every_cause_has_a_clause():
    """A new cause cannot be forgotten here."""
    assert set(CLAUSES) == set(Cause)


def test_one_restart_names_its_server_and_moment(table, timeouts, burst):
    """The burst that has the cause and tier of the drops says where and when."""
    row = {"cause": "server_restart", "tier": "app"}
    other = burst(30, cause=Cause.PROXY_RELOAD)
    assert _state(table(row), timeouts, [burst(7), other]) == "a restart of 10.0.0.7:9002 at 12:00:07 UTC cut 1"
    assert (
        _state(table(row), timeouts, [burst(7)], with_date=True)
        == "a restart of 10.0.0.7:9002 at 2026-11-22 12:00:07 UTC cut 1"
    )


def test_many_restarts_name_the_largest_in_order_of_time(table, timeouts, burst):
    """Three moments at most; the rest is counted; the same moment over everything is not told twice."""
    row = {"cause": "server_restart", "tier": "app"}
    bursts = [burst(60 * nth, n=10 * nth) for nth in (1, 2, 3, 4)] + [burst(241, scope="all", n=99)]
    assert _state(table(row), timeouts, bursts) == (
        "restarts of 10.0.0.7:9002 at 12:02:00 UTC, 12:03:00 UTC, 12:04:00 UTC and 1 more cut 1"
    )
    two = [burst(0), burst(60, scope="upstream 10.0.0.8:9002")]
    assert _state(table(row), timeouts, two) == (
        "restarts (10.0.0.7:9002 at 12:00:00 UTC and 10.0.0.8:9002 at 12:01:00 UTC) cut 1"
    )


def test_an_idle_timeout_is_not_told_by_bursts(table, timeouts, idle_by_nginx, burst):
    """Timers that fire together echo an earlier event; the timer stays the answer."""
    echo = burst(7, cause=Cause.IDLE_TIMEOUT, tier="nginx")
    assert "12:00" not in _state(table(idle_by_nginx), timeouts, [echo])


def test_hostile_text_stays_data(table, timeouts):
    """A path out of a log is passed on letter by letter: renderers escape it."""
    path = "/<img src=x>|`"
    row = {"cause": "handshake_failed", "tier": "nginx", "handshake_status": 404, "path": path}
    assert f" on {path}:" in _state(table(row), timeouts)


def test_a_dead_worker_is_told_by_its_signal(table, timeouts, burst):
    """What nginx logged about its worker is said; without that line it may as well have been stopped."""
    row = {"cause": "proxy_restart", "tier": "nginx"}
    killed = {"cause": Cause.PROXY_RESTART, "tier": Tier.NGINX, "scope": "all"}
    line = "error.log:7: worker process 31 exited on signal 9"
    assert _state(table(row), timeouts, [burst(7, evidence=(line,), **killed)]) == (
        "a worker process of nginx died at 12:00:07 UTC (signal 9) and cut 1"
    )
    assert _state(table(row), timeouts, [burst(7, **killed)]) == (
        "nginx stopped or lost a worker process at 12:00:07 UTC and cut 1"
    )


def test_of_many_candidates_those_that_most_sites_have_are_named(table):
    """A value that many products share says little about whose it was: ours come first, the rest is counted."""
    known = {timeout.id: timeout for timeout in load_timeouts()}
    row = {"cause": "idle_timeout", "tier": "unknown", "timeout_s": 60.0}
    others = ["apache-timeout", "kong-read-timeout", "varnish-pipe-timeout"]
    assert _state(table(row | {"timeout_id": [*others, "nginx-proxy-read-timeout", "aws-alb-idle"]}), known) == (
        "a timer closed 1 after 60 s of silence: the ALB's idle timeout, nginx's proxy_read_timeout "
        "and 3 other known timers have that value, and no log says which"
    )
    assert _state(table(row | {"timeout_id": [*others, "phoenix-cowboy-idle"]}), known) == (
        "a timer closed 1 after 60 s of silence: 4 known timers have that value, and no log says which"
    )


def test_defaults_of_what_may_not_be_there_are_not_offered_as_the_answer(table):
    """Two products that no log names are what may have that value, not what closed it."""
    known = {timeout.id: timeout for timeout in load_timeouts()}
    ids = ["aws-nat-gateway-idle", "aws-nlb-idle"]
    row = {"cause": "idle_timeout", "tier": "unknown", "timeout_s": 350.0, "timeout_id": ids}
    assert _state(table(row), known) == (
        "a timer closed 1 after 350 s of silence: the idle timeout of AWS NAT gateway and the idle timeout of AWS NLB "
        "may have that value, and no log says whose it was"
    )


def test_rare_values_are_not_worth_a_word(table, timeouts, idle_by_nginx):
    """Three values that cover nearly all are told alone; a large rest is told as other values."""
    rows = [idle_by_nginx | {"timeout_s": float(value)} for value in (*[45] * 40, *[30] * 30, *[10] * 29, 181)]
    (said,) = {_all(table(*rows), timeouts)}
    assert "after 45 s, 30 s or 10 s of silence" in said
    assert "45 s, 30 s, 10 s or other values" in _all(table(*rows, *rows[-1:] * 20), timeouts)


def _all(connections, timeouts):
    return _state(connections, timeouts, is_fine=False)


def test_a_server_is_named_for_what_most_drops_were_on(table, timeouts):
    """The most frequent of many is not most of them, and a stall is one server's only if all were on it."""
    abort, stall = ({"cause": "server_abort", "tier": "app"}, {"cause": "heartbeat_timeout", "tier": "app"})
    on = [{"upstream": upstream} for upstream in ("a:1", "a:1", "b:2", "c:3")]
    assert _state(table(*[abort | row for row in on]), timeouts).endswith("without a close frame")
    assert _state(table(*[abort | row for row in on[:3]]), timeouts).endswith("frame, most of them on a:1")
    assert "an answer from the application" in _state(table(*[stall | row for row in on]), timeouts)


def test_one_moment_is_named_once(table, timeouts, burst):
    """What ended on several app servers in the same second ended at one moment."""
    told = {"cause": Cause.PROXY_RELOAD, "tier": Tier.NGINX}
    bursts = [burst(7, scope=f"upstream 10.0.0.{n}:9001", **told) for n in (1, 2, 3)]
    said = _state(table({"cause": "proxy_reload", "tier": "nginx"}), timeouts, bursts)
    assert said.count("12:") == 1


def test_a_path_of_a_screenful_does_not_hide_the_sentence(table):
    """It stands in the table of paths; a path of ordinary length is named."""
    row = {"cause": "handshake_failed", "tier": "app", "handshake_status": 404, "is_opened": False}
    assert _state(table(row | {"path": "/ws/" + "x" * 300}), {}).startswith("1 never opened: ")
    assert _state(table(row | {"path": "/ws/" + "x" * 90}), {}).startswith("1 never opened on /ws/xxx")
