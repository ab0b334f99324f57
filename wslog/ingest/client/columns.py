"""Records of one template, read by the column: what `record.read_record` gives for each of them.

The two say the same twice, once for a record and once for columns; the tests hold them to it. Rows that the exact
reader must look at (a time that cannot be used may make a reject) have `is_left`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial, reduce
from operator import or_
from typing import Final

import polars as pl

from wslog.ingest.client import converters
from wslog.ingest.client.decoder import Converter, Decoder, first_of
from wslog.ingest.client.derived import last_received, opening, visibility
from wslog.ingest.client.fields import ALIASES, ATTEMPTS, CLOSE_CODES, NAMES, SPANS
from wslog.ingest.client.names import CODE_TEXT, WS_WORD, kind_of_name
from wslog.ingest.client.places import FLAGS, TEXTS, TIMES, Places
from wslog.ingest.client.record import Rules
from wslog.ingest.client.template import Template
from wslog.schema import EventKind

# What a record with several names is: the highest.
_LEVELS: Final = {None: 0, EventKind.NOTE: 1, EventKind.OPEN: 2, EventKind.CLOSE: 3, EventKind.PAGEHIDE: 4}
_IS_WS_URL: Final = "^wss?:"
_KEPT: Final = ("line", "event", "is_left")


class Columns:
    """How records of one template are read.

    Attributes:
        template: Theirs.
    """

    def __init__(self, template: Template, rules: Rules) -> None:
        """Find out where everything stands.

        Raises:
            Unfit: If these records are left to the exact reader.
        """
        self.template = template
        self._places = Places(template, rules)
        self._decoder = Decoder(template)
        self._level = max((_LEVELS[kind_of_name(name)] for name in self._places.known_names), default=0)

        self._fields = [
            *_fields(self._places, self._decoder),
            *_urls(self._places, self._decoder),
            *_closing(self._places, self._decoder),
            *self._named(),
        ]
        self._event_of = self._event().alias("event")
        self._steps = [*opening(has_key=self._places.has_key(*ALIASES["opened_at"])), [last_received(), visibility()]]

    @property
    def is_note(self) -> bool:
        """Whether all these records are of no concern."""
        is_open = self._level == _LEVELS[EventKind.OPEN] and bool(self._places.of["connection_id"])
        is_other = self._level in {_LEVELS[EventKind.NOTE], _LEVELS[EventKind.OPEN]}
        return is_other and not is_open and not self._places.open_names

    def read(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Read lines that match the template.

        Args:
            lines: `line` and `text`.

        Returns:
            A row each: `close.py`'s record, and `is_left`.

        Raises:
            Unfit: If polars reads other lines.
        """
        is_note = pl.col("event") == EventKind.NOTE.value
        is_time_odd = pl.col("closed_us").is_null() & pl.col("has_time")
        is_left = ~is_note & (is_time_odd | (pl.col("close_code").is_null() & pl.col("tells_code")))
        query = self._decoder.read(lines).lazy().select("line", *self._fields).with_columns(self._event_of)
        query = query.with_columns(is_left.alias("is_left"))
        for step in self._steps:
            query = query.with_columns(step)
        got = query.collect(optimizations=pl.QueryOptFlags.none())
        if not (got["event"] == EventKind.NOTE.value).any():
            return got
        return got.with_columns(
            pl.when(~is_note).then(pl.col(name)).alias(name) for name in got.columns if name not in _KEPT
        )

    def _named(self) -> list[pl.Expr]:
        """Return what the names of the event tell, and the codes that only a close has."""

        def level(name: object) -> int:
            return _LEVELS[kind_of_name(str(name))]

        def has_word(name: object) -> bool:
            return WS_WORD.search(str(name)) is not None

        def tells_code(name: object) -> bool:
            return CODE_TEXT.search(str(name)) is not None

        def ask(convert: Callable[[object], object], dtype: pl.DataType) -> list[pl.Expr]:
            return [
                self._decoder.converted(path, lambda *_: partial(converters.asked, convert=convert, dtype=dtype))
                for path in self._places.open_names
            ]

        codes = (self._decoder.converted(path, converters.wholes(*CLOSE_CODES)) for path in self._places.sure_codes)
        words = (each.fill_null(value=False) for each in ask(has_word, pl.Boolean()))
        is_known = any(map(has_word, self._places.known_names))
        return [
            pl.max_horizontal(pl.lit(self._level, pl.Int64), *ask(level, pl.Int64())).alias("level"),
            _any(code.is_not_null() for code in codes).alias("is_sure"),
            (pl.lit(is_known) | _any(words)).alias("has_word"),
            _any(each.fill_null(value=False) for each in ask(tells_code, pl.Boolean())).alias("tells_code"),
        ]

    def _event(self) -> pl.Expr:
        level = pl.col("level")
        is_open = (level == _LEVELS[EventKind.OPEN]) & pl.col("connection_id").is_not_null()
        is_close = (level == _LEVELS[EventKind.CLOSE]) | ((level == 0) & self._holds_a_close())
        return (
            pl.when(level == _LEVELS[EventKind.PAGEHIDE])
            .then(pl.lit(EventKind.PAGEHIDE.value))
            .when(is_close)
            .then(pl.lit(EventKind.CLOSE.value))
            .when(is_open)
            .then(pl.lit(EventKind.OPEN.value))
            .otherwise(pl.lit(EventKind.NOTE.value))
        )

    def _holds_a_close(self) -> pl.Expr:
        """Whether a record without a telling name has what only a close record has."""
        places = self._places
        if places.has_key("istrusted"):
            return pl.lit(value=True)
        is_plain = "close_code" in places.rules.paths or places.has_key("reason") or not places.has_key(*NAMES)
        is_ws = pl.col("first_url").str.contains(_IS_WS_URL).fill_null(value=False) | pl.col("has_word")
        is_code = pl.col("close_code").is_not_null() & (pl.lit(is_plain) | is_ws)
        return pl.col("was_clean").is_not_null() | pl.col("is_sure") | is_code


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    return reduce(or_, conditions, pl.lit(value=False))


