"""What wslog can say: the Document that `analysis.json` holds and every report is a reading of.

Key order in the file is the order of fields here. Optional values are null, never absent. Times are UTC.
"""

from __future__ import annotations

import datetime as dt

from msgspec import Struct, field

from wslog.schema import Cause, LimitKind, ScopeKind, Tier, split_scope

SCHEMA_VERSION = 1


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
        format: A format's name, `nginx-conf`, `alb-attributes`, or `unknown`.
        why: How it was recognised, or why it was not.
        compression: `gzip`, `zstd`, `bzip2`, `xz` or empty.
        ignored: Parsed and of no concern to WebSockets, blank or comment lines.
        rejects: The first 20.
        clock: What its times mean.
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


class Totals(Struct, frozen=True, kw_only=True):
    """Connection attempts and what became of them.

    Attributes:
        named_share: Of the drops: who is at fault is named; None: there are no drops.
        mean_confidence: Of those; None: nobody is named.
    """

    attempts: int
    opened: int
    closed: int
    drops: int
    connection_hours: float
    drops_per_1000_connection_hours: float | None
    offline_seconds: float | None
    named_share: float | None = None
    mean_confidence: float | None = None


class CauseShare(Struct, frozen=True, kw_only=True):
    """How many drops one cause explains; `share` of all drops, with its 95 % interval.

    `timeout_ids` are the timers that may be behind it.
    """

    cause: Cause
    tier: Tier
    timeout_s: float | None
    n: int
    share: float
    share_low: float
    share_high: float
    timeout_ids: tuple[str, ...]


class OwnerShare(Struct, frozen=True, kw_only=True):
    """How many drops one cause in one tier explains, all its timers together.

    Attributes:
        timeout_ids: The timers that may be behind it, where they are the same for all values; else empty.
        confidence: Mean over the drops; None: nothing is claimed.
        proof: `file:line` of the strongest evidence; empty: there is none. Untrusted.
    """

    cause: Cause
    tier: Tier
    timeout_ids: tuple[str, ...]
    n: int
    share: float
    confidence: float | None
    proof: str


class Cluster(Struct, frozen=True, kw_only=True):
    """Idle durations or lifetimes of drops that pile up at one value.

    Attributes:
        axis: `idle_s`, `idle_in_s`, `idle_out_s` or `lifetime_s`.
        center_s: Where it peaks.
        width_s: From its 5 % to its 95 % quantile.
        timeout_s: The configured value it points to.
        n: Drops whose verdict puts them into it.
        share: Of all drops that have a value on this axis.
        p_value: Of seeing it by chance, trials counted.
        timeout_ids: Known timers with that value and kind.
    """

    id: int
    axis: str
    center_s: float
    width_s: float
    timeout_s: float
    n: int
    share: float
    share_low: float
    share_high: float
    p_value: float
    timeout_ids: tuple[str, ...]


class Burst(Struct, frozen=True, kw_only=True):
    """Many connections that ended together.

    Attributes:
        at: When it began, on the reference clock.
        until: When it ended.
        n: Closes in it.
        scope: What they share: `upstream 10.0.0.7:9002`, `all`, `network 198.51.100.0/24`.
        killed_share: Closed in it, of those alive in that scope at its start; None: not known.
    """

    at: dt.datetime
    until: dt.datetime
    n: int
    scope: str
    killed_share: float | None
    cause: Cause
    tier: Tier
    evidence: tuple[str, ...]

    @property
    def scope_kind(self) -> ScopeKind | None:
        """What kind of thing they share; None: of no kind we know."""
        return split_scope(self.scope)[0]

    @property
    def scope_value(self) -> str:
        """Its name; empty: it needs none."""
        return split_scope(self.scope)[1]


class Storm(Struct, frozen=True, kw_only=True):
    """Clients that all came back at once."""

    at: dt.datetime
    n: int
    per_second: float
    usual_per_second: float


class Bin(Struct, frozen=True, kw_only=True):
    """Count of values in [low, high) seconds, split by cause for stacked charts."""

    low: float
    high: float
    n: int
    by_cause: dict[str, int]


