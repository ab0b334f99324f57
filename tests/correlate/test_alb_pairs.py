"""ALB lines and the nginx lines of the same requests."""

import polars as pl

from tests.correlate.lines import alb, combined, events, nginx
from wslog.correlate.alb_pairs import pair_alb


def _paired(albs, nginxs):
    pairs, _, offset = pair_alb(
        events(*albs).with_row_index("alb_row").lazy(), events(*nginxs).with_row_index("row").lazy()
    )
    return dict(pairs.select("alb_row", "row").rows()), offset


def test_a_trace_id_in_both_logs_decides():
    """Times may lie as they will."""
    pairs, _ = _paired([alb("a:1", 0, 60, trace_id="t")], [nginx("n:1", 500, 560, trace_id="t")])
    assert pairs == {0: 0}


def test_a_trace_id_that_several_lines_share_is_not_exact():
    """A client that sends its own id twice makes it useless."""
    pairs, _ = _paired(
        [alb("a:1", 0, 60, trace_id="t")],
        [nginx("n:1", 500, 560, trace_id="t"), nginx("n:2", 700, 760, trace_id="t")],
    )
    assert pairs == {}


def test_without_ids_close_and_duration_pair():
    """Milliseconds of both suffice among connections of all lengths."""
    ends = [(i, i + 20 + 7.31 * i) for i in range(30)]
    albs = [alb(f"a:{i}", o - 0.002, c + 0.001) for i, (o, c) in enumerate(ends)]
    pairs, offset = _paired(albs, [nginx(f"n:{i}", o, c) for i, (o, c) in enumerate(ends)])
    assert pairs == {i: i for i in range(30)}
    assert offset is None or abs(offset.skew_s) < 0.01


def test_the_alb_clock_is_voted_for_and_taken_out():
    """Twelve seconds ahead is found from the closes and does not cost a pair."""
    ends = [(i, i + 20 + 7.31 * i) for i in range(30)]
    albs = [alb(f"a:{i}", o + 12, c + 12, path=f"/ws/{i}") for i, (o, c) in enumerate(ends)]
    pairs, offset = _paired(albs, [nginx(f"n:{i}", o, c, path=f"/ws/{i}") for i, (o, c) in enumerate(ends)])
    assert offset is not None
    assert abs(offset.skew_s - 12) < 0.01
    assert len(pairs) == 30


def test_two_whole_second_lines_that_differ_in_nothing_stay_unpaired():
    """Two connections of one second, one ALB line: it could be either."""
    pairs, _ = _paired([alb("a:1", 0, 60.5)], [combined("n:1", 60.2), combined("n:2", 60.8)])
    assert pairs == {}


def test_bytes_that_usually_differ_by_the_header_tell_lines_apart():
    """Once sure pairs show how many bytes the headers have, they decide where the time does not."""
    closes = [100 * i + 0.5 for i in range(1, 30)]
    albs = [alb(f"a:{i}", 0, c, bytes_out=316 + i) for i, c in enumerate(closes)]
    nginxs = [combined(f"n:{i}", c, body_bytes=i) for i, c in enumerate(closes)]
    albs += [alb("a:98", 0, 5000.3, bytes_out=316 + 900), alb("a:99", 0, 5000.4, bytes_out=316 + 500)]
    nginxs += [combined("n:98", 5000.3, body_bytes=500), combined("n:99", 5000.4, body_bytes=900)]
    pairs, _ = _paired(albs, nginxs)
    assert pairs[29] == 30
    assert pairs[30] == 29


def test_another_forwarded_address_is_another_request():
    """The address that the ALB passed on must be its client's."""
    pairs, _ = _paired([alb("a:1", 0, 60)], [nginx("n:1", 0, 60, forwarded_for="10.0.0.1, 203.0.113.99")])
    assert pairs == {}


def test_no_lines_on_either_side():
    """One tier alone pairs with nobody."""
    one = events(alb("a:1", 0, 60)).with_row_index("alb_row").lazy()
    none = events(nginx("n:1", 0, 60)).clear().with_row_index("row").lazy()
    pairs, ends, offset = pair_alb(one, none)
    assert (pairs.height, ends.height, offset) == (0, 0, None)
    pairs, ends, _ = pair_alb(one.head(0), events(nginx("n:1", 0, 60)).with_row_index("row").lazy())
    assert pairs.height == 0
    assert ends.select(pl.col("ended_at").is_not_null().all()).item()
