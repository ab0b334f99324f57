from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from wslog.classify.clusters import TypedSpike, find_clusters
from wslog.classify.described import to_clusters
from wslog.classify.fitting import fitting
from wslog.classify.members import add_membership, find_members
from wslog.knowledge import load_timeouts
from wslog.knowledge.model import Setting, Timeout, TimerKind
from wslog.knowledge.own_timers import NGINX_READ

Floats = NDArray[np.float64]
KNOWN = load_timeouts()


def drops(idle: Floats, lifetime: Floats, **columns: object) -> pl.DataFrame:
    """Dropped connections with the columns that typing reads."""
    frame = pl.DataFrame({"idle_s": np.round(idle, 3), "lifetime_s": np.round(lifetime, 3)}).with_columns(
        pl.lit(value=False).alias("is_unheard"),
        (pl.col("lifetime_s") - pl.col("idle_s") <= pl.max_horizontal(pl.lit(1.0), 0.03 * pl.col("lifetime_s"))).alias(
            "is_silent"
        ),
        *(pl.lit(value=True).alias(name) for name in ("has_client", "is_client_drop")),
        pl.lit(None, dtype=pl.Int32).alias("burst"),
        *(pl.lit(value=False).alias(name) for name in ("late", "early", "nginx_timed_out")),
        pl.lit(0.0).alias("unanswered_s"),
        pl.lit("client.jsonl:7").alias("client_ref"),
        pl.lit("rt.example.com").alias("host"),
        pl.concat_str(pl.lit("192.0.2."), pl.int_range(pl.len()) % 97).alias("client_ip"),
        pl.lit("/ws").alias("path"),
    )
    return frame.with_columns(pl.lit(v).alias(k) if isinstance(v, str) else pl.Series(k, v) for k, v in columns.items())


def background(rng: np.random.Generator, n: int = 600) -> tuple[Floats, Floats]:
    idle = rng.lognormal(2.5, 1.2, n)
    return idle, idle + rng.lognormal(5, 1.0, n) + 5


def kinds(found: list[TypedSpike]) -> list[tuple[str, float, bool]]:
    return [(f.axis, f.timeout_s, f.is_either) for f in found]


def test_constant_idle_is_an_idle_timer() -> None:
    """Idle durations that pile up while lifetimes vary are an idle timer's."""
    rng = np.random.default_rng(1)
    idle, life = background(rng)
    at = 47 + rng.exponential(0.05, 80)
    found = find_clusters(drops(np.append(idle, at), np.append(life, at + rng.uniform(5, 900, 80))), [], [])
    assert kinds(found) == [("idle_s", 47.0, False)]


def test_constant_lifetime_is_a_limit_unless_outlived() -> None:
    """Lifetimes that pile up are a limit; not so on a path whose connections live on beyond it."""
    rng = np.random.default_rng(2)
    idle, life = background(rng)
    at = 900 + rng.exponential(0.05, 80)
    both = np.append(idle, at * rng.uniform(0, 0.9, 80)), np.append(life, at)
    limited = ["/limited" if x > 880 else "/ws" for x in both[1]]
    limited[:600] = ["/ws"] * 600
    assert kinds(find_clusters(drops(*both, path=limited), [], [])) == [("lifetime_s", 900.0, False)]
    outlived = np.append(both[0], rng.lognormal(2.5, 1.2, 200)), np.append(both[1], rng.uniform(1000, 5000, 200))
    assert find_clusters(drops(*outlived), [], []) == []


def test_a_host_has_limits_of_its_own() -> None:
    """Connections of another host that live longer on the same path don't speak against a limit."""
    rng = np.random.default_rng(2)
    idle, life = background(rng)
    at = 900 + rng.exponential(0.05, 80)
    both = np.append(idle, at * rng.uniform(0, 0.9, 80)), np.append(life, at)
    outlived = np.append(both[0], rng.lognormal(2.5, 1.2, 200)), np.append(both[1], rng.uniform(1000, 5000, 200))
    hosts = ["edge" if x > 950 else "rt" for x in outlived[1]]
    assert kinds(find_clusters(drops(*outlived, host=hosts), [], [])) == [("lifetime_s", 900.0, False)]


