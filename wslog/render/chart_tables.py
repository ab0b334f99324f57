"""The numbers behind each chart as a table, for those who cannot see it or want to copy them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from wslog import wording as numbers
from wslog.render import names
from wslog.render.chart_style import in_order
from wslog.render.chart_titles import silences
from wslog.result import Bin, Document

MOST_ROWS: Final = 60


class Table(NamedTuple):
    """A table of texts; `left_out` counts the rows beyond `MOST_ROWS`, which are in the saved analysis."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: int = 0


def idle_histogram(document: Document) -> Table:
    """Return the drops per stretch of silence, or of age if no silence is known, and by cause."""
    return _bins(*silences(document))


def drops_over_time(document: Document) -> Table:
    """Return the drops per stretch of time, and by cause."""
    causes = in_order([cause for bucket in document.timeline for cause in bucket.by_cause])
    rows = tuple(
        (
            numbers.instant(bucket.at),
            numbers.count(sum(bucket.by_cause.values())),
            *(_or_blank(bucket.by_cause.get(cause, 0)) for cause in causes),
            "" if bucket.open_connections is None else numbers.count(bucket.open_connections),
        )
        for bucket in document.timeline
        if any(bucket.by_cause.values())
    )
    return _cut(("from, UTC", "drops", *map(names.cause_name, causes), "open at its start"), rows)


def causes(document: Document) -> Table:
    """Return the causes with their intervals."""
    rows = tuple(
        (
            names.cause_label(share),
            numbers.count(share.n),
            numbers.percent(share.share),
            numbers.percent_range(share.share_low, share.share_high),
        )
        for share in document.causes
    )
    return _cut(("cause", "drops", "share", "95 % interval"), rows)


def lifetime_against_idle(document: Document) -> Table:
    """Return the range of ages and silences per cause, of the drops drawn."""
    rows = []
    for cause in in_order([point.cause for point in document.charts.points]):
        mine = [point for point in document.charts.points if point.cause == cause]
        lifetimes, silences = [point.lifetime_s for point in mine], [point.idle_s for point in mine]
        row = (names.cause_name(cause), numbers.count(len(mine)), _range(lifetimes), _range(silences))
        rows.append(row)
    return _cut(("cause", "drops drawn", "lifetime", "silence before the close"), tuple(rows))


def reconnects(document: Document) -> Table:
    """Return the reconnects per stretch of waiting."""
    return _bins(document.reconnects.gaps, "time away")


TABLES: Final[Mapping[str, Callable[[Document], Table]]] = {
    "idle-histogram": idle_histogram,
    "drops-over-time": drops_over_time,
    "causes": causes,
    "lifetime-against-idle": lifetime_against_idle,
    "reconnects": reconnects,
}
"""One table for each of `charts.CHARTS`, by the same names; a test holds them together."""


def _bins(bins: Sequence[Bin], what: str) -> Table:
    causes = in_order([cause for one in bins for cause in one.by_cause])
    rows = tuple(
        (
            f"{numbers.seconds(one.low)} to {numbers.seconds(one.high)}",
            numbers.count(one.n),
            *(_or_blank(one.by_cause.get(cause, 0)) for cause in causes),
        )
        for one in bins
        if one.n
    )
    return _cut((what, "n", *map(names.cause_name, causes)), rows)


def _cut(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Table:
    return Table(head, rows[:MOST_ROWS], max(len(rows) - MOST_ROWS, 0))


def _range(values: Sequence[float]) -> str:
    return f"{numbers.seconds(min(values))} to {numbers.seconds(max(values))}"


def _or_blank(n: int) -> str:
    return numbers.count(n) if n else ""
