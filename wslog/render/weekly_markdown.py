"""The weekly report as Markdown for a ticket or a chat: the answer first, tables after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from wslog import wording as numbers
from wslog.render import names, weekly_names
from wslog.render.escape import markdown, markdown_code, plain_block
from wslog.weekly_result import GroupChange, WeeklyReport

MOST_CAUSES: Final = 8
MOST_GROUPS: Final = 3
MOST_BURSTS: Final = 6
MOST_ADVICE: Final = 5


def render_weekly_markdown(report: WeeklyReport) -> str:
    """Return the report as GitHub-flavoured Markdown; whatever came from a log is escaped or in a code span."""
    parts = [
        *_head(report),
        *_numbers(report),
        *_causes(report),
        *_changes(report),
        *_outcomes(report),
        *_advice(report),
        *_bursts(report),
        *_groups(report),
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
    yield from _table("", ("", report.week, "95 % interval", other, "change", ""), rows, right=(1, 2, 3, 4))


def _causes(report: WeeklyReport) -> Iterator[str]:
    rows = [
        (
            markdown(weekly_names.cause(one.cause, one.tier, one.timeouts_s)),
            numbers.count(one.n),
            numbers.percent(one.share),
            f"{weekly_names.value(one.now.value, '')} {one.per}",
            weekly_names.change(one),
            weekly_names.DIRECTIONS[one.direction],
            weekly_names.row_spark(one.trend),
        )
        for one in report.causes[:MOST_CAUSES]
    ]
    head = ("cause", "drops", "share", "rate", "change", "", "trend")
    yield from _table("Causes", head, rows, right=(1, 2, 3, 4))


def _changes(report: WeeklyReport) -> Iterator[str]:
    items = []
    for step in report.steps:
        what = "All drops outside of restarts" if step.what == "all" else weekly_names.cause_of(step.what)
        at = weekly_names.moment(step.at, report.zone)
        levels = f"{numbers.decimal(step.before)} before, {numbers.decimal(step.after)} since, per 1 000 h"
        items.append(f"- {markdown(what)}: changed around {at}; {levels}")
    items += [f"- {markdown(one.statement)}" for one in report.clusters if one.kind not in ("same", "unclear")]
    if items:
        yield from ("## What changed", "", *items, "")


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
            lines = plain_block(one.config).rstrip("\n").split("\n")
            fence = "```"
            while any(fence in line for line in lines):
                fence += "`"
            yield from ("", f"   {fence}", *(f"   {line}".rstrip() for line in lines), f"   {fence}")
    yield ""


def _bursts(report: WeeklyReport) -> Iterator[str]:
    largest = sorted(sorted(report.bursts, key=lambda one: -one.n)[:MOST_BURSTS], key=lambda one: one.at)
    rows = [
        (
            weekly_names.moment(one.at, report.zone),
            numbers.count(one.n),
            markdown_code(names.scope_name(one.scope), in_table=True),
            markdown(weekly_names.cause(one.cause, one.tier)),
            markdown(one.evidence[0]) if one.evidence else "",
        )
        for one in largest
    ]
    left = len(report.bursts) - len(largest)
    title = f"Bursts, the {MOST_BURSTS} largest of {len(report.bursts)}" if left else "Bursts"
    yield from _table(title, (f"began, {report.zone}", "closes", "what they share", "cause", "with"), rows, right=(1,))


def _groups(report: WeeklyReport) -> Iterator[str]:
    rows = [
        row
        for dimension, title in weekly_names.DIMENSIONS.items()
        for row in (_group(title, one) for one in weekly_names.worst(report.groups.get(dimension, ()), MOST_GROUPS))
    ]
    head = ("", "", "drops", "per 1 000 h", "change", "", "trend")
    yield from _table("Where", head, rows, right=(2, 3, 4))


def _group(title: str, one: GroupChange) -> tuple[str, ...]:
    return (
        title,
        markdown_code(one.value, in_table=True),
        numbers.count(one.drops),
        weekly_names.value(one.now.value, ""),
        weekly_names.change(one),
        weekly_names.DIRECTIONS[one.direction],
        weekly_names.row_spark(one.trend),
    )


def _objective(report: WeeklyReport) -> Iterator[str]:
    objective = report.objective
    if objective is None:
        return
    yield from ("## Objective", "", markdown(weekly_names.budget(objective)), "")
    rows = [
        (markdown(weekly_names.cause(one.cause, one.tier)), numbers.count(one.n), numbers.percent(one.used))
        for one in objective.burn
    ]
    yield from _table("", ("cause", "drops", "of the budget"), rows, right=(1, 2))


def _coverage(report: WeeklyReport) -> Iterator[str]:
    yield from ("## Coverage", "")
    yield f"{weekly_names.coverage(report)} {weekly_names.read(report)}"
    yield ""
    rows = [
        (
            gap.note,
            weekly_names.moment(gap.start, report.zone),
            weekly_names.moment(gap.end, report.zone),
            numbers.count(gap.n_hours),
        )
        for gap in report.gaps
    ]
    yield from _table("", ("missing", "from", "to", "hours"), rows, right=(3,))
    for limit in report.limits[:3]:
        yield f"- {markdown(limit.text)}"


def _table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()
) -> Iterator[str]:
    if not rows:
        return
    if title:
        yield from (f"## {title}", "")
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' ---: ' if nth in right else ' --- ' for nth in range(len(head)))}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""
