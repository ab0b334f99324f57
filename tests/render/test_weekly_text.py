"""The weekly report on a terminal: nothing that matters is cut off, however narrow it is and whatever is in a name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.weekly.weeks import IDLE, Change, Site, Spec, make_week
from wslog.render.escape import markdown_code
from wslog.render.lines import columns_of
from wslog.render.weekly_markdown import render_weekly_markdown
from wslog.render.weekly_names import DIRECTIONS
from wslog.render.weekly_page import render_weekly_html
from wslog.render.weekly_text import render_weekly_text
from wslog.weekly import compare_weeks, write_report
from wslog.weekly_result import WeeklyReport

SITE = Site(attempts_per_hour=900)
NAMES = [f"2026-W{number}" for number in range(42, 47)]


@pytest.fixture(scope="module")
def report() -> WeeklyReport:
    """A week in which something was fixed, after four ordinary ones."""
    weeks = [make_week(name, SITE, seed=nth) for nth, name in enumerate(NAMES[:-1])]
    last = make_week(NAMES[-1], SITE, Spec(changes=(Change(IDLE, 0.1, 60),)), seed=9)
    return write_report(compare_weeks(last, weeks[-1], weeks), slo="drops_per_1000_connection_hours<=4")


@pytest.mark.parametrize("width", [60, 72, 80, 100, 140])
def test_every_number_says_what_became_of_it(report: WeeklyReport, width: int) -> None:
    """Value, interval, what it was and the verdict are whole at any width, and no line is wider."""
    text = render_weekly_text(report, width=width)
    assert max(map(columns_of, text.splitlines())) <= width
    numbers = text.split("\nNumbers")[1].split("\n\n")[0]
    assert "…" not in numbers
    said = " ".join(numbers.split())
    assert [one.label in said for one in report.metrics] == [True] * 5
    verdicts = [DIRECTIONS[one.direction] for one in report.metrics]
    assert "better" in verdicts
    assert sum(said.count(word) for word in set(verdicts)) == len(verdicts)


def test_colour_changes_no_column(report: WeeklyReport) -> None:
    """Without its colours the coloured text is the plain one."""
    coloured = render_weekly_text(report, width=100, colour=True)
    assert "\x1b[32mbetter\x1b[0m" in coloured
    bare = coloured.replace("\x1b[0m", "").replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[1m", "")
    assert bare == render_weekly_text(report, width=100)


def test_names_of_wide_letters_keep_the_columns(report: WeeklyReport) -> None:
    """Rows with Chinese names and emoji end where the others do on the terminal."""
    groups = report.groups["path"]
    named = tuple(
        replace(one, value=value) for one, value in zip(groups, ["/聊天/房间", "/chat/🚀", "/ws"], strict=False)
    )
    text = render_weekly_text(replace(report, groups={"path": named}), width=100)
    rows = text.split("\nWhere\n")[1].split("\n\n")[0].splitlines()
    assert len(rows) == 2
    assert len({columns_of(row.partition(" per 1 000 h")[0]) for row in rows}) == 1


def test_what_cannot_be_compared_shows_no_change(report: WeeklyReport) -> None:
    """A group that is `not comparable` has no percentage beside that, in any form of the report."""
    (path, *_) = report.groups["path"]
    assert path.now.value
    other = replace(
        path, value="/odd", before=replace(path.now, value=path.now.value / 1.77), direction="not_comparable"
    )
    made = replace(report, groups={"path": (other,)})
    assert "+77 %" in render_weekly_text(replace(made, groups={"path": (replace(other, direction="same"),)}))
    assert "+77 %" not in render_weekly_text(made) + render_weekly_markdown(made) + render_weekly_html(made, {})
    assert f"| Paths | {markdown_code('/odd')} |" in render_weekly_markdown(made)


def test_advice_to_the_same_drops_shares_its_outcome(report: WeeklyReport) -> None:
    """Five ways to raise one timer have one outcome: its sentence stands once, above them, in every form."""
    (one, *_) = report.outcomes
    three = tuple(replace(one, text=f"Raise timer {n}. Because.") for n in range(3))
    other = replace(one, text="Ping.", verdict="worse", statement="Network losses: 1 → 9 per 1 000 h")
    made = replace(report, outcomes=(*three, other))
    for told in (render_weekly_text(made), render_weekly_markdown(made), render_weekly_html(made, {})):
        said = told.replace("\u00a0", " ")
        said = said[said.index("last week's advice did") : said.index("What to fix first")]
        assert said.count("Idle timeouts") == 1
        places = [said.index(part) for part in ("Idle timeouts", "Raise timer 0", "Raise timer 2", "Network", "Ping")]
        assert places == sorted(places)
        assert "Because" not in said
