"""What changed between two weeks: each number with its interval and trend, and whether it is more than noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from wslog.schema import Cause
from wslog.weekly.metrics import EPISODES, HEADLINE, RATE, STEADY, Metric, blocks_of
from wslog.weekly.rates import UNKNOWN, Blocks, Change, Noise, compare, difference, estimate, learn_noise
from wslog.weekly.steps import find_step
from wslog.weekly_result import (
    CauseChange,
    Direction,
    Estimate,
    GroupChange,
    MetricChange,
    Step,
    WeekGroup,
    WeekSummary,
)

if TYPE_CHECKING:
    from wslog.weekly.report import Pair

ALPHA: Final = 0.005  # for each headline number
MINOR_ALPHA: Final = 0.002  # for each number beside those
FAMILY_ALPHA: Final = 0.005  # for all causes together, and for all groups together
SUM_ALPHA: Final = 0.1  # for the sum of all causes, where one of them changed for sure
LEAST_PART: Final = 0.5  # of that cause's change must be left in the sum
LEAST_CHANGE: Final = 0.05  # a smaller change is not worth a sentence, however sure
MOST_GROUPS: Final = 10
STEP_CAUSES: Final = 5


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
    noise = learn_noise([blocks_of(metric, week, hours) for week, hours in pair.history])
    now = blocks_of(metric, pair.week, pair.hours if pair.other and not pair.why else pair.covered)
    trend = [_value(metric, blocks_of(metric, week, hours)) for week, hours in pair.history]
    trend.append(_value(metric, blocks_of(metric, pair.week, pair.covered)))
    shown = _shown(metric, estimate(now, noise, per=metric.per))
    if pair.other is None or pair.why:
        return _metric(metric, shown, UNKNOWN, why=pair.why, trend=trend)
    before = blocks_of(metric, pair.other, pair.other_hours)
    change = compare(now, before, noise)
    shown_before = _shown(metric, estimate(before, noise, per=metric.per))
    if change is None:
        return _metric(metric, shown, shown_before, why="nothing to divide by", trend=trend)
    direction = _direction(change, now, before, metric.more_is, alpha=_alpha(metric))
    if metric is RATE and direction == "same":
        direction = _steady_direction(pair, now, before, steps, causes)
    return _metric(metric, shown, shown_before, direction=direction, p_value=change.p_value, trend=trend)


def _alpha(metric: Metric) -> float:
    if metric is RATE:
        return ALPHA / 2  # it is tried twice, with and without restarts
    return ALPHA if metric in HEADLINE else MINOR_ALPHA


def _steady_direction(
    pair: Pair, now: Blocks, before: Blocks, steps: Sequence[Step], causes: Sequence[CauseChange]
) -> Direction:
    """Return how the drops outside of restarts changed, if all drops together went the same way."""
    if pair.other is None:
        return "same"
    noise = learn_noise([blocks_of(STEADY, week, hours) for week, hours in pair.history])
    own, old = blocks_of(STEADY, pair.week, pair.hours), blocks_of(STEADY, pair.other, pair.other_hours)
    change = compare(own, old, noise)
    direction = _direction(change, own, old, "worse", alpha=ALPHA / 2)
    step = next((step for step in steps if step.what == "all"), None)
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
        if is_steady and direction in (one.direction, stepped.get(f"{one.cause}|{one.tier}")):
            moved += (one.now.value or 0.0) - (one.before.value or 0.0)
    total = ((now.rate or 0.0) - (before.rate or 0.0)) * RATE.per
    return direction if moved * total > 0 and abs(total) >= LEAST_PART * abs(moved) else "same"


def _metric(
    metric: Metric,
    now: Estimate,
    before: Estimate,
    *,
    direction: Direction = "not_comparable",
    p_value: float | None = None,
    why: str = "",
    trend: Sequence[float | None],
) -> MetricChange:
    return MetricChange(
        name=metric.name, label=metric.label, unit=metric.unit, now=now, before=before, change=difference(now, before),
        direction=direction, p_value=p_value, why=why, trend=tuple(trend),
    )  # fmt: skip


def _value(metric: Metric, blocks: Blocks) -> float | None:
    rate = blocks.rate
    if rate is None:
        return None
    return 1 - rate if metric.is_success else rate * metric.per


def _shown(metric: Metric, rate: Estimate) -> Estimate:
    """Return a failure rate as a success share; and no share above one."""
    if rate.value is None or rate.low is None or rate.high is None:
        return rate
    if metric.unit == "share":
        rate = Estimate(value=rate.value, low=rate.low, high=max(rate.value, min(1.0, rate.high)))
    if not metric.is_success or rate.value is None:
        return rate
    low, high = rate.low or 0.0, 1.0 if rate.high is None else rate.high
    return Estimate(value=1 - rate.value, low=1 - high, high=1 - low)


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
    """Return the rate of some causes (`cause|tier`): per 1 000 hours, failed handshakes per 1 000 attempts."""
    never = all(key.startswith(f"{Cause.HANDSHAKE_FAILED}|") for key in keys)

    def count(week: WeekSummary) -> list[float]:
        rows = [week.hours.by_cause[key] for key in keys if key in week.hours.by_cause]
        return [float(sum(column)) for column in zip(*rows, strict=True)] if rows else [0.0] * len(week.hours.drops)

    return Metric(
        name="+".join(keys), label="", unit="per 1 000 attempts" if never else "per 1 000 h", count=count,
        exposure=(lambda week: week.hours.attempts) if never else (lambda week: week.hours.connection_hours),
        per=1000.0, more_is="worse",
    )  # fmt: skip


def change_causes(pair: Pair) -> tuple[CauseChange, ...]:
    """Compare every cause of either week, this week's largest first; Holm's correction over all of them."""
    keys = [f"{one.cause}|{one.tier}" for one in pair.week.causes]
    known = {f"{one.cause}|{one.tier}": one for one in (*(pair.other.causes if pair.other else ()), *pair.week.causes)}
    keys += [key for key in known if key not in keys]
    here = {f"{one.cause}|{one.tier}": one.n for one in pair.week.causes}
    drops = pair.week.totals.drops
    rows: list[tuple[CauseChange, Change | None, Blocks, Blocks]] = []
    for key in keys:
        metric = cause_metric([key])
        noise = learn_noise([blocks_of(metric, week, hours) for week, hours in pair.history])
        now = blocks_of(metric, pair.week, pair.hours if pair.other and not pair.why else pair.covered)
        before = blocks_of(metric, pair.other, pair.other_hours) if pair.other and not pair.why else Blocks((), ())
        change = compare(now, before, noise) if pair.other and not pair.why else None
        trend = [_value(metric, blocks_of(metric, week, hours)) for week, hours in pair.history]
        trend.append(_value(metric, blocks_of(metric, pair.week, pair.covered)))
        n = here.get(key, 0)
        row = CauseChange(
            cause=known[key].cause, tier=known[key].tier, timeouts_s=known[key].timeouts_s, n=n,
            share=n / drops if drops else 0.0, per=metric.unit, now=estimate(now, noise, per=metric.per),
            before=estimate(before, noise, per=metric.per), direction="same" if change else "not_comparable",
            p_value=change.p_value if change else None, trend=tuple(trend),
        )  # fmt: skip
        rows.append((row, change, now, before))
    alphas = _holm([change.p_value if change else 1.0 for _, change, _, _ in rows], FAMILY_ALPHA)
    return tuple(
        replace(row, direction=_direction(change, now, before, "worse", alpha=alpha)) if change else row
        for (row, change, now, before), alpha in zip(rows, alphas, strict=True)
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
    histories = [({g.value: g for g in week.groups.get(dimension, ())}, hours) for week, hours in pair.history]
    made: list[tuple[GroupChange, Change | None, Blocks, Blocks]] = []
    for group in rows:
        past = [known[group.value] for known, _ in histories if group.value in known]
        noise = learn_noise([_group_blocks(one) for one in past])
        now = _group_blocks(group)
        twin = before.get(group.value)
        old = _group_blocks(twin) if twin else Blocks((), ())
        change = _change_group(now, old, noise, pair) if twin else None
        trend = [known.get(group.value) for known, _ in histories]
        made.append(
            (
                GroupChange(
                    value=group.value,
                    drops=group.drops,
                    top_cause=group.top_cause,
                    now=estimate(now, noise, per=1000.0),
                    before=estimate(old, noise, per=1000.0),
                    direction="same" if change else "not_comparable",
                    trend=tuple(_value(RATE, _group_blocks(one)) if one else None for one in [*trend, group]),
                ),
                change,
                now,
                old,
            )
        )
    alphas = _holm([change.p_value if change else 1.0 for _, change, _, _ in made], FAMILY_ALPHA / 5)
    return tuple(
        replace(row, direction=_direction(change, now, old, "worse", alpha=alpha)) if change else row
        for (row, change, now, old), alpha in zip(made, alphas, strict=True)
    )


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
    weights = {f"{one.cause}|{one.tier}": one.n for one in (*pair.other.causes, *pair.week.causes)}
    keys = sorted(weights, key=lambda key: -weights[key])[:STEP_CAUSES]
    opened = [key for key in keys if not key.startswith(f"{Cause.HANDSHAKE_FAILED}|")]
    steps = []
    for what, metric in (("all", STEADY), *((key, cause_metric([key])) for key in opened)):
        noise = learn_noise([blocks_of(metric, week, hours) for week, hours in pair.history])
        now = blocks_of(metric, pair.week, pair.hours)
        before = blocks_of(metric, pair.other, pair.other_hours)
        step = find_step(now, before, noise, what=what, monday=pair.week.start.astimezone(ZoneInfo(pair.week.zone)))
        if step is not None:
            steps.append(step)
    return tuple(steps)
