"""Columns of JSON values → columns of instants, flags, whole numbers and text: `json_values`, a column at a time.

A column is of one type (`String`, `Int64`, `Float64`, `Boolean`), as `template.py` proved it. Values of a common
form are converted by expressions; for the rest the exact function is asked once for each distinct value. So a column
gives what the exact function gives for each of its values.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl
from msgspec import Struct

from wslog.ingest.client.decoder import Answer, Converter, Decoder, first_of
from wslog.ingest.client.record import TRACE_ROOT, address
from wslog.ingest.client.shape import Path
from wslog.ingest.client.spans import LONGEST_S, span_of
from wslog.ingest.values import json_values as values
from wslog.ingest.values.usual import read_stamps, read_usual

_USUAL_TRACE: Final = "^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$"
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4: Final = rf"^{_OCTET}(?:\.{_OCTET}){{3}}$"
_PART: Final = "[1-9a-f][0-9a-f]{0,3}"
# In the usual form already: no part is zero, and the zeros left out are two parts or more.
_IPV6: Final = "|".join(
    [rf"^(?:{_PART}:){{7}}{_PART}$", *(rf"^(?:{_PART}:){{{n}}}(?::{_PART}){{1,{6 - n}}}$" for n in range(1, 6))]
)
_EPOCH: Final = "^[0-9]{1,18}$"
_SECONDS: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_OFFSET: Final = "[+-](?:0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]"
# The common forms of ISO 8601: regex, format and digits of the second; `toISOString` first.
_STAMPS: Final = tuple(
    (f"{_SECONDS}{fraction}{zone}$", f"%Y-%m-%dT%H:%M:%S{parsed}{directive}", digits)
    for fraction, parsed, digits in ((r"\.[0-9]{3}", "%.3f", 3), ("", "", 0), (r"\.[0-9]{6}", "%.6f", 6))
    for zone, directive in (("Z", "Z"), (_OFFSET, "%:z"))
)


class Instants(Struct, frozen=True):
    """Times in microseconds since the epoch (null: none, or one that cannot be used), how fine, and whether zoned."""

    us: pl.Expr
    resolution_s: pl.Expr
    has_zone: pl.Expr


def asked(column: pl.Series, convert: Callable[[object], object], dtype: pl.DataType) -> pl.Series:
    """Convert each distinct value by the exact function."""
    distinct = column.drop_nulls().unique()
    if distinct.is_empty():
        return pl.Series([None], dtype=dtype).new_from_index(0, len(column))
    answers = pl.Series([convert(value) for value in distinct.to_list()], dtype=dtype)
    return column.replace_strict(distinct, answers, default=None, return_dtype=dtype)


def _where(condition: pl.Series, column: pl.Series) -> pl.Series:
    return pl.select(pl.when(condition).then(column)).to_series()


def texts(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Text, and whole numbers as text."""
    if dtype == pl.String:
        return value
    return value.cast(pl.String) if dtype == pl.Int64 else pl.lit(None, pl.String)


