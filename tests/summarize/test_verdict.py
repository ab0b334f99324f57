from __future__ import annotations

UNKNOWN = {"cause": "unknown", "tier": "unknown"}
RESTART = {"cause": "server_restart", "tier": "app"}


def test_who_how_many_and_what_else(table, document, idle_by_nginx, burst):
    """The largest cause with its share and timer, then the second."""
    rows = [idle_by_nginx] * 6 + [RESTART] * 3 + [UNKNOWN]
    assert document(table(*rows), bursts=[burst(7)]).verdict == (
        "nginx closed 60 % of the 10 dropped connections after 60 s of silence (proxy_read_timeout); "
        "a restart of 10.0.0.7:9002 at 12:00:07 UTC cut another 30 %."
    )


def test_what_stays_unknown_is_said(table, document, idle_by_nginx):
    """From a fifth on the unknown is part of the answer, from a half on it leads."""
    assert document(table(*[idle_by_nginx] * 7, *[UNKNOWN] * 3)).verdict == (
        "nginx closed 70 % of the 10 dropped connections after 60 s of silence (proxy_read_timeout); "
        "these logs do not say what ended another 30 %."
    )
    assert document(table(*[idle_by_nginx] * 3, *[UNKNOWN] * 7)).verdict == (
        "These logs do not say what ended 70 % of the 10 dropped connections; "
        "nginx closed another 30 % after 60 s of silence (proxy_read_timeout)."
    )
    assert document(table(UNKNOWN, UNKNOWN)).verdict == (
        "These logs do not say what ended any of the 2 dropped connections."
    )


def test_timers_of_one_tier_are_one_answer(table, document, idle_by_nginx):
    """Three locations of one nginx are told together, the most frequent first."""
    rows = [idle_by_nginx | {"timeout_s": value} for value in (45.0, 45.0, 30.0)]
    assert document(table(*rows)).verdict == (
        "nginx closed all 3 dropped connections after 45 s or 30 s of silence (proxy_read_timeout)."
    )


def test_candidates_of_one_timer_are_none_for_another(table, document, idle_by_nginx):
    """Undecided timers of several values are told without the names that fit one of them."""
    tie = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "aws-alb-idle"]}
    assert document(table(tie, tie, tie | {"timeout_s": 47.0, "timeout_id": None})).verdict == (
        "Timers whose owner no log names closed all 3 dropped connections after 60 s or 47 s of silence."
    )


def test_failed_handshakes_do_not_hide_who_closed_what_was_open(table, document, idle_by_nginx):
    """A storm of retries is most of the drops; what ended open connections still has its sentence."""
    failed = {"cause": "handshake_failed", "tier": "app", "handshake_status": 502, "is_opened": False}
    rows = [failed] * 6 + [idle_by_nginx] * 3 + [RESTART]
    assert document(table(*rows)).verdict == (
        "60 % of the 10 dropped connections never opened: the handshake was answered with 502 "
        "(the application was not there to answer); "
        "nginx closed another 30 % after 60 s of silence (proxy_read_timeout). "
        "The application's process ended and cut another 10 %."
    )


def test_no_drops_and_nothing_at_all(table, document):
    """Good news and no news are two things."""
    assert document(table({"is_drop": False}, {"is_drop": None})).verdict == "No 1006 among 2 connections."
    assert document(table()).verdict == "No WebSocket connections in these logs."
    assert document(table(RESTART)).verdict == "The application's process ended and cut the one dropped connection."


def test_logs_that_can_show_no_drop_are_no_good_news(table, document):
    """Servers' lines alone say of a quiet end neither good nor bad: that is said, and not that there was no 1006."""
    quiet = UNKNOWN | {"is_drop": False, "is_opened": True, "alb_ref": "alb.log:1"}
    assert document(table(quiet, quiet)).verdict == (
        "No drop is seen among 2 connections, and none is ruled out: these logs do not say how they ended."
    )
    clean = {"is_drop": False, "is_opened": True, "cause": "clean_close", "client_ref": "client.jsonl:1"}
    assert document(table(quiet, quiet, clean)).verdict == (
        "No drop is seen among 3 connections, and none is ruled out: these logs do not say how 2 of them ended."
    )
    assert document(table(quiet, clean)).verdict == "No 1006 among 2 connections."


def test_what_opened_is_not_forgotten_where_only_failed_handshakes_show(table, document, idle_by_nginx):
    """A log of statuses shows refused handshakes only: all drops that it has are not all that there were."""
    failed = {"cause": "handshake_failed", "tier": "app", "handshake_status": 502, "is_opened": False}
    quiet = UNKNOWN | {"is_drop": False, "is_opened": True, "nginx_access_ref": "access.log:1"}
    assert document(table(failed, failed, quiet, quiet)).verdict == (
        "All 2 dropped connections never opened: the handshake was answered with 502 "
        "(the application was not there to answer). How the 2 that opened ended, these logs do not say."
    )
    assert document(table(failed, quiet)).verdict.endswith(". How the one that opened ended, these logs do not say.")
    assert "do not say" not in document(table(failed, idle_by_nginx, quiet, quiet)).verdict
