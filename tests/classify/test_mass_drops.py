"""Who was behind a burst of closes, and what is no burst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pytest

from tests.classify.rows import at, lifecycle, told
from wslog.classify import mass_drops
from wslog.classify.burst_members import add_burst
from wslog.classify.bursts import RawBurst
from wslog.classify.closes import Closes
from wslog.classify.culprits import name_burst
from wslog.classify.down_times import down_times
from wslog.classify.mass_drops import MassDrop, find_mass_drops

NOTHING = lifecycle()
A, B, C = "10.0.0.1:9001", "10.0.0.2:9001", "10.0.0.3:9001"
CUT: dict[str, Any] = {"nginx_is_complete": False, "client_lag_s": 0.2}
UNLOGGED: dict[str, Any] = {"nginx_ref": None, "alb_ref": "alb.log:1", "nginx_status": None}


def burst(n: int, *, at_s: float = 600.0, spread_s: float = 0.1, **more: Any) -> list[dict[str, Any]]:
    step = spread_s / max(n - 1, 1)
    return [{"ended": at_s + k * step, "lifetime_s": 100.0 + 13.7 * (k % 20), **more} for k in range(n)]


def steady(n: int, *, since: float = 0.0, every_s: float = 30.0, **more: Any) -> list[dict[str, Any]]:
    return [
        {"ended": since + every_s * k, "lifetime_s": 40.0 + 17.3 * (k % 9), "close_code": 1000, **more}
        for k in range(n)
    ]


def found(*groups: list[dict[str, Any]], life: pl.DataFrame = NOTHING, has_notices: bool = False) -> list[MassDrop]:
    rows = told(*(row for group in groups for row in group))
    return find_mass_drops(rows, life, has_notices=has_notices)


def kinds(*groups: list[dict[str, Any]], life: pl.DataFrame = NOTHING, has_notices: bool = False) -> list[str]:
    return [drop.kind for drop in found(*groups, life=life, has_notices=has_notices)]


def test_one_app_server_s_connections_together_are_its_restart() -> None:
    """Most of one upstream at once, while the other lives on."""
    drops = found(burst(20, upstream=A), steady(40, upstream=B))
    assert [(drop.kind, drop.cause, drop.tier) for drop in drops] == [("upstream", "server_restart", "app")]
    assert drops[0].raw.scope == f"upstream {A}"
    assert drops[0].n_drops == drops[0].raw.n == 20
    assert "20 connections ended within" in drops[0].evidence[0]


def test_a_server_whose_only_closes_are_the_restart_is_seen() -> None:
    """The time that the logs cover is quiet before and after, even for a server that never closed anything else."""
    assert kinds(burst(8, upstream=A), steady(40, upstream=B)) == ["upstream"]


def test_a_burst_is_held_against_those_near_it_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve restarts an hour apart: to hold each against each would take the square of their number."""
    near: list[int] = []

    def counted(
        burst: RawBurst, inside: pl.DataFrame, closes: Closes, beside: Sequence[RawBurst], *rest: Any, **more: Any
    ) -> Any:
        near.append(len(beside))
        return name_burst(burst, inside, closes, beside, *rest, **more)

    monkeypatch.setattr(mass_drops, "name_burst", counted)
    restarts = [burst(20, at_s=3600.0 * k, upstream=A) for k in range(1, 13)]
    drops = found(*restarts, steady(1500, upstream=B))
    assert [drop.kind for drop in drops] == ["upstream"] * 12
    assert max(near) < 4


def test_a_part_of_a_server_s_connections_is_no_restart() -> None:
    """Eight of forty that were open: something happened to those eight, not to the server."""
    living = [{"ended": 900.0 + 7.3 * k, "lifetime_s": 700.0, "close_code": 1000, "upstream": A} for k in range(40)]
    assert "upstream" not in kinds(burst(8, upstream=A), living)


def test_goodbyes_are_no_mass_drop() -> None:
    """A burst of clean closes drops nobody, whatever code it carries."""
    assert kinds(burst(20, upstream=A, close_code=1001, was_clean=True), steady(40, upstream=B)) == []


