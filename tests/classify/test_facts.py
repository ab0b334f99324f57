"""What a row says: facts, one by one, on hand-typed rows."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.classify.rows import at, joined, told
from wslog.classify.facts import add_wire_timer, look_around, share_of
from wslog.knowledge.model import Setting

TIMED_OUT: dict[str, Any] = {
    "error_ref": "error.log:1", "error_level": "info", "error_errno": 110, "error_message": "upstream timed out",
    "error_action": "proxying upgraded connection",
}  # fmt: skip


def read_timeout(value_s: float, scope: str, host: str = "") -> Setting:
    return Setting(timeout_id="nginx-proxy-read-timeout", value_s=value_s, scope=scope, host=host, ref="nginx.conf:1")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"error_errno": 60}, True),  # BSD
        ({"error_errno": 104}, False),
        ({"error_action": "reading response header from upstream"}, False),  # a handshake: the same words, another tail
        ({"error_message": "client timed out"}, False),
        ({"error_message": None, "error_errno": None, "error_action": None}, False),
    ],
)
def test_only_the_upgraded_timeout_is_nginx_s_timer(change: dict[str, Any], expected: bool) -> None:
    """`upstream timed out` counts only with its errno and only while proxying an upgraded connection."""
    assert told(TIMED_OUT | change)["nginx_timed_out"].to_list() == [expected]


@pytest.mark.parametrize(("level", "upstream", "downstream"), [("error", True, False), ("info", False, True)])
def test_the_level_tells_the_side_of_a_reset(level: str, upstream: bool, downstream: bool) -> None:
    """The same reset is the app's at level error and the client side's at level info."""
    row = told(TIMED_OUT | {"error_errno": 104, "error_message": "recv() failed", "error_level": level})
    assert row["upstream_reset"].to_list() == [upstream]
    assert row["downstream_reset"].to_list() == [downstream]


@pytest.mark.parametrize(
    ("levels", "visible"), [({"error"}, False), ({"error", "info"}, True), ({"debug"}, True), (set(), False)]
)
def test_info_lines_are_visible_where_one_was_seen(levels: set[str], visible: bool) -> None:
    """Silence of an error log counts only where info lines would show."""
    assert told({}, levels=frozenset(levels))["info_visible"].to_list() == [visible]


@pytest.mark.parametrize(
    ("lag_s", "said"),
    [(0.0, "followed"), (1.4, "followed"), (-0.5, "followed"), (2.0, ""), (3.0, "late"), (-1.5, "early"), (None, "")],
)
def test_who_noticed_when(lag_s: float | None, said: str) -> None:
    """A client followed, came late or gave up early; in between, or without a lag, nothing is said."""
    row = told({"client_lag_s": lag_s})
    assert [name for name in ("followed", "late", "early") if row[name].item()] == ([said] if said else [])


@pytest.mark.parametrize(
    ("lag_s", "match_confidence", "is_early"),
    [(-1.6, 1.0, False), (-3.0, 1.0, True), (-171.0, 0.98, False), (-171.0, None, True)],
)
def test_without_durations_early_is_earlier(lag_s: float, match_confidence: float | None, is_early: bool) -> None:
    """A lag by clocks alone is no better than what those were learnt from: whole seconds, and how late clients were.

    Whose line is one of many of a moment has no match, but that moment.
    """
    row = {"client_lag_s": lag_s, "server_lifetime_s": None, "match_confidence": match_confidence}
    assert told(row)["early"].item() == is_early


def test_a_missing_line_counts_only_where_the_log_covers_the_moment() -> None:
    """An ALB line without an nginx line is a lost line only between nginx's first and last one."""
    unlogged = {"nginx_ref": None, "alb_ref": "alb.log:1"}
    rows = told({"ended": 100.0}, unlogged | {"ended": 500.0}, {"ended": 900.0}, unlogged | {"ended": 2000.0})
    assert rows["nginx_missing"].to_list() == [False, True, False, False]


