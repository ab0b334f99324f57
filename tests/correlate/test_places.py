"""Rows by their places."""

import polars as pl

from wslog.correlate.places import beside, collected, placed, taken

ROWS = pl.DataFrame({"a": [1, 2], "b": ["x", None]})


def test_rows_are_taken_where_there_is_a_place() -> None:
    """Places in any order, nulls for none, and of an empty table nothing but nulls."""
    assert collected(taken(ROWS, pl.Series([1, None, 0]))).rows() == [(2, None), (None, None), (1, "x")]
    assert collected(taken(ROWS.clear(), pl.Series([None, None], dtype=pl.UInt32))).rows() == [(None, None)] * 2


def test_rows_of_a_table_in_pieces_are_taken_from_where_they_lie() -> None:
    """Only what lies between the places is looked at; they are the same rows."""
    pieces = pl.concat([ROWS.with_columns(n=pl.lit(n)) for n in range(5)], rechunk=False)
    assert collected(taken(pieces, pl.Series([7, 4, None]))).rows() == [(2, None, 3), (1, "x", 2), (None, None, None)]


def test_places_are_those_of_the_rows_that_are_selected() -> None:
    """What `placed` finds, `taken` takes; what is null is not selected."""
    assert collected(taken(ROWS, placed(ROWS, pl.col("b") == "x"))).rows() == [(1, "x")]
    assert placed(ROWS.clear(), pl.col("b") == "x").to_list() == []


def test_tables_stand_beside_each_other() -> None:
    """Tables at hand and tables that are only asked for, column beside column."""
    assert collected(beside(ROWS, taken(ROWS.select(c="a"), pl.Series([1, 0])))).rows() == [(1, "x", 2), (2, None, 1)]
