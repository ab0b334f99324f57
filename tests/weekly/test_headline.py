"""The weekly answer in a sentence or two: whole texts, from hand-typed changes."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from tests.weekly.weeks import Site, make_week
from wslog.schema import Cause, Tier
from wslog.weekly.headline import write_headline
from wslog.weekly_result import CauseChange, Direction, Estimate, MetricChange, Step

WEEK = make_week("2026-W46", Site(attempts_per_hour=20), seed=1)
WEDNESDAY = dt.datetime(2026, 11, 11, 12, tzinfo=dt.UTC)


def about(value: float | None) -> Estimate:
    return Estimate(value=value, low=value, high=value)


def metric(before: float | None, now: float | None, direction: Direction, **more: Any) -> MetricChange:
    change = None if before is None or now is None else now - before
    plain = MetricChange(
        name="drops_per_1000_connection_hours", label="drops", unit="per 1 000 connection hours", now=about(now),
        before=about(before), change=about(change), direction=direction, p_value=None, why="", trend=(),
    )  # fmt: skip
    return replace(plain, **more)


def cause(before: float | None, now: float | None, direction: Direction, *, n: int = 30, **more: Any) -> CauseChange:
    plain = CauseChange(
        cause=Cause.IDLE_TIMEOUT, tier=Tier.NGINX, timeouts_s=(60.0,), n=n, share=0.6, per="per 1 000 connection hours",
        now=about(now), before=about(before), direction=direction, p_value=None, trend=(),
    )  # fmt: skip
    return replace(plain, **more)


def step(what: str, before: float, after: float) -> Step:
    return Step(what=what, at=WEDNESDAY, width_hours=1.0, before=before, after=after, p_value=0.001)


def headline(metrics: list[MetricChange], causes: list[CauseChange], *steps: Step, why: str = "") -> str:
    return write_headline(WEEK, metrics, causes, steps, why=why, other="2026-W45")


MORE, SAME = metric(4.0, 9.0, "worse"), metric(4.0, 4.1, "same")
TOLD = "More drops: 9 drops per 1 000 connection hours, 4 in 2026-W45 (+125 %)."
NO_CHANGE = "No change in drops: 4.1 drops per 1 000 connection hours (4 in 2026-W45, no more than noise apart)."
MOST = " Most: idle timeouts (nginx), 60 % of the drops."


@pytest.mark.parametrize(
    ("causes", "steps", "reason"),
    [
        ([], [], " No single cause accounts for it."),
        ([cause(1.0, 6.0, "worse")], [], " Idle timeouts (nginx): 1 → 6 per 1 000 connection hours."),
        ([cause(6.0, 1.0, "better")], [], " No single cause accounts for it."),
        ([cause(None, 6.0, "worse")], [], " No single cause accounts for it."),
        ([], [step("all", 4.0, 12.0)], " Since Wed 11 Nov 12:00 it is 12, before 4."),
        (
            [cause(1.0, 6.0, "worse")],
            [step("all", 4.0, 12.0), step("network_loss|network", 1.0, 3.0), step("server_restart|app", 9.0, 2.0)],
            " Network losses rose around Wed 11 Nov 12:00: 1 before and 3 since.",
        ),
    ],
)
def test_more_drops_and_why(causes: list[CauseChange], steps: list[Step], reason: str) -> None:
    """The cause with its own step comes first, then the one that changed most the same way; else nobody is blamed."""
    assert headline([MORE], causes, *steps) == TOLD + reason


def test_no_change_and_what_moved_all_the_same() -> None:
    """Other numbers and causes that moved are told, at most two causes, and each once."""
    share = metric(0.01, 0.03, "worse", label="failed handshakes", unit="share")
    wait = metric(2.0, 3.0, "same", label="time to reconnect", unit="s")
    causes = [cause(3.0, 1.0, "better"), cause(1.0, 2.0, "worse", cause=Cause.NETWORK_LOSS, tier=Tier.NETWORK)]
    told = headline([SAME, share, wait], causes, step("idle_timeout|nginx", 3.0, 0.5))
    assert told == (
        f"{NO_CHANGE} But failed handshakes went from 1.00 % to 3.00 %; idle timeouts (nginx) fell around "
        "Wed 11 Nov 12:00: 3 per 1 000 h before, 0.5 since; network losses rose from 1 to 2 per 1 000 connection "
        f"hours.{MOST}"
    )


@pytest.mark.parametrize(
    ("unit", "written"),
    [("share", "1000.00 % to 3000.00 %"), ("s", "10 s to 30 s"), ("per user", "10 per user to 30 per user")],
)
def test_numbers_keep_their_unit(unit: str, written: str) -> None:
    """Shares in percent, times with their unit, others with what they are per."""
    moved = metric(10.0, 30.0, "worse", label="it", unit=unit)
    assert headline([SAME, moved], []) == f"{NO_CHANGE} But it went from {written}."


@pytest.mark.parametrize(
    ("rate", "why", "reason"),
    [
        (metric(None, 4.0, "not_comparable", why="no hours in common"), "", ": no hours in common"),
        (metric(None, 4.0, "not_comparable"), "there is no earlier week", ": there is no earlier week"),
        (metric(4.0, 4.0, "not_comparable"), "", ""),
    ],
)
def test_weeks_that_cannot_be_compared(rate: MetricChange, why: str, reason: str) -> None:
    """The number stands alone, with the reason where there is one, and the largest cause."""
    causes = [cause(None, 2.0, "not_comparable", n=0), cause(None, 2.0, "not_comparable")]
    now = "4 drops per 1 000 connection hours"
    assert headline([rate], causes, why=why) == f"{now}. No comparison{reason}.{MOST}"


def test_a_rate_that_is_not_known_is_said_to_be() -> None:
    """No hours at all: no number is made up."""
    assert headline([metric(4.0, None, "not_comparable")], []) == (
        "How many drops per 1 000 connection hours is not known. No comparison."
    )
