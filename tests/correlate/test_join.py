"""Events of all tiers as one row per connection, on one clock."""

import polars as pl
import pytest

from tests.correlate.lines import alb, at, client, combined, error, events, nginx
from wslog.cellar import Cellar
from wslog.correlate import join_tiers
from wslog.schema import JOINED, EventKind, dtypes


def _session(skew, *, n=6, session="s1", start=0):
    """Connections of one client whose clock is off, and their nginx lines."""
    times = [(start + 200 * i, start + 200 * i + 47.3 + 11.1 * i) for i in range(n)]
    records = [client(f"c/{session}:{i}", o + skew, c + skew, session_id=session) for i, (o, c) in enumerate(times)]
    return records, [nginx(f"n/{session}:{i}", o, c) for i, (o, c) in enumerate(times)]


def test_a_client_clock_is_learnt_and_taken_out():
    """Nine seconds ahead: closes come out on nginx's clock, and the skew is reported."""
    records, lines = _session(9.0)
    joined = join_tiers(events(*records, *lines))
    rows = joined.connections
    assert rows["client_skew_s"].to_list() == pytest.approx([9.0] * 6, abs=0.05)
    assert ((rows["closed_at"] - rows["server_closed_at"]).dt.total_milliseconds().abs() <= 50).all()
    skew = next(clock for clock in joined.clocks if clock.tier == "client")
    assert (skew.n, skew.skew_s) == (1, pytest.approx(9.0, abs=0.05))


def test_a_clock_that_was_set_midway_has_two_skews():
    """Before the step the old skew counts, after it the new one."""
    before, lines = _session(9.0, n=5)
    after, more = _session(-2.0, n=5, start=2000)
    after = [record | {"ref": f"c/later:{i}"} for i, record in enumerate(after)]
    more = [line | {"ref": f"n/later:{i}"} for i, line in enumerate(more)]
    rows = join_tiers(events(*before, *after, *lines, *more)).connections
    assert rows["client_skew_s"].to_list() == pytest.approx([9.0] * 5 + [-2.0] * 5, abs=0.05)


def test_a_late_client_lags_behind_the_servers():
    """A sleeping laptop notices 40 s late: the lag comes from the durations, whatever the clocks."""
    records, lines = _session(3.0)
    records[2] |= {"closed_at": at(200 * 2 + 47.3 + 22.2 + 43.0), "lifetime_s": 47.3 + 22.2 + 40.0}
    rows = join_tiers(events(*records, *lines)).connections.sort("client_ref")
    assert rows["client_lag_s"][2] == pytest.approx(40.0)
    assert rows["match_confidence"][2] > 0.9


def test_client_logs_alone_are_their_own_reference():
    """No skew is known, none is made up; times stay as logged."""
    joined = join_tiers(events(*_session(9.0)[0]))
    assert [clock.tier for clock in joined.clocks if clock.is_reference] == ["client"]
    assert joined.connections["client_skew_s"].is_null().all()
    assert joined.connections["closed_at"][0] == at(9 + 47.3)


def test_server_logs_alone_have_rows_without_clients():
    """Each server row stands; no client is invented."""
    rows = join_tiers(events(*_session(0)[1], alb("a:1", 5000, 5060))).connections
    assert rows.height == 7
    assert not rows["has_client"].any()
    assert rows["match_confidence"].is_null().all()


def test_reconnect_gaps_run_from_close_to_next_attempt():
    """The gap to the same session's next try; the last one has none; another session's tries do not count."""
    first = client("c:1", 0, 60, session_id="a")
    second = client("c:2", 62.5, 90, session_id="a")
    other = client("c:3", 61, 70, session_id="b")
    rows = join_tiers(events(first, second, other)).connections
    gaps = dict(rows.select("client_ref", "reconnect_gap_s").rows())
    assert gaps["c:1"] == pytest.approx(2.5, abs=0.05)
    assert (gaps["c:2"], gaps["c:3"]) == (None, None)


def test_a_unique_id_names_the_row_and_a_shared_one_does_not():
    """The client's own id where it is unique, else the place in the logs."""
    one = client("c:1", 0, 60, connection_id="x")
    two = [client(f"c:{i}", 0, 60, connection_id="1", session_id=f"s{i}") for i in (2, 3)]
    assert sorted(join_tiers(events(one, *two)).connections["connection_id"]) == ["c:2", "c:3", "x"]


