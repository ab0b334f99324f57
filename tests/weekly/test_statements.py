"""Weeks with known changes: what the report must say of them, and what it must not."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import pytest
from msgspec import structs

from tests.weekly.accuracy import HEADLINE, SITES, claims, false_alarms
from tests.weekly.weeks import IDLE, LOSS, Change, Site, Spec, make_week
from wslog.weekly import compare_weeks, write_report
from wslog.weekly_result import WeeklyReport

SITE = Site(attempts_per_hour=2_000)
ORDINARY = Spec()
NAMES = [f"2026-W{number}" for number in range(40, 47)]


def report(
    spec: Spec, *, site: Site = SITE, before: Spec = ORDINARY, seed: int = 7, slo: str | None = None
) -> WeeklyReport:
    """Report on one week after six ordinary ones; *before* makes the last of those."""
    weeks = [make_week(name, site, seed=seed * 50 + nth) for nth, name in enumerate(NAMES[:-2])]
    weeks.append(make_week(NAMES[-2], site, before, seed=seed * 50 + 20))
    last = make_week(NAMES[-1], site, spec, seed=seed * 50 + 30)
    return write_report(compare_weeks(last, weeks[-1], weeks), slo=slo)


def test_a_fix_on_wednesday_is_named_with_its_moment_and_its_cause() -> None:
    """The headline says fewer, which cause, and since when; last week's advice is told to have worked."""
    made = report(Spec(changes=(Change(IDLE, 0.08, 60),)))
    step = next(step for step in made.steps if step.what == IDLE)
    assert abs(step.at - dt.datetime(2026, 11, 11, 12, tzinfo=dt.UTC)) <= dt.timedelta(hours=6)
    assert step.after < 0.2 * step.before
    assert made.metrics[0].direction == "better"
    assert made.headline.startswith("Fewer drops")
    assert "Idle timeouts (nginx)" in made.headline
    assert [one.verdict for one in made.outcomes] == ["better"]
    assert not [one for one in made.causes if one.cause == "network_loss" and one.direction != "same"]


def test_a_new_cause_of_drops_is_worse_and_named() -> None:
    """What rose is in the headline, and nothing else is."""
    made = report(Spec(changes=(Change(LOSS, 3.0, 0),)))
    assert made.metrics[0].direction == "worse"
    assert made.headline.startswith("More drops")
    assert "network losses" in made.headline.lower()
    assert {one.cause for one in made.causes if one.direction == "worse"} == {"network_loss"}


def test_a_new_cluster_is_new_and_the_old_one_is_not() -> None:
    """A second timer at 75 s is told apart from the first."""
    made = report(Spec(clusters=((60.0, 0.7), (75.0, 0.3))))
    assert [one.cluster.timeout_s for one in made.clusters if one.kind == "new"] == [75.0]
    assert "gone" not in {one.kind for one in made.clusters}
    assert all("of the drops whose silence is known" in one.statement for one in made.clusters)


def test_a_timer_set_to_another_value_has_moved() -> None:
    """One gone and one new cluster of the same timer are one that moved."""
    made = report(Spec(clusters=((75.0, 1.0),)))
    assert [(one.kind, one.previous and one.previous.timeout_s) for one in made.clusters] == [("moved", 60.0)]


def test_a_small_cluster_is_not_new_if_last_week_could_not_have_shown_it() -> None:
    """With thirty drops last week, a cluster of a tenth of them would not have been seen."""
    small = Site(attempts_per_hour=25, deploys_per_week=0)
    quiet = Spec(traffic=0.3, clusters=())
    made = report(Spec(traffic=4, clusters=((60.0, 0.25),)), site=small, before=quiet)
    assert [one.kind for one in made.clusters] == ["unclear"]


def test_twice_the_traffic_is_no_change() -> None:
    """Drops double with the connections: nothing got worse."""
    made = report(Spec(traffic=2.0))
    assert made.totals.drops > 1.6 * make_week(NAMES[-2], SITE, seed=7 * 50 + 20).totals.drops
    assert claims(made) == []
    assert made.headline.startswith("No change in drops")


