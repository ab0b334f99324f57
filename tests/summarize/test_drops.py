"""Which rows are drops, and in which order rows are counted."""

from __future__ import annotations

import datetime as dt

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.schema import CONNECTIONS, conform
from wslog.summarize.drops import ORDER, drops_in, in_order

TIMES = st.none() | st.integers(0, 3).map(lambda s: dt.datetime(2026, 11, 22, 12, 0, s, tzinfo=dt.UTC))
ROWS = st.lists(st.tuples(TIMES, TIMES, st.sampled_from("abc"), st.none() | st.booleans()), max_size=25)


def table(rows: list[tuple[object, ...]]) -> pl.DataFrame:
    typed = conform(pl.DataFrame(schema=[*ORDER, "is_drop"]), CONNECTIONS).select(*ORDER, "is_drop").schema
    found = conform(pl.DataFrame(rows, schema=typed, orient="row"), CONNECTIONS)
    return found.with_columns(attempt=pl.int_range(pl.len(), dtype=pl.Int32))


@settings(max_examples=100, deadline=None)
@given(ROWS)
def test_rows_stand_as_one_sort_would_put_them(rows):
    """Whatever is tied or null: by closing time, opening time and id, and what is alike as it came."""
    connections = table(rows)
    wanted = connections.sort(ORDER, nulls_last=True, maintain_order=True)
    assert in_order(connections).take(*connections.columns).equals(wanted)
    assert (
        drops_in(in_order(connections))
        .take(*connections.columns)
        .drop("cause", "tier")
        .equals(wanted.filter("is_drop").drop("cause", "tier"))
    )


def test_a_drop_that_nothing_was_said_of_is_unknown():
    """Cause and tier alike; what was said stays."""
    said = table([(None, None, "a", True), (None, None, "b", True), (None, None, "c", False)])
    said = said.with_columns(
        cause=pl.Series(["idle_timeout", None, None], dtype=pl.String),
        tier=pl.Series([None, "alb", None], dtype=pl.String),
    )
    drops = drops_in(in_order(said)).take("connection_id", "cause", "tier")
    assert drops.rows() == [("a", "idle_timeout", "unknown"), ("b", "unknown", "alb")]
