"""Lines of one template → columns of their values, and of what the exact functions say about odd ones.

What a template's records are read by is put together once, as expressions; a block then costs one decoding and one
query. Converters that have to look at the values first (`Answer`) are asked before that query.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import polars as pl

from wslog.ingest.client.shape import Path
from wslog.ingest.client.template import Template, Unfit

Answer = Callable[[pl.Series], pl.Series]
Converter = Callable[[pl.Expr, pl.DataType], "pl.Expr | Answer"]


class Decoder:
    """Reads lines of a template, and of each only the values that an expression was asked for.

    Attributes:
        template: Theirs.
    """

    def __init__(self, template: Template) -> None:
        self.template = template
        self._names: dict[Path, str] = {}
        self._answers: list[tuple[str, Answer, str]] = []

    def value(self, path: Path) -> pl.Expr:
        """Return the values at a path that has a `dtype`."""
        return pl.col(self._names.setdefault(path, f"value {len(self._names)}"))

    def converted(self, path: Path, convert: Converter) -> pl.Expr:
        """Return the values at a path, converted."""
        dtype = self.template.dtype(path)
        if dtype is None:
            raise ValueError(f"nothing can be read at {path}")
        got = convert(self.value(path), dtype)
        if isinstance(got, pl.Expr):
            return got
        name = f"answer {len(self._answers)}"
        self._answers.append((self._names[path], got, name))
        return pl.col(name)

    def read(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Return `line` and all columns that the expressions need.

        Args:
            lines: `line`, and `text` that matches the template.

        Raises:
            Unfit: If polars reads another number of records.
        """
        if not self._names:
            return lines.select("line")
        text = lines["text"].str.join("\n").item().encode()
        frame = pl.read_ndjson(text, schema=self._schema().to_schema())
        if frame.height != lines.height:
            raise Unfit
        frame = frame.select(lines["line"], *(_at(path).alias(name) for path, name in self._names.items()))
        answers = [answer(frame[name]).alias(new) for name, answer, new in self._answers]
        return frame.hstack(answers) if answers else frame

    def _schema(self) -> pl.Struct:
        schema: dict[str, Any] = {}
        for path in self._names:
            below = schema
            for key in path[:-1]:
                below = below.setdefault(key, {})
            below[path[-1]] = self.template.dtype(path)
        return _struct(schema)


def _struct(schema: dict[str, Any]) -> pl.Struct:
    return pl.Struct({key: _struct(item) if isinstance(item, dict) else item for key, item in schema.items()})


def _at(path: Path) -> pl.Expr:
    value = pl.col(path[0])
    for key in path[1:]:
        value = value.struct.field(key)
    return value


def first_of(candidates: Iterable[pl.Expr], dtype: pl.DataType, name: str) -> pl.Expr:
    """Return the first value that there is in each row."""
    found = list(candidates)
    if not found:
        return pl.lit(None, dtype).alias(name)
    return (found[0] if len(found) == 1 else pl.coalesce(found)).alias(name)