def test_a_few_that_learnt_late_do_not_speak_against_a_limit() -> None:
    """Most of those that came to the age ended there: the others are clients without network."""
    rng = np.random.default_rng(2)
    life, at, late = rng.uniform(5, 38, 100), 40 + rng.exponential(0.05, 40), rng.uniform(50, 80, 6)
    lives = np.concatenate([life, at, late])
    assert kinds(find_clusters(drops(lives * rng.uniform(0, 0.9, 146), lives), [], [])) == [("lifetime_s", 40.0, False)]


@pytest.mark.parametrize(("known", "is_either"), [((), True), (KNOWN, False)])
def test_silent_connections_speak_for_either_kind(known: tuple[Timeout, ...], is_either: bool) -> None:
    """A pile of connections that never carried a message is undecidable, unless only timers of one kind stand there."""
    rng = np.random.default_rng(3)
    idle, life = background(rng)
    at, short = 60 + rng.exponential(0.05, 60), rng.uniform(6, 55, 30)
    paths = ["/talk"] * 600 + ["/quiet"] * 90
    frame = drops(np.concatenate([idle, at, short]), np.concatenate([life, at, short]), path=paths)
    known = tuple(t for t in known if t.kind != TimerKind.LIFETIME)
    found = find_clusters(frame, known, [])
    assert kinds(found) == [("idle_s", 60.0, is_either)]
    judged = add_membership(frame, find_members(frame, found)).filter(
        pl.col("lifetime_s").is_between(60, 60.1) & (pl.col("path") == "/quiet")
    )
    assert judged["idle_db"].min() > 10  # type: ignore[operator]
    assert judged["life_db"].is_not_null().all() == is_either


@pytest.mark.parametrize(
    ("delay_s", "spread_s"), [(0.0, 0.0), (0.1, 0.0), (0.3, 0.1), (1.0, 0.0), (1.0, 0.2), (1.4, 0.1)]
)
@pytest.mark.parametrize("timer", [60.0, 45.0])
def test_a_greeting_delays_no_timer(timer: float, delay_s: float, spread_s: float) -> None:
    """Who says hello a moment after the open and then nothing was silent for the timer's length, and lived longer."""
    rng = np.random.default_rng(3)
    idle, life = background(rng)
    at, hello = timer + rng.uniform(0, 0.05, 200), np.maximum(delay_s + spread_s * rng.normal(0, 1, 200), 0.0)
    frame = drops(np.append(idle, at), np.append(life, at + hello))
    found = find_clusters(frame, KNOWN, [])
    assert kinds(found) == [("idle_s", timer, False)]
    judged = add_membership(frame, find_members(frame, found)).tail(200)
    assert (judged["idle_db"] > 10).all()


def test_a_limit_counts_from_the_open_whenever_the_greeting_came() -> None:
    """Where nobody on the path lived longer and the greeting's delay varies, age is what ended them."""
    rng = np.random.default_rng(3)
    short, at = rng.uniform(1, 44, 400), 45 + rng.uniform(0, 0.05, 200)
    frame = drops(
        np.append(short * rng.uniform(0, 0.9, 400), at - np.maximum(rng.normal(1, 0.2, 200), 0)), np.append(short, at)
    )
    assert ("lifetime_s", 45.0, False) in kinds(find_clusters(frame, KNOWN, []))


def unheard(lives: Floats, *, has_client: bool, **columns: object) -> pl.DataFrame:
    """Connections of which only the age is known, by the clients' logs or by the servers' alone."""
    return drops(lives, lives, **columns).with_columns(
        pl.lit(None, dtype=pl.Float64).alias("idle_s"), pl.lit(value=False).alias("is_silent"),
        pl.lit(value=True).alias("is_unheard"),
        *(pl.lit(value=has_client).alias(name) for name in ("has_client", "is_client_drop")),
    )  # fmt: skip


