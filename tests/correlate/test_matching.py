"""Client records find their server rows."""

from dataclasses import replace

import polars as pl
import pytest

from tests.accuracy.matching import measure
from tests.accuracy.matching_worlds import BUSY, CHANGED, WORLDS, make_day
from tests.correlate.lines import alb, client, events, nginx
from wslog.correlate import matching
from wslog.correlate.clients import join_client_records
from wslog.correlate.matching import match_clients
from wslog.correlate.servers import join_servers


def _matched(*lines):
    """Pairs (client ref, server ref) with their probability."""
    rows = events(*lines)
    clients, servers = join_client_records(rows).told().collect(), join_servers(rows)[0].told().collect()
    pairs, _ = match_clients(clients, servers)
    named = pairs.join(clients.select("client", "client_ref"), on="client").join(
        servers.select("server", pl.coalesce("nginx_ref", "alb_ref").alias("ref")), on="server"
    )
    return {(c, s): p for c, s, p in named.select("client_ref", "ref", "p").rows()}


@pytest.mark.parametrize("world", [*WORLDS, *CHANGED], ids=lambda world: world.name)
def test_worlds_reach_their_bars(world):
    """Precision and recall within 0.02 of the method's table on small days (the full ones: tests.accuracy)."""
    score = measure(make_day(replace(world, n=3000), seed=3))
    assert score.precision >= world.precision - 0.02
    assert score.recall >= world.recall - 0.02


def test_stated_confidence_is_not_boastful():
    """Pairs stated at 0.9 and more are right at least as often, within a hundredth."""
    pairs = measure(make_day(replace(BUSY, n=8000), seed=5)).pairs.filter(pl.col("p") >= 0.9)
    assert pairs["right"].mean() >= pairs["p"].mean() - 0.01


def test_two_identical_clients_behind_one_address_abstain():
    """Two rows, two records, all alike: half and half, no match."""
    records = [client(f"c:{i}", 10, 70, session_id=f"s{i}", client_ip="192.0.2.1") for i in (1, 2)]
    others = (nginx(f"n:{i}", 1000 * i, 1040.3 * i + 5) for i in range(3, 40))
    p = _matched(*records, *(nginx(f"n:{i}", 10, 70) for i in (1, 2)), *others)
    assert list(p.values()) == pytest.approx([0.49] * 4, abs=0.02)


def test_a_failed_handshake_finds_its_line():
    """Never opened: the moment of the failure and the outcome decide, not a duration."""
    lines = [client("c:1", None, 30.01), nginx("n:1", 30, 30.005, is_opened=False, status=502), nginx("n:2", 29, 31)]
    p = _matched(*lines)
    assert p[("c:1", "n:1")] > 0.9
    assert ("c:1", "n:2") not in p


def test_retries_of_one_session_find_their_lines_together():
    """Four failures some seconds apart on a clock five seconds off: only one shift fits all four."""
    times = [10, 11.3, 14.2, 19.9]
    records = [client(f"c:{i}", None, t + 5, query="sid=a") for i, t in enumerate(times)]
    lines = [nginx(f"n:{i}", t, t, is_opened=False, status=502, query="sid=a") for i, t in enumerate(times)]
    p = _matched(*records, *lines)
    assert all(p[(f"c:{i}", f"n:{i}")] > 0.9 for i in range(4))


def test_another_host_is_no_partner():
    """Where both name a host it must be the same."""
    assert _matched(client("c:1", 0, 60, host="a.example"), nginx("n:1", 0, 60, host="b.example")) == {}


def test_a_host_behind_the_alb_is_not_matched_past_it():
    """A client of the ALB's host does not take an nginx line that came directly, and the other way round."""
    lines = [alb("a:1", 500, 560, host="alb.example", trace_id="t"), nginx("n:1", 500, 560, trace_id="t")]
    p = _matched(*lines, client("c:1", 0, 60, host="alb.example"), nginx("n:2", 0, 60, client_ip="198.51.100.9"))
    assert ("c:1", "n:2") not in p


def test_another_query_is_another_connection_where_both_log_queries():
    """A session id in the URL decides, whatever the times say."""
    records = [client(f"c:{i}", 10 * i, 10 * i + 60, query=f"sid={i}", session_id=f"s{i}") for i in range(3)]
    lines = [nginx(f"n:{i}", 10 * i + 90, 10 * i + 150, query=f"sid={i}") for i in range(3)]
    assert {pair for pair, p in _matched(*records, *lines).items()} == {(f"c:{i}", f"n:{i}") for i in range(3)}


def test_one_side_alone_matches_nobody():
    """Client logs only, server logs only, nothing: no pairs and no failure."""
    assert _matched(client("c:1", 0, 60)) == {}
    assert _matched(nginx("n:1", 0, 60)) == {}


def test_null_times_find_nobody_and_break_nothing():
    """A record and a line without times are compared with nothing."""
    assert (
        _matched(client("c:1", 0, 60) | {"closed_at": None, "opened_at": None, "lifetime_s": None}, nginx("n:1", 0, 60))
        == {}
    )
    blank = {"closed_at": None, "opened_at": None, "lifetime_s": None, "at_resolution_s": None}
    assert _matched(client("c:1", 0, 60), nginx("n:1", 0, 60) | blank) == {}


@pytest.mark.parametrize("world", [WORLDS[1], BUSY], ids=lambda world: world.name)
def test_chunks_change_little(world, monkeypatch):
    """Matched in many small runs, a day comes out as it does in one, but for a few pairs at the seams."""
    day = make_day(replace(world, n=3000), seed=4)
    whole = measure(day)
    monkeypatch.setattr(matching, "CHUNK", 500)
    parts = measure(day)
    assert abs(parts.precision - whole.precision) < 0.01
    assert abs(parts.recall - whole.recall) < 0.03


def test_the_same_logs_give_the_same_pairs():
    """No chance in it: twice the same, to the last bit."""
    day = make_day(replace(BUSY, n=1000), seed=6)
    first, second = (match_clients(day.clients, day.servers)[0] for _ in range(2))
    assert first.equals(second)
