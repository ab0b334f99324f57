"""`wslog render`: any report again from a saved analysis, without the logs."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from wslog.errors import SavedAnalysisError

if TYPE_CHECKING:
    from wslog.result import Document

FORMATS: Final = ("text", "markdown", "json", "html")


@click.command("render", short_help="Show a saved analysis again, without its logs.")
@click.argument("analysis", type=click.Path(path_type=Path, allow_dash=True), required=False)
@click.option("--format", "fmt", type=click.Choice(FORMATS), default="text", show_default=True, help="What to print.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Write a folder with report.html, report.md and the charts."
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema of analysis.json instead.")
@click.option("--force", is_flag=True, help="Let -o replace a folder that wslog did not write.")
def render(analysis: Path | None, fmt: str, output: Path | None, *, schema: bool, force: bool) -> None:
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
        from wslog.commands.report_folder import document_files, write_folder

        write_folder(output, document_files(document), force=force)
        click.echo(f"Wrote {output}", err=True)
        return
    click.echo(print_form(document, fmt), nl=False, color=True)  # colours were decided on already


def print_form(document: Document, fmt: str) -> str:
    """Return *document* as it goes to stdout, fit for the terminal if there is one.

    Args:
        document: The analysis.
        fmt: One of `FORMATS`.
    """
    if fmt == "text":
        from wslog.render.text import render_text

        width = min(shutil.get_terminal_size((80, 24)).columns, 120)
        return render_text(document, width=width, colour=wants_colour())
    if fmt == "markdown":
        from wslog.render.markdown import render_markdown

        return render_markdown(document)
    if fmt == "json":
        from wslog.render.saved import dump

        return dump(document).decode()
    from wslog.render.charts import draw_all
    from wslog.render.page import render_html

    return render_html(document, {name: svg for name, (svg, _) in draw_all(document).items()})


def wants_colour() -> bool:
    """Return whether stdout is a terminal whose reader did not ask for no colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def read_saved(path: Path) -> Document:
    """Read the saved analysis at *path*: a file, a report folder, or `-` for standard input.

    Raises:
        SavedAnalysisError: If it is not there, cannot be read, or is no saved analysis.
    """
    from wslog.render.saved import load

    if str(path) == "-":
        return _load_named(sys.stdin.buffer.read(), "standard input", load)
    file = path / "analysis.json" if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        mend = "Name the analysis.json of a report folder that `wslog analyze` wrote."
        raise SavedAnalysisError(reason, where=str(file), mend=mend) from None
    return _load_named(data, str(file), load)


def _load_named(data: bytes, where: str, load: Callable[[bytes], Document]) -> Document:
    try:
        return load(data)
    except SavedAnalysisError as error:
        raise error.at(where) from None


def _schema_text() -> str:
    import json

    from wslog.render.saved import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