@pytest.mark.parametrize(("n", "is_missing"), [(3, False), (2, True)])
def test_what_a_load_balancer_s_node_brings_came_through_it(n: int, *, is_missing: bool) -> None:
    """A lost ALB line is not missing where nginx spoke with a node that others came from; two may be mistaken."""
    node = {"nginx_peer_ip": "10.0.0.5", "client_ip": "198.51.100.7"}
    others = [node | {"alb_ref": f"alb.log:{k}", "ended": 100.0 + 300 * k} for k in range(n)]
    direct = {"nginx_peer_ip": "198.51.100.9", "client_ip": "198.51.100.9"}
    ends = [{"alb_ref": f"alb.log:{end}", "ended": float(end)} for end in (50, 2000)]
    rows = told(*ends, *others, node, direct)
    assert rows["alb_missing"].tail(2).to_list() == [is_missing, True]
    assert rows["from_alb"].tail(2).to_list() == [not is_missing, False]


def test_a_line_that_nobody_claims_may_be_the_missing_one() -> None:
    """An ALB line without an nginx line, where nginx logged the end of somebody unknown within the same second."""
    unlogged, unclaimed = {"nginx_ref": None, "alb_ref": "alb.log:1"}, {"has_client": False, "client_ref": None}
    others = ({"ended": 100.0}, {"ended": 900.0}, unclaimed | {"ended": 500.0})
    rows = told(unlogged | {"ended": 500.8}, unlogged | {"ended": 503.0}, *others)
    assert rows["nginx_missing"].to_list() == [False, True, False, False, False]


def test_a_moment_without_a_line_is_one_of_several_lines() -> None:
    """When nginx saw it end is known, and not by which of its lines: it is not said to have written none."""
    here = {"nginx_ref": None}
    rows = told({}, {"ended": 900.0}, here, here | {"nginx_closed_at": at(600.0)})
    assert rows["no_nginx_line"].to_list() == [False, False, True, False]


@pytest.mark.parametrize(
    ("line", "proxy"),
    [
        ({"nginx_ref": "a/access.log:7"}, "a/access.log"),
        ({"nginx_ref": "a/access.log.1:7"}, "a/access.log"),
        ({"nginx_ref": "a/access.log-20260310.gz:7"}, "a/access.log"),
        ({"nginx_ref": "pod-7f2.log:7"}, "pod-7f2.log"),
        ({"nginx_ref": None, "alb_upstream": "10.0.0.6:80"}, "10.0.0.6:80"),
        ({"nginx_ref": None}, None),
    ],
)
def test_an_nginx_is_known_by_its_access_log(line: dict[str, Any], proxy: str | None) -> None:
    """Rotated or compressed it is the same one's; where it logged nothing, the load balancer names it."""
    assert told(line)["proxy"].item() == proxy


def test_silent_servers_of_another_host_prove_nothing() -> None:
    """Where no log shows a host at all, nobody expects a line of it."""
    absent = {"nginx_ref": None, "ended": 500.0}
    rows = told({"ended": 100.0}, {"ended": 900.0}, absent, absent | {"host": "elsewhere.example.com"})
    assert rows["servers_cover"].to_list() == [True, True, True, False]


@pytest.mark.parametrize(
    ("refusal", "covered"),
    [({}, False), ({"path": "/other"}, True), ({"ended": 700.0}, True), ({"has_client": True}, True)],
)
def test_a_refusal_that_nobody_claims_may_be_the_missing_one(refusal: dict[str, Any], covered: bool) -> None:
    """An attempt hung and no line is its own; of its path and moment, nginx refused one of an unknown owner."""
    hung = {"is_opened": False, "nginx_ref": None, "lifetime_s": None, "nginx_status": None, "ended": 601.0}
    line = {"is_opened": False, "has_client": False, "lifetime_s": None, "nginx_status": 502} | refusal
    rows = told({"ended": 590.0}, {"ended": 900.0}, hung, line)
    assert rows["servers_cover"][2] == covered


def test_a_path_s_timer_is_learnt_from_three_that_agree() -> None:
    """Two timeouts, or three that disagree, teach nothing; three that agree do, and others on the path know it."""
    agree = [TIMED_OUT | {"idle_s": idle, "path": "/three"} for idle in (44.9, 45.0, 45.02)]
    two = [TIMED_OUT | {"idle_s": 45.0, "path": "/two"}] * 2
    differ = [TIMED_OUT | {"idle_s": idle, "path": "/differ"} for idle in (20.0, 45.0, 90.0)]
    rows = told(*agree, *two, *differ, {"path": "/three", "idle_s": 3.0})
    learnt = dict(rows.group_by("path").agg(pl.col("path_timer_s").first()).iter_rows())
    assert learnt == {"/three": pytest.approx(45.0, abs=0.02), "/two": None, "/differ": None}