def test_five_that_share_a_second_by_chance_are_no_burst() -> None:
    """Where ten end every minute, five at once are nothing."""
    assert kinds(burst(5, upstream=A, spread_s=0.9), steady(240, every_s=6.0, upstream=A, close_code=1006)) == []


def test_nginx_s_own_timeouts_make_no_burst() -> None:
    """An echo of an earlier drop is explained by nginx's timer, line by line."""
    timed_out = {
        "error_errno": 110, "error_action": "proxying upgraded connection", "error_message": "upstream timed out",
    }  # fmt: skip
    assert kinds(burst(20, upstream=A, **timed_out), steady(40, upstream=B)) == []


@pytest.mark.parametrize(
    ("life", "kind"),
    [
        ((("worker_crash", 600.0, "worker process 32 exited on signal 9"),), "crash"),
        ((("stop", 599.5, "signal 15 (SIGTERM) received"),), "stop"),
        ((("stop", 300.0, "signal 15 (SIGTERM) received"),), "unlogged"),  # too long before
        ((), "unlogged"),
    ],
)
def test_what_nginx_never_logged_went_with_nginx(life: tuple[tuple[str, float, str], ...], kind: str) -> None:
    """The ALB's lines without nginx's: a crash or a stop where a notice says so, and nginx's doing in any case."""
    drops = found(burst(16, **UNLOGGED), steady(40), life=lifecycle(*life))
    assert [(drop.kind, drop.cause) for drop in drops] == [(kind, "proxy_restart")]
    assert (drops[0].evidence[1].startswith("error.log:1: ")) == (kind != "unlogged")


def test_an_empty_completion_is_a_reload() -> None:
    """All at once, logged, and $request_completion empty: nginx cut them, without any notice."""
    assert kinds(burst(24, upstream=A, spread_s=0.012, **CUT), steady(40, upstream=A, nginx_is_complete=True)) == [
        "reload"
    ]


def test_notices_make_a_reload_where_the_completion_is_not_logged() -> None:
    """A reload before, and old workers' exit at the moment of the cut."""
    life = lifecycle(
        ("reload", 590.0, "reconfiguring"),
        ("drain", 590.0, "gracefully shutting down"),
        ("worker_exit", 600.0, "exiting"),
    )
    groups = (burst(24, upstream=A, spread_s=0.012), burst(24, upstream=B, spread_s=0.012), steady(40, since=5.0))
    drops = found(*groups, life=life)
    assert [(drop.kind, drop.raw.n) for drop in drops] == [("reload", 48)]
    assert any("exiting" in text for text in drops[0].evidence)


def test_closes_that_happen_beside_a_cut_do_not_hide_the_reload() -> None:
    """Two connections that ended by themselves a quarter of a second before the cut don't make it a restart."""
    life = lifecycle(("reload", 595.0, "reconfiguring"), ("worker_exit", 600.0, "exiting"))
    cut, strays = burst(16, upstream=A, spread_s=0.02), burst(2, at_s=599.76, upstream=A)
    assert kinds(strays, cut, steady(40, upstream=B), life=life) == ["reload"]


@pytest.mark.parametrize(("has_notices", "kind"), [(False, "reload"), (True, "together")])
def test_a_reload_that_nginx_would_have_told_of_is_none(has_notices: bool, kind: str) -> None:
    """All app servers lose everything within milliseconds: nginx's doing, unless its log would show a reload."""
    groups = [burst(12, upstream=upstream, spread_s=0.02) for upstream in (A, B)]
    assert set(kinds(*groups, steady(40, since=5.0), has_notices=has_notices)) == {kind}


def test_lines_of_unknown_owners_may_be_the_missing_ones() -> None:
    """Where nginx logged as many ends in that second that nobody claims, it is not said to have logged none."""
    unclaimed = {"has_client": False, "client_ref": None, "close_code": None}
    assert kinds(burst(16, **UNLOGGED), steady(40)) == ["unlogged"]
    assert "unlogged" not in kinds(burst(16, **UNLOGGED), burst(16, **unclaimed), steady(40))


def test_a_path_that_ends_with_the_few_of_another_is_no_restart() -> None:
    """All of one path and all three of another at once: too few for a burst of their own, but not left alone."""
    others = burst(3, path="/b")
    assert kinds(burst(12, path="/a"), steady(40, path="/c")) == ["path"]
    assert "path" not in kinds(burst(12, path="/a"), others)