def flags(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Booleans, 0 and 1, and words for them."""
    if dtype == pl.Boolean:
        return value
    if dtype == pl.String:
        words = value.str.strip_chars().str.to_lowercase()
        true, false = words.is_in(list(values.TRUE)), words.is_in(list(values.FALSE))
    else:
        true, false = value == 1, value == 0
    return pl.when(true).then(statement=True).when(false).then(statement=False)


def wholes(low: int, high: int) -> Converter:
    """Whole numbers within [low, high]: Int32."""

    def convert(value: pl.Expr, dtype: pl.DataType) -> pl.Expr | Answer:
        if dtype == pl.String:
            return lambda column: asked(column, lambda text: values.whole(text, low, high), pl.Int32())
        if dtype == pl.Boolean:
            return pl.lit(None, pl.Int32)
        fits = value.is_between(low, high)
        return pl.when(fits if dtype == pl.Int64 else fits & (value == value.floor())).then(value).cast(pl.Int32)

    return convert


def spans(unit_s: float) -> Converter:
    """Spans of time in seconds."""

    def convert(value: pl.Expr, dtype: pl.DataType) -> pl.Expr | Answer:
        if dtype == pl.String:
            return lambda column: asked(column, lambda text: span_of(text, unit_s), pl.Float64())
        if dtype == pl.Boolean:
            return pl.lit(None, pl.Float64)
        seconds = value.cast(pl.Float64) * unit_s
        return pl.when(seconds.is_between(0, LONGEST_S)).then(seconds)

    return convert


def addresses(_: pl.Expr, dtype: pl.DataType) -> pl.Expr | Answer:
    """IP addresses in their usual form."""
    return _addresses_of_texts if dtype == pl.String else pl.lit(None, pl.String)


def _addresses_of_texts(column: pl.Series) -> pl.Series:
    is_usual = column.str.contains(_IPV4)
    if is_usual.all():
        return column
    is_usual |= column.str.contains(_IPV6)
    if is_usual.all():
        return column
    odd = asked(_where(~is_usual, column), address, pl.String())
    return pl.select(pl.coalesce(_where(is_usual, column), odd)).to_series()


def trace_roots(value: pl.Expr, dtype: pl.DataType) -> pl.Expr | Answer:
    """The Root part of X-Amzn-Trace-Ids, which in a usual one is all."""
    if dtype != pl.String:
        return texts(value, dtype).str.extract(TRACE_ROOT, 1)
    return partial(
        read_usual,
        pattern=_USUAL_TRACE,
        cheap=lambda usual: usual.str.slice(len("Root=")),
        exact=lambda odd: odd.str.extract(TRACE_ROOT, 1),
    )


def own_us(value: pl.Expr) -> pl.Expr:
    """Milliseconds of our own record, as microseconds."""
    us = value.cast(pl.Float64) * 1_000
    fits = (us >= values.FIRST_US) & (us < values.LAST_US)
    return pl.when(fits).then(us.round(mode="half_to_even")).cast(pl.Int64)


def instants(decoder: Decoder, path: Path, zone: ZoneInfo | None) -> Instants:
    """Times as epochs of any unit and as texts."""
    dtype = decoder.template.dtype(path)
    if dtype == pl.Boolean:
        return Instants(pl.lit(None, pl.Int64), pl.lit(None, pl.Float64), pl.lit(None, pl.Boolean))
    if dtype != pl.String:
        return _instants_of_numbers(decoder.value(path))
    found = decoder.converted(path, lambda *_: partial(_instants_of_texts, zone=zone)).struct
    return Instants(found.field("us"), found.field("resolution_s"), found.field("has_zone"))


def _instants_of_numbers(value: pl.Expr) -> Instants:
    epoch = value.cast(pl.Float64)
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


def _instants_of_texts(column: pl.Series, zone: ZoneInfo | None) -> pl.Series:
    """Read the common forms in turn, then what is left: a struct of the fields of `Instants`."""
    read: list[pl.Series] = []
    fine: list[pl.Expr] = []
    left = column
    for pattern, form, digits in _STAMPS:
        if left.null_count() == len(left):
            break
        fits = left.str.contains(pattern)
        if not fits.any():
            continue
        stamps = left if fits.all() and not left.null_count() else _where(fits, left)
        us = _stamps_us(stamps, form, digits)
        us = _where(us.is_between(values.FIRST_US, values.LAST_US, closed="left"), us)
        read.append(us)
        fine.append(pl.when(us.is_not_null()).then(10.0**-digits if digits else 1.0))
        if not us.null_count():
            left = left.clear()
            break
        left = _where(us.is_null(), left)
    zoned = [pl.when(us.is_not_null()).then(statement=True) for us in read]
    odd = [] if left.null_count() == len(left) else _instants_of_odd_texts(left, zone)
    found = (
        first_of([*map(pl.lit, read), *(each.us for each in odd)], pl.Int64(), "us"),
        first_of([*fine, *(each.resolution_s for each in odd)], pl.Float64(), "resolution_s"),
        first_of([*zoned, *(each.has_zone for each in odd)], pl.Boolean(), "has_zone"),
    )
    return column.alias("text").to_frame().with_columns(found).drop("text").to_struct()


def _stamps_us(stamps: pl.Series, form: str, digits: int) -> pl.Series:
    """Read times of one of the forms, as microseconds."""
    text = pl.lit(stamps)
    if digits and form.endswith("Z"):
        return pl.select(read_stamps(text, digits).cast(pl.Int64)).to_series()
    return pl.select(
        text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False).cast(pl.Int64)
    ).to_series()


def _instants_of_odd_texts(left: pl.Series, zone: ZoneInfo | None) -> list[Instants]:
    """Read epochs written as texts, and whatever the exact function reads in the others."""
    is_epoch = left.str.contains(_EPOCH)
    odd = _where(~is_epoch, left)
    read = {text: values.instant(text, zone) for text in odd.drop_nulls().unique()}
    exact = {text: got for text, got in read.items() if isinstance(got, values.Instant)}

    def of(name: str, dtype: pl.DataType) -> pl.Expr:
        return pl.lit(asked(odd, lambda text: getattr(exact.get(str(text)), name, None), dtype))

    epochs = _instants_of_numbers(pl.lit(_where(is_epoch, left).cast(pl.Int64)))
    return [epochs, Instants(of("us", pl.Int64()), of("resolution_s", pl.Float64()), of("has_zone", pl.Boolean()))]
