"""`wslog report`: the weekly reliability report from the history store."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wslog.commands.options import EXIT_THRESHOLD, config_file, config_option, fail_if_option, format_option
from wslog.errors import OptionError, OutputError
from wslog.forms import Form

if TYPE_CHECKING:
    from wslog.store import Store
    from wslog.weekly.pair import Pair
    from wslog.weekly.thresholds import WeeklyThreshold
    from wslog.weekly_result import WeeklyReport


def _metrics() -> Iterable[str]:
    from wslog.weekly.thresholds import NAMES

    return NAMES


@click.command("report")
@config_option
@click.option("--store", type=click.Path(path_type=Path), required=True, metavar="DIR", help="The history store.")
@click.option("--week", metavar="WEEK", help="The ISO week, such as 2026-W46.  [default: the last complete one]")
@click.option("--compare-to", metavar="WEEK", help="Another week.  [default: the week before]")
@click.option("--weeks", type=click.IntRange(1, 520), default=12, show_default=True, help="Weeks of trend.")
@click.option("--tz", metavar="ZONE", help="The store's zone; another one is refused.")
@format_option()
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="DIR",
              help="Also write a folder: weekly.html, weekly.md, weekly.json and the charts.")  # fmt: skip
@click.option("--force", is_flag=True, help="Let -o replace a folder that wslog did not write.")
@click.option("--slo", metavar="EXPR", help="An objective, such as 'drops_per_1000_connection_hours<=2'.")
@fail_if_option(
    "Exit 3 if METRIC OP NUMBER or delta:METRIC OP NUMBER holds beyond noise, or there is a new_cluster; repeatable.",
    metrics=_metrics,
)
@click.option("--strict", is_flag=True, help="Let bare numbers decide --fail-if, whatever their intervals.")
@click.option("--openmetrics", type=click.Path(path_type=Path), metavar="FILE",
              help="Also write OpenMetrics text, for a node exporter (needs wslog[metrics]).")  # fmt: skip
@click.option("--keep", metavar="WEEKS", help="Afterwards forget weeks older than this, such as 26w.")
@click.option("--compact", is_flag=True, help="Afterwards put small files of the store together.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors and thresholds that hold.")
def report(
    *,
    store: Path,
    week: str | None,
    compare_to: str | None,
    weeks: int,
    tz: str | None,
    form: Form,
    output: Path | None,
    force: bool,
    slo: str | None,
    fail_if: tuple[str, ...],
    strict: bool,
    openmetrics: Path | None,
    keep: str | None,
    compact: bool,
    quiet: bool,
) -> None:
    """Write the report of one week: are our sockets better, what changed, what to fix first, did the last fix work.

    \b
    Examples:
      wslog analyze logs/ --store history/ && wslog report --store history/
      wslog report --store history/ --week 2026-W46 --format markdown
      wslog report --store history/ -o weekly/ --slo 'drops_per_1000_connection_hours<=2'
      wslog report --store history/ --fail-if 'delta:drops_per_1000_connection_hours > 20%' --fail-if new_cluster
    """  # noqa: D301  (click wants a real backspace there)
    from wslog.commands.screen import say_written, this_screen
    from wslog.commands.whole_folder import check_output, write_folder
    from wslog.forms import write_weekly
    from wslog.store import Store
    from wslog.store.keeping import parse_keep
    from wslog.store.weekly import find_weeks
    from wslog.weekly import write_report
    from wslog.weekly.thresholds import parse_weekly_threshold

    thresholds = [parse_weekly_threshold(text) for text in fail_if]
    n_kept = parse_keep(keep) if keep else None
    if output is not None:
        check_output(output, force=force, inputs=[file for file in (store, openmetrics, config_file()) if file])
    now = dt.datetime.now(dt.UTC)
    with Store(store, zone=tz) as history:
        pair = find_weeks(history, week=week, compare_to=compare_to, weeks=weeks, now=now)
        made = write_report(pair, now=now, slo=slo)
        if output is not None:
            write_folder(output, weekly_files(made), force=force)
        if openmetrics is not None:
            _write_metrics(openmetrics, made)
        click.echo(write_weekly(made, form, screen=this_screen(100, 140)), nl=False, color=True)
        if output is not None and not quiet:
            say_written(output / "weekly.html")
        _tidy(history, n_kept, compact_too=compact, now=now, quiet=quiet)
    _enforce(thresholds, made, pair, strict=strict, quiet=quiet)


def weekly_files(made: WeeklyReport) -> dict[str, bytes]:
    """Return the files of the weekly report, by their path in the folder."""
    from wslog.render.pictures import files_of, svgs_of
    from wslog.render.saved import dump
    from wslog.render.weekly_charts import draw_weekly
    from wslog.render.weekly_markdown import render_weekly_markdown
    from wslog.render.weekly_page import render_weekly_html

    pictures = draw_weekly(made)
    return {
        "weekly.html": render_weekly_html(made, svgs_of(pictures)).encode(),
        "weekly.md": render_weekly_markdown(made).encode(),
        "weekly.json": dump(made),
        **files_of(pictures),
    }


def _write_metrics(file: Path, made: WeeklyReport) -> None:
    """Write the metrics whole or not at all: a node exporter may read at any moment. A link stays one.

    Raises:
        OptionError: If *file* is a folder or a device.
        OutputError: If the file system does not let them be written.
    """
    from wslog.commands.whole_folder import real
    from wslog.render.weekly_metrics import render_openmetrics

    text = render_openmetrics(made)
    place = real(file)
    is_there = file.exists() or os.path.lexists(place)
    if is_there and not file.is_file():  # root could put a file in the place of /dev/null
        raise OptionError("this is no file", where=f"--openmetrics {file}", mend="Name a file, new or old.")
    temporary = place.with_name(f".{place.name}.tmp")
    try:
        temporary.write_text(text, "utf-8")
        temporary.replace(place)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        mend = "Check that its folder exists, that you may write there and that the disk has room."
        raise OutputError(error.strerror or "it cannot be written", where=str(file), mend=mend) from error


def _tidy(history: Store, keep: int | None, *, compact_too: bool, now: dt.datetime, quiet: bool) -> None:
    from wslog.store.keeping import compact, keep_weeks

    if keep is not None:
        gone = keep_weeks(history, keep, now=now)
        if gone and not quiet:
            click.echo(f"Forgot {len(gone)} weeks: {gone[0]} to {gone[-1]}.", err=True)
    if compact_too:
        before, after = compact(history, now=now)
        if not quiet:
            click.echo(f"Compacted {before} files of events into {after}.", err=True)
    if keep is not None or compact_too:
        history.sweep(now=now)


def _enforce(
    thresholds: Sequence[WeeklyThreshold], made: WeeklyReport, pair: Pair, *, strict: bool, quiet: bool
) -> None:
    from wslog.weekly.thresholds import judge_threshold

    verdicts = [judge_threshold(threshold, made, pair, strict=strict) for threshold in thresholds]
    for verdict in verdicts:
        if verdict.holds:
            click.echo(f"Failed: {verdict.message}", err=True)
        elif not quiet:
            click.echo(f"Passed: {verdict.message}", err=True)
    if any(verdict.holds for verdict in verdicts):
        raise click.exceptions.Exit(EXIT_THRESHOLD)