@pytest.mark.parametrize("tier", ["client", "nginx", "all"])
def test_a_lost_day_of_logs_is_shown_and_is_no_improvement(tier: str) -> None:
    """Thursday's logs of one tier, or of all, are missing: the gap is named, its hours take no part in anything."""
    made = report(Spec(lost=((tier, range(72, 96)),)))
    gaps = [gap for gap in made.gaps if gap.n_hours > 1]
    assert [(gap.tier, gap.n_hours) for gap in gaps] == [(None if tier == "all" else tier, 24)]
    assert gaps[0].start == dt.datetime(2026, 11, 12, tzinfo=dt.UTC)
    assert made.covered_hours == made.compared_hours == 144
    assert [one for one in claims(made) if not one.startswith("gap")] == []
    assert "Thu 12 Nov 00:00" in made.notes[0]


def test_a_tier_that_stops_logging_makes_weeks_incomparable() -> None:
    """Without client records there are no drops; that is not a good week."""
    made = report(Spec(lost=(("client", range(168)),)))
    assert made.metrics[0].direction == "not_comparable"
    assert made.compared_hours == 0
    assert "No comparison" in made.headline
    assert any("No client logs at all this week" in note for note in made.notes)


WITH_ERRORS = ("client", "nginx", "nginx-error")


@pytest.mark.parametrize("hours", [range(72, 96), range(168)], ids=["Thursday", "the week"])
def test_a_lost_error_log_alone_is_shown_and_is_no_improvement(hours: range) -> None:
    """The access log goes on, the error log is missing: fewer timeouts are known of, which are not fewer timeouts."""
    spec = Spec(tiers=WITH_ERRORS, lost=(("nginx-error", hours),))
    made = report(spec, before=Spec(tiers=WITH_ERRORS))
    (gap,) = [gap for gap in made.gaps if gap.n_hours > 1]
    assert (gap.tier, gap.n_hours, gap.note) == ("nginx", len(hours), "no lines of nginx's error log")
    assert made.covered_hours == made.compared_hours == 168 - len(hours)
    assert any("No lines of nginx's error log from" in note for note in made.notes)
    assert [one for one in claims(made) if not one.startswith("gap")] == []


def test_an_error_log_that_a_fix_made_silent_is_not_taken_for_lost() -> None:
    """No timeout is left and the error log is empty from then on; drops fell with it, and that is said."""
    spec = Spec(tiers=WITH_ERRORS, changes=(Change(IDLE, 0.0, 60), Change(LOSS, 0.0, 60)))
    made = report(spec, before=Spec(tiers=WITH_ERRORS))
    assert made.gaps == ()
    assert made.metrics[0].direction == "better"


def test_a_tier_that_begins_to_log_makes_weeks_incomparable() -> None:
    """With load balancer logs from this week on, more is seen: that is not a bad week."""
    made = report(Spec(tiers=("client", "nginx", "alb")))
    assert made.metrics[0].direction == "not_comparable"
    assert any("The alb logs begin this week" in note for note in made.notes)
    assert made.weeks[0].covered_share == 1.0


def test_a_fix_that_ends_most_drops_is_not_taken_for_lost_logs() -> None:
    """Clients that log drops only fall silent when drops end: the cliff in their lines is the fix."""
    site = Site(attempts_per_hour=2_000, deploys_per_week=0)
    made = report(Spec(changes=(Change(None, 0.05, 60),)), site=site)
    assert made.gaps == ()
    assert made.metrics[0].direction == "better"


def test_a_week_that_is_not_over_says_so() -> None:
    """On Wednesday evening only the same hours of last week are compared."""
    weeks = [make_week(name, SITE, seed=nth) for nth, name in enumerate(NAMES[:-1])]
    spec = Spec(lost=(("all", range(66, 168)),))
    last = make_week(NAMES[-1], SITE, spec, seed=99)
    now = last.start + dt.timedelta(hours=66)
    made = write_report(compare_weeks(last, weeks[-1], weeks, now=now), now=now)
    assert made.is_partial
    assert made.notes[0] == "A partial week: logs cover 66 of its 168 hours."
    assert made.compared_hours == 66
    assert made.metrics[0].direction == "same"


