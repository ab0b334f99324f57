"""Why a connection never opened, and who is at fault."""

from __future__ import annotations

from typing import Any

import pytest

from tests.classify.rows import at, facts, lifecycle
from wslog.classify.down_times import down_times
from wslog.classify.handshakes import judge_handshakes

NEVER: dict[str, Any] = {
    "is_opened": False,
    "lifetime_s": None,
    "idle_s": None,
    "client_lag_s": None,
    "nginx_ref": None,
}


def nginx(status: int, upstream_status: int | None, **more: Any) -> dict[str, Any]:
    return {
        **NEVER, "nginx_ref": "access.log:4", "nginx_status": status, "nginx_upstream_status": upstream_status,
        "handshake_status": status, **more,
    }  # fmt: skip


def alb(status: int, target_status: int | None) -> dict[str, Any]:
    return {
        **NEVER, "alb_ref": "alb.log:4", "alb_status": status, "alb_upstream_status": target_status,
        "handshake_status": status, "nginx_status": None,
    }  # fmt: skip


TELLS: dict[str, Any] = {"nginx_upstream_status": 101}  # of the same access log: it shows what the app said
UNSEEN: dict[str, Any] = {**NEVER, "nginx_status": None}


@pytest.mark.parametrize(
    ("row", "cause", "tier"),
    [
        (nginx(502, 502), "handshake_failed", "app"),
        (nginx(504, 504), "handshake_failed", "app"),
        (nginx(403, None), "handshake_failed", "nginx"),
        (nginx(403, 403), "handshake_failed", "app"),
        (nginx(200, 200), "handshake_failed", "app"),
        (nginx(426, 426), "handshake_failed", "nginx"),
        (nginx(505, 505), "handshake_failed", "nginx"),  # browsers speak HTTP/1.1
        (nginx(426, 426, has_client=False), "handshake_failed", "app"),  # who knows what asked
        (nginx(499, None), "handshake_failed", "client"),
        (nginx(500, None, error_message="no live upstreams"), "handshake_failed", "app"),
        (alb(502, None), "handshake_failed", "nginx"),
        (alb(502, 502), "handshake_failed", "app"),
        (alb(504, 504), "handshake_failed", "app"),
        (alb(503, None), "handshake_failed", "alb"),
        (alb(460, None), "handshake_failed", "client"),
        (UNSEEN, "handshake_failed", "unknown"),
        (UNSEEN | {"is_online": False}, "network_loss", "network"),
    ],
)
def test_status_and_logs_tell_who(row: dict[str, Any], cause: str, tier: str) -> None:
    """The outermost status, and whose answer it was, say which tier refused."""
    verdict = judge_handshakes(facts(row, TELLS).head(1), [])
    assert verdict.select("cause", "tier").rows() == [(cause, tier)]
    assert verdict["evidence"].list.len().item() >= 1


@pytest.mark.parametrize(
    ("row", "tier", "said"),
    [
        (nginx(403, None), "unknown", "nginx answered 403, its log does not show whether the app did"),
        (nginx(403, None, error_ref="error.log:2", error_message="access forbidden by rule"), "nginx", "by rule"),
        (nginx(502, None), "app", "nginx answered 502"),
    ],
)
def test_a_log_that_does_not_show_the_app_s_answer_does_not_clear_the_app(
    row: dict[str, Any], tier: str, said: str
) -> None:
    """The `combined` format has no $upstream_status: nginx's own error line says that it was nginx, or nothing."""
    verdict = judge_handshakes(facts(row), [])
    assert verdict["tier"].item() == tier
    assert any(said in text for text in verdict["evidence"].item())


def test_refused_while_nginx_was_down() -> None:
    """An attempt that nobody logged between nginx's stop and its start is nginx's, and names the notice."""
    down = down_times(lifecycle(("stop", 590.0, "signal 15"), ("start", 610.0, "start worker processes")))
    verdict = judge_handshakes(facts(UNSEEN | {"ended": 600.0}, UNSEEN | {"ended": 620.0}), down)
    assert verdict["tier"].to_list() == ["nginx", "unknown"]
    assert "error.log:1: nginx was down at that time" in verdict["evidence"][0].to_list()


def test_a_status_outweighs_nginx_being_down() -> None:
    """What a server answered counts, even within the minute that nginx was down."""
    down = [(at(590.0), at(610.0), "error.log:1")]
    assert judge_handshakes(facts(alb(503, None) | {"ended": 600.0}), down)["tier"].to_list() == ["alb"]


@pytest.mark.parametrize(("took_s", "cause"), [(20.0, "network_loss"), (0.01, "handshake_failed")])
def test_only_a_hanging_attempt_met_nobody(took_s: float, cause: str) -> None:
    """Nobody logged it: if it hung it was lost on the way; if it failed at once somebody refused it."""
    lost = UNSEEN | {"created_at": at(600.0 - took_s), "ended": 600.0}
    rows = facts({"ended": 100.0}, {"ended": 900.0}, lost)
    assert judge_handshakes(rows.tail(1), [])["cause"].to_list() == [cause]


def test_a_hanging_attempt_proves_nothing_without_server_logs() -> None:
    """Where no server's log covers the moment, an unlogged attempt may have met anybody."""
    lost = UNSEEN | {"created_at": at(580.0), "ended": 600.0}
    assert judge_handshakes(facts(lost), [])["cause"].to_list() == ["handshake_failed"]


def test_the_evidence_quotes_the_lines() -> None:
    """Error line, nginx's answer and whose it was stand in the evidence, with `file:line`, the strongest first."""
    row = nginx(
        502, 502, error_ref="error.log:9", error_message="connect() failed", error_action="connecting to upstream"
    )  # fmt: skip
    assert judge_handshakes(facts(row), [])["evidence"].item().to_list() == [
        "error.log:9: connect() failed while connecting to upstream",
        "access.log:4: nginx answered 502, passing on the app's answer",
    ]


def test_an_error_line_is_not_followed_by_the_claim_that_there_is_none() -> None:
    """Where nginx's error log is all there is, its line is the evidence: no client saw, and no line is missing."""
    row = UNSEEN | {"error_ref": "error.log:9", "error_message": "connect() failed", "client_ref": None}
    row |= {"error_action": "connecting to upstream"}
    assert judge_handshakes(facts(row), [])["evidence"].item().to_list() == [
        "error.log:9: connect() failed while connecting to upstream"
    ]


def test_a_status_that_several_lines_agree_on_is_told() -> None:
    """Which of the lines of that moment is its own nobody knows, but each says 502: the app server is at fault."""
    shared = {**NEVER, "nginx_status": 502, "handshake_status": 502, "nginx_closed_at": at(600.0)}
    verdict = judge_handshakes(facts(shared), down_times(lifecycle())).row(0, named=True)
    assert (verdict["cause"], verdict["tier"]) == ("handshake_failed", "app")
    assert verdict["evidence"][0].startswith("one of several lines of that moment: nginx answered 502")