def test_a_learnt_timer_is_the_known_one_that_it_must_be() -> None:
    """Clocks of two sides are compared, so 44.93 s is a timer of 45 s where one is known, and 44.2 s is not."""
    for silence, timer in ((44.93, 45.0), (44.2, 44.19)):
        around = look_around(joined(*[TIMED_OUT | {"idle_s": silence}] * 3), known_s=[45.0, 60.0])
        assert around.path_timers == {"/ws/chat": pytest.approx(timer)}


def test_the_wire_s_silence_rests_on_durations() -> None:
    """It needs no clock but how much longer the client lived than the server's line; without one, it is unknown."""
    rows = told({"idle_s": 99.0, "client_lag_s": 39.0, "client_skew_s": None}, {"idle_s": 99.0, "client_lag_s": None})
    assert rows["wire_idle_s"].to_list() == [60.0, None]


def test_the_wire_s_silence_finds_its_timer() -> None:
    """`wire_timer_s` is the cluster that the servers' own silence falls into, else nothing."""
    rows = add_wire_timer(told({"idle_s": 59.9}, {"idle_s": 31.0}), [(59.7, 60.1, 60.0)])
    assert rows["wire_timer_s"].to_list() == [60.0, None]


@pytest.mark.parametrize(
    ("settings", "value_s"),
    [
        ((read_timeout(60, ""),), 60.0),
        ((read_timeout(60, ""), read_timeout(3600, "/ws/")), 3600.0),
        ((read_timeout(60, "/ws/"), read_timeout(30, "/ws/chat/rooms")), 60.0),
        ((read_timeout(60, "^~ /ws/"),), 60.0),
        ((read_timeout(60, "= /ws/chat"), read_timeout(30, "/ws/")), 60.0),
        ((read_timeout(60, "= /ws"), read_timeout(30, "/")), 30.0),
        ((read_timeout(60, "~ ^/ws"),), None),
        ((read_timeout(60, "/ws/", "rt.example.com"), read_timeout(30, "/ws/", "b.example.com")), 60.0),
        ((read_timeout(60, "/ws/", "a.example.com"), read_timeout(30, "/ws/", "b.example.com")), None),
        ((read_timeout(60, "/ws/", "a.example.com"), read_timeout(60, "/ws/", "b.example.com")), 60.0),
        ((), None),
    ],
)
def test_a_setting_counts_for_its_location_and_host(settings: tuple[Setting, ...], value_s: float | None) -> None:
    """The longest location of the row's own server wins; a host that two servers could serve has no known value."""
    assert told({}, settings=settings)["nginx_setting_s"].to_list() == [value_s]


def test_the_alb_s_setting_counts_only_through_the_alb() -> None:
    """A load balancer's timer says nothing of who did not come through it, and two values say nothing at all."""

    def idle(value_s: float, name: str) -> Setting:
        return Setting(timeout_id="aws-alb-idle", value_s=value_s, scope=name, host="", ref="alb.json:1")

    rows = ({"alb_ref": "alb.log:1"}, {})
    assert told(*rows, settings=(idle(60, "web"),))["alb_setting_s"].to_list() == [60.0, None]
    assert told(*rows, settings=(idle(60, "web"), idle(75, "push")))["alb_setting_s"].to_list() == [None, None]


def test_a_share_of_nothing_is_nothing() -> None:
    """`share_of` counts what is known to hold: unknown is no, and no rows are 0."""
    rows = pl.DataFrame({"x": [True, None, False, True]})
    assert share_of(rows, pl.col("x")) == 0.5
    assert share_of(rows.clear(), pl.col("x")) == 0.0


def test_the_end_is_the_servers_where_they_saw_it() -> None:
    """`ended_at` is the servers' close, else the client's: clients notice late."""
    rows = told({}, {"nginx_ref": None, "ended": 620.0})
    assert rows["ended_at"].to_list() == [at(600.0), at(620.0)]
