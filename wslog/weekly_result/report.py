"""What wslog can say of a week among others: the weekly report's one object. Times are UTC."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from wslog.result import Advice, Burst, Cluster, Limit, Totals
from wslog.schema import Cause, Tier
from wslog.weekly_result.summary import cause_key

REPORT_VERSION = 1
ALL = "all"
"""What a `Step` is of that all causes together took."""

Direction = Literal["better", "worse", "same", "other", "not_comparable"]
"""`other`: changed beyond noise, and neither good nor bad by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and its 95 % interval; all None: not known."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricChange:
    """One headline number, this week against the week compared to.

    Attributes:
        name: As `--fail-if` calls it.
        label: In words.
        unit: Of the value; `share` is 0 to 1.
        now: This week, over the hours that all tiers' logs cover.
        before: The other week, over the same hours of the week.
        change: `now - before`, with its interval; dispersion from the days, never Poisson alone.
        direction: `same` unless the change is more than noise.
        p_value: Of a change this large by chance.
        why: Why the weeks cannot be compared; empty: they can.
        trend: Its value in each of the weeks of `WeeklyReport.weeks`.
    """

    name: str
    label: str
    unit: str
    now: Estimate
    before: Estimate
    change: Estimate
    direction: Direction
    p_value: float | None
    why: str
    trend: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseChange:
    """One cause of drops, its rate per 1 000 connection hours (handshakes: per 1 000 attempts) and how it changed."""

    cause: Cause
    tier: Tier
    timeouts_s: tuple[float, ...]
    n: int
    share: float
    per: str
    now: Estimate
    before: Estimate
    direction: Direction
    p_value: float | None
    trend: tuple[float | None, ...]

    @property
    def key(self) -> str:
        """Its `cause_key`."""
        return cause_key(self.cause, self.tier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rate that changed within the week, and stayed so.

    Attributes:
        what: `ALL`, or a cause by `cause_key`.
        at: Where it changed, to within `width_hours` after.
        before: Mean rate per 1 000 connection hours, from the start of the week compared to.
        after: Mean rate until the end of the week.
    """

    what: str
    at: dt.datetime
    width_hours: float
    before: float
    after: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChange:
    """What became of a cluster between two weeks.

    Attributes:
        kind: `new`, `gone`, `moved`, `grew`, `shrank`, `same` or `unclear` (too few drops to have seen it before).
        cluster: This week's, or last week's if it is gone.
        previous: Last week's counterpart.
        statement: One sentence.
    """

    kind: Literal["new", "gone", "moved", "grew", "shrank", "same", "unclear"]
    cluster: Cluster
    previous: Cluster | None
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupChange:
    """One path, host, app server, browser or network: drops per 1 000 connection hours and how they changed."""

    value: str
    drops: int
    top_cause: Cause | None
    now: Estimate
    before: Estimate
    direction: Direction
    trend: tuple[float | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdviceOutcome:
    """What became of the drops that last week's advice spoke to.

    Attributes:
        verdict: `better`: they fell beyond noise. `same`: they did not. `worse`: they rose. `unclear`: not comparable.
        statement: One sentence with the numbers.
    """

    text: str
    would_prevent_n: int
    verdict: Literal["better", "same", "worse", "unclear"]
    statement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Hours without the logs of a tier (None: of any) that should have had some.

    `n_hours` of them lie between `start` and `end`; they take no part in any comparison.
    """

    tier: Tier | None
    start: dt.datetime
    end: dt.datetime
    n_hours: int
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoursePoint:
    """Drops per 1 000 connection hours in some hours from `at` on, now and at that time of the week compared to.

    None: not covered, or nobody was connected.
    """

    at: dt.datetime
    now: float | None
    before: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekPoint:
    """One week of the trend, over the hours its logs cover."""

    week: str
    drops: int
    connection_hours: float
    rate: Estimate
    covered_share: float
    is_partial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """Part of an error budget that one cause used: 1.0 is all of it."""

    cause: Cause
    tier: Tier
    n: int
    used: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A service level objective and its error budget.

    Attributes:
        expression: As given.
        allowed: Drops (or failed handshakes) that the objective allows for this week's traffic.
        spent: Those there were.
        used: `spent / allowed`.
        used_four_weeks: The same over the last four weeks, this one included; None: fewer than four are known.
        is_met: Whether `used` is at most 1.
    """

    expression: str
    metric: str
    target: float
    allowed: float
    spent: int
    used: float | None
    used_four_weeks: float | None
    weeks_counted: int
    is_met: bool
    burn: tuple[Burn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyReport:
    """The whole weekly answer, ready to be saved and rendered.

    Attributes:
        compared_to: The other week; None: there is none in the store.
        headline: The answer in a sentence or two.
        notes: What must be known before reading on: a partial week, missing logs, no week to compare to.
        is_partial: The week is not over, or its logs end early.
        weeks: The trend, oldest first, this week last.
        course: The week in stretches of six hours.
        covered_hours: Of `total_hours`, those that all tiers' logs cover.
        compared_hours: Hours of the week that both weeks cover.
    """

    schema_version: int
    wslog_version: str
    week: str
    compared_to: str | None
    zone: str
    start: dt.datetime
    end: dt.datetime
    headline: str
    verdict: str
    notes: tuple[str, ...]
    is_partial: bool
    totals: Totals
    metrics: tuple[MetricChange, ...]
    steps: tuple[Step, ...]
    causes: tuple[CauseChange, ...]
    clusters: tuple[ClusterChange, ...]
    bursts: tuple[Burst, ...]
    groups: dict[str, tuple[GroupChange, ...]]
    advice: tuple[Advice, ...]
    outcomes: tuple[AdviceOutcome, ...]
    objective: Objective | None
    gaps: tuple[Gap, ...]
    covered_hours: int
    total_hours: int
    compared_hours: int
    files: int
    lines: int
    rejected: int
    limits: tuple[Limit, ...]
    weeks: tuple[WeekPoint, ...]
    course: tuple[CoursePoint, ...]
