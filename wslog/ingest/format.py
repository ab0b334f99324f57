"""What a log format is to wslog: how it is recognised, and how its lines become events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl
from msgspec import Struct, field

from wslog.schema import LimitKind, Tier


class Config(Struct, frozen=True, kw_only=True):
    """What the caller and configuration files say about the logs.

    Attributes:
        log_formats: nginx `log_format` texts by name (`--log-format` under that very name).
        client_fields: Client log fields, ours → theirs (dotted path), from `--client-field`.
        zones: IANA zone by format name for clocks that name none; the key `""` is for every format.
    """

    log_formats: dict[str, str] = field(default_factory=dict)
    client_fields: dict[str, str] = field(default_factory=dict)
    zones: dict[str, str] = field(default_factory=dict)

    def zone_of(self, format_name: str) -> str | None:
        """Return the zone the caller named for a format's clock, or None."""
        return self.zones.get(format_name, self.zones.get(""))


class Parsed(Struct, frozen=True):
    """What one block of lines became.

    Attributes:
        events: A subset of the `schema.EVENTS` columns, plus `line` (Int64, 1-based in the uncompressed file) instead
            of `ref`. `tier` and `format` may be left out: the reader fills them in. Plain HTTP lines are events too,
            with `is_websocket` false (null: may be a failed handshake); the reader drops what is of no concern.
        rejects: `line` (Int64), `reason` (String), `text` (String, first 200 characters): lines that do not parse.
            Lines that are neither (blank, comments, continuations) count as ignored.
    """

    events: pl.DataFrame
    rejects: pl.DataFrame


class Refused(Struct, frozen=True, kw_only=True):
    """Requests without an answer that a WebSocket's path, known once all files are read, makes failed handshakes.

    Attributes:
        line: A regex (see `ingest.sift`). A line that it matches surely parses into one event, which is of concern
            only if its path is a WebSocket's.
        path: A regex whose first group is the `path` of that event.
    """

    line: str
    path: str


class LineParser(Struct, frozen=True, kw_only=True):
    """A format made ready for one file.

    Attributes:
        why: How the file was recognised, for `wslog inspect` ("log_format `timing` from nginx.conf:12").
        score: Share of the sample's non-blank lines that it parses, 0 to 1.
        parse: Block of lines → events and rejects. The frame has `line` (Int64) and `text` (String); text may hold
            anything, U+FFFD for bytes that are not UTF-8 included; it must not raise on any content.
        clock: What the clock of this very file means ("UTC offset in each line, whole seconds").
        is_zone_assumed: It names no zone, and nobody said which it is.
        limits: What lines of this very file cannot show ("no duration: the format has no $request_time").
        mendable: Those of `limits` that better logging mends → what the log would have to hold.
        plain: A regex (see `ingest.sift`). A line that it matches surely parses into one event of no concern to
            WebSockets, so it is counted and not parsed. Empty: every line is parsed.
        refused: Lines that can wait, unparsed, until all paths are known. None: they are parsed at once.
        own: A regex (see `ingest.sift`). A line that it matches is of this format, damaged or not, so it need not be
            offered to others. Empty: that cannot be told.
        fits_too: Tells cheaply whether a file with another sample would surely be given this very parser: for formats
            that come in thousands of small files. None: each file is recognised by itself.
    """

    why: str
    score: float
    parse: Callable[[pl.DataFrame], Parsed]
    clock: str
    is_zone_assumed: bool = False
    limits: tuple[str, ...] = ()
    mendable: Mapping[str, LimitKind] = field(default_factory=dict)
    plain: str = ""
    refused: Refused | None = None
    own: str = ""
    fits_too: Callable[[Sequence[str]], bool] | None = None


class LogFormat(Struct, frozen=True, kw_only=True):
    """One log format.

    Attributes:
        name: The value of the column `format`.
        tier: The value of the column `tier`.
        about: One line for help texts.
        source: The upstream reference.
        samples: Lines that this format, and only this format, claims; ugly ones included. Its first tests.
        detect: Sample lines (up to 200 of one file, wrapper already taken off) and configuration → a parser, or None.
            Must be cheap, and strict enough that another format's lines give None or a low score.
    """

    name: str
    tier: Tier
    about: str
    source: str
    samples: tuple[str, ...]
    detect: Callable[[Sequence[str], Config], LineParser | None]
