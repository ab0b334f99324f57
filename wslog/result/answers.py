"""Who closed how many, how we know, and what to change."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from wslog.schema import Cause, ScopeKind, Tier, split_scope


class Totals(Struct, frozen=True, kw_only=True):
    """Connection attempts and what became of them.

    Attributes:
        ends_not_known: Opened, and no log says how they ended: not counted as drops, though some may be.
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
    ends_not_known: int = 0
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
