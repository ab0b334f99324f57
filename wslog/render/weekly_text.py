"""The weekly report on one terminal screen: the answer first, then numbers, causes, what changed and what to fix."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from wslog import wording as numbers
from wslog.render import weekly_names
from wslog.render.escape import plain
from wslog.weekly_result import ClusterChange, GroupChange, WeeklyReport

MOST_CAUSES: Final = 6
MOST_ADVICE: Final = 3
MOST_BURSTS: Final = 4
MOST_GROUPS: Final = 2
_CODES: Final = {"better": "32", "worse": "31", "fell": "32", "rose": "31"}
_BOLD: Final = "1"


def render_weekly_text(report: WeeklyReport, *, width: int = 80, colour: bool = False) -> str:
    """Return the weekly report as plain text.

    Args:
        report: The report.
        width: Columns to fill; below 60 counts as 60.
        colour: Use ANSI colours.
    """
    page = _Page(max(width, 60), colour)
    sections = (
        page.metrics(report),
        page.causes(report),
        page.clusters(report),
        page.bursts(report),
        page.groups(report),
        page.outcomes(report),
        page.advice(report),
        page.objective(report),
        page.coverage(report),
    )
    lines = [*page.head(report)]
    for section in sections:
        rows = list(section)
        if rows:
            lines += ["", *rows]
    return "\n".join(lines) + "\n"


class _Page:
    """Lays lines out at one width, with or without colour."""

    def __init__(self, width: int, colour: bool) -> None:
        self.width = width
        self.colour = colour

    def head(self, report: WeeklyReport) -> Iterator[str]:
        days = weekly_names.span_of(report.start, report.end, report.zone)
        yield f"{self._paint(report.week, _BOLD)}  {days}"
        yield ""
        yield from (self._paint(line, _BOLD) for line in self._wrap(report.headline))
        for note in report.notes:
            yield from self._item("!", note)

    def metrics(self, report: WeeklyReport) -> Iterator[str]:
        against = f" against {report.compared_to}" if report.compared_to else ""
        yield self._paint(f"Numbers{against}", _BOLD)
        for metric in report.metrics:
            now = weekly_names.value(metric.now.value, metric.unit)
            between = weekly_names.interval(metric.now, metric.unit)
            before = weekly_names.value(metric.before.value, metric.unit) if metric.before.value is not None else ""
            row = f"  {metric.label:<33}{now:>9}  {f'({between})' if between else '':<22}"
            told = f"was {before}, {weekly_names.change(metric)}: " if before else ""
            yield self._cut(f"{row} {told}{self._direction(metric.direction)}")
        offline = report.totals.offline_seconds
        if offline is not None:
            yield f"  Users were offline for {numbers.seconds(offline)} in all."

    def causes(self, report: WeeklyReport) -> Iterator[str]:
        shown = report.causes[:MOST_CAUSES]
        if not shown:
            return
        yield self._paint("Causes", _BOLD) + self._of(len(shown), len(report.causes))
        labels = [weekly_names.cause(one.cause, one.tier, one.timeouts_s) for one in shown]
        room = min(max(map(len, labels)), self.width // 2 - 6)
        for label, one in zip(labels, shown, strict=True):
            rate = weekly_names.value(one.now.value, "")
            change = weekly_names.relative(one.now, one.before)
            told = self._direction(one.direction) if one.direction in ("better", "worse") else ""
            numbers_ = f"{numbers.count(one.n):>9}  {numbers.percent(one.share):>6}  {rate:>8} {one.per}"
            yield self._cut(f"  {self._fit(label, room)}{numbers_}  {change:>8} {told}".rstrip())
        for step in report.steps:
            what = "All drops" if step.what == "all" else weekly_names.cause_of(step.what)
            yield from self._item(
                "→",
                f"{what}: {numbers.decimal(step.before)} per 1 000 h until about "
                f"{weekly_names.moment(step.at, report.zone)}, {numbers.decimal(step.after)} since",
            )

    def clusters(self, report: WeeklyReport) -> Iterator[str]:
        changed = [one for one in report.clusters if one.kind not in ("same", "unclear")]
        if not changed:
            return
        yield self._paint("Clusters", _BOLD)
        for one in changed:
            yield from self._item("-", self._cluster(one))

    @staticmethod
    def _cluster(one: ClusterChange) -> str:
        timers = f" ({plain(', '.join(one.cluster.timeout_ids[:2]))})" if one.cluster.timeout_ids else ""
        return f"{one.statement}{timers}"

    def bursts(self, report: WeeklyReport) -> Iterator[str]:
        largest = sorted(sorted(report.bursts, key=lambda one: -one.n)[:MOST_BURSTS], key=lambda one: one.at)
        if not largest:
            return
        yield self._paint("Bursts", _BOLD) + self._of(len(largest), len(report.bursts))
        for one in largest:
            yield self._cut("  " + weekly_names.burst(one, report.zone))
            if one.evidence:
                yield self._cut("    " + plain(one.evidence[0]))

    def groups(self, report: WeeklyReport) -> Iterator[str]:
        rows: list[str] = []
        for dimension, title in weekly_names.DIMENSIONS.items():
            shown = weekly_names.worst(report.groups.get(dimension, ()), MOST_GROUPS)
            rows += [self._group(title if nth == 0 else "", one) for nth, one in enumerate(shown)]
        if rows:
            yield self._paint("Where", _BOLD)
            yield from rows

    def _group(self, title: str, one: GroupChange) -> str:
        rate = weekly_names.value(one.now.value, "")
        change = weekly_names.relative(one.now, one.before)
        told = self._direction(one.direction) if one.direction in ("better", "worse") else ""
        room = max(16, self.width - 62)
        name = self._fit(plain(one.value), room)
        tail = f"{numbers.count(one.drops):>9}  {rate:>8} per 1 000 h {change:>7} {told}"
        return self._cut(f"  {title:<12}{name}{tail}".rstrip())

    def outcomes(self, report: WeeklyReport) -> Iterator[str]:
        if not report.outcomes:
            return
        yield self._paint("What last week's advice did", _BOLD)
        for one in report.outcomes:
            verdict = weekly_names.VERDICTS[one.verdict]
            yield from self._item("-", f"{weekly_names.first_sentence(one.text)}")
            yield from self._item(" ", f"{verdict}: {one.statement}")

    def advice(self, report: WeeklyReport) -> Iterator[str]:
        if not report.advice:
            return
        shown = report.advice[:MOST_ADVICE]
        yield self._paint("What to fix first", _BOLD) + self._of(len(shown), len(report.advice))
        for nth, one in enumerate(shown, start=1):
            gain = weekly_names.gain(one)
            yield from self._item(f"{nth}.", f"{weekly_names.first_sentence(one.text)} ({gain})")

    def objective(self, report: WeeklyReport) -> Iterator[str]:
        if report.objective is None:
            return
        yield self._paint("Objective", _BOLD)
        yield from self._item("-", weekly_names.budget(report.objective))
        for burn in report.objective.burn[:3]:
            yield f"    {weekly_names.cause(burn.cause, burn.tier)}: {numbers.percent(burn.used)} of the budget"

    def coverage(self, report: WeeklyReport) -> Iterator[str]:
        trend = weekly_names.spark([point.rate.value for point in report.weeks])
        if len(report.weeks) > 1:
            first, last = report.weeks[0].week, report.weeks[-1].week
            yield f"Drops per 1 000 hours, {first} to {last}: {trend}"
        yield weekly_names.coverage(report)
        yield weekly_names.read(report)

    def _direction(self, direction: str) -> str:
        return self._paint(weekly_names.DIRECTIONS.get(direction, direction), _CODES.get(direction, ""))  # type: ignore[call-overload]

    def _of(self, shown: int, of: int) -> str:
        return f" ({shown} of {numbers.count(of)})" if shown < of else ""

    def _item(self, mark: str, text: str) -> list[str]:
        lead = f"  {mark} "
        return textwrap.wrap(
            plain(text), self.width, initial_indent=lead, subsequent_indent=" " * len(lead),
            break_on_hyphens=False,
        )  # fmt: skip

    def _wrap(self, text: str) -> list[str]:
        return textwrap.wrap(plain(text), self.width, break_on_hyphens=False) or [""]

    @staticmethod
    def _fit(text: str, room: int) -> str:
        return f"{text if len(text) <= room else text[: room - 1] + '…':<{room}}"

    def _cut(self, text: str) -> str:
        return text if self.colour or len(text) <= self.width else text[: self.width - 1].rstrip() + "…"

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text and code else text
