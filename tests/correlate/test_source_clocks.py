"""Server clocks that are far off."""

import polars as pl
import pytest

from tests.correlate.lines import alb, at, client, events, nginx
from wslog.correlate import join_tiers
from wslog.correlate.source_clocks import settle_sources

N = 12
ENDS = [(40 * i, 40 * i + 20 + 7.31 * i) for i in range(N)]


def _clients():
    return [client(f"c/c:{i}", o + 0.02, c + 0.02, session_id=f"s{i}") for i, (o, c) in enumerate(ENDS)]


def _nginx(ahead, *, folder="n", only=range(N), **more):
    return [nginx(f"{folder}/n:{i}", ENDS[i][0] + ahead, ENDS[i][1] + ahead, **more) for i in only]


def _alb(ahead):
    return [alb(f"a/a:{i}", o + ahead, c + ahead) for i, (o, c) in enumerate(ENDS)]


@pytest.mark.parametrize(("ahead", "words"), [(7200, "+2 h"), (-19_800, "-5.5 h"), (433, "+433 s"), (-3600, "-1 h")])
def test_an_nginx_clock_far_off_is_named_and_taken_out(ahead, words):
    """Zones and odd minutes alike: found from the clients, said in the clock's note, and all connections match."""
    joined = join_tiers(events(*_clients(), *_nginx(ahead)))
    notes = [clock.note for clock in joined.clocks if clock.note]
    assert len(notes) == 1
    assert words in notes[0]
    assert ("time zone" in notes[0]) == (ahead != 433)
    matched = joined.connections.filter(pl.col("nginx_ref").is_not_null() & pl.col("client_ref").is_not_null())
    assert matched.height == N
    assert matched["client_skew_s"].abs().max() < 0.1


def test_an_alb_clock_far_off_is_named_and_taken_out():
    """With nginx right and the ALB an hour ahead, both tiers match and the ALB's clock says so."""
    joined = join_tiers(events(*_clients(), *_nginx(0), *_alb(3600)))
    clock = next(clock for clock in joined.clocks if clock.tier == "alb")
    assert "+1 h" in clock.note
    assert clock.skew_s == pytest.approx(3600, abs=0.1)
    full = joined.connections.filter(pl.col("nginx_ref").is_not_null() & pl.col("alb_ref").is_not_null())
    assert full.filter(pl.col("client_ref").is_not_null()).height == N


def test_without_clients_the_alb_is_the_measure():
    """Server logs alone: nginx is put on the ALB's clock."""
    moved, found = settle_sources(events(*_nginx(3600), *_alb(0)))
    assert [offset.skew_s for offset in found] == [3600.0]
    ends = moved.sort("ref").partition_by("tier", maintain_order=True)
    assert ends[0]["closed_at"].to_list() == ends[1]["closed_at"].to_list()


def test_one_host_of_two_is_put_right():
    """The folder whose clock differs is named; the other's lines stay."""
    half = range(0, N, 2), range(1, N, 2)
    lines = [*_nginx(0, folder="web-1", only=half[0]), *_nginx(5, folder="web-2", only=half[1])]
    moved, found = settle_sources(events(*_alb(0), *lines))
    assert len(found) == 1
    assert found[0].note == "the clock of web-2 was +5 s; taken out"
    assert found[0].skew_s == pytest.approx(5.0)
    assert moved.filter(pl.col("ref") == "web-1/n:0").equals(events(lines[0]))


def test_a_moved_host_takes_its_error_lines_along():
    """Whatever that machine wrote was written by that clock."""
    line = nginx("n/e:1", 0, 7200, event="error", format="nginx-error")
    moved, _ = settle_sources(events(*_clients(), *_nginx(7200), line))
    assert moved.filter(pl.col("event") == "error")["closed_at"].to_list() == [at(0)]


@pytest.mark.parametrize("ahead", [0, 3.2, -20])
def test_small_differences_are_left_to_matching(ahead):
    """Seconds are no wrong zone."""
    before = events(*_clients(), *_nginx(ahead))
    moved, found = settle_sources(before)
    assert found == []
    assert moved.equals(before)


def test_too_few_lines_move_nothing():
    """Three connections an hour apart may be other connections."""
    before = events(*_clients()[:3], *_nginx(3600)[:3])
    assert settle_sources(before)[1] == []


def test_empty_logs_have_no_clocks():
    """No events, nothing found."""
    assert settle_sources(events(client("c:1", 0, 1)).clear())[1] == []
