"""What the forms of the weekly report share: values with units, directions and trends in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from wslog import wording as numbers
from wslog.render import names
from wslog.render.escape import plain
from wslog.result import Advice, Burst
from wslog.schema import Cause, Tier
from wslog.weekly_result import (
    ALL,
    CauseChange,
    ClusterChange,
    Direction,
    Estimate,
    GroupChange,
    MetricChange,
    Objective,
    WeeklyReport,
    cause_of_key,
)

DIRECTIONS: Final[Mapping[Direction, str]] = {
    "better": "better",
    "worse": "worse",
    "same": "within noise",
    "other": "changed",
    "not_comparable": "not comparable",
}
DIMENSIONS: Final[Mapping[str, str]] = {
    "path": "Paths",
    "host": "Hosts",
    "upstream": "App servers",
    "user_agent": "Browsers",
    "network": "Networks",
}
VERDICTS: Final[Mapping[str, str]] = {
    "better": "fell",
    "same": "no change",
    "worse": "rose",
    "unclear": "cannot be told",
}
moment: Final = numbers.moment
_SPARKS: Final = "▁▂▃▄▅▆▇█"
_MOST_SPARKS: Final = 26  # weeks that a table has room for


def value(amount: float | None, unit: str) -> str:
    """Return a number as its unit wants it: a share as percent, seconds as a length of time."""
    if amount is None:
        return numbers.NOT_KNOWN
    if unit == "share":
        return f"{amount:.0%}".replace("%", " %") if amount in (0, 1) else f"{amount:.2%}".replace("%", " %")
    return numbers.seconds(amount) if unit == "s" else numbers.decimal(amount)


def interval(estimate: Estimate, unit: str) -> str:
    """Return an interval: `7.1 to 9.8`, `48.75 to 100.00 %`."""
    if estimate.low is None or estimate.high is None:
        return ""
    low, high = value(estimate.low, unit), value(estimate.high, unit)
    return f"{low.removesuffix(' %')} to {high}"


def direction(name: str) -> str:
    """Return a direction in words; empty for none."""
    return DIRECTIONS.get(name, name)  # type: ignore[call-overload,no-any-return]


def change(one: MetricChange | CauseChange | GroupChange) -> str:
    """Return how a number changed, in percent, or in percentage points for a share; empty if nothing can be said."""
    if one.direction == "not_comparable":
        return ""
    return relative(one.now, one.before, one.unit if isinstance(one, MetricChange) else "")


def relative(now: Estimate, before: Estimate, unit: str = "") -> str:
    """Return the change between two estimates, in percent or in percentage points; empty if either is not known."""
    if now.value is None or before.value is None:
        return ""
    if unit == "share":
        return _signed(f"{(now.value - before.value) * 100:+.2f} points")
    if before.value <= 0:
        return "from none" if now.value > 0 else "none"
    ratio = now.value / before.value
    return f"×{ratio:.1f}" if ratio >= 3 else _signed(f"{(ratio - 1) * 100:+.0f} %")  # noqa: RUF001


def _signed(text: str) -> str:
    return text.replace("-", "−")  # noqa: RUF001


def spark(trend: Sequence[float | None]) -> str:
    """Return a trend as a row of bars from zero to its highest; a week without a value is a blank."""
    top = max((one for one in trend if one is not None), default=0.0)
    if top <= 0:
        return ""
    return "".join(" " if one is None else _SPARKS[min(7, int(max(one, 0.0) / top * 7.999))] for one in trend)


def row_spark(trend: Sequence[float | None]) -> str:
    """Return the last half year of a trend as a row of bars, for a table."""
    return spark(trend[-_MOST_SPARKS:])


def cause(which: Cause, tier: Tier, timeouts_s: Sequence[float] = ()) -> str:
    """Return a cause with its owner and timers in words: `idle timeout · nginx 60 s`."""
    name = names.cause_name(which)
    owner = "" if tier is Tier.UNKNOWN or which is Cause.UNKNOWN else names.TIERS[tier]
    timers = ", ".join(numbers.timer(one) for one in timeouts_s[:2])
    more = " ".join(part for part in ("" if owner and owner in name else owner, timers) if part)
    return f"{name} · {more}" if more else name


def cause_of(key: str) -> str:
    """Return a cause, by its `cause_key`, in words."""
    return cause(*cause_of_key(key))


def burst(one: Burst, zone: str) -> str:
    """Return a burst in words, untrusted text made plain."""
    killed = "" if one.killed_share is None else f", {numbers.percent(one.killed_share)} of those open"
    head = f"{moment(one.at, zone)}: {numbers.counted(one.n, 'close')}{killed} · {plain(names.scope_name(one.scope))}"
    return f"{head} · {names.cause_name(one.cause)}"


def span_of(start: dt.datetime, end: dt.datetime, zone: str) -> str:
    """Return a week's days: `9 Nov to 15 Nov 2026, Europe/Berlin`."""
    first, last = start.astimezone(ZoneInfo(zone)), (end - dt.timedelta(seconds=1)).astimezone(ZoneInfo(zone))
    return f"{first.day} {first:%b} to {last.day} {last:%b %Y}, {zone}"


