"""The terminal that a command prints to: its width, whether its reader wants colours, and what was written where."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from wslog.forms import Screen
from wslog.render.escape import plain


def this_screen(usual: int, most: int) -> Screen:
    """Return what text on stdout is fitted to.

    Args:
        usual: Columns where there is no terminal.
        most: Columns beyond which lines no longer read well.
    """
    columns = shutil.get_terminal_size((usual, 24)).columns
    return Screen(width=min(columns, most), colour=wants_colour())


def wants_colour() -> bool:
    """Return whether stdout is a terminal whose reader did not ask for no colours (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say_written(path: Path, *, word: str = "Report:") -> None:
    """Say on stderr where something was written; its name may hold what a terminal obeys."""
    click.echo(f"{word} {plain(str(path))}", err=True)