@pytest.mark.parametrize(("n_lost", "expected"), [(4, True), (14, False)])
def test_clients_clocks_scatter_the_loss_of_the_others(n_lost: int, expected: bool) -> None:
    """Only clients tell when: what others lose within five seconds of a path's end they lose with it."""
    alone: dict[str, Any] = {"nginx_ref": None, "server_closed_at": None}
    others = [row | {"ended": 597.0 + (k % 7)} for k, row in enumerate(burst(n_lost, path="/b", **alone))]
    rest = (living(20, path="/b", **alone), steady(40, path="/c", **alone))
    assert ("path" in kinds(burst(12, path="/a", **alone), others, *rest)) == expected


def test_two_servers_within_a_second_are_two_restarts() -> None:
    """Both app servers lose everything within a second, too far apart for a proxy's cut: each its own restart."""
    groups = (
        burst(20, upstream=A, spread_s=0.7),
        burst(20, upstream=B, spread_s=0.7),
        steady(40, since=5.0, upstream=C),
    )
    assert kinds(*groups) == ["upstream", "upstream"]


def test_two_servers_within_milliseconds_are_no_two_restarts() -> None:
    """Both lose everything as in one cut, while a third lives on: something common ended them, and nobody says what."""
    groups = [burst(20, upstream=upstream, spread_s=0.02) for upstream in (A, B)]
    living = steady(40, since=5.0, upstream=C) + [
        {"ended": 700.0 + k, "lifetime_s": 400.0, "close_code": 1000, "upstream": C} for k in range(40)
    ]
    assert set(kinds(*groups, living)) == {"together"}


def test_two_restarts_of_one_server_are_two() -> None:
    """Fifteen minutes apart: two bursts, each with its own members."""
    groups = (burst(20, upstream=A), burst(20, at_s=1500.0, upstream=A), steady(80, upstream=B))
    rows = told(*(row for group in groups for row in group))
    drops = find_mass_drops(rows, NOTHING, has_notices=False)
    members = add_burst(rows, drops)
    assert [drop.kind for drop in drops] == ["upstream", "upstream"]
    assert members.filter(pl.col("upstream") == A)["burst"].value_counts().sort("burst").rows() == [(0, 20), (1, 20)]
    assert members.filter(pl.col("upstream") == B)["burst"].null_count() == 80


def test_nobody_ended_nothing_is_found() -> None:
    """No rows, no bursts."""
    assert find_mass_drops(told({}).clear(), NOTHING, has_notices=False) == []


def test_down_times_run_from_stop_to_start() -> None:
    """From a stop to the next start and a second more, with the stop's line; a stop without a start is open."""
    life = lifecycle(
        ("start", 0.0, ""), ("stop", 590.0, ""), ("stop", 591.0, ""), ("start", 610.0, ""), ("stop", 900.0, "")
    )
    assert down_times(life) == [(at(590.0), at(611.0), "error.log:2")]


def living(n: int = 20, **more: Any) -> list[dict[str, Any]]:
    """Connections that were open when the bursts of these tests came, and lived on."""
    return [{"ended": 700.0 + 7 * k, "lifetime_s": 400.0, "close_code": 1000, **more} for k in range(n)]


def of_log(name: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"nginx_ref": f"{name}:{line}"} for line, row in enumerate(rows)]


def test_one_of_two_nginx_that_loses_everything_is_no_app_server() -> None:
    """A half of each app server's connections, all of one nginx's: an app server that ends spares nobody there."""
    here = [of_log("a/access.log.1.gz", burst(10, upstream=upstream, spread_s=0.02)) for upstream in (A, B)]
    there = [of_log("b/access.log", living(9, upstream=upstream)) for upstream in (A, B)]
    drops = found(*here, *there, steady(40, upstream=C), has_notices=True)
    assert {drop.kind for drop in drops} == {"cut"}
    assert "proxy a/access.log" in {drop.raw.scope for drop in drops}