@pytest.mark.parametrize(("week", "hours"), [("2026-W13", 167), ("2026-W43", 169)])
def test_a_week_in_which_clocks_change_is_like_any_other(week: str, hours: int) -> None:
    """167 or 169 hours in Berlin; the days stay whole and nothing is claimed."""
    site = Site(attempts_per_hour=2_000, zone="Europe/Berlin")
    number = int(week[-2:])
    weeks = [make_week(f"2026-W{number - back:02d}", site, seed=back) for back in range(4, 0, -1)]
    last = make_week(week, site, seed=50)
    made = write_report(compare_weeks(last, weeks[-1], weeks))
    assert made.total_hours == hours
    assert claims(made) == []


def test_the_first_week_has_nothing_to_compare_to() -> None:
    """One week in the store: its numbers with intervals, and no claim."""
    made = write_report(compare_weeks(make_week(NAMES[0], SITE, seed=1), None, []))
    assert made.compared_to is None
    assert {metric.direction for metric in made.metrics} == {"not_comparable"}
    assert "there is no earlier week" in made.headline


def test_an_empty_week_is_no_good_news() -> None:
    """No connection at all is not "fewer drops"."""
    spec = Spec(lost=(("all", range(168)),))
    made = report(spec)
    assert made.headline == "No WebSocket connections are known of this week."
    assert {metric.direction for metric in made.metrics} == {"not_comparable"}


@pytest.mark.parametrize(("name", "n_history"), [("medium", 0), ("bursty", 0), ("bursty", 5)])
def test_ordinary_weeks_raise_few_alarms(name: str, n_history: int) -> None:
    """A small version of `python -m tests.weekly.accuracy`: fewer than 2 % of headline numbers, 5 % of reports."""
    headline, reports, _ = false_alarms(40, SITES[name], n_history=n_history, seed=3)
    assert headline < 0.02
    assert reports <= 0.05


def test_headline_numbers_are_those_of_the_bar() -> None:
    """The false-alarm bar is about the numbers that the report opens with."""
    made = report(Spec())
    assert tuple(metric.name for metric in made.metrics[:3]) == HEADLINE


def test_the_trend_ends_with_the_number_that_the_report_opens_with() -> None:
    """One week has one rate and one interval, in the chart and in the table."""
    made = report(Spec())
    assert made.weeks[-1].rate == made.metrics[0].now


def test_time_offline_is_said_as_a_length_of_time() -> None:
    """A headline that names users' time away writes hours, no million seconds."""
    old, new = make_week(NAMES[-2], SITE, seed=3), make_week(NAMES[-1], SITE, seed=4)
    away = [replace(week, hours=replace(week.hours, offline_s=(n * 40.0,) * 168)) for week, n in ((old, 90), (new, 9))]
    history = [make_week(name, SITE, seed=nth) for nth, name in enumerate(NAMES[:-2])]
    made = write_report(compare_weeks(away[1], away[0], [*history, away[0]]))
    assert made.metrics[1].direction == "better"
    assert re.search(r"time offline per 1 000 hours went from [\d ]+ (min|h) .* to \d", made.headline)


def test_one_gap_more_is_one() -> None:
    """Gaps beyond those that are listed are counted: one is no `1 more gaps`."""
    lost = tuple(("all", range(day * 24 + 9, day * 24 + 13)) for day in range(5))
    notes = report(Spec(lost=lost)).notes
    assert "1 more gap in the logs." in notes


def test_ends_that_no_log_tells_are_said_before_the_rates_are_believed() -> None:
    """Servers' logs alone make few drops: how most connections ended stands above the numbers."""
    week = make_week(NAMES[-1], SITE, ORDINARY, seed=1)
    blind = replace(week, totals=structs.replace(week.totals, ends_not_known=week.totals.opened - 1))
    n = f"{blind.totals.ends_not_known:,}".replace(",", "\u00a0")
    made = write_report(compare_weeks(blind, None, []))
    assert made.notes[0] == (
        f"These logs do not say how {n} connections that opened ended: none of them counts as a drop."
    )
    assert not any("do not say how" in note for note in write_report(compare_weeks(week, None, [])).notes)