def budget(objective: Objective) -> str:
    """Return how much of an error budget was used, in words."""
    used = (
        "no traffic to judge by" if objective.used is None else f"{numbers.percent(objective.used)} of the budget used"
    )
    four = ""
    if objective.used_four_weeks is not None and objective.weeks_counted > 1:
        four = f", {numbers.percent(objective.used_four_weeks)} over the last {objective.weeks_counted} weeks"
    met = "met" if objective.is_met else "missed"
    return f"{plain(objective.expression)}: {met}, {used}{four}"


def changes(report: WeeklyReport) -> list[str]:
    """Return what changed within the week or since the other one, a sentence each."""
    lines = []
    for step in report.steps:
        what = "All drops outside of restarts" if step.what == ALL else cause_of(step.what)
        levels = f"{numbers.decimal(step.before)} before, {numbers.decimal(step.after)} since, per 1 000 h"
        lines.append(f"{what}: changed around {moment(step.at, report.zone)}; {levels}")
    return lines + [one.statement for one in changed_clusters(report)]


def changed_clusters(report: WeeklyReport) -> list[ClusterChange]:
    """Return the clusters that surely changed."""
    return [one for one in report.clusters if one.kind not in ("same", "unclear")]


def worst(groups: Sequence[GroupChange], most: int) -> list[GroupChange]:
    """Return the groups with most drops, and those that changed."""
    dropped = [one for one in groups if one.drops]
    changed = [one for one in groups if one.direction in ("better", "worse")]
    kept = {one.value: one for one in [*dropped[:most], *changed[:most]]}
    return list(kept.values())


def gain(advice: Advice) -> str:
    """Return what a piece of advice would prevent."""
    if not advice.would_prevent_n:
        return "shows more next week"
    n, share = advice.would_prevent_n, advice.would_prevent_share
    return f"{numbers.counted(n, 'drop')}, {numbers.percent(share)}"


class Together(NamedTuple):
    """Pieces of last week's advice that spoke to the same drops, and what became of these."""

    verdict: str
    statement: str
    texts: Sequence[str]


def outcomes(report: WeeklyReport) -> list[Together]:
    """Return what became of last week's advice, each sentence once, with all that it is true of."""
    texts: dict[tuple[str, str], list[str]] = {}
    for one in report.outcomes:
        texts.setdefault((one.verdict, one.statement), []).append(first_sentence(one.text))
    return [Together(*key, advice) for key, advice in texts.items()]


def first_sentence(text: str) -> str:
    """Return the first sentence, without its full stop."""
    return text.strip().split("\n", 1)[0].split(". ")[0].rstrip(".")


def coverage(report: WeeklyReport) -> str:
    """Return how much of the week its logs cover, and how much was compared."""
    compared = f", {report.compared_hours} of them compared" if report.compared_to else ""
    return f"Logs of every tier cover {report.covered_hours} of {report.total_hours} hours{compared}."


def read(report: WeeklyReport) -> str:
    """Return what was read."""
    return (
        f"{numbers.counted(report.lines, 'line')} of {numbers.counted(report.files, 'file')} read, "
        f"{numbers.count(report.rejected)} rejected."
    )
