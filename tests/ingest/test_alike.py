"""Columns of one value take memory once, and stay what they were."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_series_equal
from polars.testing.parametric import series

from wslog.ingest.alike import Alike, is_one

TYPES = [pl.String(), pl.Boolean(), pl.Int32(), pl.Int64(), pl.Float64(), pl.Datetime("us", "UTC")]


@given(column=st.sampled_from(TYPES).flatmap(lambda dtype: series(dtype=dtype, max_size=9, allow_null=True)))
def test_a_shared_column_is_the_same_column(column: pl.Series) -> None:
    """Its name, its type and all its values, whatever was shared before."""
    alike = Alike(9)
    for one in (column, column.head(1), column.clear(), column.head(3), column):
        assert_series_equal(alike.shared(one), one, check_exact=True)


def test_the_same_value_is_in_memory_once() -> None:
    """Columns of other heights and names, too."""
    alike = Alike(9)
    first, second = (alike.shared(pl.Series(name, [7] * n)) for name, n in (("a", 9), ("b", 4)))
    assert np.shares_memory(first.to_numpy(allow_copy=False), second.to_numpy(allow_copy=False))


@pytest.mark.parametrize("values", [[1, 2, 1], [None, 1, None], [1, None, 1], [0.0, -0.0], []])
def test_several_values_are_not_one(values: list[float | None]) -> None:
    """A null among values, too; and zeros that are written differently."""
    assert not is_one(pl.Series("a", values))