@pytest.mark.parametrize("has_client", [True, False])
def test_logs_that_tell_nothing_of_messages_have_piles_too(has_client: bool) -> None:
    """Ages that pile up where others live longer are an idle timer's: these connections never said anything."""
    rng = np.random.default_rng(3)
    _, life = background(rng)
    frame = unheard(np.append(life, 60 + rng.uniform(0, 0.05, 200)), has_client=has_client)
    found = find_clusters(frame, KNOWN, [])
    assert kinds(found) == [("idle_s", 60.0, False)]
    judged = add_membership(frame, find_members(frame, found))
    assert (judged["idle_db"].tail(200) > 10).all()
    assert judged["idle_s"].null_count() == judged.height


def test_a_monitor_is_no_timer() -> None:
    """One client that stays ten seconds each time, as servers alone see it, met no timer; its records may show one."""
    rng = np.random.default_rng(3)
    _, life = background(rng)
    lives = np.append(life, 10 + rng.uniform(0, 0.05, 200))
    addresses = [f"192.0.2.{n % 97}" for n in range(600)] + ["198.51.100.7"] * 200
    assert find_clusters(unheard(lives, has_client=False, client_ip=addresses), KNOWN, []) == []
    assert len(find_clusters(unheard(lives, has_client=True, client_ip=addresses), KNOWN, [])) == 1


def test_a_message_at_a_fixed_age_is_no_timer_of_its_own() -> None:
    """Who speaks at 20 s and is silent then ends at 65 s by the timer of 45 s; another path may have one of 65."""
    rng = np.random.default_rng(3)
    _, life = background(rng)
    piles = np.append(45 + rng.uniform(0, 0.05, 200), 65 + rng.uniform(0, 0.05, 60))
    lives, elsewhere = np.append(life, piles), ["/ws"] * 800 + ["/push"] * 60
    elsewhere[550:600] = ["/push"] * 50
    same, other = unheard(lives, has_client=False), unheard(lives, has_client=False, path=elsewhere)
    assert [f.timeout_s for f in find_clusters(same, KNOWN, [])] == [45.0]
    assert [f.timeout_s for f in find_clusters(other, KNOWN, [])] == [45.0, 65.0]


def test_a_foreign_default_makes_no_idle_timer_of_ages() -> None:
    """A limit of 50 s that nobody outlives stays undecided, though some proxy's idle timer has that value."""
    rng = np.random.default_rng(3)
    lives = np.append(rng.uniform(5, 48, 150), 50 + rng.uniform(0, 0.05, 100))
    assert kinds(find_clusters(unheard(lives, has_client=True), KNOWN, [])) == [("idle_s", 50.0, True)]


@pytest.mark.parametrize(("path", "is_either"), [("/ws", False), ("/push", True)])
def test_a_timer_that_is_set_on_another_path_makes_no_idle_timer_of_ages(path: str, *, is_either: bool) -> None:
    """A limit of 120 s on /push stays undecided where nginx's timer of that value is that of /ws."""
    rng = np.random.default_rng(3)
    lives = np.append(rng.uniform(5, 115, 150), 120 + rng.uniform(0, 0.05, 100))
    found = find_clusters(unheard(lives, has_client=True, path=path), KNOWN, [nginx("/ws", 120), nginx("/push", 900)])
    assert kinds(found) == [("idle_s", 120.0, is_either)]


def test_a_configured_idle_timer_stands_before_a_foreign_limit_of_its_value() -> None:
    """Silent connections that end at 30 s meet nginx's timer where that is set to it, not another product's limit."""
    rng = np.random.default_rng(3)
    lives = np.append(rng.uniform(5, 29, 150), 30 + rng.uniform(0, 0.05, 100))
    frame = drops(lives, lives)
    assert kinds(find_clusters(frame, KNOWN, [])) == [("idle_s", 30.0, True)]
    assert kinds(find_clusters(frame, KNOWN, [nginx("/ws", 30)])) == [("idle_s", 30.0, False)]


def nginx(path: str, value_s: float) -> Setting:
    """proxy_read_timeout of one location."""
    return Setting(timeout_id=NGINX_READ, value_s=value_s, scope=path, host="", ref="nginx.conf:7")


