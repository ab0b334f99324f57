"""Rows by their places: narrow tables say which rows stand together; what is wide is taken when it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.cellar import lying_between

PLACE: Final = pl.get_index_type()


def taken(rows: pl.DataFrame, places: pl.Series) -> pl.LazyFrame:
    """Take the rows at some places, nulls where there is no place; columns that nobody collects are not taken.

    Args:
        rows: Any table.
        places: Row numbers of it, in any order.
    """
    some, among = lying_between(rows.lazy(), places)
    return some.select(pl.all().gather(among.cast(PLACE)))


def placed(rows: pl.DataFrame, which: pl.Expr) -> pl.Series:
    """Return the places of the rows that an expression selects."""
    return rows.lazy().select(which.arg_true().alias("place")).pipe(collected).to_series()


def collected(asked: pl.LazyFrame) -> pl.DataFrame:
    """Collect what is asked for; in one go: to stream what is taken by places costs ten times as much."""
    return asked.collect(engine="in-memory")


def beside(*parts: pl.LazyFrame | pl.DataFrame) -> pl.LazyFrame:
    """Put tables with the same number of rows side by side."""
    return pl.concat([part.lazy() for part in parts], how="horizontal")


def named(fields: Sequence[str], owner: str) -> list[pl.Expr]:
    """Name fields for whose they are: `status` of nginx as `nginx_status`."""
    return [pl.col(name).alias(f"{owner}_{name}") for name in fields]
