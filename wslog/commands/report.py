"""`wslog report`: the weekly reliability report from the history store."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from wslog.commands.analyze import EXIT_THRESHOLD, _load_defaults

if TYPE_CHECKING:
    from wslog.weekly_result import WeeklyReport

FORMATS: Final = ("text", "markdown", "html", "json")


@click.command("report", short_help="Write the weekly reliability report from the history store.")
@click.option("--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), is_eager=True, metavar="FILE",
              callback=_load_defaults, help="Options from a TOML file.  [default: wslog.toml, if there]")  # fmt: skip
@click.option("--store", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The history store.")
@click.option("--week", metavar="WEEK", help="The ISO week, such as 2026-W46.  [default: the last complete one]")
@click.option("--compare-to", metavar="WEEK", help="Another week.  [default: the week before]")
@click.option("--weeks", type=click.IntRange(1, 520), default=12, show_default=True, help="Weeks of trend.")
@click.option("--tz", metavar="ZONE", help="The store's zone; another one is refused.")
@click.option(
    "--format", "fmt", type=click.Choice(FORMATS), default="text", show_default=True, help="What goes to stdout."
)
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Also write a folder of it.")
@click.option("--force", is_flag=True, help="Let -o replace a folder that wslog did not write.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
def report(store: Path, fmt: str, **options: Any) -> None:
    """Write the report of one week: are our sockets better, what changed, what to fix first, did the last fix work.

    \b
    Examples:
      wslog analyze logs/ --store history/ && wslog report --store history/
      wslog report --store history/ --week 2026-W46 --format markdown
      wslog report --store history/ -o weekly/
    """  # noqa: D301  (click wants a real backspace there)
    from wslog.store import Store
    from wslog.store.weekly import report_week

    now = dt.datetime.now(dt.UTC)
    with Store(store, zone=options["tz"]) as history:
        made = report_week(
            history, week=options["week"], compare_to=options["compare_to"], weeks=options["weeks"], now=now, slo=None
        )
    click.echo(print_weekly(made, fmt), nl=False, color=True)


def print_weekly(made: WeeklyReport, fmt: str) -> str:
    """Return the report as it goes to stdout, fit for the terminal if there is one."""
    from wslog.commands.render import wants_colour

    if fmt == "text":
        from wslog.render.weekly_text import render_weekly_text

        width = min(shutil.get_terminal_size((100, 24)).columns, 140)
        return render_weekly_text(made, width=width, colour=wants_colour())
    from wslog.render.weekly_saved import dump_weekly

    return dump_weekly(made).decode()


_ = EXIT_THRESHOLD
