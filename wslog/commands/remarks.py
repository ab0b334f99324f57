"""What a command says on stderr about options that were read but may not do what their user thinks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import click

from wslog.ingest.configuration import named_source, whole_text
from wslog.ingest.nginx.access import OPTION
from wslog.ingest.nginx.conf import read_conf
from wslog.render.escape import plain
from wslog.result import Coverage

MOST: Final = 5
_ELSEWHERE: Final = "is not among the files given"  # an included file may well be among the logs


def warn(remarks: Iterable[str]) -> None:
    """Write remarks to stderr; they may quote a file."""
    for remark in remarks:
        click.echo(f"Warning: {plain(remark)}", err=True)


def conf_remarks(nginx_conf: Path | None) -> Iterator[str]:
    """Yield what is wrong with the text of `--nginx-conf`, each with `file:line`."""
    if nginx_conf is None:
        return
    source = named_source(nginx_conf)
    problems = read_conf({source.shown: whole_text(source)}).problems
    yield from islice((problem for problem in problems if not problem.endswith(_ELSEWHERE)), MOST)


def log_format_remarks(log_format: str | None, coverage: Coverage) -> Iterator[str]:
    """Say so if no file is written in the layout of `--log-format`."""
    if log_format and not any(OPTION in file.why for file in coverage.files):
        yield f"{OPTION} fits no file: {log_format}"