def test_process_life_is_handed_on_in_order():
    """Reloads and exits pass through, sorted; they are no connections."""
    happened = [(9, EventKind.STOP), (5, EventKind.RELOAD)]
    lines = [error(f"e:{i}", when, event=kind, path=None) for i, (when, kind) in enumerate(happened)]
    joined = join_tiers(events(*lines))
    assert joined.lifecycle["event"].to_list() == [EventKind.RELOAD, EventKind.STOP]
    assert joined.connections.height == 0


def test_the_table_is_what_the_schema_says_even_when_empty():
    """Columns and types are those of JOINED, with rows and without."""
    empty = join_tiers(events(client("c:1", 0, 1)).clear()).connections
    full = join_tiers(events(*_session(1.0)[0], *_session(1.0)[1])).connections
    assert dict(empty.schema) == dict(full.schema) == dtypes(JOINED)


def test_each_line_belongs_to_one_row():
    """No server line is given away twice, no record is lost."""
    records, lines = _session(1.0)
    twins = [record | {"ref": f"c/t:{i}", "session_id": f"t{i}"} for i, record in enumerate(records)]
    rows = join_tiers(events(*records, *twins, *lines)).connections
    assert rows["client_ref"].drop_nulls().n_unique() == 12
    assert rows.filter(pl.col("nginx_ref").is_not_null())["nginx_ref"].is_unique().all()
    assert set(rows["nginx_ref"].drop_nulls()) == {line["ref"] for line in lines}


def test_error_lines_of_one_second_keep_their_order():
    """Without an access log, rows that error lines stand for come in the order of these, in every run."""
    lines = [error(f"e:{i:02}", 60) for i in range(30)]
    records = [client(f"c:{i:02}", 100 * i, 9000 + 100 * i) for i in range(60)]  # outnumbered, lines are shuffled
    rows = join_tiers(events(*lines, *records)).connections
    assert rows["error_ref"].drop_nulls().to_list() == [line["ref"] for line in lines]


def _hides(n=5):
    """Pages that went away before their connection closed: two records each, some of an open as well."""
    hides = [client(f"h:{i}", 50 * i, 50 * i + 20, connection_id=f"h{i}", event=EventKind.PAGEHIDE) for i in range(n)]
    closes = [hide | {"ref": f"k:{i}", "event": EventKind.CLOSE, "user_agent": "ua"} for i, hide in enumerate(hides)]
    opens = [hide | {"ref": f"o:{i}", "event": EventKind.OPEN} for i, hide in enumerate(hides[:2])]
    return [*hides, *closes, *opens]


def _two_servers(n=9):
    """An ALB half a second ahead, nginx lines of whole seconds and others, and their errors."""
    lines = [nginx(f"n:{i}", 31 * i, 31 * i + 20, trace_id=f"t{i}", client_ip="10.0.0.1") for i in range(n)]
    albs = [alb(f"a:{i}", 31 * i + 0.5, 31 * i + 20.5, trace_id=f"t{i}", host="rt.example") for i in range(2, n)]
    errors = [error(f"e:{i}", 31 * i + 20, client_ip="10.0.0.1") for i in range(0, n, 2)]
    return [*lines, *albs, *errors, *(combined(f"m:{i}", 700.0) for i in range(n))]


@pytest.mark.parametrize(
    "lines",
    [
        [*_session(9.0)[0], *_session(9.0)[1]], _hides(), _two_servers(),
        [*_hides(), *_two_servers(), *_session(2.0)[0]],
        [error(f"e:{i}", 60 + i // 2) for i in range(8)], [error("e:1", 9, event=EventKind.STOP, path=None)],
    ],
    ids=["sessions", "records", "servers", "all", "errors", "process life"],
)  # fmt: skip
def test_where_tables_wait_changes_nothing(lines):
    """All at once in memory, or three rows at a time on disk: the same rows, the same clocks."""
    at_once = join_tiers(events(*lines))
    with Cellar(room_bytes=0, slice_rows=3) as cellar:
        in_slices = join_tiers(cellar.lay_up(events(*lines).iter_slices(2)), cellar=cellar)
        assert in_slices.connections.equals(at_once.connections)
        assert in_slices.lifecycle.equals(at_once.lifecycle)
    assert in_slices.clocks == at_once.clocks
