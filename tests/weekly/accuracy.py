"""How often the weekly report claims a change: on pairs of weeks without one, and on weeks with one.

python -m tests.weekly.accuracy [--pairs 200] [--seed 1]
"""
# ruff: noqa: T201  # a command: it prints its tables

from __future__ import annotations

import argparse
from collections import Counter

from tests.weekly.weeks import IDLE, Change, Site, Spec, make_week
from wslog.weekly import compare_weeks, write_report
from wslog.weekly_result import WeeklyReport

HEADLINE = ("drops_per_1000_connection_hours", "offline_s_per_1000_connection_hours", "handshake_success_share")
SITES = {
    "medium": Site(),
    "small": Site(attempts_per_hour=20),
    "large": Site(attempts_per_hour=20_000),
    "bursty": Site(deploys_per_week=4, deploy_cut=0.6, day_wobble=0.25, hour_wobble=0.7),
}


def claims(report: WeeklyReport) -> list[str]:
    """Return what a report says has changed."""
    said = [metric.name for metric in report.metrics if metric.direction not in ("same", "not_comparable")]
    said += [f"step {step.what}" for step in report.steps]
    said += [f"cause {one.cause}" for one in report.causes if one.direction in ("better", "worse")]
    said += [f"cluster {one.kind}" for one in report.clusters if one.kind not in ("same", "unclear")]
    said += [
        f"group {one.value}" for rows in report.groups.values() for one in rows if one.direction in ("better", "worse")
    ]
    said += [f"advice {one.verdict}" for one in report.outcomes if one.verdict in ("better", "worse")]
    said += [f"gap {gap.tier}" for gap in report.gaps]
    return said


def report_of(site: Site, spec: Spec, *, seed: int, n_history: int) -> WeeklyReport:
    """Make a history of ordinary weeks and one more, and report on that."""
    names = [f"2026-W{number:02d}" for number in range(20, 22 + n_history)]
    weeks = [make_week(name, site, seed=seed * 100 + nth) for nth, name in enumerate(names[:-1])]
    last = make_week(names[-1], site, spec, seed=seed * 100 + 99)
    return write_report(compare_weeks(last, weeks[-1], weeks))


def false_alarms(pairs: int, site: Site, *, n_history: int, seed: int = 1) -> tuple[float, float, Counter[str]]:
    """Return the share of headline numbers and of reports that claim a change where there is none, and the claims."""
    told: Counter[str] = Counter()
    headline = reports = 0
    for nth in range(pairs):
        said = claims(report_of(site, Spec(), seed=seed * 10_000 + nth, n_history=n_history))
        told.update(said)
        headline += sum(name in HEADLINE for name in said)
        reports += bool(said)
    return headline / (pairs * len(HEADLINE)), reports / pairs, told


def power(pairs: int, site: Site, spec: Spec, *, n_history: int, seed: int = 1) -> tuple[float, float, float]:
    """Return how often a true change of the drop rate is claimed, and how often with a step."""
    made = [report_of(site, spec, seed=seed * 50_000 + nth, n_history=n_history) for nth in range(pairs)]
    claimed = sum(one.metrics[0].direction == "better" for one in made)
    cause = sum(any(row.cause == "idle_timeout" and row.direction == "better" for row in one.causes) for one in made)
    return claimed / pairs, sum(bool(one.steps) for one in made) / pairs, cause / pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1, help="other weeks than those that the bars were set on")
    given = parser.parse_args()
    pairs = given.pairs
    print("weeks without a change: headline numbers (bar < 2 %) and reports (bar < 5 %) that claim one")
    for name, site in SITES.items():
        for n_history in (0, 6):
            headline, reports, told = false_alarms(pairs, site, n_history=n_history, seed=given.seed)
            print(f"  {name:8} {n_history} weeks before: {headline:6.1%} {reports:6.1%}  {dict(told.most_common(6))}")
    print("weeks with a change: reports that claim fewer drops, and that name the moment")
    fix = Spec(changes=(Change(IDLE, 0.1, 60),))
    whole = Spec(changes=(Change(IDLE, 0.3, 0),))
    for name, site in SITES.items():
        for n_history in (0, 6):
            found = power(max(20, pairs // 4), site, fix, n_history=n_history, seed=given.seed)
            all_week = power(max(20, pairs // 4), site, whole, n_history=n_history, seed=given.seed)
            print(f"  {name:8} {n_history} weeks before: fix on Wednesday {found[0]:.0%} / {found[1]:.0%}, "
                  f"all week -70 % of idle timeouts {all_week[0]:.0%}, the cause {all_week[2]:.0%}")  # fmt: skip


if __name__ == "__main__":
    main()
