"""What last week's advice did: whether the drops it spoke to fell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from wslog.weekly.changes import ALPHA, cause_metric
from wslog.weekly.pair import Pair
from wslog.weekly.rates import compare
from wslog.weekly.words import cause_words, relative
from wslog.weekly_result import AdviceOutcome, Step, WeekAdvice, cause_of_key
from wslog.wording import count, decimal, moment, sentence

Verdict = Literal["better", "same", "worse", "unclear"]


def judge_advice(pair: Pair, steps: Sequence[Step]) -> tuple[AdviceOutcome, ...]:
    """Say of each piece of the other week's advice what became of the drops it spoke to.

    Whether it was followed is not in the logs: only what happened is said.
    """
    if pair.other is None:
        return ()
    spoken = [one for one in pair.other.advice if one.causes and one.advice.would_prevent_n]
    return tuple(_judge(one, pair, steps) for one in spoken)


def _judge(one: WeekAdvice, pair: Pair, steps: Sequence[Step]) -> AdviceOutcome:
    what = ", ".join(cause_words(key) for key in one.causes)
    if not pair.is_comparable:
        return _outcome(one, "unclear", f"{what}: cannot be compared, {pair.why}")
    metric = cause_metric(one.causes)
    now, before = pair.counts(metric)
    change = compare(now, before, pair.noise(metric))
    if change is None or now.rate is None or before.rate is None:
        return _outcome(one, "unclear", f"{what}: nothing to compare")
    step = next((step for step in steps if step.what in one.causes), None)
    old, new = before.rate * metric.per, now.rate * metric.per
    numbers = f"{what}: {decimal(old)} → {decimal(new)} {metric.unit} ({relative(new, old)})"
    if step is not None:
        verdict: Verdict = "better" if step.after < step.before else "worse"
        when = moment(step.at, pair.week.zone)
        numbers += f"; {decimal(step.after)} since {when}, {decimal(step.before)} before"
    else:
        verdict = "same" if change.p_value >= ALPHA else "better" if change.t < 0 else "worse"
    if verdict == "same":
        numbers += ", no more than noise"
    return _outcome(one, verdict, numbers + _replaced(one, pair) * (verdict == "better"))


def _replaced(one: WeekAdvice, pair: Pair) -> str:
    """Return a warning if the same cause, of another tier, took the place of what fell."""
    if pair.other is None:
        return ""
    causes = {cause_of_key(key)[0] for key in one.causes}
    here = {cause.key: cause.n for cause in pair.week.causes if cause.cause in causes}
    there = {cause.key: cause.n for cause in pair.other.causes if cause.cause in causes}
    fell = sum(there.get(key, 0) - here.get(key, 0) for key in one.causes)
    rose = {key: n - there.get(key, 0) for key, n in here.items() if key not in one.causes}
    largest = max(rose, key=lambda key: rose[key], default=None)
    if largest is None or rose[largest] < 0.3 * fell:
        return ""
    return f". But {cause_words(largest)} took part of their place: {count(here[largest])} now"


def _outcome(one: WeekAdvice, verdict: Verdict, statement: str) -> AdviceOutcome:
    return AdviceOutcome(
        text=one.advice.text,
        would_prevent_n=one.advice.would_prevent_n,
        verdict=verdict,
        statement=sentence(statement),
    )
