"""What was read: every line of every file accounted for, the time that it covers, and the clocks."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct, field

from wslog.schema import LimitKind, Tier


class Window(Struct, frozen=True, kw_only=True):
    """First and last close seen in one tier; tier None: the time that all tiers of this analysis cover."""

    tier: Tier | None
    start: dt.datetime | None
    end: dt.datetime | None


class Reject(Struct, frozen=True, kw_only=True):
    """One line that did not parse. `text` is untrusted, cut to 200 characters."""

    line: int
    reason: str
    text: str


class FileCoverage(Struct, frozen=True, kw_only=True):
    """What became of one input file: `lines` = `events` + `ignored` + `rejected`.

    Attributes:
        path: As given, relative to the input folder.
        format: A `schema.Format`, or the name of a known format that is not read.
        why: How it was recognised, or why it was not.
        compression: `gzip`, `zstd`, `bzip2`, `xz` or empty.
        ignored: Parsed and of no concern to WebSockets, blank or comment lines.
        rejects: The first 20.
        clock: What its times mean.
        is_zone_assumed: They name no zone, and were read as UTC since nothing says which it is.
        limits: What it cannot show.
        mendable: Those of `limits` that better logging mends → what the log would have to hold.
    """

    path: str
    format: str
    why: str
    tier: Tier | None
    compression: str
    lines: int
    events: int
    ignored: int
    rejected: int
    rejects: tuple[Reject, ...]
    first_at: dt.datetime | None
    last_at: dt.datetime | None
    clock: str
    limits: tuple[str, ...]
    mendable: dict[str, LimitKind] = field(default_factory=dict)
    is_zone_assumed: bool = False


class Coverage(Struct, frozen=True, kw_only=True):
    """What was read. `no_code` counts client records that lost their code (`{"isTrusted":true}`)."""

    files: tuple[FileCoverage, ...]
    no_code: int = 0

    @property
    def lines(self) -> int:
        """Lines of all files."""
        return sum(file.lines for file in self.files)

    @property
    def events(self) -> int:
        """Lines of all files that gave events."""
        return sum(file.events for file in self.files)

    @property
    def ignored(self) -> int:
        """Lines of all files that are of no concern."""
        return sum(file.ignored for file in self.files)

    @property
    def rejected(self) -> int:
        """Lines of all files that did not parse."""
        return sum(file.rejected for file in self.files)


class Clock(Struct, frozen=True, kw_only=True):
    """How far a tier's clock runs ahead of the reference clock, as estimated from `n` pairs.

    For tier `client` it is the median over clients, and `low_s`/`high_s` their 5 % and 95 % quantiles.
    `note` names what is odd about it, such as a host in another time zone.
    """

    tier: Tier
    is_reference: bool
    skew_s: float | None
    low_s: float | None
    high_s: float | None
    n: int
    note: str = ""
