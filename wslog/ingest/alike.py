"""Columns that hold one value, or none, in all their rows: in memory once, however many tables have them."""

from __future__ import annotations

import polars as pl


class Alike:
    """Columns of one value.

    Args:
        n_rows: The height of the highest table.
    """

    def __init__(self, n_rows: int) -> None:
        self._n_rows = n_rows
        self._known: dict[tuple[pl.DataType, object], pl.Series] = {}

    def shared(self, column: pl.Series) -> pl.Series:
        """Return the same column; all that hold the same one value, or none, share it."""
        if not is_one(column):
            return column
        return self._repeated(column[0], column.dtype).head(len(column)).alias(column.name)

    def _repeated(self, value: object, dtype: pl.DataType) -> pl.Series:
        known = self._known.get((dtype, value))
        if known is None:
            known = pl.Series([value], dtype=dtype).new_from_index(0, self._n_rows)
            self._known[dtype, value] = known
        return known


def is_one(column: pl.Series) -> bool:
    """Whether a column holds the same in all rows: bytes, not only values, so no floats (0.0 equals -0.0)."""
    if column.is_empty() or column.dtype.is_float() or column[0] != column[-1]:
        return False
    n_nulls = column.null_count()
    return n_nulls == len(column) if column[0] is None else not n_nulls and bool((column == column[0]).all())