class Reconnects(Struct, frozen=True, kw_only=True):
    """What clients did after a drop. `gave_up` never tried again while the logs went on."""

    n: int
    p50_s: float | None
    p95_s: float | None
    gave_up: int
    gaps: tuple[Bin, ...]
    storms: tuple[Storm, ...]


class Advice(Struct, frozen=True, kw_only=True):
    """One thing to change.

    Attributes:
        text: What to change, as an instruction.
        config: The lines to paste; empty: none.
        would_prevent_n: Drops of these logs that it speaks to.
        would_prevent_share: Of all drops.
        is_observability: True: it prevents nothing but makes next time's answer better.
    """

    text: str
    config: str
    would_prevent_n: int
    would_prevent_share: float
    is_observability: bool = False


class Finding(Struct, frozen=True, kw_only=True):
    """One answer: who closed how many, how we know, what to change.

    Attributes:
        statement: One sentence.
        evidence: Lines of proof, with `file:line`; the first is the strongest. Untrusted text inside.
        proof: `file:line` of the strongest that has one; empty: none does.
        advice: Indexes into `Document.advice`.
    """

    statement: str
    cause: Cause
    tier: Tier
    timeout_s: float | None
    timeout_ids: tuple[str, ...]
    n: int
    share: float
    confidence: float
    evidence: tuple[str, ...]
    advice: tuple[int, ...]
    proof: str = ""


class Limit(Struct, frozen=True, kw_only=True):
    """What these logs could not show, and what to log next time."""

    text: str
    log_next: str


class TimelineBucket(Struct, frozen=True, kw_only=True):
    """Drops that closed in [at, at + width_s), by cause; `open_connections` at its start, if known."""

    at: dt.datetime
    width_s: float
    by_cause: dict[str, int]
    open_connections: int | None


class Group(Struct, frozen=True, kw_only=True):
    """Totals of one path, host, upstream, user-agent family or network. `value` is untrusted text."""

    value: str
    attempts: int
    opened: int
    drops: int
    connection_hours: float
    top_cause: Cause | None


class Breakdown(Struct, frozen=True, kw_only=True):
    """The largest groups along each dimension, most drops first."""

    path: tuple[Group, ...]
    host: tuple[Group, ...]
    upstream: tuple[Group, ...]
    user_agent: tuple[Group, ...]
    network: tuple[Group, ...]


class Point(Struct, frozen=True, kw_only=True):
    """One drop in the lifetime-against-idle chart."""

    lifetime_s: float
    idle_s: float
    cause: Cause


class TimerLine(Struct, frozen=True, kw_only=True):
    """A known or configured timer, to be drawn as a line in charts."""

    value_s: float
    label: str


class ChartData(Struct, frozen=True, kw_only=True):
    """What the charts need beyond the rest; `points` are at most 2 000 drops, evenly taken."""

    idle: tuple[Bin, ...]
    lifetime: tuple[Bin, ...]
    points: tuple[Point, ...]
    timers: tuple[TimerLine, ...]


class Document(Struct, frozen=True, kw_only=True):
    """The whole answer, ready to be saved and rendered. See the classes for the meaning of each part.

    Attributes:
        verdict: The answer in one or two sentences.
        owners: The largest first; `unknown` last.
        bursts: In order of time.
        findings: Ranked, the largest share first; `unknown` last.
        advice: Ranked by what it would prevent.
    """

    schema_version: int
    wslog_version: str
    verdict: str
    window: tuple[Window, ...]
    coverage: Coverage
    clocks: tuple[Clock, ...]
    totals: Totals
    causes: tuple[CauseShare, ...]
    owners: tuple[OwnerShare, ...]
    clusters: tuple[Cluster, ...]
    bursts: tuple[Burst, ...]
    reconnects: Reconnects
    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...]
    limits: tuple[Limit, ...]
    timeline: tuple[TimelineBucket, ...]
    by: Breakdown
    charts: ChartData
