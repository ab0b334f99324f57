"""The report as one HTML page that needs no network, no script and no second file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wslog import wording as numbers
from wslog.evidence import read_evidence
from wslog.render import names
from wslog.render.chart_style import look
from wslog.render.chart_tables import TABLES
from wslog.render.charts import CHARTS
from wslog.render.escape import plain, shortened
from wslog.render.template import Figure, load_template
from wslog.result import CauseShare, Document, Window
from wslog.schema import Cause, Format

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATE: Final = "report.html.j2"
_OPEN_CARDS: Final = 3  # always unfolded
_OPEN_SHARE: Final = 0.05  # and those of this share, up to
_MOST_OPEN: Final = 8
_MOST_CAUSES: Final = 24  # that are listed above the findings, beside what stays unknown
_MOST_FILES: Final = 40  # that are listed in full sight; load balancers write thousands
_NAME: Final = 32  # letters of a file name that a line has room for


class Note(NamedTuple):
    """What one file, or several of one format, say about themselves."""

    files: str
    clock: str
    limits: tuple[str, ...]


class Fold(NamedTuple):
    """A finding's advice: in full where it comes first, later only as a reference to there."""

    number: int
    is_first: bool


def render_html(document: Document, charts: Mapping[str, bytes]) -> str:
    """Return the report page.

    Args:
        document: The analysis.
        charts: SVG bytes by the names of `charts.CHARTS`; a missing one leaves only its numbers.
    """
    folds = _folds(document)
    referred = {fold.number for row in folds for fold in row}
    return _template().render(
        d=document,
        shared=_shared_window(document),
        figures=_figures(document, charts),
        notes=_notes(document),
        folds=folds,
        n_open=_n_open(document),
        other_advice=[n for n in range(len(document.advice)) if n not in referred],
        groups=_groups(document),
        most_files=_MOST_FILES,
        shown_causes=_shown_causes(document),
        odd_files=[file for file in document.coverage.files if file.rejected or file.format == Format.UNKNOWN],
    )


@lru_cache(maxsize=1)
def _template() -> Template:
    return load_template(
        _TEMPLATE,
        filters={
            "count": numbers.count,
            "percent": numbers.percent,
            "tenths": _tenths,
            "evidence_line": _evidence_line,
            "path": _path,
            "decimal": numbers.decimal,
            "seconds": numbers.seconds,
            "signed": numbers.signed_seconds,
            "timer": numbers.timer,
            "instant": numbers.instant,
            "cause": names.cause_name,
            "timers": names.cluster_timers,
            "title": names.first_sentence,
            "scope": names.scope_name,
            "evidence": read_evidence,
            "finding": names.finding_label,
            "cluster": names.cluster_label,
            "gain": names.advice_gain,
            "colour": lambda cause: look(cause).colour,
        },
        known={
            "counted": numbers.counted,
            "lines_read": names.lines_read,
            "not_drawn": names.not_drawn,
            "tenths_range": lambda low, high: f"{_tenths(low).removesuffix(' %')} to {_tenths(high)}",
            "span": numbers.span,
            "percent_range": numbers.percent_range,
            "label": names.cause_label,
            "tiers": names.TIERS,
            "causes": names.CAUSES,
            "cluster_shares": names.CLUSTER_SHARES,
        },
    )


def _tenths(share: float) -> str:
    """Return a share with one decimal, as a column needs it whose rows are compared."""
    return numbers.percent(share) if 0 < share < 0.001 else f"{share * 100:.1f} %"


def _path(text: str) -> Any:
    """Return a path, escaped: a long file name without its middle, with the whole as its title."""
    from markupsafe import Markup, escape

    folder, slash, name = plain(text).rpartition("/")
    short = f"{folder}{slash}{shortened(name, _NAME)}"
    return escape(short) if len(name) <= _NAME else Markup('<span title="{}">{}</span>').format(plain(text), short)


def _evidence_line(text: str) -> Any:
    """Return a line of evidence, escaped, the file that it begins with shortened like a path."""
    from markupsafe import Markup, escape

    ref = read_evidence(text).ref
    return Markup("{}{}").format(_path(ref), plain(text[len(ref) :])) if ref else escape(plain(text))


def _figures(document: Document, charts: Mapping[str, bytes]) -> list[Figure]:
    return [
        Figure.of(name, charts.get(name), heading=spec.heading, alt=spec.alt(document), table=TABLES[name](document))
        for name, spec in CHARTS.items()
    ]


def _shown_causes(document: Document) -> list[CauseShare]:
    known = [share for share in document.causes if share.cause is not Cause.UNKNOWN]
    return [*known[:_MOST_CAUSES], *(share for share in document.causes if share.cause is Cause.UNKNOWN)]


def _n_open(document: Document) -> int:
    """Return how many findings are unfolded: the rest are one line each, to be opened."""
    large = sum(finding.share >= _OPEN_SHARE for finding in document.findings)
    return min(max(large, _OPEN_CARDS), _MOST_OPEN)


def _folds(document: Document) -> list[list[Fold]]:
    seen: set[int] = set()
    folds = []
    for finding in document.findings:
        # A hand-made file may point beyond its list of advice; that is no reason to show nothing.
        known = [number for number in dict.fromkeys(finding.advice) if 0 <= number < len(document.advice)]
        folds.append([Fold(number, number not in seen) for number in known])
        seen.update(known)
    return folds


def _notes(document: Document) -> list[Note]:
    """Return what files say about themselves, once for all that say the same."""
    together: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for file in document.coverage.files:
        if file.clock or file.limits:
            together.setdefault((file.format, file.clock, file.limits), []).append(file.path)
    notes = []
    for (fmt, clock, limits), paths in together.items():
        files = paths[0] if len(paths) == 1 else f"{fmt}, {numbers.counted(len(paths), 'file')}"
        notes.append(Note(files, clock, limits))
    return notes


def _shared_window(document: Document) -> Window | None:
    return next((window for window in document.window if window.tier is None and window.start is not None), None)


def _groups(document: Document) -> list[tuple[str, Any]]:
    by = document.by
    dimensions = (
        ("path", by.path),
        ("host", by.host),
        ("app server", by.upstream),
        ("browser", by.user_agent),
        ("network", by.network),
    )
    return [(title, groups) for title, groups in dimensions if groups]
