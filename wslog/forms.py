"""The forms that an analysis or a weekly report leaves in, at either door: text, Markdown, a page, JSON.

Light to import; a renderer is imported when its form is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from wslog.result import Document
    from wslog.weekly_result import WeeklyReport


class Form(StrEnum):
    """What a report can be written as; the order is that of `--help`."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What text is fitted to: columns, and whether the reader's terminal wants colours."""

    width: int
    colour: bool = False


def write_analysis(document: Document, form: Form, *, screen: Screen) -> str:
    """Return an analysis in one form.

    Args:
        document: The analysis.
        form: The form.
        screen: For text; other forms don't look at it.
    """
    return ANALYSIS[form](document, screen)


def write_weekly(report: WeeklyReport, form: Form, *, screen: Screen) -> str:
    """Return a weekly report in one form; arguments as for `write_analysis`."""
    return WEEKLY[form](report, screen)


def _text(document: Document, screen: Screen) -> str:
    from wslog.render.text import render_text

    return render_text(document, width=screen.width, colour=screen.colour)


def _markdown(document: Document, _screen: Screen) -> str:
    from wslog.render.markdown import render_markdown

    return render_markdown(document)


def _html(document: Document, _screen: Screen) -> str:
    from wslog.render.charts import draw_all
    from wslog.render.page import render_html

    return render_html(document, {name: svg for name, (svg, _) in draw_all(document).items()})


def _json(document: Document, _screen: Screen) -> str:
    from wslog.render.saved import dump

    return dump(document).decode()


def _weekly_text(report: WeeklyReport, screen: Screen) -> str:
    from wslog.render.weekly_text import render_weekly_text

    return render_weekly_text(report, width=screen.width, colour=screen.colour)


def _weekly_markdown(report: WeeklyReport, _screen: Screen) -> str:
    from wslog.render.weekly_markdown import render_weekly_markdown

    return render_weekly_markdown(report)


def _weekly_html(report: WeeklyReport, _screen: Screen) -> str:
    from wslog.render.weekly_charts import draw_weekly
    from wslog.render.weekly_page import render_weekly_html

    return render_weekly_html(report, {name: svg for name, (svg, _) in draw_weekly(report).items()})


def _weekly_json(report: WeeklyReport, _screen: Screen) -> str:
    from wslog.render.weekly_saved import dump_weekly

    return dump_weekly(report).decode()


ANALYSIS: Final[Mapping[Form, Callable[[Document, Screen], str]]] = {
    Form.TEXT: _text,
    Form.MARKDOWN: _markdown,
    Form.HTML: _html,
    Form.JSON: _json,
}
WEEKLY: Final[Mapping[Form, Callable[[WeeklyReport, Screen], str]]] = {
    Form.TEXT: _weekly_text,
    Form.MARKDOWN: _weekly_markdown,
    Form.HTML: _weekly_html,
    Form.JSON: _weekly_json,
}