def test_an_app_server_takes_its_connections_through_every_nginx() -> None:
    """The same app server ends through both logs: its restart."""
    logs = [of_log(f"{name}/access.log", burst(10, upstream=A)) for name in "ab"]
    assert kinds(*logs, of_log("b/access.log", living(upstream=B)), steady(40, upstream=B)) == ["upstream"]


def test_what_one_address_loses_is_no_app_server_s_end() -> None:
    """Nine behind one address end within seconds, and others of the same app server live on: their network's doing."""
    there = living(6, upstream=A, client_ip="203.0.113.9")
    nat = burst(9, spread_s=3.0, upstream=A, client_ip="198.51.100.7")
    assert kinds(nat, there, steady(40, upstream=B)) == []
    assert kinds(burst(9, spread_s=3.0, upstream=A), there, steady(40, upstream=B)) == ["upstream"]


def test_lines_that_ended_before_may_be_of_clients_who_learn_late() -> None:
    """Nine learn together that their connections ended; nginx logged nine ends of unknown owners half a minute before.

    They opened when those opened: it did log them. What opened at other times is somebody else's.
    """
    late = burst(9, spread_s=3.0, nginx_ref=None, server_closed_at=None)
    lines = [
        row | {"ended": row["ended"] - 35, "lifetime_s": row["lifetime_s"] - 35, "nginx_ref": "access.log:7"}
        for row in late
    ]
    unclaimed = {"has_client": False, "client_ref": None, "close_code": None, "server_closed_at": at(565.0)}
    mine = [row | unclaimed | {"server_closed_at": at(row["ended"])} for row in lines]
    others = [row | {"lifetime_s": row["lifetime_s"] + 5.1} for row in mine]
    rest = (living(30), steady(40, every_s=29.0))
    assert "unlogged" not in kinds(late, mine, *rest)
    assert "unlogged" in kinds(late, others, *rest)


def test_what_ends_with_most_of_all_that_was_open_is_not_late() -> None:
    """A log without lifetimes and with many lines of unknown owners: but nearly everything ended at once."""
    gone = burst(20, spread_s=2.0, nginx_ref=None, server_closed_at=None)
    unknown = burst(
        20, at_s=530.0, has_client=False, client_ref=None, close_code=None, lifetime_s=None, opened_at=None,
    )  # fmt: skip
    assert "unlogged" in kinds(gone, unknown, living(5), steady(40, every_s=29.0))
    assert "unlogged" not in kinds(gone, unknown, living(30), steady(40, every_s=29.0))


def test_a_clock_far_from_a_stop_may_be_off_by_anything() -> None:
    """Only clients tell when nginx stopped: who says so two seconds before most others is not counted in."""
    gone = burst(20, spread_s=1.0, nginx_ref=None, server_closed_at=None)
    stray = burst(6, at_s=598.2, nginx_ref=None, server_closed_at=None)
    life = lifecycle(("stop", 600.0, "signal 15 (SIGTERM) received"))
    (drop,) = (one for one in found(gone, stray, steady(40), life=life) if one.kind == "stop")
    assert drop.raw.n >= 19
    assert drop.raw.start_s >= at(600.0).timestamp()


def test_who_learns_late_does_so_one_by_one() -> None:
    """A moment is one even by clocks that scatter; what ends over seven seconds evenly is no stop of nginx."""
    gone: dict[str, Any] = {"nginx_ref": None, "server_closed_at": None}
    assert "unlogged" in kinds(burst(24, spread_s=3.0, **gone), steady(40))
    assert "unlogged" not in kinds(burst(24, spread_s=7.0, **gone), steady(40))


@pytest.mark.parametrize(("n_peers", "kind"), [(2, "cut"), (20, "reload")])
def test_nodes_of_a_load_balancer_may_drop_one_nginx(n_peers: int, kind: str) -> None:
    """Many came from each of two addresses: the load balancer may have dropped this nginx. Clients cannot."""
    here = [
        of_log("a/access.log", [
            row | {"nginx_peer_ip": f"10.0.0.{k % n_peers}"}
            for k, row in enumerate(burst(10, upstream=one, spread_s=0.02))
        ])
        for one in (A, B)
    ]  # fmt: skip
    there = [of_log("b/access.log", living(9, upstream=one)) for one in (A, B)]
    assert set(kinds(*here, *there, steady(40, upstream=C))) == {kind}


