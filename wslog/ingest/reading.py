"""What holds for all files while they are read: which lines need parsing, which events stay, which must wait."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import Final

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from wslog import schema
from wslog.ingest.alike import is_one
from wslog.ingest.format import Config, LogFormat
from wslog.ingest.kinds.recognise import Reader, Recognised
from wslog.ingest.undecided import Undecided

EVENTS: Final = {
    "line": pl.Int64(),
    **{name: dtype for name, dtype in schema.dtypes(schema.EVENTS).items() if name != "ref"},
}
PLACED: Final = {"file_no": pl.UInt32(), **EVENTS}
PLACE: Final = ("file_no", "line")
_REPEATED: Final = ("host", "path", "user_agent")  # long texts, and few of them
_TEXTS: Final = tuple(name for name, dtype in EVENTS.items() if dtype == pl.String and name not in _REPEATED)


class Reading(Struct, frozen=True, kw_only=True):
    """What holds for all files.

    Attributes:
        config: What the caller and configuration files say.
        formats: The formats to recognise; the first wins a tie.
        keep: Over event columns: which events to keep.
        skip_plain: *keep* drops plain HTTP, so that its lines need not be parsed.
        put: Takes what need not wait: `file_no` and `line`, where each event stands, and the columns of `PLACED` that
            have values. Several threads call it.
        undecided: Where requests that may be failed handshakes wait; None: they stay among the events.
    """

    config: Config
    formats: Sequence[LogFormat]
    keep: pl.Expr
    skip_plain: bool
    put: Callable[[pl.DataFrame], None]
    undecided: Undecided | None = None

    def take(self, events: pl.DataFrame) -> None:
        """Put aside what must wait until all files are read, and hand over the rest (`PLACED`)."""
        rest = self.undecided.put_aside(events) if self.undecided else events
        if rest.height:
            self.put(compact(rest))


def compact(events: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that have values, in memory of their own: views of text would keep whole blocks.

    A column that holds one value is a literal, which takes no memory.
    """
    empty = [name for name, n in zip(events.columns, events.null_count().row(0), strict=True) if n == events.height]
    full = events.drop(empty)
    one = {name for name in full.columns if is_one(full[name])}
    return full.with_columns(
        *(pl.lit(full[name][0], full.schema[name]).alias(name) for name in one),
        *(pl.concat_str(name, pl.lit("")) for name in _TEXTS if name in full.columns and name not in one),
        *(_once_each(full[name]) for name in _REPEATED if name in full.columns and name not in one),
    )


def _once_each(texts: pl.Series) -> pl.Series:
    """Return the same texts, each distinct one in memory once."""
    codes = texts.cast(pl.Categorical(pl.Categories.random())).to_physical()  # dense from 0
    example = codes.arg_unique()
    words = texts.gather(example.gather(codes.gather(example).arg_sort(nulls_last=True)))
    return pl.select(pl.concat_str(words, pl.lit(""))).to_series().gather(codes).alias(texts.name)


class Sieve(Struct, frozen=True, kw_only=True):
    """Which lines of a file need no parsing, or not yet.

    Attributes:
        plain, refused: Regexes for `sift`.
        put_aside: What takes refused requests: `file_no`, `line` and `text`.
    """

    plain: str
    refused: str
    put_aside: Callable[[pl.DataFrame], None]


def sieve_of(recognised: Recognised, reading: Reading) -> Sieve:
    """Return what can be left out of files of one kind; inside wrappers nothing can."""
    nothing = Sieve(plain="", refused="", put_aside=lambda _lines: None)
    if recognised.reader is None or recognised.wrappers or not reading.skip_plain:
        return nothing
    reader, undecided = recognised.reader, reading.undecided
    plain, refused = reader.parser.plain, reader.parser.refused
    if refused is None or undecided is None:
        return replace(nothing, plain=plain)
    return Sieve(plain=plain, refused=refused.line, put_aside=partial(undecided.put_lines_aside, reader=reader))


def parse_waiting(reader: Reader, lines: pl.DataFrame) -> pl.DataFrame:
    """Return the events, `PLACED`, of lines (`file_no`, `line`, `text`) that waited until all paths were known."""
    numbered = lines.select(pl.row_index("line").cast(pl.Int64), "text")  # of several files, so numbered anew
    events = filled(reader.parser.parse(numbered).events, reader)
    places = lines.select("file_no", "line")[events["line"]]
    return events.with_columns(places.get_columns()).select(pl.col(name).cast(dtype) for name, dtype in PLACED.items())


def filled(events: pl.DataFrame, reader: Reader) -> pl.DataFrame:
    """Fill in what the reader knows, and nulls for the columns of `EVENTS` that its format does not have."""
    missing = [pl.lit(None, dtype).alias(column) for column, dtype in EVENTS.items() if column not in events.columns]
    return events.with_columns(missing).with_columns(
        pl.col("tier").fill_null(reader.format.tier.value), pl.col("format").fill_null(reader.format.name)
    )


def having(events: pl.DataFrame, names: Collection[str]) -> pl.DataFrame:
    """Return some columns of `PLACED`, null where *events* have none of them."""
    missing = [pl.lit(None, PLACED[name]).alias(name) for name in names if name not in events.columns]
    return events.with_columns(missing).select(*names)
