"""`wslog render`: any report again from a saved analysis, without the logs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from click.core import ParameterSource

from wslog.commands.options import format_option
from wslog.commands.screen import say_written, this_screen
from wslog.errors import SavedAnalysisError
from wslog.forms import Form, write_analysis

if TYPE_CHECKING:
    from wslog.result import Document

ANALYSIS: Final = "analysis.json"
STDIN: Final = Path("-")


@click.command("render")
@click.argument("analysis", type=click.Path(path_type=Path, allow_dash=True), required=False)
@format_option()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Write a folder with report.html, report.md and the charts; print only if --format says what.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of analysis.json instead.")
@click.option("--force", is_flag=True, help="Let -o replace a folder that wslog did not write.")
def render(analysis: Path | None, form: Form, output: Path | None, *, schema: bool, force: bool) -> None:
    """Show a saved ANALYSIS again: an analysis.json, the report folder that holds one, or - for standard input.

    \b
    Examples:
      wslog render wslog-report/analysis.json
      wslog render wslog-report --format markdown | pbcopy
      wslog render monday.json -o monday-report
      wslog render --schema > analysis.schema.json
    """  # noqa: D301  (click wants a real backspace there)
    if schema:
        click.echo(_schema_text(), nl=False)
        return
    if analysis is None:
        raise click.UsageError("Missing argument 'ANALYSIS'.")
    document = read_saved(analysis)
    if output is not None:
        from wslog.commands.report_folder import document_files, kept_tables
        from wslog.commands.whole_folder import check_output, real, write_folder

        is_again = real(_file_of(analysis)) == real(output / ANALYSIS)
        check_output(output, force=force, inputs=() if is_again or analysis == STDIN else [analysis])
        tables = kept_tables(output, document, is_again=is_again)
        write_folder(output, document_files(document) | tables, force=force)
        say_written(output, word="Wrote")
        if click.get_current_context().get_parameter_source("form") is ParameterSource.DEFAULT:
            return
    click.echo(
        write_analysis(document, form, screen=this_screen(80, 120)), nl=False, color=True
    )  # colours were decided on already


def read_saved(path: Path) -> Document:
    """Read the saved analysis at *path*: a file, a report folder, or `-` for standard input.

    Raises:
        SavedAnalysisError: If it is not there, cannot be read, or is no saved analysis.
    """
    from wslog.render.saved import load

    file = _file_of(path)
    where = "standard input" if path == STDIN else str(file)
    try:
        data = sys.stdin.buffer.read() if path == STDIN else file.read_bytes()
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        mend = "Name the analysis.json of a report folder that `wslog analyze` wrote."
        raise SavedAnalysisError(reason, where=where, mend=mend) from None
    return _load_named(data, where, load)


def _file_of(path: Path) -> Path:
    return path / ANALYSIS if path.is_dir() else path


def _load_named(data: bytes, where: str, load: Callable[[bytes], Document]) -> Document:
    try:
        return load(data)
    except SavedAnalysisError as error:
        raise error.at(where) from None


def _schema_text() -> str:
    import json

    from wslog.render.saved import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
