"""The forms of reports, the same at both doors."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tests.render import documents
from wslog.cli import cli
from wslog.forms import Form, Screen, write_analysis
from wslog.notebook import Analysis
from wslog.render.text import render_text


@pytest.mark.parametrize("form", Form)
def test_every_form_can_be_written(form: Form) -> None:
    """What is offered is there; mypy holds weekly reports to the same."""
    assert write_analysis(documents.empty(), form, screen=Screen(width=80)).strip()


def test_text_is_fitted_to_the_screen() -> None:
    """Width and colours reach the text."""
    document = documents.full()
    shown = write_analysis(document, Form.TEXT, screen=Screen(width=100, colour=True))
    assert shown == render_text(document, width=100, colour=True)
    assert shown != write_analysis(document, Form.TEXT, screen=Screen(width=80))


def test_both_doors_give_the_same() -> None:
    """What the notebook returns is what `wslog render` prints off a terminal of 80 columns."""
    analysis = Analysis(documents.full())
    for form, ours in ((Form.TEXT, analysis.to_text()), (Form.MARKDOWN, analysis.to_markdown())):
        assert write_analysis(analysis.document, form, screen=Screen(width=80)) == ours


@pytest.mark.parametrize("command", ["analyze", "report", "render"])
def test_commands_offer_every_form(command: str) -> None:
    """Whoever prints a report offers all forms of it."""
    assert f"[{'|'.join(Form)}]" in CliRunner().invoke(cli, [command, "--help"]).stdout