@pytest.mark.parametrize(("has_client", "says"), [(True, [("idle_s", 1800.0, True)]), (False, [])])
def test_servers_alone_do_not_tell_a_limit_from_goodbyes(has_client: bool, says: list[tuple[str, float, bool]]) -> None:
    """An age that nobody outlives may be a limit's, or that at which clients say goodbye: only they know the code."""
    rng = np.random.default_rng(3)
    lives = np.append(rng.uniform(5, 1700, 400), 1800 + rng.uniform(0, 0.5, 200))
    assert kinds(find_clusters(unheard(lives, has_client=has_client), [], [])) == says


def test_where_nobody_else_is_ages_alone_tell_no_kind() -> None:
    """Where no log tells of messages, all of a path that ended at once may have met a limit as well as a timer."""
    rng = np.random.default_rng(3)
    _, life = background(rng)
    lives = np.append(life, 50 + rng.exponential(0.05, 90))
    frame = unheard(lives, has_client=True, path=["/talk"] * 600 + ["/quiet"] * 90)
    judged = add_membership(frame, find_members(frame, find_clusters(frame, [], []))).tail(90)
    assert judged["idle_db"].null_count() < 20
    assert judged["life_db"].null_count() < 20


def test_where_nobody_else_is_the_silent_met_an_idle_timer() -> None:
    """That nobody on a path lived longer says nothing where all were silent and ended at once."""
    rng = np.random.default_rng(3)
    idle, life = background(rng)
    at = 60 + rng.exponential(0.05, 60)
    frame = drops(np.append(idle, at), np.append(life, at), path=["/talk"] * 600 + ["/quiet"] * 60)
    judged = add_membership(frame, find_members(frame, find_clusters(frame, [], []))).tail(60)
    assert judged["idle_db"].null_count() < 15
    assert judged["life_db"].null_count() == 60


def test_who_said_goodbye_later_disproves_a_limit() -> None:
    """Not only drops live longer: a few clean closes at a higher age are enough."""
    rng = np.random.default_rng(2)
    life, at, later = rng.uniform(5, 800, 200), 900 + rng.exponential(0.05, 80), rng.uniform(1000, 3000, 12)
    lives = np.concatenate([life, at, later])
    frame = drops(lives * rng.uniform(0, 0.9, 292), lives)
    assert kinds(find_clusters(frame, [], [])) == [("lifetime_s", 900.0, False)]
    clean = frame.with_columns((pl.int_range(pl.len()) < 280).alias("is_client_drop"))
    assert find_clusters(clean, [], []) == []


def test_silent_connections_join_the_talkers() -> None:
    """Where talkers show an idle timer, the silent of the same place are its too, and add no second spike."""
    rng = np.random.default_rng(4)
    idle, life = background(rng)
    at = 47 + rng.exponential(0.05, 120)
    more = np.where(rng.uniform(size=120) < 0.4, 0.0, rng.uniform(10, 900, 120))
    found = find_clusters(drops(np.append(idle, at), np.append(life, at + more)), [], [])
    assert kinds(found) == [("idle_s", 47.0, False)]


def test_clients_that_gave_up_are_no_proxy() -> None:
    """When every member had asked and got no answer, the client's own patience is constant."""
    rng = np.random.default_rng(5)
    idle, life = background(rng)
    at = 18 + rng.exponential(0.05, 60)
    unanswered = np.append(rng.normal(0, 2, 600), rng.uniform(5, 15, 60))
    frame = drops(np.append(idle, at), np.append(life, at + rng.uniform(10, 900, 60)), unanswered_s=unanswered)
    assert [f.axis for f in find_clusters(frame, [], [])] == ["idle_out_s"]
    nginx_said = frame.with_columns((pl.col("idle_s").is_between(18, 19)).alias("nginx_timed_out"))
    assert [f.axis for f in find_clusters(nginx_said, [], [])] == ["idle_s"]


def test_a_double_restart_is_no_lifetime() -> None:
    """Two restarts 15 minutes apart make lifetimes of 900 s; drops inside bursts are not searched."""
    rng = np.random.default_rng(6)
    idle, life = background(rng)
    at = 900 - rng.exponential(0.15, 150)
    frame = drops(np.append(idle, at * rng.uniform(0, 0.9, 150)), np.append(life, at), path=["/a"] * 600 + ["/b"] * 150)
    assert [f.axis for f in find_clusters(frame, [], [])] == ["lifetime_s"]
    in_burst = frame.with_columns(pl.when(pl.col("path") == "/b").then(1).cast(pl.Int32).alias("burst"))
    assert find_clusters(in_burst, [], []) == []


