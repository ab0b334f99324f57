"""Records of one template, read by the column: what `client_record.read_record` gives for each of them.

The two say the same twice, once for a record and once for columns; the tests hold them to it. Rows that the exact
reader must look at (a time that cannot be used may make a reject) have `is_left`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Final

import polars as pl

from wslog.ingest import client_values as values
from wslog.ingest.client_derived import with_opening, with_silence
from wslog.ingest.client_fields import ALIASES, NAMES, SPANS
from wslog.ingest.client_places import FLAGS, TEXTS, TIMES, Places
from wslog.ingest.client_record import WS_WORD, Rules, kind_of_name
from wslog.ingest.client_shape import Path
from wslog.ingest.client_template import Template
from wslog.ingest.client_values import Column
from wslog.schema import EventKind

# What a record with several names is: the highest.
_LEVELS: Final = {None: 0, EventKind.NOTE: 1, EventKind.OPEN: 2, EventKind.CLOSE: 3, EventKind.PAGEHIDE: 4}
_IS_WS_URL: Final = "^wss?:"
_KEPT: Final = ("line", "event", "is_left")

Found = Mapping[Path, pl.Series]


class Columns:
    """How records of one template are read."""

    def __init__(self, template: Template, rules: Rules) -> None:
        """Find out where everything stands.

        Raises:
            Unfit: If these records are left to the exact reader.
        """
        self._places = Places(template, rules)
        self._level = max((_LEVELS[kind_of_name(name)] for name in self._places.known_names), default=0)

    @property
    def is_note(self) -> bool:
        """Whether all these records are of no concern."""
        is_open = self._level == _LEVELS[EventKind.OPEN] and bool(self._places.of["connection_id"])
        return not self._places.open_names and self._level in {1, 2} and not is_open

    def read(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Read lines that match the template.

        Args:
            lines: `line` and `text`.

        Returns:
            A row each: `client_close`'s record, and `is_left`.

        Raises:
            Unfit: If polars reads other lines.
        """
        places = self._places
        found = places.template.columns(lines["text"], places.all)
        got = pl.select(
            lines["line"],
            *_fields(places, found),
            *_urls(places, found),
            *_closing(places, found),
            self._level_of(found).alias("level"),
            _any(_is_given(values.wholes(found[path], 1000, 4999)) for path in places.sure_codes).alias("is_sure"),
            self._has_word(found).alias("has_word"),
        )
        got = got.with_columns(self._event().alias("event"))
        is_note = pl.col("event") == EventKind.NOTE.value
        is_left = ~is_note & pl.col("closed_us").is_null() & pl.col("has_time")
        got = with_opening(got.with_columns(is_left.alias("is_left")), has_key=places.has_key(*ALIASES["opened_at"]))
        got = with_silence(got)
        blank = [pl.when(~is_note).then(pl.col(name)).alias(name) for name in got.columns if name not in _KEPT]
        return got.with_columns(blank) if got.select(is_note.any()).item() else got

    def _level_of(self, found: Found) -> pl.Expr:
        def level(name: object) -> int:
            return _LEVELS[kind_of_name(str(name))]

        asked = [values.asked(found[path], level, pl.Int64()) for path in self._places.open_names]
        return pl.max_horizontal(pl.lit(self._level, pl.Int64), *asked)

    def _has_word(self, found: Found) -> pl.Expr:
        def has_word(name: object) -> bool:
            return WS_WORD.search(str(name)) is not None

        asked = (values.asked(found[path], has_word, pl.Boolean()) for path in self._places.open_names)
        is_known = any(map(has_word, self._places.known_names))
        return pl.lit(is_known) | _any(pl.lit(each).fill_null(value=False) for each in asked)

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


def _is_given(column: Column) -> pl.Expr:
    return (pl.lit(column) if isinstance(column, pl.Series) else column).is_not_null()


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr:
    return reduce(or_, conditions, pl.lit(value=False))


def _first(candidates: Iterable[Column], dtype: pl.DataType, name: str) -> Column:
    """Return the first value that there is in each row."""
    found = list(candidates)
    if not found:
        return pl.lit(None, dtype).alias(name)
    return (found[0] if len(found) == 1 else pl.coalesce(found)).alias(name)


def _fields(places: Places, found: Found) -> list[Column]:
    """Return what is read from one field each."""
    at = {ours: [found[path] for _, path in where] for ours, where in places.of.items()}
    zone = places.rules.zone
    spans = {
        ours: [values.spans(found[path], places.rules.unit_s(ours, name)) for name, path in places.of[ours]]
        for ours in SPANS
    }
    return [
        *(_first(map(values.texts, at[ours]), pl.String(), ours) for ours in TEXTS),
        *(_first(map(values.flags, at[ours]), pl.Boolean(), ours) for ours in FLAGS),
        *(
            _first((values.instants(c, zone).us for c in at[ours]), pl.Int64(), f"{ours.removesuffix('_at')}_us")
            for ours in TIMES
        ),
        *(_first(spans[ours], pl.Float64(), f"{ours}_s") for ours in SPANS),
        _first(map(values.trace_roots, at["trace_id"]), pl.String(), "trace_id"),
        _first(map(values.addresses, at["client_ip"]), pl.String(), "client_ip"),
        _first((values.wholes(c, 1000, 4999) for c in at["close_code"]), pl.Int32(), "close_code"),
        _first((values.wholes(c, 0, 1_000_000) for c in at["attempt"]), pl.Int32(), "attempt"),
    ]


def _urls(places: Places, found: Found) -> list[Column]:
    """Return the WebSocket's URL rather than the page's, and whichever comes first."""
    urls = [values.texts(found[path]) for _, path in places.of["url"]]
    both = [pl.lit(url) if isinstance(url, pl.Series) else url for url in urls]
    wanted = [pl.when(url.str.contains(_IS_WS_URL)).then(url) for url in both]
    filled = [pl.when(url != "").then(url) for url in both]
    return [_first([*wanted, *filled], pl.String(), "url"), _first(urls, pl.String(), "first_url")]


def _closing(places: Places, found: Found) -> list[Column]:
    """Return the time of the record, how it was written, and whether there is anything that may be one.

    Each of the three is null where the others are, so the first instant gives all of them.
    """
    columns = [found[path] for _, path in places.of["closed_at"]]
    times = [values.instants(column, places.rules.zone) for column in columns]
    return [
        _first((time.us for time in times), pl.Int64(), "closed_us"),
        _first((time.resolution_s for time in times), pl.Float64(), "at_resolution_s"),
        _first((time.has_zone for time in times), pl.Boolean(), "has_zone"),
        _any(map(_is_given, columns)).alias("has_time"),
    ]
