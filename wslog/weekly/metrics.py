"""The numbers of a week: what each counts over what, and as blocks of days over the hours that count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wslog.schema import Cause
from wslog.weekly.coverage import slots_of
from wslog.weekly.rates import Blocks
from wslog.weekly_result import Direction, WeekSummary, cause_of_key

WIDTH: Final = 6
"""Hours of a block."""
EPISODES: Final = (Cause.SERVER_RESTART, Cause.PROXY_RELOAD, Cause.PROXY_RESTART)
"""What ends many connections at one moment: a few of them make a week's number, and say nothing of the rest."""

Series = Callable[[WeekSummary], Sequence[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A rate: what it counts, over what, and how it reads.

    Attributes:
        per: The value is count / exposure * per; negative: one minus it (a success share from failures).
        more_is: What a higher count means.
    """

    name: str
    label: str
    unit: str
    count: Series
    exposure: Series
    per: float
    more_is: Direction
    is_success: bool = False

    def value(self, blocks: Blocks) -> float | None:
        """Return what some blocks come to; None: nobody was exposed."""
        rate = blocks.rate
        if rate is None:
            return None
        return 1 - rate if self.is_success else rate * self.per


def _failed(week: WeekSummary) -> Sequence[float]:
    return [a - o for a, o in zip(week.hours.attempts, week.hours.opened, strict=True)]


def drops_by(week: WeekSummary, is_wanted: Callable[[str], bool]) -> list[float]:
    """Return per hour the drops of some causes, by `cause_key`."""
    rows = [hours for key, hours in week.hours.by_cause.items() if is_wanted(key)]
    return [float(sum(column)) for column in zip(*rows, strict=True)] if rows else [0.0] * len(week.hours.drops)


def _of_causes(*causes: Cause) -> Series:
    return lambda week: drops_by(week, lambda key: cause_of_key(key)[0] in causes)


RATE: Final = Metric(
    name="drops_per_1000_connection_hours", label="drops per 1 000 connection hours", unit="per 1 000 h",
    count=lambda week: week.hours.opened_drops, exposure=lambda week: week.hours.connection_hours, per=1000.0,
    more_is="worse",
)  # fmt: skip


def _steady(week: WeekSummary) -> Sequence[float]:
    episodes = _of_causes(*EPISODES)(week)
    return [max(0.0, n - m) for n, m in zip(week.hours.opened_drops, episodes, strict=True)]


STEADY: Final = Metric(
    name="steady", label="drops outside of restarts and reloads", unit="per 1 000 h", count=_steady,
    exposure=lambda week: week.hours.connection_hours, per=1000.0, more_is="worse",
)  # fmt: skip
OFFLINE: Final = Metric(
    name="offline_s_per_1000_connection_hours", label="time offline per 1 000 hours", unit="s",
    count=lambda week: week.hours.offline_s, exposure=lambda week: week.hours.connection_hours, per=1000.0,
    more_is="worse",
)  # fmt: skip
HANDSHAKES: Final = Metric(
    name="handshake_success_share", label="handshake success", unit="share", count=_failed,
    exposure=lambda week: week.hours.attempts, per=1.0, more_is="worse", is_success=True,
)  # fmt: skip
HEADLINE: Final = (RATE, OFFLINE, HANDSHAKES)
DROP_SHARE: Final = Metric(
    name="drop_share", label="drops per connection attempt", unit="share", count=lambda week: week.hours.drops,
    exposure=lambda week: week.hours.attempts, per=1.0, more_is="worse",
)  # fmt: skip
CAUSE_SHARES: Final = tuple(
    Metric(
        name=f"cause:{cause.value}_share", label=f"share of drops: {cause.value.replace('_', ' ')}", unit="share",
        count=_of_causes(cause), exposure=lambda week: week.hours.drops, per=1.0, more_is="other",
    )
    for cause in Cause
)  # fmt: skip
UNKNOWN_SHARE: Final = Metric(
    name="unknown_share", label="drops of unknown cause", unit="share", count=_of_causes(Cause.UNKNOWN),
    exposure=lambda week: week.hours.drops, per=1.0, more_is="other",
)  # fmt: skip
BY_NAME: Final[Mapping[str, Metric]] = {
    metric.name: metric for metric in (*HEADLINE, DROP_SHARE, UNKNOWN_SHARE, *CAUSE_SHARES)
}


def blocks_of(metric: Metric, week: WeekSummary, hours: Sequence[bool], *, width: int = WIDTH) -> Blocks:
    """Return a week's counts and exposures in blocks of *width* hours of the wall clock, over some of its hours.

    Args:
        metric: What to count.
        week: The week.
        hours: Per hour, whether it counts.
        width: Divides 24.
    """
    n = 168 // width
    counts, exposures = [0.0] * n, [0.0] * n
    rows = zip(slots_of(week), hours, metric.count(week), metric.exposure(week), strict=True)
    for slot, is_used, count, exposure in rows:
        if is_used:
            counts[slot // width] += count
            exposures[slot // width] += exposure
    return Blocks(tuple(counts), tuple(exposures), 24 // width)


def shared_hours(
    week: WeekSummary, hours: Sequence[bool], other: WeekSummary, other_hours: Sequence[bool]
) -> tuple[list[bool], list[bool]]:
    """Return for two weeks the hours that count in both: the same places of the week on the wall clock."""
    own, others = slots_of(week), slots_of(other)
    mine = {slot for slot, used in zip(own, hours, strict=True) if used}
    theirs = {slot for slot, used in zip(others, other_hours, strict=True) if used}
    both = mine & theirs
    return (
        [used and slot in both for slot, used in zip(own, hours, strict=True)],
        [used and slot in both for slot, used in zip(others, other_hours, strict=True)],
    )
