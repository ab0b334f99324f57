"""`wslog analyze`: the main job. Reads logs, prints the report, writes the report folder."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from wslog.commands.options import (
    EXIT_THRESHOLD,
    config_file,
    config_option,
    fail_if_option,
    format_option,
    reading_options,
    timeouts_option,
)
from wslog.forms import Form

if TYPE_CHECKING:
    from wslog.pipeline import Outcome
    from wslog.result import Document
    from wslog.store.analyzer import Analyzer
    from wslog.summarize.metrics import Threshold


def _metrics() -> Iterable[str]:
    from wslog.summarize.metrics import METRICS

    return METRICS


def set_up_engines(jobs: int | None) -> None:
    """Say what polars and numpy look at when they are imported, so this comes first."""
    if jobs:
        os.environ["POLARS_MAX_THREADS"] = str(min(jobs, os.cpu_count() or 1))  # it would start as many as it is told
    # By default its allocator (jemalloc) keeps freed pages for good: a fifth more memory at the peak, and no faster.
    os.environ.setdefault("_RJEM_MALLOC_CONF", "narenas:2,dirty_decay_ms:250,muzzy_decay_ms:0")
    # numpy's linear algebra (OpenBLAS) would start threads at the import and let them spin between small products.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@click.command("analyze")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@config_option
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("wslog-report"), show_default=True,
              metavar="DIR", help="The report folder.")  # fmt: skip
@click.option("--no-output", is_flag=True, help="Write no report folder.")
@click.option("--force", is_flag=True, help="Replace a folder that wslog did not write.")
@format_option()
@click.option("--since", metavar="TIME",
              help="Only connections that ended since: 2026-11-22, 24h, 7d, yesterday, 2026-W46.")  # fmt: skip
@click.option("--until", metavar="TIME", help="Only connections that ended before; a day counts as a whole.")
@click.option("--path", "path_globs", multiple=True, metavar="GLOB", help="Only these paths; repeatable.")
@click.option("--host", "host_globs", multiple=True, metavar="GLOB", help="Only these hosts; repeatable.")
@reading_options
@timeouts_option
@click.option("--store", type=click.Path(path_type=Path), metavar="DIR",
              help="Also append to this history store; files known by content are not parsed again.")  # fmt: skip
@click.option("--store-tz", metavar="ZONE", help="Whose Mondays bound a new store's weeks.  [default: UTC]")
@fail_if_option("Exit 3 if METRIC OP NUMBER holds; repeatable.", metrics=_metrics)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Cores to use.  [default: all]")
@click.option("--memory", metavar="SIZE",
              help="What to get by with; tables beyond wait on disk.  [default: 1GiB, or half of all]")  # fmt: skip
@click.option("--anonymize", is_flag=True,
              help="Pseudonyms for addresses, user agents, sessions and connections; no close reasons.")  # fmt: skip
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("--no-progress", is_flag=True, help="No progress bar.")
def analyze(
    *,
    paths: tuple[str, ...],
    output: Path,
    no_output: bool,
    force: bool,
    form: Form,
    since: str | None,
    until: str | None,
    path_globs: tuple[str, ...],
    host_globs: tuple[str, ...],
    tz: tuple[str, ...],
    log_format: str | None,
    nginx_conf: Path | None,
    client_fields: tuple[str, ...],
    timeouts: Path | None,
    store: Path | None,
    store_tz: str | None,
    fail_if: tuple[str, ...],
    jobs: int | None,
    memory: str | None,
    anonymize: bool,
    quiet: bool,
    no_progress: bool,
) -> None:
    """Explain the 1006 closes in the logs behind PATH... and write the report folder.

    PATH is a file, a folder (read recursively), a pattern, or - for standard input. What a file is, is seen from its
    content; .gz, .zst, .bz2 and .xz are read as they are.

    \b
    Examples:
      wslog analyze logs/
      wslog analyze client.jsonl nginx/*.log* alb/ -o monday
      wslog analyze logs/ --since yesterday --path '/ws/*' --format markdown
      wslog analyze logs/ --fail-if 'drops_per_1000_connection_hours > 20'
      zcat access.log.gz | wslog analyze - client.jsonl --no-output
    """  # noqa: D301  (click wants a real backspace there)
    set_up_engines(jobs)
    from wslog.commands.progress import show_progress
    from wslog.commands.screen import say_written, this_screen
    from wslog.forms import write_analysis
    from wslog.selection import Selection
    from wslog.timespan import parse_span

    no_output = settle_no_output(no_output=no_output)
    thresholds = _thresholds(fail_if)
    if not no_output:
        _guard(output, paths, store, nginx_conf, timeouts, config_file(), force=force)
    now = dt.datetime.now(dt.UTC)
    start, end = parse_span(since, until, tz=tz, now=now)
    selection = Selection(since=start, until=end, path_globs=path_globs, host_globs=host_globs)
    is_silent = quiet or no_progress or not sys.stderr.isatty()
    with show_progress(silent=is_silent) as on_progress, _analyzer(store, zone=store_tz, now=now) as run:
        from wslog.ingest import ReadOptions, parse_client_fields

        options = ReadOptions(
            tz=tz, log_format=log_format, nginx_conf=nginx_conf, client_fields=parse_client_fields(client_fields),
            stdin=sys.stdin.buffer, on_progress=on_progress,
        )  # fmt: skip
        outcome = run(paths, options, selection=selection, timeouts=timeouts, anonymize=anonymize, memory=memory)
    if not quiet:
        from wslog.commands.remarks import conf_remarks, log_format_remarks, warn

        warn((*conf_remarks(nginx_conf), *log_format_remarks(log_format, outcome.document.coverage)))
    if not no_output:
        _write(output, outcome, force=force, is_appended=store is not None)
    click.echo(write_analysis(outcome.document, form, screen=this_screen(80, 120)), nl=False, color=True)
    if not no_output and not quiet:
        say_written(output / "report.html")
    _enforce(thresholds, outcome.document)


def _guard(output: Path, paths: Sequence[str], *others: Path | None, force: bool) -> None:
    """Refuse a folder that holds what is not ours, or one of the inputs, before any work is done."""
    from wslog.commands.report_folder import inputs_at_risk
    from wslog.commands.whole_folder import check_output

    check_output(output, force=force, inputs=inputs_at_risk(output, paths, *others))


def _write(output: Path, outcome: Outcome, *, force: bool, is_appended: bool) -> None:
    """Write the report folder; the same delivery appended once more leaves it alone."""
    from wslog.commands.report_folder import holds_report, write_report

    if not (is_appended and holds_report(output, outcome.document)):
        write_report(output, outcome.document, outcome.connections, force=force)


def _thresholds(texts: Sequence[str]) -> list[Threshold]:
    if not texts:
        return []
    from wslog.summarize.metrics import parse_threshold

    return [parse_threshold(text) for text in texts]


def _analyzer(store: Path | None, *, zone: str | None, now: dt.datetime) -> AbstractContextManager[Analyzer]:
    """Open what analyzes; the history store, and all that makes weeks, is imported only for one."""
    if store is None:
        from wslog.pipeline import analyze as straight

        return nullcontext(straight)
    from wslog.store.analyzer import open_analyzer

    return open_analyzer(store, zone=zone, now=now)


def settle_no_output(*, no_output: bool) -> bool:
    """Return whether no folder is written; the command line wins over wslog.toml.

    Raises:
        click.UsageError: If one and the same place asks for a folder and for none.
    """
    source = click.get_current_context().get_parameter_source
    asks, forbids = source("output"), source("no_output")
    if not no_output or asks not in (ParameterSource.COMMANDLINE, ParameterSource.DEFAULT_MAP):
        return no_output
    if asks is forbids:
        raise click.UsageError("-o/--output names a report folder and --no-output forbids it: leave one out.")
    return forbids is ParameterSource.COMMANDLINE


def _enforce(thresholds: Sequence[Threshold], document: Document) -> None:
    failed = [threshold.message(document) for threshold in thresholds if threshold.holds(document)]
    for message in failed:
        click.echo(f"Failed: {message}", err=True)
    if failed:
        raise click.exceptions.Exit(EXIT_THRESHOLD)
