"""`wslog inspect`: what each file is, what became of its lines, and what it can and cannot prove."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import msgspec

from wslog import ingest
from wslog.commands.options import format_option, reading_options
from wslog.commands.remarks import conf_remarks, log_format_remarks, warn
from wslog.forms import Form
from wslog.ingest.accounts import MOSTLY
from wslog.render.escape import plain
from wslog.render.inspection import render_inspection
from wslog.result import Coverage


@click.command("inspect")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@format_option(Form.TEXT, Form.JSON)
@reading_options
def inspect(
    *,
    paths: tuple[str, ...],
    form: Form,
    tz: tuple[str, ...],
    log_format: str | None,
    nginx_conf: Path | None,
    client_fields: tuple[str, ...],
) -> None:
    """Show what each file behind PATH... is, and what it can and cannot prove.

    PATH is a file, a folder (read recursively), a pattern, or - for standard input.
    """
    options = ingest.ReadOptions(
        tz=tz, log_format=log_format, nginx_conf=nginx_conf, client_fields=ingest.parse_client_fields(client_fields),
        stdin=sys.stdin.buffer,
    )  # fmt: skip
    read = ingest.read_events(paths, options, must_be_useful=False)
    _warn(read.coverage)
    warn((*conf_remarks(nginx_conf), *log_format_remarks(log_format, read.coverage)))
    click.echo(_as_json(read.coverage) if form is Form.JSON else render_inspection(read.coverage), nl=False)


def _warn(coverage: Coverage) -> None:
    for file in coverage.files:
        if file.rejected > MOSTLY * file.lines:
            click.echo(f"Warning: {plain(file.path)}: most lines could not be parsed as {file.format}", err=True)


def _as_json(coverage: Coverage) -> str:
    # Escaped to ASCII: log text may hold characters that a terminal obeys.
    files = msgspec.to_builtins(coverage.files)
    return json.dumps({"files": files}, indent=2) + "\n"
