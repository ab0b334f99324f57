"""The weekly answer in a sentence or two, and what must be known before believing it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wslog.weekly.coverage import Covered, tiers_of
from wslog.weekly.words import cause_words, relative
from wslog.weekly_result import ALL, CauseChange, MetricChange, Step, WeekSummary
from wslog.wording import counted, decimal, moment, seconds, sentence, whole_percent

MOST_GAPS: Final = 4


def write_headline(
    week: WeekSummary,
    metrics: Sequence[MetricChange],
    causes: Sequence[CauseChange],
    steps: Sequence[Step],
    *,
    why: str,
    other: str | None,
) -> str:
    """Say whether sockets got better, by how much, and which cause that is."""
    rate = metrics[0]
    if not week.totals.attempts:
        return "No WebSocket connections are known of this week."
    per = "drops per 1 000 connection hours"
    is_now = f"How many {per} is not known" if rate.now.value is None else f"{decimal(rate.now.value)} {per}"
    if rate.direction == "not_comparable" or rate.before.value is None or rate.now.value is None:
        reason = f": {why or rate.why}" if (why or rate.why) else ""
        return f"{is_now}. No comparison{reason}. {_largest(causes)}".strip()
    if rate.direction == "same":
        others = [_metric(one) for one in metrics[1:3] if one.direction in ("better", "worse")]
        others += _causes(week, causes, steps)[:2]
        told = f" But {'; '.join(others)}." if others else ""
        was = f"{decimal(rate.before.value)} in {other}, no more than noise apart"
        return f"No change in drops: {is_now} ({was}).{told} {_largest(causes)}".strip()
    verb = "Fewer" if rate.direction == "better" else "More"
    change = relative(rate.now.value, rate.before.value)
    reason = _reason(week, rate, causes, steps)
    return f"{verb} drops: {is_now}, {decimal(rate.before.value)} in {other} ({change}).{reason}"


def _reason(week: WeekSummary, rate: MetricChange, causes: Sequence[CauseChange], steps: Sequence[Step]) -> str:
    """Name the cause that changed most, and since when."""
    own = [step for step in steps if step.what != ALL and (step.after < step.before) == (rate.direction == "better")]
    if own:
        step = max(own, key=lambda step: abs(step.after - step.before))
        when = moment(step.at, week.zone)
        levels = f"{decimal(step.before)} before and {decimal(step.after)} since"
        verb = "fell" if step.after < step.before else "rose"
        return f" {sentence(cause_words(step.what))} {verb} around {when}: {levels}."
    moved = [cause for cause in causes if cause.direction == rate.direction]
    moved = [cause for cause in moved if cause.now.value is not None and cause.before.value is not None]
    if moved:
        top = max(moved, key=lambda cause: abs((cause.now.value or 0.0) - (cause.before.value or 0.0)))
        levels = f"{decimal(top.before.value or 0.0)} → {decimal(top.now.value or 0.0)} {top.per}"
        return f" {sentence(cause_words(top.key))}: {levels}."
    steps_of_all = [step for step in steps if step.what == ALL]
    if steps_of_all:
        step = steps_of_all[0]
        return f" Since {moment(step.at, week.zone)} it is {decimal(step.after)}, before {decimal(step.before)}."
    return " No single cause accounts for it."


def _causes(week: WeekSummary, causes: Sequence[CauseChange], steps: Sequence[Step]) -> list[str]:
    """Name the causes that changed, where all drops together did not."""
    told = {}
    for step in steps:
        if step.what != ALL:
            verb = "fell" if step.after < step.before else "rose"
            levels = f"{decimal(step.before)} per 1 000 h before, {decimal(step.after)} since"
            told[step.what] = f"{cause_words(step.what)} {verb} around {moment(step.at, week.zone)}: {levels}"
    for cause in causes:
        if cause.direction in ("better", "worse") and cause.key not in told:
            verb = "fell" if cause.direction == "better" else "rose"
            levels = f"from {decimal(cause.before.value or 0.0)} to {decimal(cause.now.value or 0.0)} {cause.per}"
            told[cause.key] = f"{cause_words(cause.key)} {verb} {levels}"
    return list(told.values())


def _largest(causes: Sequence[CauseChange]) -> str:
    top = next((cause for cause in causes if cause.n), None)
    return f"Most: {cause_words(top.key)}, {whole_percent(top.share)} of the drops." if top else ""


def _metric(metric: MetricChange) -> str:
    now, before = metric.now.value or 0.0, metric.before.value or 0.0
    if metric.unit == "share":
        return f"{metric.label} went from {before * 100:.2f} % to {now * 100:.2f} %"
    if metric.unit == "s":
        return f"{metric.label} went from {seconds(before)} to {seconds(now)}"
    return f"{metric.label} went from {decimal(before)} {metric.unit} to {decimal(now)} {metric.unit}"


def write_notes(
    week: WeekSummary, other: WeekSummary | None, own: Covered, others: Covered | None, *, is_partial: bool
) -> tuple[str, ...]:
    """Say what must be known first: ends that nobody saw, a week that is not whole, logs missing, a tier that came."""
    notes = []
    if 2 * week.totals.ends_not_known > week.totals.opened:  # few rates of drops are as low as they look
        many = counted(week.totals.ends_not_known, "connection")
        notes.append(f"These logs do not say how {many} that opened ended: none of them counts as a drop.")
    covered, total = sum(own.hours), len(own.hours)
    if is_partial:
        notes.append(f"A partial week: logs cover {covered} of its {total} hours.")
    for gap in own.gaps[:MOST_GAPS]:
        if gap.note != "the week is not over":
            span = f"{moment(gap.start, week.zone)} to {moment(gap.end, week.zone)}"
            notes.append(f"{sentence(gap.note)} from {span} ({gap.n_hours} h): left out of every comparison.")
    if len(own.gaps) > MOST_GAPS:
        notes.append(f"{counted(len(own.gaps) - MOST_GAPS, 'more gap')} in the logs.")
    if other is not None and others is not None:
        gone = [tier for tier in tiers_of([other]) if tier not in tiers_of([week])]
        begun = [tier for tier in tiers_of([week]) if tier not in tiers_of([other])]
        notes += [f"No {tier} logs at all this week; {other.week} had some." for tier in gone]
        notes += [f"The {tier} logs begin this week; {other.week} had none." for tier in begun]
        if not all(others.hours) and not gone and not begun:
            n = len(others.hours) - sum(others.hours)
            notes.append(f"{other.week} lacks logs of {n} of its hours: those hours are left out here too.")
    return tuple(notes)
