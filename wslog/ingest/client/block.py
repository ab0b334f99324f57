"""A block of client records by the shape: templates prove lines and read them, the exact reader has the rest.

Templates are made from the lines that no template matches yet. Which templates there are decides how fast lines are
read, never what is read: all threads share them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl
from msgspec import Struct, field

from wslog.ingest.client.columns import Columns
from wslog.ingest.client.own_columns import OwnColumns, is_ours
from wslog.ingest.client.record import Rules
from wslog.ingest.client.template import Unfit, templates_of
from wslog.ingest.values import json_values as values
from wslog.schema import EventKind

FEWEST_LINES: Final = 64  # below, the exact reader is as fast
MOST_TEMPLATES: Final = 40  # of one file
_SAMPLE: Final = 64
_ROUNDS: Final = 4


AnyColumns = Columns | OwnColumns  # how the records of one template are read


class Shapes(Struct):
    """The shapes of one file's records, as far as they are known."""

    rules: Rules
    known: list[AnyColumns] = field(default_factory=list)


class Sorted(Struct, frozen=True):
    """Records that were read (`line` and any of `close.py`'s columns), and lines for the exact reader."""

    records: list[pl.DataFrame]
    left: pl.DataFrame


def read_by_shape(lines: pl.DataFrame, shapes: Shapes) -> Sorted:
    """Read what can be read by the column.

    Args:
        lines: `line` and `text`.
        shapes: Those of the file; new ones are added.
    """
    if lines.height < FEWEST_LINES:
        return Sorted([], lines)
    left = _without_edges(lines)
    records: list[pl.DataFrame] = []
    odd: list[pl.Series] = []

    def take(shape: AnyColumns, left: pl.DataFrame) -> pl.DataFrame:
        matches = left["text"].str.contains(shape.template.regex).fill_null(value=False)
        if not matches.any():
            return left
        mine = left.filter(matches)
        read = _read(shape, mine)
        records.append(read.filter(~pl.col("is_left")) if read["is_left"].any() else read)
        odd.append(read.filter("is_left")["line"])
        return left.filter(~matches)

    for shape in tuple(shapes.known):
        left = take(shape, left)
    for _ in range(_ROUNDS):
        if left.height < FEWEST_LINES or len(shapes.known) >= MOST_TEMPLATES:
            break
        before = left.height
        for shape in _new_shapes(left["text"].head(_SAMPLE).to_list(), shapes.rules):
            height = left.height
            left = take(shape, left)
            is_known = any(shape.template == other.template for other in shapes.known)  # by another thread
            if height - left.height >= _SAMPLE // 8 and not is_known:
                shapes.known.append(shape)
        if before - left.height < _SAMPLE // 2:
            break
    exact = pl.concat([left["line"], *odd])  # they go as they are: their text may become a reject's
    return Sorted(records, lines.filter(pl.col("line").is_in(exact.implode())) if len(exact) else lines.clear())


def _without_edges(lines: pl.DataFrame) -> pl.DataFrame:
    """Take off blanks around the records, and the comma of a list; a copy of all texts, so only where there is any."""
    text = pl.col("text").str
    if lines.select((text.starts_with("{") & text.ends_with("}")).all()).item():
        return lines
    return lines.with_columns(text.strip_chars().str.strip_suffix(","))


def _read(shape: AnyColumns, mine: pl.DataFrame) -> pl.DataFrame:
    if shape.is_note:
        return mine.select("line", pl.lit(EventKind.NOTE.value).alias("event"), pl.lit(value=False).alias("is_left"))
    try:
        return shape.read(mine)
    except Unfit:
        return mine.select("line", pl.lit(value=True).alias("is_left"))


def _new_shapes(lines: list[str], rules: Rules) -> list[AnyColumns]:
    records: list[Mapping[str, object]] = []
    texts: list[str] = []
    for text in lines:
        try:
            record = values.load(text)
        except ValueError:
            continue
        if isinstance(record, dict):
            records.append(record)
            texts.append(text)
    shapes: list[AnyColumns] = []
    for template in templates_of(texts, records):
        try:
            is_own = not rules.paths and is_ours(template, ignores_extra=rules.ignores_extra)
            pl.select(pl.lit("").str.contains(template.regex))
            shapes.append(OwnColumns(template) if is_own else Columns(template, rules))
        except (Unfit, pl.exceptions.ComputeError):  # or too large a regex
            continue
    return shapes
