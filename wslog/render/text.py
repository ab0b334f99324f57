"""The report on one terminal screen: the verdict, the causes with their proof, what to change, what stays hidden."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from wslog import wording as numbers
from wslog.render import names
from wslog.render.cause_rows import NOBODY, cause_rows, certainty_words, fitted_rows
from wslog.render.escape import plain, shortened
from wslog.render.lines import wrapped
from wslog.result import Advice, Burst, Document

SCREEN_LINES: Final = 45
_BAR_WIDTH: Final = 8
_BAR_FROM: Final = 96  # columns from which on there is room for bars, and for proofs
_PROOF_FROM: Final = 72
_FILE_NAME: Final = 22
_LEAST_NAME: Final = 8  # letters that a shortened name needs
_HEAD_NOTE: Final = "; one can count for several"
_LEAST_COUNT: Final = 6
_TALLY_HEAD: Final = "   share   sure"
_BOLD: Final = "1"
_CYAN: Final = "36"
_GREEN: Final = "32"


class Detail(NamedTuple):
    """How many rows each section may take."""

    causes: int
    clusters: int
    bursts: int
    advice: int
    limits: int


# From generous to terse; the first that fits the screen is taken.
_DETAILS: Final = (
    Detail(9, 5, 3, 5, 3),
    Detail(9, 4, 3, 5, 2),
    Detail(8, 3, 3, 5, 2),
    Detail(8, 3, 2, 5, 2),
    Detail(7, 3, 2, 4, 2),
    Detail(6, 2, 2, 4, 2),
    Detail(6, 2, 2, 3, 1),
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
            self._clusters(document, detail.clusters),
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
            parts.append(names.offline(totals.offline_seconds))
        if sure := certainty_words(document.totals):
            parts.append(sure)
        return [*self._flow(parts), *self._flow(list(_read(document)))]

    def _causes(self, document: Document, most: int) -> list[str]:
        rows = fitted_rows(cause_rows(document), most)
        if not rows:
            return []
        proof_width = 0 if self.width < _PROOF_FROM else min(max(len(plain(row.proof)) for row in rows), _FILE_NAME)
        bar_width = _BAR_WIDTH if self.width >= _BAR_FROM else 0
        count_width = max(_LEAST_COUNT, *(len(numbers.count(row.n)) + 1 for row in rows))
        tally_head = f"{'drops':>{count_width}}{_TALLY_HEAD}"
        columns = 2 + len(tally_head) + (bar_width and bar_width + 2) + (proof_width and proof_width + 2)
        room = self.width - columns
        labels = [row.short if len(row.short) <= room else row.short.replace(f" · {NOBODY}", "") for row in rows]
        label_width = min(max(map(len, labels)), room)
        tops = [tally_head, " " * bar_width, "strongest proof" if proof_width else ""]
        head = "  ".join(top for top in tops if top).rstrip()
        # The first column's head stands two to the left of its rows, like every section's.
        lines = [f"{self._paint('Causes', _BOLD)}{' ' * max(label_width - 4, 2)}{head}"]
        for row, label in zip(rows, labels, strict=True):
            sure = "" if row.confidence is None else numbers.percent(row.confidence)
            tally = f"{numbers.count(row.n):>{count_width}}  {numbers.percent(row.share):>6}  {sure:>5}"
            bar = numbers.bar(row.share, width=bar_width) if bar_width else ""
            painted = self._paint(bar, _CYAN) + " " * (bar_width - len(bar))
            cells = [tally, painted, _short_ref(plain(row.proof), proof_width)]
            joined = "  ".join(cell for cell in cells if cell)
            lines.append(f"  {shortened(label, label_width):<{label_width}}{joined}".rstrip())
        return lines

    def _clusters(self, document: Document, most: int) -> list[str]:
        clusters = document.clusters
        if not clusters:
            return []
        lines = [self._head("Clusters", shown=min(most, len(clusters)), of=len(clusters))]
        for cluster in sorted(clusters, key=lambda cluster: -cluster.n)[:most]:
            known = names.cluster_timers(cluster, document.findings) or "no known timer has this value"
            said = f"{names.cluster_label(cluster)} ({numbers.counted(cluster.n, 'drop')}): "
            lines.append("  " + _cut(said + _shortened_names(known, self.width - 2 - len(said)), self.width - 2))
        return lines

    def _bursts(self, bursts: Sequence[Burst], most: int) -> list[str]:
        if not bursts:
            return []
        largest = names.largest_bursts(bursts, most)
        one_day = len({burst.at.date() for burst in bursts}) == 1
        title = f"Bursts, {largest[0].at:%Y-%m-%d} UTC" if one_day else "Bursts, UTC"
        lines = [self._head(title, shown=len(largest), of=len(bursts))]
        for burst in largest:
            at = f"{burst.at:%H:%M:%S}" if one_day else numbers.instant(burst.at)
            killed = "" if burst.killed_share is None else f", {numbers.percent(burst.killed_share)} of those open"
            what = f"{at}  {names.cause_name(burst.cause)}: {numbers.counted(burst.n, 'close')}{killed}"
            lines.append("  " + _cut(f"{what} · {plain(names.scope_name(burst.scope))}", self.width - 2))
        return lines

    def _advice(self, document: Document, most: int) -> list[str]:
        if not document.advice:
            return []
        shown = document.advice[:most]
        lines = [self._head("What to change, drops it would prevent", shown=len(shown), of=len(document.advice))]
        if len(_HEAD_NOTE) + len(lines[0]) <= self.width:  # a colour's letters count: the note is no loss
            lines[0] += _HEAD_NOTE
        gains = [_gain(advice) for advice in shown]
        width = max(len(gain) for gain in gains)
        for number, (advice, gain) in enumerate(zip(shown, gains, strict=True), start=1):
            first, *rest = self._wrap(names.first_sentence(advice.text), indent=width + 7)
            lines += [f"  {number}. {self._paint(f'{gain:>{width}}', _GREEN)}  {first.lstrip()}", *rest]
        return lines

    def _limits(self, document: Document, most: int) -> list[str]:
        if not document.limits:
            return []
        lines = [
            self._head("What these logs cannot show", shown=min(most, len(document.limits)), of=len(document.limits))
        ]
        for limit in document.limits[:most]:
            first, *rest = self._wrap(names.first_sentence(limit.text), indent=4)
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
        return wrapped(text, self.width, first=" " * indent)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


def _read(document: Document) -> Iterable[str]:
    """Return what was read, in words: the shared window, files, lines and the first rejected one."""
    shared = next((window for window in document.window if window.tier is None), None)
    if shared is not None and shared.start is not None:
        yield numbers.span(shared.start, shared.end)
    files = document.coverage.files
    yield f"{names.lines_read(document.coverage)} read"
    if rejected := document.coverage.rejected:
        first = next((f"{file.path}:{file.rejects[0].line}" for file in files if file.rejects), None)
        yield f"{numbers.count(rejected)} rejected" + (f", first at {plain(first)}" if first else "")


def _gain(advice: Advice) -> str:
    """Return how many drops an advice would prevent, and their share; or what else it brings."""
    if advice.is_observability or not advice.would_prevent_n:
        return "next time" if advice.is_observability else "none"
    return f"{numbers.count(advice.would_prevent_n)}, {numbers.percent(advice.would_prevent_share)}"


def _short_ref(ref: str, room: int) -> str:
    """Return a `file:line` that fits, giving up its folders first, then the middle of a long file name."""
    if len(ref) > room:
        ref = ref.rpartition("/")[2]
    return shortened(ref, room) if room > 1 else ""


def _shortened_names(text: str, room: int) -> str:
    """Return one name or `a or b` in at most *room* letters, each name without its middle; no room: as it is."""
    parts = text.split(" or ")
    each = (room - 4 * (len(parts) - 1)) // len(parts)
    if len(text) <= room or each < _LEAST_NAME:
        return text
    return " or ".join(shortened(part, each) for part in parts)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"
