"""`--fail-if` of the weekly report: what holds, decided by statistics unless bare numbers are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wslog.errors import OptionError
from wslog.schema import Cause
from wslog.summarize.metrics import DELTA, EXPRESSION, NEW_CLUSTER, OPERATORS, check_share, parse_number
from wslog.weekly.changes import change_metric
from wslog.weekly.metrics import BY_NAME
from wslog.weekly.words import cause_words
from wslog.weekly_result import Estimate, MetricChange
from wslog.wording import decimal, whole_percent

if TYPE_CHECKING:
    from wslog.weekly.pair import Pair
    from wslog.weekly_result import WeeklyReport

REJECTED: Final = "rejected_share"
P95: Final = "p95_reconnect_s"
NAMES: Final = (*BY_NAME, REJECTED, P95)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeeklyThreshold:
    """One `--fail-if`. `is_relative`: the number is a share of last week's value (`delta:… > 20%` of no share)."""

    text: str
    metric: str
    op: str
    number: float
    is_relative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a threshold holds, and the sentence that says why or why not."""

    holds: bool
    message: str


def parse_weekly_threshold(text: str) -> WeeklyThreshold:
    """Read `METRIC OP NUMBER` or `delta:METRIC OP NUMBER`, or `new_cluster` alone.

    A delta is this week minus the other one. In percent it is relative to the other week, for shares percentage points.

    Raises:
        OptionError: If it has another form or names a metric that does not exist.
    """
    if text.strip() == NEW_CLUSTER:
        return WeeklyThreshold(text=text.strip(), metric=NEW_CLUSTER, op=">", number=0.0, is_relative=False)
    found = EXPRESSION.fullmatch(text)
    if found is None:
        raise OptionError(
            f"{text!r} is not METRIC OP NUMBER", where="--fail-if",
            mend='Write for example "delta:drops_per_1000_connection_hours > 20%" or "new_cluster".',
        )  # fmt: skip
    metric, op, digits, percent = found.groups()
    bare = metric.removeprefix(DELTA)
    if bare not in NAMES and metric != NEW_CLUSTER:
        plain = ", ".join(name for name in NAMES if not name.startswith("cause:"))
        causes = ", ".join(cause.value for cause in Cause)
        mend = (
            f"Metrics: {plain}, cause:NAME_share (NAME: {causes}), {NEW_CLUSTER}, and delta: before any but the last."
        )
        raise OptionError(f"there is no metric {metric!r}", where="--fail-if", mend=mend)
    number = parse_number(digits, is_percent=bool(percent))
    is_share, is_delta = bare.endswith("_share"), metric.startswith(DELTA)
    if is_share:
        check_share(metric, op, number, written=digits, lowest=-1.0 if is_delta else 0.0)
    is_relative = bool(percent) and is_delta and not is_share
    return WeeklyThreshold(text=text.strip(), metric=metric, op=op, number=number, is_relative=is_relative)


def judge_threshold(threshold: WeeklyThreshold, report: WeeklyReport, pair: Pair, *, strict: bool) -> Verdict:
    """Say whether a threshold holds.

    It holds if the metric is beyond it by more than noise: the whole interval is (95 %, for a delta also the test of
    the report). With *strict* the bare number decides. What cannot be measured or compared holds in neither case.

    Args:
        threshold: What was asked.
        report: The week.
        pair: What it was made from.
        strict: Bare numbers.
    """
    if threshold.metric == NEW_CLUSTER:
        return _new_clusters(threshold, report, pair)
    metric = _measure(threshold, report, pair)
    is_delta = threshold.metric.startswith(DELTA)
    estimate = _delta(metric, threshold) if is_delta else metric.now
    if estimate.value is None:
        why = metric.why or "nothing to measure it by"
        return Verdict(holds=False, message=f"{threshold.metric} is not known: {why}")
    is_beyond = OPERATORS[threshold.op](estimate.value, threshold.number)
    is_sure = _is_sure(estimate, threshold) and (not is_delta or metric.direction != "same")
    holds = is_beyond and (strict or is_sure)
    shown = f"{threshold.metric} is {_amount(estimate.value, threshold)}"
    if estimate.low is not None and estimate.high is not None and estimate.low != estimate.high:
        shown += f" (95 %: {_amount(estimate.low, threshold)} to {_amount(estimate.high, threshold)})"
    told = f"{shown}, --fail-if {threshold.text}"
    if is_beyond and not holds:
        return Verdict(holds=False, message=f"{told}: beyond it, but no more than noise; --strict would fail")
    return Verdict(holds=holds, message=f"{told}; {_cause(report, is_delta=is_delta)}" if holds else told)


def _measure(threshold: WeeklyThreshold, report: WeeklyReport, pair: Pair) -> MetricChange:
    bare = threshold.metric.removeprefix(DELTA)
    known = next((metric for metric in report.metrics if metric.name == bare), None)
    if known is not None:
        return known
    if bare in BY_NAME:
        return change_metric(BY_NAME[bare], pair)
    week, other = pair.week, pair.other
    if bare == REJECTED:
        now, before = _share(week.rejected, week.lines), _share(other.rejected, other.lines) if other else None
    else:
        now, before = week.reconnects.p95_s, other.reconnects.p95_s if other else None
    exact = [Estimate(value=one, low=one, high=one) for one in (now, before)]
    change = None if now is None or before is None else now - before
    return MetricChange(
        name=bare, label=bare, unit="share" if bare == REJECTED else "s", now=exact[0], before=exact[1],
        change=Estimate(value=change, low=change, high=change), direction="other", p_value=None,
        why="" if now is not None else "nothing to measure it by", trend=(),
    )  # fmt: skip


def _share(part: int, of: int) -> float | None:
    return part / of if of else None


def _delta(metric: MetricChange, threshold: WeeklyThreshold) -> Estimate:
    change, before = metric.change, metric.before.value
    if not threshold.is_relative or change.value is None:
        return change
    if not before:
        return Estimate(value=None, low=None, high=None)
    low, high = change.low, change.high
    return Estimate(
        value=change.value / before,
        low=None if low is None else low / before,
        high=None if high is None else high / before,
    )


def _is_sure(estimate: Estimate, threshold: WeeklyThreshold) -> bool:
    """Return whether the whole interval is beyond the number; `==` and `!=` are asked of the value alone."""
    if threshold.op in ("==", "!=") or estimate.low is None or estimate.high is None:
        return True
    end = estimate.low if threshold.op in (">", ">=") else estimate.high
    return OPERATORS[threshold.op](end, threshold.number)


def _new_clusters(threshold: WeeklyThreshold, report: WeeklyReport, pair: Pair) -> Verdict:
    if pair.other is None or pair.why:
        why = pair.why or "there is no other week"
        return Verdict(holds=False, message=f"{NEW_CLUSTER} is not known: {why}")
    new = [change for change in report.clusters if change.kind in ("new", "moved")]
    names = "; ".join(change.statement for change in new)
    holds = OPERATORS[threshold.op](float(len(new)), threshold.number)
    return Verdict(holds=holds, message=f"{NEW_CLUSTER} is {len(new)}{f': {names}' if names else ''}")


def _amount(value: float, threshold: WeeklyThreshold) -> str:
    if threshold.is_relative or threshold.metric.endswith("_share"):
        points = threshold.metric.startswith(DELTA) and not threshold.is_relative
        return f"{value * 100:+.2f} points" if points else f"{value * 100:.4g} %"
    return decimal(value)


def _cause(report: WeeklyReport, *, is_delta: bool) -> str:
    """Name the cause behind: the one that rose most for a delta, else the largest."""
    risen = [one for one in report.causes if one.direction == "worse"]
    if is_delta and risen:
        top = max(risen, key=lambda one: (one.now.value or 0.0) - (one.before.value or 0.0))
        levels = f"{decimal(top.before.value or 0.0)} → {decimal(top.now.value or 0.0)} {top.per}"
        return f"rose most: {cause_words(top.key)}, {levels}"
    top_cause = next((one for one in report.causes if one.n), None)
    if top_cause is None:
        return "no drops"
    part = whole_percent(top_cause.share)
    return f"largest cause: {cause_words(top_cause.key)}, {part} of the drops"