def test_a_heartbeat_comb_is_no_row_of_timers() -> None:
    """Idle piles at 25, 50, 75 and 100 s on one path are a heartbeat; on paths of their own they are timers."""
    rng = np.random.default_rng(7)
    idle, life = background(rng, 900)
    at = np.concatenate([25.0 * k + rng.exponential(0.05, 50) for k in (1, 2, 3, 4)])
    values = np.append(idle, at), np.append(life, at + rng.uniform(10, 900, 200))
    assert find_clusters(drops(*values), [], []) == []
    paths = ["/ws"] * 900 + [f"/{k}" for k in (1, 2, 3, 4) for _ in range(50)]
    elsewhere = values[0].copy()
    elsewhere[:900] = np.where(elsewhere[:900] % 25 < 1, elsewhere[:900] + 2, elsewhere[:900])
    found = find_clusters(drops(elsewhere, values[1] + 2, path=paths), [], [])
    assert [f.timeout_s for f in found] == [25.0, 50.0, 75.0, 100.0]


def test_late_and_early_clients_do_not_make_spikes() -> None:
    """A client that noticed late shows how long it was away, which no timer made."""
    rng = np.random.default_rng(8)
    idle, life = background(rng)
    at = 47 + rng.exponential(0.05, 80)
    frame = drops(np.append(idle, at), np.append(life, at + 100), late=[False] * 600 + [True] * 80)
    assert find_clusters(frame, [], []) == []


def test_clusters_of_the_result_name_their_timers() -> None:
    """A verdict's own timer names the cluster; else the candidates that verdicts leave, or all of that value."""
    rng = np.random.default_rng(10)
    idle, life = background(rng)
    at = 60 + rng.exponential(0.05, 80)
    frame = drops(np.append(idle, at), np.append(life, at + rng.uniform(5, 900, 80)))
    found = find_clusters(frame, KNOWN, [])
    undecided = pl.DataFrame(
        {
            "cluster_id": pl.Series([0, None, None, None], dtype=pl.Int32),
            "timeout_id": pl.Series([None, [], [], []], dtype=pl.List(pl.String)),
            "is_drop": [True] * 4,
            "is_opened": [True] * 4,
            "client_ref": ["client.jsonl:1"] * 4,
            "idle_s": [60.0, 3.0, 4.0, 5.0],
            "lifetime_s": [70.0, 9.0, 9.0, 9.0],
        }
    )
    (cluster,) = to_clusters(found, undecided, KNOWN, [])
    assert {"aws-alb-idle", "nginx-proxy-read-timeout"} <= set(cluster.timeout_ids)
    assert cluster.share_low < cluster.share < cluster.share_high
    left_open = undecided.with_columns(timeout_id=pl.Series([["b", "a"], [], [], []]))
    assert to_clusters(found, left_open, KNOWN, [])[0].timeout_ids == ("a", "b")
    decided = undecided.with_columns(timeout_id=pl.Series([["aws-alb-idle"], [], [], []]))
    assert to_clusters(found, decided, KNOWN, [])[0].timeout_ids == ("aws-alb-idle",)
    assert fitting(61.0, (TimerKind.IDLE_ANY,), [], []) == ()


def test_files_of_different_clocks() -> None:
    """One file of whole seconds among files of milliseconds blurs the axis, and the spike is still one."""
    rng = np.random.default_rng(11)
    idle, life = background(rng)
    at = 47.4 + rng.exponential(0.05, 120)
    values, lives = np.append(idle, at), np.append(life, at + rng.uniform(5, 900, 120))
    coarse = rng.uniform(size=720) < 0.3
    refs = [f"{'coarse' if c else 'fine'}.jsonl:{i}" for i, c in enumerate(coarse)]
    found = find_clusters(drops(np.where(coarse, np.floor(values), values), lives, client_ref=refs), [], [])
    assert [round(f.spike.center_s) for f in found] == [47]
    assert found[0].spike.resolution_s == 1.0