def _fields(places: Places, decoder: Decoder) -> list[pl.Expr]:
    """Return what is read from one field each."""
    zone, unit_s = places.rules.zone, places.rules.unit_s

    def first(ours: str, convert: Converter, dtype: pl.DataType) -> pl.Expr:
        return first_of((decoder.converted(path, convert) for _, path in places.of[ours]), dtype, ours)

    def first_us(ours: str) -> pl.Expr:
        times = (converters.instants(decoder, path, zone).us for _, path in places.of[ours])
        return first_of(times, pl.Int64(), f"{ours.removesuffix('_at')}_us")

    def first_span(ours: str) -> pl.Expr:
        found = (decoder.converted(path, converters.spans(unit_s(ours, name))) for name, path in places.of[ours])
        return first_of(found, pl.Float64(), f"{ours}_s")

    return [
        *(first(ours, converters.texts, pl.String()) for ours in TEXTS),
        *(first(ours, converters.flags, pl.Boolean()) for ours in FLAGS),
        *map(first_us, TIMES),
        *map(first_span, SPANS),
        first("trace_id", converters.trace_roots, pl.String()),
        first("client_ip", converters.addresses, pl.String()),
        first("close_code", converters.wholes(*CLOSE_CODES), pl.Int32()),
        first("attempt", converters.wholes(*ATTEMPTS), pl.Int32()),
    ]


def _urls(places: Places, decoder: Decoder) -> list[pl.Expr]:
    """Return the WebSocket's URL rather than the page's, and whichever comes first."""
    urls = [decoder.converted(path, converters.texts) for _, path in places.of["url"]]
    wanted = [pl.when(url.str.contains(_IS_WS_URL)).then(url) for url in urls]
    filled = [pl.when(url != "").then(url) for url in urls]
    return [
        first_of(filled if len(urls) == 1 else [*wanted, *filled], pl.String(), "url"),
        first_of(urls, pl.String(), "first_url"),
    ]


def _closing(places: Places, decoder: Decoder) -> list[pl.Expr]:
    """Return the time of the record, how it was written, and whether there is anything that may be one.

    Each of the three is null where the others are, so the first instant gives all of them.
    """
    paths = [path for _, path in places.of["closed_at"]]
    times = [converters.instants(decoder, path, places.rules.zone) for path in paths]
    return [
        first_of((time.us for time in times), pl.Int64(), "closed_us"),
        first_of((time.resolution_s for time in times), pl.Float64(), "at_resolution_s"),
        first_of((time.has_zone for time in times), pl.Boolean(), "has_zone"),
        _any(decoder.value(path).is_not_null() for path in paths).alias("has_time"),
    ]
