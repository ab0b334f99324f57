"""Columns of texts taken apart into usual values, read cheaply, and odd ones, which are left to the exact way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

_SECOND: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]"
_SECOND_LENGTH: Final = 19


def read_usual(
    texts: pl.Series, pattern: str, cheap: Callable[[pl.Expr], pl.Expr], exact: Callable[[pl.Expr], pl.Expr]
) -> pl.Series:
    """Return what *cheap* makes of the texts that match a regex, and *exact* of the others.

    Args:
        texts: Any.
        pattern: The regex: for what matches, the two give the same.
        cheap: Of usual texts, null of null.
        exact: Of any text, null of null.
    """
    text = pl.col("text")
    frame = texts.alias("text").to_frame()
    is_usual = texts.str.contains(pattern)
    if is_usual.all():
        return frame.select(cheap(text).alias(texts.name)).to_series()
    if not is_usual.any():
        return frame.select(exact(text).alias(texts.name)).to_series()
    parts = frame.select(pl.when(is_usual).then(text).alias("usual"), pl.when(~is_usual).then(text).alias("odd"))
    found = parts.select(cheap(pl.col("usual")).alias("usual"), exact(pl.col("odd")).alias("odd"))
    return found.select(pl.when(is_usual).then("usual").otherwise("odd").alias(texts.name)).to_series()


def stamp_regex(digits: int) -> str:
    """Return the regex of a time in UTC with *digits* of a second, for `read_stamps`."""
    return f"^{_SECOND}[.][0-9]{{{digits}}}Z$"


def read_stamps(text: pl.Expr, digits: int) -> pl.Expr:
    """Read times that match `stamp_regex`, null for days that do not exist.

    polars takes six times as long for a time with a fraction, so the fraction is read apart.
    """
    second = text.str.slice(0, _SECOND_LENGTH).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    fraction = text.str.slice(_SECOND_LENGTH + 1, digits).cast(pl.Int64) * int(10 ** (6 - digits))
    return (second.cast(pl.Int64) + fraction).cast(pl.Datetime("us", "UTC"))
