"""`wslog analyze`: the main job. Reads logs, prints the report, writes the report folder."""

from __future__ import annotations

import datetime as dt
import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from wslog.pipeline import Outcome
    from wslog.result import Document
    from wslog.summarize.metrics import Threshold

FORMATS: Final = ("text", "markdown", "json")
DEFAULTS: Final = Path("wslog.toml")
EXIT_THRESHOLD: Final = 3
METRICS_HELP: Final = (
    "drops_per_1000_connection_hours, drop_share, unknown_share, rejected_share, p95_reconnect_s, cause:NAME_share"
)


def _load_defaults(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """Put the options of wslog.toml under those of the command line."""
    file = value or (DEFAULTS if DEFAULTS.is_file() else None)
    if file is not None:
        from wslog.commands.defaults import read_defaults

        ctx.default_map = {**(ctx.default_map or {}), **read_defaults(file, ctx.command)}
    return value


@click.command("analyze", short_help="Explain the 1006 closes in logs and write the report folder.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), is_eager=True, metavar="FILE",
              callback=_load_defaults, help="Options from a TOML file.  [default: wslog.toml, if there]")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("wslog-report"), show_default=True,
              metavar="DIR", help="The report folder.")  # fmt: skip
@click.option("--no-output", is_flag=True, help="Write no report folder.")
@click.option("--force", is_flag=True, help="Replace a folder that wslog did not write.")
@click.option(
    "--format", "fmt", type=click.Choice(FORMATS), default="text", show_default=True, help="What goes to stdout."
)
@click.option(
    "--since", metavar="TIME", help="Only connections that ended since: 2026-11-22, 24h, 7d, yesterday, 2026-W46."
)
@click.option("--until", metavar="TIME", help="Only connections that ended before; a day counts as a whole.")
@click.option("--path", "path_globs", multiple=True, metavar="GLOB", help="Only these paths; repeatable.")
@click.option("--host", "host_globs", multiple=True, metavar="GLOB", help="Only these hosts; repeatable.")
@click.option("--tz", multiple=True, metavar="[FORMAT=]ZONE", help="Zone of clocks that name none; repeatable.")
@click.option("--log-format", metavar="STRING", help="The text of an nginx log_format.")
@click.option("--nginx-conf", type=click.Path(path_type=Path), metavar="FILE", help="nginx.conf or `nginx -T` output.")
@click.option(
    "--timeouts", type=click.Path(path_type=Path), metavar="FILE", help="Own timers (TOML, like the built-in ones)."
)
@click.option("--client-field", multiple=True, metavar="OURS=THEIRS", help="Maps a client log field; repeatable.")
@click.option("--store", type=click.Path(path_type=Path), metavar="DIR",
              help="Also append to this history store; files known by content are not parsed again.")  # fmt: skip
@click.option("--store-tz", metavar="ZONE", help="Whose Mondays bound a new store's weeks.  [default: UTC]")
@click.option(
    "--fail-if",
    multiple=True,
    metavar="EXPR",
    help=f"Exit 3 if METRIC OP NUMBER holds; repeatable. Metrics: {METRICS_HELP}.",
)
@click.option("--jobs", type=click.IntRange(min=1), metavar="N", help="Cores to use.  [default: all]")
@click.option("--anonymize", is_flag=True, help="Pseudonyms for addresses, user agents and sessions.")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("--no-progress", is_flag=True, help="No progress bar.")
def analyze(paths: tuple[str, ...], **options: Any) -> None:
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
    if options["jobs"]:
        os.environ["POLARS_MAX_THREADS"] = str(options["jobs"])  # polars looks when it is imported, next
    from wslog import pipeline
    from wslog.commands.render import print_form
    from wslog.commands.report_folder import check_output, write_report
    from wslog.ingest import parse_client_fields
    from wslog.summarize.metrics import parse_threshold

    thresholds = [parse_threshold(text) for text in options["fail_if"]]
    output: Path | None = None if options["no_output"] else options["output"]
    if output is not None:
        check_output(output, force=options["force"])
    since, until = _span(options)
    with _progress(silent=options["quiet"] or options["no_progress"]) as on_progress:
        run = pipeline.analyze if options["store"] is None else _through_store(options)
        outcome = run(
            paths, since=since, until=until, path_globs=options["path_globs"], host_globs=options["host_globs"],
            tz=options["tz"], log_format=options["log_format"], nginx_conf=options["nginx_conf"],
            timeouts=options["timeouts"], client_fields=parse_client_fields(options["client_field"]),
            anonymize=options["anonymize"], on_progress=on_progress, stdin=sys.stdin.buffer,
        )  # fmt: skip
    if output is not None and not (options["store"] and _is_written(output, outcome.document)):
        write_report(output, outcome.document, outcome.connections, force=options["force"])
    click.echo(print_form(outcome.document, options["fmt"]), nl=False, color=True)
    if not options["quiet"]:
        _say_where(output)
    _enforce(thresholds, outcome.document)


def _is_written(output: Path, document: Document) -> bool:
    """Return whether the folder holds this very report: the same document gives the same bytes."""
    from wslog.commands.report_folder import MARKER
    from wslog.render.saved import dump

    wanted = ("report.html", "report.md", "connections.parquet", "drops.csv", "charts", MARKER)
    saved = output / "analysis.json"
    return all((output / name).exists() for name in wanted) and saved.is_file() and saved.read_bytes() == dump(document)


def _through_store(options: dict[str, Any]) -> Callable[..., Outcome]:
    """Return what analyzes as `pipeline.analyze` does, and appends to the history store."""
    from wslog.store import Store
    from wslog.store.outcomes import analyze_into

    store = Store(options["store"], create=True, zone=options["store_tz"])
    return functools.partial(analyze_into, store, now=dt.datetime.now(dt.UTC))


def _span(options: dict[str, Any]) -> tuple[dt.datetime | None, dt.datetime | None]:
    from wslog.notebook import parse_span

    return parse_span(options["since"], options["until"], tz=options["tz"], now=dt.datetime.now(dt.UTC))


def _progress(*, silent: bool) -> Any:
    from wslog.commands.progress import show_progress

    return show_progress(silent=silent or not sys.stderr.isatty())


def _say_where(output: Path | None) -> None:
    if output is not None:
        click.echo(f"Report: {output / 'report.html'}", err=True)


def _enforce(thresholds: list[Threshold], document: Any) -> None:
    failed = [threshold.message(document) for threshold in thresholds if threshold.holds(document)]
    for message in failed:
        click.echo(f"Failed: {message}", err=True)
    if failed:
        raise click.exceptions.Exit(EXIT_THRESHOLD)
