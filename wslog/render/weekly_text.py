"""The weekly report on one terminal screen: the answer first, then numbers, causes, what changed and what to fix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from wslog import wording as numbers
from wslog.render import names, weekly_names
from wslog.render.escape import plain
from wslog.render.lines import columns_of, fitted, wrapped
from wslog.weekly_result import ALL, ClusterChange, MetricChange, WeeklyReport

MOST_CAUSES: Final = 6
MOST_ADVICE: Final = 3
MOST_BURSTS: Final = 4
MOST_GROUPS: Final = 2
_CODES: Final = {"better": "32", "worse": "31", "fell": "32", "rose": "31"}
_BOLD: Final = "1"
_PER: Final = "per 1 000 h"
_DIMENSION: Final = 12  # columns of what a group is one of
_LEAST_LABEL: Final = 16


class _Row(NamedTuple):
    """One row of a table: what it is about, its numbers, and what became of it.

    Attributes:
        direction: A key of `weekly_names.DIRECTIONS`; empty: nothing to say.
        narrow: The numbers as they read without a head; empty: side by side.
    """

    label: str
    cells: Sequence[str]
    direction: str = ""
    narrow: str = ""


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
        yield from (self._paint(line, _BOLD) for line in wrapped(report.headline, self.width))
        for note in report.notes:
            yield from self._item("!", note)

    def metrics(self, report: WeeklyReport) -> Iterator[str]:
        against = f" against {report.compared_to}" if report.compared_to else ""
        head = ("now", "95 % interval", *(("was", "change") if against else ()))
        rows = [_metric(metric, is_compared=bool(against)) for metric in report.metrics]
        yield from self._table(f"Numbers{against}", rows, head=head, least=max(len(row.label) for row in rows))
        offline = report.totals.offline_seconds
        if offline is not None:
            yield f"  Users were offline for {numbers.seconds(offline)} in all."

    def causes(self, report: WeeklyReport) -> Iterator[str]:
        shown = report.causes[:MOST_CAUSES]
        if not shown:
            return
        rows = []
        for one in shown:
            counts = (numbers.count(one.n), numbers.percent(one.share))
            rate = f"{weekly_names.value(one.now.value, '')} {one.per}"
            told = one.direction if one.direction in _CODES else ""
            label = weekly_names.cause(one.cause, one.tier, one.timeouts_s)
            rows.append(_Row(label, (*counts, rate, weekly_names.change(one)), told))
        yield from self._table("Causes", rows, of=len(report.causes))
        for step in report.steps:
            what = "All drops" if step.what == ALL else weekly_names.cause_of(step.what)
            yield from self._item(
                "→",
                f"{what}: {numbers.decimal(step.before)} {_PER} until about "
                f"{weekly_names.moment(step.at, report.zone)}, {numbers.decimal(step.after)} since",
            )

    def clusters(self, report: WeeklyReport) -> Iterator[str]:
        changed = weekly_names.changed_clusters(report)
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
        largest = names.largest_bursts(report.bursts, MOST_BURSTS)
        if not largest:
            return
        yield self._paint("Bursts", _BOLD) + self._of(len(largest), len(report.bursts))
        for one in largest:
            yield fitted("  " + weekly_names.burst(one, report.zone), self.width).rstrip()
            if one.evidence:
                yield from wrapped(one.evidence[0], self.width, first=" " * 4)

    def groups(self, report: WeeklyReport) -> Iterator[str]:
        rows = []
        for dimension, title in weekly_names.DIMENSIONS.items():
            for nth, one in enumerate(weekly_names.worst(report.groups.get(dimension, ()), MOST_GROUPS)):
                rate = f"{weekly_names.value(one.now.value, '')} {_PER}"
                told = one.direction if one.direction in _CODES else ""
                label = f"{title if nth == 0 else '':<{_DIMENSION}}{plain(one.value)}"
                rows.append(_Row(label, (numbers.count(one.drops), rate, weekly_names.change(one)), told))
        if rows:
            yield from self._table("Where", rows, least=_DIMENSION + _LEAST_LABEL)

    def _table(
        self, title: str, rows: Sequence[_Row], *, of: int = 0, head: Sequence[str] = (), least: int = _LEAST_LABEL
    ) -> Iterator[str]:
        """Lay rows out in columns; where the page is too narrow, each row's numbers below its name: none is cut off.

        Args:
            title: What they are.
            rows: The rows.
            of: How many there are in all.
            head: What their numbers are.
            least: Columns that a name needs beside its numbers.
        """
        top = self._paint(title, _BOLD) + (self._of(len(rows), of) if of else "")
        widths = [max(map(len, column)) for column in zip(*(row.cells for row in rows), head or [""] * 9, strict=False)]
        words = [weekly_names.direction(row.direction) for row in rows]
        room = self.width - 2 - sum(width + 2 for width in widths) - max(len(word) + 2 for word in words)
        if room < least:
            yield top
            for row in rows:
                yield from self._stacked(row)
            return
        label_width = max(min(max(columns_of(row.label) for row in rows), room), len(title) - 2)
        yield (top + " " * (2 + label_width - len(title)) + _columns(head, widths)).rstrip()
        for row, word in zip(rows, words, strict=True):
            line = f"  {fitted(row.label, label_width)}{_columns(row.cells, widths)}  {word}".rstrip()
            yield self._told(line, row.direction)

    def _stacked(self, row: _Row) -> Iterator[str]:
        yield f"  {fitted(row.label, self.width - 2).rstrip()}"
        said = row.narrow or "  ".join(cell for cell in row.cells if cell)
        word = weekly_names.direction(row.direction)
        *lines, last = wrapped(f"{said}: {word}" if word else said, self.width, first=" " * 6)
        yield from (*lines, self._told(last, row.direction))

    def _told(self, line: str, direction: str) -> str:
        """Paint the verdict that a line ends with."""
        word = weekly_names.direction(direction)
        # A narrow page may have parted its words; those with a colour have one.
        return (
            line if not line.endswith(word) else line.removesuffix(word) + self._paint(word, _CODES.get(direction, ""))
        )

    def outcomes(self, report: WeeklyReport) -> Iterator[str]:
        if not report.outcomes:
            return
        yield self._paint("What last week's advice did", _BOLD)
        for one in weekly_names.outcomes(report):
            yield from wrapped(f"{weekly_names.VERDICTS[one.verdict]}: {one.statement}", self.width, first="  ")
            for text in one.texts:
                yield from wrapped(text, self.width, first="    - ")

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
        yield from wrapped(weekly_names.coverage(report), self.width)
        yield from wrapped(weekly_names.read(report), self.width)

    def _of(self, shown: int, of: int) -> str:
        return f" ({shown} of {numbers.count(of)})" if shown < of else ""

    def _item(self, mark: str, text: str) -> list[str]:
        return wrapped(text, self.width, first=f"  {mark} ")

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text and code else text


def _metric(metric: MetricChange, *, is_compared: bool) -> _Row:
    now = weekly_names.value(metric.now.value, metric.unit)
    between = weekly_names.interval(metric.now, metric.unit)
    before = "" if metric.before.value is None else weekly_names.value(metric.before.value, metric.unit)
    change = weekly_names.change(metric)
    was = f", was {before}, {change}" if before else ""
    narrow = f"{now}{f' (95 %: {between})' if between else ''}{was}"
    return _Row(metric.label, (now, between, *((before, change) if is_compared else ())), metric.direction, narrow)


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "".join(f"  {cell:>{width}}" for cell, width in zip(cells, widths, strict=False))
