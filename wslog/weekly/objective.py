"""A service level objective: the error budget it leaves, how much of it a week used, and by which causes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wslog.errors import OptionError
from wslog.schema import Cause
from wslog.summarize.metrics import EXPRESSION
from wslog.weekly.metrics import DROP_SHARE, HANDSHAKES, RATE, Metric
from wslog.weekly_result import Burn, Objective, WeekSummary

ALLOWED: Final = {metric.name: metric for metric in (RATE, DROP_SHARE, HANDSHAKES)}
WEEKS: Final = 4


def parse_objective(text: str) -> tuple[Metric, float]:
    """Read `drops_per_1000_connection_hours<=2` or `handshake_success_share>=99.5%`.

    Returns:
        The metric, and the rate of bad outcomes allowed (per 1 000 hours, or a share).

    Raises:
        OptionError: If it has another form, or leaves no budget at all.
    """
    found = EXPRESSION.fullmatch(text)
    metric = ALLOWED.get(found.group(1)) if found else None
    if found is None or metric is None:
        raise OptionError(
            f"{text!r} is not an objective",
            where="--slo",
            mend=f"Write for example 'drops_per_1000_connection_hours<=2'; metrics: {', '.join(ALLOWED)}.",
        )
    _, op, digits, percent = found.groups()
    wanted = (">", ">=") if metric.is_success else ("<", "<=")
    try:
        number = float(digits) / (100 if percent else 1)
    except ValueError:
        number = -1.0
    budget = 1 - number if metric.is_success else number
    if op not in wanted or not 0 < budget < float("inf"):
        raise OptionError(
            f"{text!r} leaves no error budget", where="--slo", mend=f"Write {metric.name}{wanted[1]}NUMBER."
        )
    return metric, budget


def judge_objective(text: str, weeks: Sequence[WeekSummary], covered: Sequence[Sequence[bool]]) -> Objective:
    """Hold a week and the last four against an objective, over the hours their logs cover.

    Args:
        text: The expression.
        weeks: Oldest first, the reported one last.
        covered: Per week and hour, whether it counts.
    """
    metric, budget = parse_objective(text)
    last = list(zip(weeks, covered, strict=True))[-WEEKS:]
    totals = [_spent(metric, week, hours) for week, hours in last]
    spent, exposure = totals[-1]
    allowed = budget * exposure / metric.per
    all_allowed = budget * sum(each for _, each in totals) / metric.per
    return Objective(
        expression=text,
        metric=metric.name,
        target=1 - budget if metric.is_success else budget,
        allowed=allowed,
        spent=round(spent),
        used=spent / allowed if allowed > 0 else None,
        used_four_weeks=sum(n for n, _ in totals) / all_allowed if all_allowed > 0 else None,
        weeks_counted=len(totals),
        is_met=spent <= allowed,
        burn=_burn(metric, weeks[-1], covered[-1], allowed),
    )


def _spent(metric: Metric, week: WeekSummary, hours: Sequence[bool]) -> tuple[float, float]:
    rows = list(zip(hours, metric.count(week), metric.exposure(week), strict=True))
    return sum(n for used, n, _ in rows if used), sum(d for used, _, d in rows if used)


def _burn(metric: Metric, week: WeekSummary, hours: Sequence[bool], allowed: float) -> tuple[Burn, ...]:
    """Split what was spent by cause; for rates of opened connections, what never opened burns nothing."""
    burns = []
    for cause in week.causes:
        never = cause.cause is Cause.HANDSHAKE_FAILED
        if (metric is RATE and never) or (metric is HANDSHAKES and not never):
            continue
        by_hour = week.hours.by_cause.get(cause.key, ())
        n = sum(count for count, used in zip(by_hour, hours, strict=False) if used)
        if n and allowed > 0:
            burns.append(Burn(cause=cause.cause, tier=cause.tier, n=n, used=n / allowed))
    return tuple(sorted(burns, key=lambda burn: -burn.n))