@pytest.mark.parametrize(("peers", "kind"), [(("10.0.0.1",), "cut"), (("10.0.0.1", "10.0.0.2"), "reload")])
def test_all_through_one_address_may_be_cut_there(peers: tuple[str, ...], kind: str) -> None:
    """All at once is nginx's doing, unless one proxy before it held them all: then nothing says which of the two."""
    groups = [
        [row | {"nginx_peer_ip": peers[k % len(peers)]} for k, row in enumerate(burst(12, upstream=one, spread_s=0.02))]
        for one in (A, B)
    ]
    drops = found(*groups, steady(40, since=5.0))
    assert {drop.kind for drop in drops} == {kind}
    assert {drop.tier for drop in drops} == {"unknown" if kind == "cut" else "nginx"}


@pytest.mark.parametrize("denied", [{"has_notices": True}, {"is_finished": True}])
def test_what_nginx_did_not_cut_the_one_before_it_did(denied: dict[str, bool]) -> None:
    """All came from one address, and nginx tells of no reload, or says that it finished them: it only saw them end."""
    told_so = {"nginx_is_complete": True} if "is_finished" in denied else {}
    groups = [burst(12, upstream=one, spread_s=0.02, nginx_peer_ip="10.0.0.1", **told_so) for one in (A, B)]
    assert set(kinds(*groups, steady(40, since=5.0), has_notices="has_notices" in denied)) == {"cut"}


def test_a_load_balancer_that_drops_one_nginx_ends_all_of_its_connections() -> None:
    """Two nginx serve the same app servers; all that one of them held ends at once, and it says that it finished it."""
    here = [of_log("a/access.log", burst(10, upstream=one, spread_s=0.02, nginx_is_complete=True)) for one in (A, B)]
    there = [of_log("b/access.log", living(9, upstream=one, nginx_is_complete=True)) for one in (A, B)]
    assert set(kinds(*here, *there, steady(40, upstream=C))) == {"cut"}


@pytest.mark.parametrize(("n_others", "kind"), [(40, "path"), (4, "together")])
def test_a_part_of_one_path_is_one_of_its_app_servers(n_others: int, kind: str) -> None:
    """A third of a path within milliseconds and nothing of many others; of few others, chance may have spared them."""
    part = burst(12, path="/a", spread_s=0.02)
    there = (living(24, path="/a"), living(n_others, path="/b"), steady(40, path="/c"))
    assert set(kinds(part, *there)) == {kind}


def test_a_third_of_a_server_s_connections_at_once_ended_together() -> None:
    """Nobody knows why, but none of them ended alone."""
    there = (living(24, upstream=A), steady(40, upstream=B))
    assert set(kinds(burst(12, upstream=A, spread_s=0.02), *there)) == {"together"}
    assert kinds(burst(12, upstream=A, spread_s=6.0), *there) == []


@pytest.mark.parametrize("apart_s", [2.0, 4.0, 9.0])
def test_two_piles_of_clients_have_a_middle_of_their_own(apart_s: float) -> None:
    """Halves of a burst seconds apart, told by clients alone: its middle is one of them, not the empty time between."""
    gone: dict[str, Any] = {"nginx_ref": None, "server_closed_at": None}
    later = burst(8, at_s=600.0 + apart_s, spread_s=0.2, **gone)
    life = lifecycle(("stop", 600.5, "signal 15 (SIGTERM) received"))
    drops = found(burst(8, spread_s=0.2, **gone), later, steady(40), life=life)
    (stop,) = (drop for drop in drops if drop.kind == "stop")
    assert stop.raw.end_s - stop.raw.start_s <= 3.0
    assert stop.raw.n >= 8


def test_a_log_without_addresses_says_nothing_of_a_load_balancer() -> None:
    """One of two nginx loses everything at once, and its format names no address: its own doing, as far as is known."""
    here = [of_log("a/access.log", burst(10, upstream=one, spread_s=0.02)) for one in (A, B)]
    there = [of_log("b/access.log", living(9, upstream=one)) for one in (A, B)]
    assert set(kinds(*here, *there, steady(40, upstream=C))) == {"reload"}
