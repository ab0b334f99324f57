"""Columns of JSON values → columns of instants, flags, whole numbers and text: `json_values`, a column at a time.

A column is of one type (`String`, `Int64`, `Float64`, `Boolean`), as `client_template` proved it. Values of a common
form are converted by expressions; for the rest the exact function is asked once for each distinct value. So a column
gives what the exact function gives for each of its values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from wslog.ingest import json_values as values
from wslog.ingest.client_record import LONGEST_S, address, span_of

_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = rf"^{_OCTET}(?:\.{_OCTET}){{3}}$"
_PART: Final = "[1-9a-f][0-9a-f]{0,3}"
# In the usual form already: no part is zero, and the zeros left out are two parts or more.
_IPV6: Final = "|".join(
    [rf"^(?:{_PART}:){{7}}{_PART}$", *(rf"^(?:{_PART}:){{{n}}}(?::{_PART}){{1,{6 - n}}}$" for n in range(1, 6))]
)
_TRACE_ROOT: Final = r"(?i)(?:^|Root=)(1-[0-9a-f]{8}-[0-9a-f]{24})"
_EPOCH: Final = "^[0-9]{1,18}$"
_SECONDS: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET: Final = "[+-](?:0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]"
# The common forms of ISO 8601: regex, format and digits of the second; `toISOString` first.
_STAMPS: Final = tuple(
    (f"{_SECONDS}{fraction}{zone}$", f"%Y-%m-%dT%H:%M:%S{parsed}{directive}", digits)
    for fraction, parsed, digits in ((r"\.[0-9]{3}", "%.3f", 3), ("", "", 0), (r"\.[0-9]{6}", "%.6f", 6))
    for zone, directive in (("Z", "Z"), (_OFFSET, "%:z"))
)


Column = pl.Series | pl.Expr  # an expression is over series of its own, and is evaluated together with others


@dataclass(frozen=True, slots=True)
class Instants:
    """Times in microseconds since the epoch (null: none, or one that cannot be used), how fine, and whether zoned."""

    us: Column
    resolution_s: Column
    has_zone: Column


def nulls(dtype: pl.DataType) -> pl.Expr:
    """Return a column without values."""
    return pl.lit(None, dtype)


def where(condition: pl.Series, column: pl.Series) -> pl.Series:
    """Keep the values where the condition holds; null elsewhere."""
    return pl.select(pl.when(condition).then(column)).to_series()


def asked(column: pl.Series, convert: Callable[[object], object], dtype: pl.DataType) -> pl.Series:
    """Convert each distinct value by the exact function."""
    distinct = column.drop_nulls().unique()
    if distinct.is_empty():
        return pl.Series([None], dtype=dtype).new_from_index(0, len(column))
    answers = pl.Series([convert(value) for value in distinct.to_list()], dtype=dtype)
    return column.replace_strict(distinct, answers, default=None, return_dtype=dtype)


def texts(column: pl.Series) -> Column:
    """Text, and whole numbers as text."""
    if column.dtype == pl.String:
        return column
    return column.cast(pl.String) if column.dtype == pl.Int64 else nulls(pl.String())


def flags(column: pl.Series) -> Column:
    """Booleans, 0 and 1, and words for them."""
    if column.dtype == pl.Boolean:
        return column
    found = pl.lit(column)
    if column.dtype == pl.String:
        words = found.str.strip_chars().str.to_lowercase()
        true, false = words.is_in(list(values.TRUE)), words.is_in(list(values.FALSE))
    else:
        true, false = found == 1, found == 0
    return pl.when(true).then(statement=True).when(false).then(statement=False)


def wholes(column: pl.Series, low: int, high: int) -> Column:
    """Whole numbers within [low, high]: Int32."""
    if column.dtype == pl.String:
        return asked(column, lambda value: values.whole(value, low, high), pl.Int32())
    if column.dtype == pl.Boolean:
        return nulls(pl.Int32())
    found = pl.lit(column)
    fits = found.is_between(low, high)
    return pl.when(fits if column.dtype == pl.Int64 else fits & (found == found.floor())).then(found).cast(pl.Int32)


def spans(column: pl.Series, unit_s: float) -> Column:
    """Spans of time in seconds."""
    if column.dtype == pl.String:
        return asked(column, lambda value: span_of(value, unit_s), pl.Float64())
    if column.dtype == pl.Boolean:
        return nulls(pl.Float64())
    seconds = pl.lit(column).cast(pl.Float64) * unit_s
    return pl.when(seconds.is_between(0, LONGEST_S)).then(seconds)


def addresses(column: pl.Series) -> Column:
    """IP addresses in their usual form."""
    if column.dtype != pl.String:
        return nulls(pl.String())
    is_usual = column.str.contains(_IPV4)
    if (is_usual | column.is_null()).all():
        return column
    is_usual |= column.str.contains(_IPV6)
    return pl.coalesce(where(is_usual, column), asked(where(~is_usual, column), address, pl.String()))


def trace_roots(column: pl.Series) -> Column:
    """The Root part of X-Amzn-Trace-Ids."""
    return texts(column).str.extract(_TRACE_ROOT, 1)


def own_us(column: pl.Series) -> pl.Expr:
    """Milliseconds of our own record, as microseconds."""
    us = pl.lit(column).cast(pl.Float64) * 1_000
    fits = (us >= values.FIRST_US) & (us < values.LAST_US)
    return pl.when(fits).then(us.round(mode="half_to_even")).cast(pl.Int64)


def instants(column: pl.Series, zone: ZoneInfo | None) -> Instants:
    """Times as epochs of any unit and as texts."""
    if column.dtype == pl.String:
        return _instants_of_texts(column, zone)
    if column.dtype == pl.Boolean:
        return Instants(nulls(pl.Int64()), nulls(pl.Float64()), nulls(pl.Boolean()))
    return _instants_of_numbers(column)


def _instants_of_numbers(column: pl.Series) -> Instants:
    epoch = pl.lit(column).cast(pl.Float64)
    size = epoch.abs()
    (seconds, a_second), (ms, a_ms), (us, a_us), (_, a_ns) = values.UNITS
    unit_us = (
        pl.when(size < seconds).then(a_second).when(size < ms).then(a_ms).when(size < us).then(a_us).otherwise(a_ns)
    )
    at_us = (epoch * unit_us).round(mode="half_to_even")
    fits = size.is_between(values.TOO_SMALL, values.TOO_BIG, closed="left")
    fits &= at_us.is_between(values.FIRST_US, values.LAST_US, closed="left")
    is_fraction = (size < seconds) & (epoch != epoch.floor())
    fine = {unit: values.RESOLUTIONS_S[unit] for _, unit in values.UNITS}
    resolution_s = (
        pl.when(is_fraction)
        .then(fine[a_ms])
        .when(size < seconds)
        .then(fine[a_second])
        .when(size < ms)
        .then(fine[a_ms])
        .otherwise(fine[a_us])
    )
    return Instants(
        pl.when(fits).then(at_us).cast(pl.Int64),
        pl.when(fits).then(resolution_s),
        pl.when(fits).then(statement=True),
    )


def _instants_of_texts(column: pl.Series, zone: ZoneInfo | None) -> Instants:
    """Read the common forms in turn, then what is left."""
    read: list[pl.Series] = []
    fine: list[pl.Expr] = []
    left = column
    for pattern, form, digits in _STAMPS:
        if left.null_count() == len(left):
            break
        fits = left.str.contains(pattern)
        if not fits.any():
            continue
        stamps = where(fits, left).str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False)
        us = stamps.cast(pl.Int64)
        us = where(us.is_between(values.FIRST_US, values.LAST_US, closed="left"), us)
        read.append(us)
        fine.append(pl.when(us.is_not_null()).then(10.0**-digits if digits else 1.0))
        left = where(us.is_null(), left)
    zoned: list[Column] = [pl.when(us.is_not_null()).then(statement=True) for us in read]
    odd = [] if left.null_count() == len(left) else _instants_of_odd_texts(left, zone)
    return Instants(
        _coalesced([*read, *(each.us for each in odd)], pl.Int64()),
        _coalesced([*fine, *(each.resolution_s for each in odd)], pl.Float64()),
        _coalesced([*zoned, *(each.has_zone for each in odd)], pl.Boolean()),
    )


def _coalesced(columns: list[Column], dtype: pl.DataType) -> Column:
    return pl.coalesce(columns) if len(columns) > 1 else columns[0] if columns else nulls(dtype)


def _instants_of_odd_texts(left: pl.Series, zone: ZoneInfo | None) -> list[Instants]:
    """Read epochs written as texts, and whatever the exact function reads in the others."""
    is_epoch = left.str.contains(_EPOCH)
    odd = where(~is_epoch, left)
    read = {text: values.instant(text, zone) for text in odd.drop_nulls().unique()}
    exact = {text: got for text, got in read.items() if isinstance(got, values.Instant)}

    def of(name: str, dtype: pl.DataType) -> pl.Series:
        return asked(odd, lambda text: getattr(exact.get(str(text)), name, None), dtype)

    epochs = _instants_of_numbers(where(is_epoch, left).cast(pl.Int64))
    return [epochs, Instants(of("us", pl.Int64()), of("resolution_s", pl.Float64()), of("has_zone", pl.Boolean()))]
