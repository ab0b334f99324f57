"""The forms that an analysis or a weekly report leaves in, at either door: text, Markdown, a page, JSON.

Light to import; a renderer is imported when its form is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

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
    match form:
        case Form.TEXT:
            from wslog.render.text import render_text

            return render_text(document, width=screen.width, colour=screen.colour)
        case Form.MARKDOWN:
            from wslog.render.markdown import render_markdown

            return render_markdown(document)
        case Form.HTML:
            from wslog.render.charts import draw_all
            from wslog.render.page import render_html
            from wslog.render.pictures import svgs_of

            return render_html(document, svgs_of(draw_all(document)))
        case Form.JSON:
            from wslog.render.saved import dump

            return dump(document).decode()


def write_weekly(report: WeeklyReport, form: Form, *, screen: Screen) -> str:
    """Return a weekly report in one form; arguments as for `write_analysis`."""
    match form:
        case Form.TEXT:
            from wslog.render.weekly_text import render_weekly_text

            return render_weekly_text(report, width=screen.width, colour=screen.colour)
        case Form.MARKDOWN:
            from wslog.render.weekly_markdown import render_weekly_markdown

            return render_weekly_markdown(report)
        case Form.HTML:
            from wslog.render.pictures import svgs_of
            from wslog.render.weekly_charts import draw_weekly
            from wslog.render.weekly_page import render_weekly_html

            return render_weekly_html(report, svgs_of(draw_weekly(report)))
        case Form.JSON:
            from wslog.render.saved import dump

            return dump(report).decode()
