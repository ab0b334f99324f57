"""The report on one terminal screen: the verdict first, then how we know it, what to change and what stays hidden."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from wslog.render import names, numbers
from wslog.render.escape import plain
from wslog.result import Burst, CauseShare, Cluster, Document

SCREEN_LINES: Final = 45
_BAR_WIDTHS: Final = (12, 20)  # on a narrow and on a wide page
_FILE_NAME: Final = 26
_BOLD: Final = "1"
_CYAN: Final = "36"
_GREEN: Final = "32"


class Detail(NamedTuple):
    """How many rows each section may take."""

    causes: int
    proofs: int
    clusters: int
    bursts: int
    advice: int
    limits: int


# From generous to terse; the first that fits the screen is taken.
_DETAILS: Final = (
    Detail(8, 3, 5, 3, 4, 3),
    Detail(7, 2, 3, 3, 3, 3),
    Detail(6, 2, 3, 2, 3, 2),
    Detail(5, 1, 2, 2, 2, 1),
)


def render_text(document: Document, *, width: int = 80, colour: bool = False) -> str:
    """Return the report as plain text of at most `SCREEN_LINES` lines at a width of 100 columns.

    Args:
        document: The analysis.
        width: Columns to fill; no line is longer, and below 40 counts as 40.
        colour: Use ANSI colours; the caller knows whether the reader's terminal wants them.
    """
    page = _Page(width=max(width, 40), colour=colour)
    lines: list[str] = []
    for detail in _DETAILS:
        lines = page.lines(document, detail)
        if len(lines) <= SCREEN_LINES:
            break
    return "\n".join(lines) + "\n"


class _Page(NamedTuple):
    """Lays lines out at one width, with or without colour."""

    width: int
    colour: bool

    def lines(self, document: Document, detail: Detail) -> list[str]:
        """Return all lines of the report, without line ends."""
        sections = (
            self._causes(document, detail.causes),
            self._proofs(document, detail.proofs),
            self._clusters(document.clusters, detail.clusters),
            self._bursts(document.bursts, detail.bursts),
            self._advice(document, detail.advice),
            self._limits(document, detail.limits),
        )
        lines = [self._paint(line, _BOLD) for line in self._wrap(document.verdict)]
        lines += ["", *self._totals(document)]
        for section in sections:
            if section:
                lines += ["", *section]
        return lines

    def _totals(self, document: Document) -> list[str]:
        totals = document.totals
        parts = [
            numbers.counted(totals.drops, "drop"),
            f"{numbers.counted(totals.attempts, 'attempt')}, {numbers.count(totals.opened)} opened",
        ]
        if totals.drops_per_1000_connection_hours is not None:
            parts.append(f"{numbers.decimal(totals.drops_per_1000_connection_hours)} drops per 1000 connection hours")
        if totals.offline_seconds is not None:
            parts.append(f"{numbers.seconds(totals.offline_seconds)} offline")
        return [*self._flow(parts), *self._flow(list(_read(document)))]

    def _causes(self, document: Document, most: int) -> list[str]:
        if not document.causes:
            return []
        rows = [(names.cause_label(share, document), share.n, share.share) for share in document.causes]
        if len(rows) > most:
            rest = document.causes[most - 1 :]
            rows = [*rows[: most - 1], _rest(rest)]
        bar_width = _BAR_WIDTHS[self.width >= 90]
        digits = max(len(numbers.count(n)) for _, n, _ in rows)
        room = self.width - bar_width - digits - 14
        label_width = min(max(len(label) for label, _, _ in rows), room)
        lines = [self._head("Causes")]
        for label, n, share in rows:
            filled = self._paint(numbers.bar(share, width=bar_width), _CYAN)
            tally = f"{numbers.count(n):>{digits}}  {numbers.percent(share):>6}"
            lines.append(f"  {_cut(label, label_width):<{label_width}}  {tally}  {filled}".rstrip())
        return lines

    def _proofs(self, document: Document, most: int) -> list[str]:
        proven = [finding for finding in document.findings if finding.evidence]
        if not proven:
            return []
        lines = [self._head("How we know", shown=min(most, len(proven)), of=len(proven))]
        for finding in proven[:most]:
            sure = f"{names.cause_name(finding.cause)}, {numbers.percent(finding.confidence)} sure: "
            lines.append(f"  {sure}{_short_proof(plain(finding.evidence[0]), self.width - len(sure) - 2)}")
        return lines

    def _clusters(self, clusters: Sequence[Cluster], most: int) -> list[str]:
        if not clusters:
            return []
        lines = [self._head("Clusters", shown=min(most, len(clusters)), of=len(clusters))]
        for cluster in sorted(clusters, key=lambda cluster: -cluster.n)[:most]:
            known = names.timer_names(cluster.timeout_ids) or "no known timer has this value"
            drops = f"{numbers.counted(cluster.n, 'drop')}, {numbers.percent(cluster.share)}"
            lines.append("  " + _cut(f"{names.cluster_label(cluster)} ({drops}): {known}", self.width - 2))
        return lines

    def _bursts(self, bursts: Sequence[Burst], most: int) -> list[str]:
        if not bursts:
            return []
        largest = sorted(sorted(bursts, key=lambda burst: -burst.n)[:most], key=lambda burst: burst.at)
        lines = [self._head("Bursts, UTC", shown=len(largest), of=len(bursts))]
        for burst in largest:
            killed = "" if burst.killed_share is None else f", {numbers.percent(burst.killed_share)} of those open"
            what = f"{numbers.instant(burst.at)}  {numbers.counted(burst.n, 'close')}{killed} · {plain(burst.scope)}"
            lines.append("  " + _cut(f"{what} · {names.cause_name(burst.cause)}", self.width - 2))
        return lines

    def _advice(self, document: Document, most: int) -> list[str]:
        if not document.advice:
            return []
        lines = [self._head("What to change", shown=min(most, len(document.advice)), of=len(document.advice))]
        for number, advice in enumerate(document.advice[:most], start=1):
            first, *rest = self._wrap(_first_sentence(advice.text), indent=5)
            gain = names.advice_gain(advice)
            lines.append(f"  {number}. {first.lstrip()}")
            lines += rest
            if len(lines[-1]) + len(gain) + 2 <= self.width:
                lines[-1] = f"{lines[-1]}  {self._paint(gain, _GREEN)}"
            else:
                lines.append(f"     {self._paint(gain, _GREEN)}")
        return lines

    def _limits(self, document: Document, most: int) -> list[str]:
        if not document.limits:
            return []
        lines = [
            self._head("What these logs cannot show", shown=min(most, len(document.limits)), of=len(document.limits))
        ]
        for limit in document.limits[:most]:
            first, *rest = self._wrap(_first_sentence(limit.text), indent=4)
            lines += [f"  - {first.lstrip()}", *rest]
        return lines

    def _head(self, title: str, *, shown: int = 0, of: int = 0) -> str:
        more = f" ({shown} of {numbers.count(of)})" if shown < of else ""
        return self._paint(title, _BOLD) + more

    def _flow(self, parts: Sequence[str]) -> list[str]:
        """Set parts side by side, breaking lines only between them, unless one is wider than the page."""
        lines: list[str] = []
        for part in parts:
            if lines and len(lines[-1]) + len(part) + 3 <= self.width:
                lines[-1] += f" · {part}"
            else:
                lines += self._wrap(part)
        return lines

    def _wrap(self, text: str, *, indent: int = 0) -> list[str]:
        pad = " " * indent
        wrapped = textwrap.wrap(
            plain(text), self.width, initial_indent=pad, subsequent_indent=pad, break_on_hyphens=False
        )
        return wrapped or [pad]

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


def _read(document: Document) -> Iterable[str]:
    """Return what was read, in words: the shared window, files, lines and the first rejected one."""
    shared = next((window for window in document.window if window.tier is None), None)
    if shared is not None and shared.start is not None:
        yield numbers.span(shared.start, shared.end)
    files = document.coverage.files
    lines = sum(file.lines for file in files)
    yield f"{numbers.counted(lines, 'line')} of {numbers.counted(len(files), 'file')} read"
    rejected = sum(file.rejected for file in files)
    if rejected:
        first = next((f"{file.path}:{file.rejects[0].line}" for file in files if file.rejects), None)
        yield f"{numbers.count(rejected)} rejected" + (f", first at {plain(first)}" if first else "")


def _rest(shares: Sequence[CauseShare]) -> tuple[str, int, float]:
    label = f"{numbers.counted(len(shares), 'more cause')}"
    return label, sum(share.n for share in shares), sum(share.share for share in shares)


def _first_sentence(text: str) -> str:
    """Return the first sentence of the first line; the reports of the folder hold the rest."""
    line = text.strip().split("\n", 1)[0]
    return re.split(r"(?<=[a-z0-9)][.!?]) (?=[A-Z])", line, maxsplit=1)[0]


def _short_proof(line: str, room: int) -> str:
    """Return a line of evidence that fits, giving up the start of a long file name before the end of its message."""
    file, colon, message = line.partition(": ")
    if colon and len(line) > room and len(file) > _FILE_NAME:
        line = f"…{file[1 - _FILE_NAME :]}: {message}"
    return _cut(line, room)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
