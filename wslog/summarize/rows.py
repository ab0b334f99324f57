"""Rows of a wide table in an order of their own: of the table only what is asked for is copied."""

from __future__ import annotations

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from wslog.cellar import SLICE_ROWS


class Rows(Struct, frozen=True):
    """Some rows of a table, by their places in it.

    Attributes:
        table: Maybe far more rows, and wide ones.
        places: Whole numbers, in the order of the rows.
    """

    table: pl.DataFrame
    places: pl.Series

    @property
    def height(self) -> int:
        """How many rows there are."""
        return self.places.len()

    def take(self, *columns: str, **made: pl.Expr | pl.Series) -> pl.DataFrame:
        """Return the rows as a table of these columns, and of what is *made* of all rows of the table.

        Texts are copied with the rows: make something narrow of them where that is enough.
        """
        return self.table.select(*columns, **made)[self.places]

    def column(self, name: str) -> pl.Series:
        """Return one column of the rows."""
        return self.take(name)[name]

    def where(self, condition: pl.Expr) -> Rows:
        """Return the rows for which *condition* holds; null counts as no."""
        columns = dict.fromkeys(condition.meta.root_names())
        return replace(self, places=self.places.filter(self.take(*columns).select(condition).to_series()))

    def take_few(self, *columns: str) -> pl.DataFrame:
        """Return a few rows as a table of wide columns: to take out of a table in pieces joins these pieces first."""
        table, places = self.table.select(columns), self.places.sort()
        found = [table.clear()]
        for begin in range(0, table.height, SLICE_ROWS):
            inside = places.filter(places.is_between(begin, begin + SLICE_ROWS, closed="left"))
            if inside.len():
                found.append(table.slice(begin, SLICE_ROWS)[inside - begin])
        return pl.concat(found)[self.places.arg_sort().arg_sort()]
