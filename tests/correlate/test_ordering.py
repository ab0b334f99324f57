"""Order by time, then by place."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.correlate.ordering import in_order

ROWS = st.lists(
    st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(0, 2), st.none() | st.sampled_from("ab")),
    max_size=30,
)


@pytest.mark.parametrize("nulls_last", [True, False])
@pytest.mark.parametrize("times", [["a"], ["a", "b"]])
@settings(max_examples=60)
@given(rows=ROWS)
def test_rows_stand_as_a_sort_by_all_keys_would_put_them(rows: list[tuple[object, ...]], times: list[str], nulls_last):
    """Whatever is tied or null, the order is that of one sort by times and texts."""
    frame = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.Int64, "ref": pl.String}, orient="row")
    frame = frame.with_row_index("n")
    wanted = frame.sort(*times, "ref", nulls_last=nulls_last, maintain_order=True)
    order = in_order(frame.select(times), lambda tied: frame.select("ref")[tied], nulls_last=nulls_last)
    assert frame[order].equals(wanted)


def test_an_empty_table_has_no_order_to_find():
    """Nothing in, nothing out."""
    frame = pl.DataFrame(schema={"a": pl.Int64, "ref": pl.String})
    assert in_order(frame.select("a"), lambda tied: frame.select("ref")[tied]).len() == 0
