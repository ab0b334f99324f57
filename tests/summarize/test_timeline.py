from __future__ import annotations

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.result import TimelineBucket, Window
from wslog.schema import CONNECTIONS, conform
from wslog.summarize.drops import drops_in, in_order
from wslog.summarize.timeline import MAX_BUCKETS, WIDTHS_S, build_timeline

NO_WINDOW = Window(tier=None, start=None, end=None)
NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)


def test_buckets_are_round_without_gaps_and_know_who_was_open(table, at):
    """Two minutes in 2 s buckets would be 60 and a bit, so they are 5 s wide, at whole multiples."""
    connections = table(
        {"opened": 1, "closed": 11, "cause": "idle_timeout"},
        {"opened": 2, "closed": 12, "cause": None},
        {"opened": 3, "closed": 130, "cause": "idle_timeout"},
        {"opened": 4, "closed": 30, "is_drop": False},
    )
    buckets = build_timeline(drops_in(in_order(connections)), connections, window=NO_WINDOW)
    assert buckets[0] == TimelineBucket(
        at=at(10), width_s=5.0, by_cause={"idle_timeout": 1, "unknown": 1}, open_connections=4
    )
    assert buckets[1] == TimelineBucket(at=at(15), width_s=5.0, by_cause={}, open_connections=2)
    assert buckets[-1] == TimelineBucket(at=at(130), width_s=5.0, by_cause={"idle_timeout": 1}, open_connections=0)
    assert len(buckets) == 25


def test_the_window_is_shown_even_where_nothing_dropped(table, at):
    """A quiet hour before the only drop is part of the picture."""
    connections = table({"opened": 3500, "closed": 3599})
    window = Window(tier=None, start=at(0), end=at(3599))
    buckets = build_timeline(drops_in(in_order(connections)), connections, window=window)
    assert (buckets[0].at, buckets[-1].at, buckets[0].width_s) == (at(0), at(3540), 60.0)


def test_one_clock_years_off_does_not_squeeze_the_rest(table, at):
    """A drop dated 1970 is left out of a timeline over an hour."""
    connections = table({"closed": 100}, {"closed": -1_700_000_000})
    window = Window(tier=None, start=at(0), end=at(3599))
    buckets = build_timeline(drops_in(in_order(connections)), connections, window=window)
    assert sum(sum(bucket.by_cause.values()) for bucket in buckets) == 1
    assert buckets[0].at == at(0)


def test_clocks_gone_wrong_do_not_stretch_the_time_shown(table, at):
    """Where nearly all drops are in the shared window, one minutes off is left out; one just outside is shown."""
    window = Window(tier=None, start=at(0), end=at(110))
    connections = table(*[{"closed": 50}] * 18, {"closed": 111}, {"closed": 400})
    buckets = build_timeline(drops_in(in_order(connections)), connections, window=window)
    assert (buckets[0].at, buckets[-1].at) == (at(0), at(110))
    assert sum(sum(bucket.by_cause.values()) for bucket in buckets) == 19
    many = table(*[{"closed": 50}] * 8, *[{"closed": 140}] * 2)
    assert build_timeline(drops_in(in_order(many)), many, window=window)[-1].at == at(140)


def test_open_connections_are_null_where_openings_are_not_known(table):
    """No opening times, no count."""
    connections = table({"closed": 100}, {"closed": 101})
    assert {
        b.open_connections for b in build_timeline(drops_in(in_order(connections)), connections, window=NO_WINDOW)
    } == {None}


def test_no_drops_no_timeline(table):
    """Without drops there is nothing to draw over time."""
    connections = table({"opened": 0, "closed": 100, "is_drop": False})
    assert build_timeline(drops_in(in_order(connections)), connections, window=NO_WINDOW) == ()


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=50))
def test_every_drop_is_in_exactly_one_of_few_buckets(seconds):
    """Sums agree with the drops, there are at most 60 buckets, and the width is a round one."""
    closed = [NOON + dt.timedelta(seconds=second) for second in seconds]
    frame = conform(pl.DataFrame({"closed_at": closed}).with_columns(is_drop=True), CONNECTIONS)
    buckets = build_timeline(drops_in(in_order(frame)), frame, window=NO_WINDOW)
    assert sum(sum(bucket.by_cause.values()) for bucket in buckets) == len(seconds)
    assert len(buckets) <= MAX_BUCKETS
    assert buckets[0].width_s in WIDTHS_S
