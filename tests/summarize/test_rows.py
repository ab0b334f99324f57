"""Rows of a wide table in an order of their own."""

from __future__ import annotations

import polars as pl
import pytest

from wslog.summarize import rows
from wslog.summarize.rows import Rows

TABLE = pl.DataFrame({"n": range(7), "kind": [*"abcab", None, "a"], "lines": [[str(n)] * n for n in range(7)]})


def test_columns_come_in_the_order_of_the_rows():
    """As if the table had been put in order whole."""
    some = Rows(TABLE, pl.Series([5, 0, 3]))
    assert some.height == 3
    assert some.take("kind", "n").equals(TABLE[[5, 0, 3]].select("kind", "n"))
    assert some.column("n").to_list() == [5, 0, 3]
    assert some.take_few("lines", "n").equals(some.take("lines", "n"))


def test_rows_are_told_apart_without_losing_their_order():
    """A condition that cannot be decided counts as no; one may name several columns, and one of them twice."""
    some = Rows(TABLE, pl.Series([6, 5, 4, 3, 2]))
    assert some.where(pl.col("kind") == "a").column("n").to_list() == [6, 3]
    assert some.where((pl.col("kind") != "a") & (pl.col("kind") != "c") & (pl.col("n") > 0)).column("n").to_list() == [
        4
    ]


@pytest.mark.parametrize("slice_rows", [1, 2, 3, 100])
@pytest.mark.parametrize("places", [[], [6], [4, 1, 6, 0], [3, 2, 1]])
def test_a_few_wide_rows_are_taken_out_slice_by_slice(monkeypatch, slice_rows, places):
    """Whatever slices they lie in, they come in their own order; no rows have the same columns."""
    monkeypatch.setattr(rows, "SLICE_ROWS", slice_rows)
    some = Rows(pl.concat([TABLE[:2], TABLE[2:]], rechunk=False), pl.Series(places, dtype=pl.Int64))
    assert some.take_few("lines", "kind").equals(TABLE[places].select("lines", "kind"))
