"""Records whose own line is one of several, which agree on the moment."""

from __future__ import annotations

import polars as pl
import pytest

from tests.correlate.lines import client, combined, events
from wslog.correlate import join_tiers, moments
from wslog.correlate.assignment import choose_partners
from wslog.correlate.moments import share_moments

PAIRS = {"client": pl.Int64, "server": pl.Int64, "p": pl.Float64}
ENDS = {"server": pl.Int64, "ended_s": pl.Float64, "status": pl.Int32}


def shared(pairs: list[tuple[int, int, float]], *ends: tuple[int, float | None, int]) -> list[tuple[int, ...]]:
    candidates = pl.DataFrame(pairs, schema=PAIRS, orient="row")
    moments_of = pl.DataFrame(ends, schema=ENDS, orient="row")
    return share_moments(candidates, moments_of, chosen=candidates.clear(), at_least=0.9).rows()


def test_two_rows_of_one_moment_are_shared_by_two_records() -> None:
    """Either may be either's: each gets one, and none is given twice."""
    even = [(0, 5, 0.48), (0, 6, 0.48), (1, 5, 0.48), (1, 6, 0.48)]
    assert shared(even, (5, 100.0, 101), (6, 100.0, 101)) == [(0, 5), (1, 6)]


@pytest.mark.parametrize("at_a_time", [1, 3, 4])
def test_candidates_looked_at_a_few_at_a_time_are_the_same(at_a_time: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record's candidates stay together, wherever a run of them ends; who has a partner is left alone."""
    even = [(client, server, 0.31) for client in range(4) for server in (5, 6, 7)]
    ends = [(server, 100.0, 101) for server in (5, 6, 7)]
    whole = shared(even, *ends)
    monkeypatch.setattr(moments, "AT_A_TIME", at_a_time)
    assert shared(even, *ends) == whole
    assert len(whole) == 3
    told = (pl.DataFrame(rows, schema=schema, orient="row") for rows, schema in ((even, PAIRS), (ends, ENDS)))
    chosen = pl.DataFrame({"client": [0], "server": [5]})
    left = share_moments(*told, at_least=0.6, chosen=chosen)
    assert set(left["client"]) <= {1, 2, 3}
    assert set(left["shared"]) == {6, 7}


def test_two_moments_share_nothing() -> None:
    """A minute apart, or with another answer: then it is not known when, or to what, it ended."""
    even = [(0, 5, 0.48), (0, 6, 0.48)]
    assert shared(even, (5, 100.0, 101), (6, 160.0, 101)) == []
    assert shared(even, (5, 100.0, 502), (6, 100.0, 404)) == []


def test_what_may_have_no_line_at_all_shares_none() -> None:
    """Six in ten for one of two lines: in four it is none of them."""
    assert shared([(0, 5, 0.3), (0, 6, 0.3)], (5, 100.0, 101), (6, 100.0, 101)) == []
    assert shared([(0, 5, 0.95)], (5, None, 101)) == []


def test_where_all_like_the_same_rows_best_few_rounds_hand_them_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hundred that ended in one second: each gets a row, and not one row a round."""
    rounds = []
    monkeypatch.setattr(moments, "choose_partners", lambda *a, **more: rounds.append(a) or choose_partners(*a, **more))
    everybody = range(200)
    pairs = [(client, server, 0.025 - server * 1e-9) for client in everybody for server in everybody]
    found = shared(pairs, *((server, 100.0, 101) for server in everybody))
    assert [client for client, _ in found] == list(everybody)
    assert len({server for _, server in found}) == 200
    assert len(rounds) < 40


def test_lines_of_one_second_that_nobody_can_tell_apart_still_tell_when() -> None:
    """Three sessions of known clocks end in one second, and the log has no lifetimes: no refs, but the moment.

    Each line stands for one connection: there are three rows, not six.
    """
    alone = [(session, 100.0 * n + 31.0 * i) for n in range(1, 5) for i, session in enumerate("abc")]
    records = [client(f"c:{end}", end - 20, end, session_id=session) for session, end in alone]
    lines = [combined(f"n:{end}", end) for _, end in alone]
    together = [client(f"c:{session}", 560.0 + i, 600.2, session_id=session) for i, session in enumerate("abc")]
    rows = join_tiers(events(*records, *lines, *together, *(combined(f"n:{i}", 600.2) for i in range(3)))).connections
    assert rows.height == 15
    told = rows.filter(pl.col("client_ref").is_in(["c:a", "c:b", "c:c"]))
    assert told["nginx_ref"].null_count() == told["match_confidence"].null_count() == 3
    assert told["server_closed_at"].dt.timestamp("ms").unique().len() == 1
    assert (told["nginx_closed_at"] == told["server_closed_at"]).all()
