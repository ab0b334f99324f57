"""The weekly report as Markdown for a ticket or a chat: the answer first, tables after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from wslog.render import weekly_names, weekly_tables
from wslog.render.escape import markdown, markdown_code
from wslog.render.markdown_parts import fenced, table
from wslog.render.weekly_tables import VERDICT, Table
from wslog.weekly_result import WeeklyReport

MOST_CAUSES: Final = 8
MOST_GROUPS: Final = 3
MOST_BURSTS: Final = 6
MOST_ADVICE: Final = 5


def render_weekly_markdown(report: WeeklyReport) -> str:
    """Return the report as GitHub-flavoured Markdown; whatever came from a log is escaped or in a code span."""
    parts = [
        *_head(report),
        *_numbers(report),
        *_table("Causes", weekly_tables.causes(report, MOST_CAUSES).without("95 % interval")),
        *_changes(report),
        *_outcomes(report),
        *_advice(report),
        *_bursts(report),
        *_table("Where", weekly_tables.groups(report, MOST_GROUPS)),
        *_objective(report),
        *_coverage(report),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _head(report: WeeklyReport) -> Iterator[str]:
    days = weekly_names.span_of(report.start, report.end, report.zone)
    yield from (f"# WebSockets in {report.week}: {markdown(days)}", "", f"**{markdown(report.headline)}**", "")
    for note in report.notes:
        yield f"> {markdown(note)}"
    if report.notes:
        yield ""


def _numbers(report: WeeklyReport) -> Iterator[str]:
    rows = [
        (
            metric.label,
            weekly_names.value(metric.now.value, metric.unit),
            weekly_names.interval(metric.now, metric.unit),
            "" if metric.before.value is None else weekly_names.value(metric.before.value, metric.unit),
            weekly_names.change(metric),
            weekly_names.DIRECTIONS[metric.direction],
        )
        for metric in report.metrics
    ]
    other = report.compared_to or "before"
    yield from table("", ("", report.week, "95 % interval", other, "change", ""), rows, right=(1, 2, 3, 4))


def _changes(report: WeeklyReport) -> Iterator[str]:
    changes = weekly_names.changes(report)
    if changes:
        yield from ("## What changed", "", *(f"- {markdown(line)}" for line in changes), "")


def _outcomes(report: WeeklyReport) -> Iterator[str]:
    if not report.outcomes:
        return
    yield from ("## What last week's advice did", "")
    for one in weekly_names.outcomes(report):
        yield f"- **{weekly_names.VERDICTS[one.verdict]}**: {markdown(one.statement)}"
        yield from (f"  - {markdown(text)}" for text in one.texts)
    yield ""


def _advice(report: WeeklyReport) -> Iterator[str]:
    if not report.advice:
        return
    yield from ("## What to fix first", "")
    for nth, one in enumerate(report.advice[:MOST_ADVICE], start=1):
        yield f"{nth}. {markdown(one.text)} *({weekly_names.gain(one)})*"
        if one.config:
            yield from fenced(one.config, pad="   ")
    yield ""


def _bursts(report: WeeklyReport) -> Iterator[str]:
    n = len(report.bursts)
    title = f"Bursts, the {MOST_BURSTS} largest of {n}" if n > MOST_BURSTS else "Bursts"
    bursts = weekly_tables.bursts(report, MOST_BURSTS).without("of those open")
    yield from _table(title, bursts, renamed={"began": f"began, {report.zone}"})


def _objective(report: WeeklyReport) -> Iterator[str]:
    objective = report.objective
    if objective is None:
        return
    yield from ("## Objective", "", markdown(weekly_names.budget(objective)), "")
    yield from _table("", weekly_tables.burn(report))


def _coverage(report: WeeklyReport) -> Iterator[str]:
    yield from ("## Coverage", "")
    yield f"{weekly_names.coverage(report)} {weekly_names.read(report)}"
    yield ""
    yield from _table("", weekly_tables.gaps(report))
    for limit in report.limits[:3]:
        yield f"- {markdown(limit.text)}"


def _table(title: str, shown: Table, *, renamed: Mapping[str, str] | None = None) -> Iterator[str]:
    """Write one of the report's tables; its verdicts speak for themselves."""
    names = {VERDICT: "", **(renamed or {})}
    head = [names.get(one, one) for one in shown.head]
    rows = [[_cell(shown, place, text) for place, text in enumerate(row)] for row in shown.rows]
    yield from table(title, head, rows, right=shown.numeric)


def _cell(shown: Table, place: int, text: str) -> str:
    if place in shown.numeric:
        return text
    return markdown_code(text, in_table=True) if place in shown.named else markdown(text)
