"""`--fail-if` of a week: what holds beyond noise, in what unit it is told, and what is not known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.weekly.weeks import IDLE, Change, Site, Spec, make_week
from wslog.weekly import compare_weeks, write_report
from wslog.weekly.pair import Pair
from wslog.weekly.thresholds import Verdict, judge_threshold, parse_weekly_threshold
from wslog.weekly_result import WeekSummary

SITE = Site(attempts_per_hour=1_000)
QUIET = [make_week(f"2026-W{number}", SITE, seed=number) for number in range(42, 46)]
WORSE = make_week("2026-W46", SITE, Spec(changes=(Change(IDLE, 4.0, 0),)), seed=99)


def judged(
    text: str, week: WeekSummary = WORSE, other: WeekSummary | None = QUIET[-1], *, strict: bool = False
) -> Verdict:
    pair: Pair = compare_weeks(week, other, QUIET if other else [])
    return judge_threshold(parse_weekly_threshold(text), write_report(pair), pair, strict=strict)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("delta:drops_per_1000_connection_hours > 20%", " %"),  # of last week's value
        ("delta:drops_per_1000_connection_hours > 5", "rose most: idle timeouts (nginx), "),
        ("delta:drop_share > 0.5%", " points"),  # a difference of shares is in percentage points
        ("cause:idle_timeout_share > 50%", "largest cause: idle timeouts (nginx), "),
    ],
)
def test_what_rose_beyond_noise_fails_and_is_told_in_its_unit(text: str, says: str) -> None:
    """Four times as many idle timeouts: each of these holds, and the message names value, interval and cause."""
    verdict = judged(text)
    assert verdict.holds
    assert says in verdict.message
    assert "(95 %: " in verdict.message


@pytest.mark.parametrize("text", ["rejected_share >= 2%", "delta:rejected_share >= 1%", "p95_reconnect_s >= 0"])
def test_exact_numbers_have_no_interval(text: str) -> None:
    """Lines that did not parse and waits are counted, not estimated: the value decides."""
    week, other = replace(WORSE, lines=1000, rejected=20), replace(QUIET[-1], lines=1000, rejected=10)
    verdict = judged(text, week, other)
    assert verdict.holds
    assert "95 %" not in verdict.message


def test_equality_is_asked_of_the_value_alone() -> None:
    """No interval is ever equal to a number."""
    week = replace(WORSE, lines=1000, rejected=20)
    assert judged("rejected_share == 2%", week).holds
    assert not judged("rejected_share != 2%", week).holds


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("new_cluster", "new_cluster is not known: there is no"),
        ("delta:drops_per_1000_connection_hours > 20%", "is not known: "),
        ("delta:rejected_share > 20%", "is not known: nothing to measure it by"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_without_another_week_no_delta_holds(text: str, says: str, *, strict: bool) -> None:
    """Nothing to compare with is no failure, strict or not, and is said."""
    verdict = judged(text, replace(WORSE, lines=1000, rejected=20), None, strict=strict)
    assert not verdict.holds
    assert says in verdict.message


def test_nothing_read_has_no_share_of_rejects() -> None:
    """0 of 0 is no number."""
    verdict = judged("rejected_share > 0", replace(WORSE, lines=0, rejected=0))
    assert verdict == Verdict(holds=False, message="rejected_share is not known: nothing to measure it by")


def test_a_share_of_nothing_is_not_known() -> None:
    """A relative delta needs something to be relative to: last week's wait was none."""
    other = replace(QUIET[-1], reconnects=replace(QUIET[-1].reconnects, p95_s=0.0))
    week = replace(WORSE, reconnects=replace(WORSE.reconnects, p95_s=2.0))
    verdict = judged("delta:p95_reconnect_s > 20%", week, other)
    assert not verdict.holds
    assert "is not known" in verdict.message
