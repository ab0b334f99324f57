"""What changed between two weeks: each number with its interval and trend, and whether it is more than noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from wslog.schema import Cause
from wslog.weekly.metrics import EPISODES, HEADLINE, RATE, STEADY, Metric, drops_by
from wslog.weekly.pair import Pair
from wslog.weekly.rates import NOTHING, Blocks, Change, Noise, compare, difference, estimate, learn_noise
from wslog.weekly.steps import find_step
from wslog.weekly_result import (
    ALL,
    CauseChange,
    Direction,
    Estimate,
    GroupChange,
    MetricChange,
    Step,
    WeekGroup,
    cause_of_key,
)

ALPHA: Final = 0.005  # for each headline number
MINOR_ALPHA: Final = 0.002  # for each number beside those
FAMILY_ALPHA: Final = 0.005  # for all causes together, and for all groups together
SUM_ALPHA: Final = 0.1  # for the sum of all causes, where one of them changed for sure
LEAST_PART: Final = 0.5  # of that cause's change must be left in the sum
LEAST_CHANGE: Final = 0.05  # a smaller change is not worth a sentence, however sure
MOST_GROUPS: Final = 10
STEP_CAUSES: Final = 5
Row = TypeVar("Row", CauseChange, GroupChange)


class _Tested(NamedTuple, Generic[Row]):
    """A row of a family of numbers, how it changed (None: nothing to compare), and from what."""

    row: Row
    change: Change | None
    now: Blocks
    before: Blocks


def change_metric(
    metric: Metric, pair: Pair, steps: Sequence[Step] = (), causes: Sequence[CauseChange] = ()
) -> MetricChange:
    """Compare one number of two weeks, over the hours that both cover.

    Args:
        metric: Which.
        pair: The weeks.
        steps: Those found within the week.
        causes: What became of each cause; the drop rate may change by one of them alone.
    """
    noise = pair.noise(metric)
    now, before = pair.counts(metric)
    change = compare(now, before, noise)
    direction: Direction = "not_comparable"
    if change is not None:
        direction = _direction(change, now, before, metric.more_is, alpha=_alpha(metric))
        if metric is RATE and direction == "same":
            direction = _steady_direction(pair, now, before, steps, causes)
    shown, shown_before = (_shown(metric, estimate(one, noise, per=metric.per)) for one in (now, before))
    return MetricChange(
        name=metric.name, label=metric.label, unit=metric.unit, now=shown, before=shown_before,
        change=difference(shown, shown_before), direction=direction, p_value=change.p_value if change else None,
        why="" if change else pair.why or "nothing to divide by", trend=pair.trend(metric),
    )  # fmt: skip


def _alpha(metric: Metric) -> float:
    if metric is RATE:
        return ALPHA / 2  # it is tried twice, with and without restarts
    return ALPHA if metric in HEADLINE else MINOR_ALPHA


def _steady_direction(
    pair: Pair, now: Blocks, before: Blocks, steps: Sequence[Step], causes: Sequence[CauseChange]
) -> Direction:
    """Return how the drops outside of restarts changed, if all drops together went the same way."""
    own, old = pair.counts(STEADY)
    change = compare(own, old, pair.noise(STEADY))
    direction = _direction(change, own, old, "worse", alpha=ALPHA / 2)
    step = next((step for step in steps if step.what == ALL), None)
    if direction == "same" and step is not None:
        direction = "better" if step.after < step.before else "worse"
    if direction == "same":
        direction = _direction_of_causes(change, own, old, steps, causes)
    went: Direction = "worse" if (now.rate or 0.0) > (before.rate or 0.0) else "better"
    return direction if direction == went else "same"


def _direction_of_causes(
    change: Change | None, now: Blocks, before: Blocks, steps: Sequence[Step], causes: Sequence[CauseChange]
) -> Direction:
    """Return how drops changed by causes that changed beyond noise, if the rest did not take their place.

    One cause scatters less than all together, so its change shows first; a drop that is merely called by another
    name leaves the sum where it was.
    """
    direction = _direction(change, now, before, "worse", alpha=SUM_ALPHA)
    stepped = {step.what: "better" if step.after < step.before else "worse" for step in steps}
    moved = 0.0
    for one in causes:
        is_steady = one.cause is not Cause.HANDSHAKE_FAILED and one.cause not in EPISODES
        if is_steady and direction in (one.direction, stepped.get(one.key)):
            moved += (one.now.value or 0.0) - (one.before.value or 0.0)
    total = ((now.rate or 0.0) - (before.rate or 0.0)) * RATE.per
    return direction if moved * total > 0 and abs(total) >= LEAST_PART * abs(moved) else "same"


def _shown(metric: Metric, rate: Estimate) -> Estimate:
    """Return a failure rate as a success share; and no share above one."""
    value, low, high = rate.value, rate.low, rate.high
    if value is None or low is None or high is None or metric.unit != "share":
        return rate
    high = max(value, min(1.0, high))
    if not metric.is_success:
        return Estimate(value=value, low=low, high=high)
    return Estimate(value=1 - value, low=1 - high, high=1 - low)


def _direction(change: Change | None, now: Blocks, before: Blocks, more_is: Direction, *, alpha: float) -> Direction:
    """Name what a change means, if it is more than noise and large enough to speak of."""
    if change is None or change.p_value >= alpha:
        return "same"
    old, new = before.rate or 0.0, now.rate or 0.0
    if abs(new - old) < LEAST_CHANGE * max(old, new):
        return "same"
    if more_is == "other":
        return "other"
    return "worse" if (change.t > 0) == (more_is == "worse") else "better"


def cause_metric(keys: Sequence[str]) -> Metric:
    """Return the rate of some causes (by `cause_key`): per 1 000 hours, failed handshakes per 1 000 attempts."""
    never = all(_never_opened(key) for key in keys)
    return Metric(
        name="+".join(keys), label="", unit="per 1 000 attempts" if never else "per 1 000 h",
        count=lambda week: drops_by(week, keys.__contains__),
        exposure=(lambda week: week.hours.attempts) if never else (lambda week: week.hours.connection_hours),
        per=1000.0, more_is="worse",
    )  # fmt: skip


def _never_opened(key: str) -> bool:
    return cause_of_key(key)[0] is Cause.HANDSHAKE_FAILED


def change_causes(pair: Pair) -> tuple[CauseChange, ...]:
    """Compare every cause of either week, this week's largest first; Holm's correction over all of them."""
    here = {one.key: one for one in pair.week.causes}
    gone = {one.key: replace(one, n=0) for one in (pair.other.causes if pair.other else ()) if one.key not in here}
    drops = pair.week.totals.drops
    rows: list[_Tested[CauseChange]] = []
    for key, one in (here | gone).items():
        metric = cause_metric([key])
        noise = pair.noise(metric)
        now, before = pair.counts(metric)
        change = compare(now, before, noise)
        row = CauseChange(
            cause=one.cause, tier=one.tier, timeouts_s=one.timeouts_s, n=one.n,
            share=one.n / drops if drops else 0.0, per=metric.unit, now=estimate(now, noise, per=metric.per),
            before=estimate(before, noise, per=metric.per), direction="same" if change else "not_comparable",
            p_value=change.p_value if change else None, trend=pair.trend(metric),
        )  # fmt: skip
        rows.append(_Tested(row, change, now, before))
    return _decided(rows, FAMILY_ALPHA)


def _decided(rows: Sequence[_Tested[Row]], alpha: float) -> tuple[Row, ...]:
    """Say of each of a family of numbers whether it changed."""
    alphas = _holm([one.change.p_value if one.change else 1.0 for one in rows], alpha)
    return tuple(
        replace(one.row, direction=_direction(one.change, one.now, one.before, "worse", alpha=own))
        if one.change
        else one.row
        for one, own in zip(rows, alphas, strict=True)
    )


def _holm(p_values: Sequence[float], alpha: float) -> list[float]:
    """Return for each p-value the bound it must be below (Holm 1979): once one fails, so do all larger ones."""
    bounds = [0.0] * len(p_values)
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    for rank, i in enumerate(order):
        bound = alpha / (len(p_values) - rank)
        if p_values[i] >= bound:
            break
        bounds[i] = bound
    return bounds


def change_groups(dimension: str, pair: Pair) -> tuple[GroupChange, ...]:
    """Compare the largest groups of one dimension, most drops first."""
    rows = pair.week.groups.get(dimension, ())[:MOST_GROUPS]
    before = {group.value: group for group in pair.other.groups.get(dimension, ())} if pair.other else {}
    histories = [{one.value: one for one in week.groups.get(dimension, ())} for week, _ in pair.history]
    tested: list[_Tested[GroupChange]] = []
    for group in rows:
        trend = [known.get(group.value) for known in histories]
        noise = learn_noise([_group_blocks(one) for one in trend if one])
        now = _group_blocks(group)
        twin = before.get(group.value)
        old = _group_blocks(twin) if twin else NOTHING
        change = _change_group(now, old, noise, pair) if twin else None
        row = GroupChange(
            value=group.value, drops=group.drops, top_cause=group.top_cause, now=estimate(now, noise, per=RATE.per),
            before=estimate(old, noise, per=RATE.per), direction="same" if change else "not_comparable",
            trend=tuple(RATE.value(_group_blocks(one)) if one else None for one in (*trend, group)),
        )  # fmt: skip
        tested.append(_Tested(row, change, now, old))
    return _decided(tested, FAMILY_ALPHA / 5)


def _change_group(now: Blocks, before: Blocks, noise: Noise, pair: Pair) -> Change | None:
    """Compare a group on the days that both weeks cover whole: it is counted by days only."""
    days = [_is_whole(pair.hours, day) for day in range(7)]
    if pair.why or sum(days) < 3:
        return None

    def only(week: Blocks) -> Blocks:
        counts = tuple(n for n, used in zip(week.counts, days, strict=True) if used)
        return Blocks(counts, tuple(d for d, used in zip(week.exposures, days, strict=True) if used))

    return compare(only(now), only(before), noise)


def _is_whole(hours: Sequence[bool], day: int) -> bool:
    # A day of a DST week starts an hour off; its edge does not matter here.
    return all(hours[day * 24 + 1 : day * 24 + 23])


def _group_blocks(group: WeekGroup) -> Blocks:
    return Blocks(tuple(map(float, group.opened_drops_by_day)), group.hours_by_day)


def find_steps(pair: Pair) -> tuple[Step, ...]:
    """Find where drops of all causes, or of one of the largest, left last week's level within this week."""
    if pair.other is None or pair.why:
        return ()
    weights = {one.key: one.n for one in (*pair.other.causes, *pair.week.causes)}
    keys = sorted(weights, key=lambda key: -weights[key])[:STEP_CAUSES]
    counted = {ALL: STEADY} | {key: cause_metric([key]) for key in keys if not _never_opened(key)}
    monday = pair.week.start.astimezone(ZoneInfo(pair.week.zone))
    steps = (
        find_step(*pair.counts(metric), pair.noise(metric), what=what, monday=monday)
        for what, metric in counted.items()
    )
    return tuple(step for step in steps if step is not None)
