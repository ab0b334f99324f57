"""`wslog render`: every form from a saved analysis, and errors that say how to mend them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from tests.render import documents
from wslog.commands.render import render
from wslog.commands.report_folder import write_report
from wslog.commands.screen import wants_colour
from wslog.errors import OptionError, SavedAnalysisError
from wslog.render.markdown import render_markdown
from wslog.render.saved import dump, json_schema
from wslog.render.text import render_text
from wslog.schema import CONNECTIONS, conform


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "analysis.json"
    path.write_bytes(dump(documents.full()))
    return path


def test_each_form_is_the_renderers_own(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, Markdown, JSON and page reach stdout unchanged, without colour off a terminal."""
    monkeypatch.setenv("COLUMNS", "90")
    printed = {
        fmt: CliRunner().invoke(render, [str(saved), "--format", fmt]) for fmt in ("text", "markdown", "json", "html")
    }
    assert {result.exit_code for result in printed.values()} == {0}
    assert printed["text"].stdout == render_text(documents.full(), width=90)
    assert printed["markdown"].stdout == render_markdown(documents.full())
    assert printed["json"].stdout == dump(documents.full()).decode()
    assert printed["html"].stdout.startswith("<!doctype html>")
    assert printed["html"].stdout.count("data:image/svg+xml;base64,") == 5


def test_text_is_the_default(saved: Path) -> None:
    """Without --format the text is printed, and nothing on stderr."""
    result = CliRunner().invoke(render, [str(saved)])
    assert result.stdout.startswith("nginx closed 412 of")
    assert result.stderr == ""


def test_a_report_folder_or_standard_input_will_do(saved: Path) -> None:
    """The folder that holds an analysis.json stands for it, and - reads standard input."""
    from_folder = CliRunner().invoke(render, [str(saved.parent)])
    from_stdin = CliRunner().invoke(render, ["-"], input=saved.read_bytes())
    assert from_folder.stdout == from_stdin.stdout == CliRunner().invoke(render, [str(saved)]).stdout


def test_output_writes_a_folder(saved: Path, tmp_path: Path) -> None:
    """-o writes page, Markdown, analysis and charts, says so on stderr, and may do so again."""
    output = tmp_path / "again"
    for _ in range(2):
        result = CliRunner().invoke(render, [str(saved), "-o", str(output)])
        assert (result.exit_code, result.stdout, result.stderr) == (0, "", f"Wrote {output}\n")
    assert {path.name for path in output.iterdir()} == {
        "report.html", "report.md", "analysis.json", "charts", ".wslog-report",
    }  # fmt: skip
    assert (output / "analysis.json").read_bytes() == saved.read_bytes()


def test_a_form_that_is_asked_for_is_printed_beside_the_folder(saved: Path, tmp_path: Path) -> None:
    """-o and --format are both obeyed, whatever the form is."""
    for form in ("text", "json"):
        alone = CliRunner().invoke(render, [str(saved), "--format", form]).stdout
        result = CliRunner().invoke(render, [str(saved), "--format", form, "-o", str(tmp_path / "again")])
        assert (result.exit_code, result.stdout) == (0, alone)
    assert (tmp_path / "again" / "report.html").is_file()


@pytest.mark.parametrize("named", ["", "analysis.json"])
def test_a_report_rendered_in_place_keeps_its_tables(tmp_path: Path, named: str) -> None:
    """`render rp -o rp` makes the pages anew; connections and drops, which it cannot make, stay."""
    output = tmp_path / "rp"
    write_report(output, documents.one_row(), conform(pl.DataFrame(), CONNECTIONS), force=False)
    before = {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()}
    result = CliRunner().invoke(render, [str(output / named), "-o", str(output)])
    assert result.exit_code == 0, result.output
    assert {path.name: path.read_bytes() for path in output.iterdir() if path.is_file()} == before


def test_the_analysis_is_not_lost_with_a_folder_above_it(saved: Path) -> None:
    """A folder that would be replaced together with the analysis in it is refused, even with --force."""
    (saved.parent / "sub").mkdir()
    below = saved.rename(saved.parent / "sub" / "x.json")
    error = CliRunner().invoke(render, [str(below), "-o", str(saved.parent), "--force"]).exception
    assert isinstance(error, OptionError)
    assert below.exists()


def test_schema_needs_no_file() -> None:
    """--schema prints the schema of the saved analysis."""
    result = CliRunner().invoke(render, ["--schema"])
    assert json.loads(result.stdout) == json_schema()


def test_without_a_file_it_is_wrong_usage() -> None:
    """No analysis named: exit code 2 and the usage line."""
    result = CliRunner().invoke(render, [])
    assert result.exit_code == 2
    assert "Missing argument 'ANALYSIS'" in result.stderr


@pytest.mark.parametrize(
    ("content", "what"), [(None, "no such file"), ("{}", "not a saved analysis"), ("{", "not JSON")]
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str | None, what: str) -> None:
    """The error says which file, what is wrong and what to do."""
    path = tmp_path / "x.json"
    if content is not None:
        path.write_text(content)
    error = CliRunner().invoke(render, [str(path)]).exception
    assert isinstance(error, SavedAnalysisError)
    assert error.where == str(path)
    assert what in error.what
    assert error.mend


@pytest.mark.parametrize(
    ("is_terminal", "variables", "wanted"),
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_colour_only_where_wanted(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, variables: dict[str, str], wanted: bool
) -> None:
    """Colours go to terminals only, and not where NO_COLOR or a dumb terminal forbids them."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert wants_colour() is wanted
