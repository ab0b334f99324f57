"""Events of all tiers and the account of every line, out of whatever files the caller points at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from wslog.cellar import AS_IT_COMES, Cellar, Shelf
from wslog.ingest.accounts import raise_if_useless
from wslog.ingest.concern import MAY_CONCERN
from wslog.ingest.configuration import (
    AS_FOUND,
    Progress,
    ReadOptions,
    named_source,
    parse_zones,
    read_configuration,
)
from wslog.ingest.files.blocks import Block
from wslog.ingest.files.sources import Source, list_sources
from wslog.ingest.format import Config, LogFormat
from wslog.ingest.formats import FORMATS
from wslog.ingest.kinds.recognise import Recognised
from wslog.ingest.lanes import Lanes, usable_cores
from wslog.ingest.read_batch import SMALL_BYTES, batches_of, read_batch
from wslog.ingest.read_file import Part, read_file
from wslog.ingest.reading import PLACED, Reading, having, parse_waiting
from wslog.ingest.settle import settled
from wslog.ingest.survey import Survey, survey_source
from wslog.ingest.undecided import Undecided
from wslog.knowledge.model import Setting
from wslog.result import Coverage
from wslog.schema import EventKind, Format

EVERYTHING: Final = pl.lit(value=True)
HAS_LOST_CODE: Final = (
    (pl.col("format") == Format.CLIENT_CLOSE)
    & (pl.col("event") == EventKind.CLOSE.value)
    & pl.col("close_code").is_null()
)


class Read(Struct, frozen=True, kw_only=True):
    """What was read.

    Attributes:
        events: `schema.EVENTS`, in order of file name and line.
        coverage: What became of every line of every file.
        settings: Timers that configuration files set.
        levels: nginx error levels seen, kept or not: an `info` line proves that info lines would show. `info`, `notice`
            and `debug` lines are always looked at; of graver ones those of no concern are not.
    """

    events: pl.DataFrame
    coverage: Coverage
    settings: tuple[Setting, ...]
    levels: frozenset[str]


def read_events(
    paths: Sequence[str | Path],
    options: ReadOptions = AS_FOUND,
    *,
    all_lines: bool = False,
    must_be_useful: bool = True,
    formats: Sequence[LogFormat] = FORMATS,
    jobs: int | None = None,
    cellar: Cellar = AS_IT_COMES,
) -> Read:
    """Read every file behind *paths*: logs become events, configuration becomes timers.

    Args:
        paths: Files, folders, globs, or `-` for standard input.
        options: How to read them.
        all_lines: Keep plain HTTP requests too.
        must_be_useful: Raise if no file holds anything that wslog can use; otherwise coverage says so alone.
        formats: The formats to recognise; the first wins a tie.
        jobs: Threads that read and parse; None: as many as there are cores. The result is the same.
        cellar: Where the events wait.

    Raises:
        InputError: If a path is missing, or no file holds anything that wslog can use.
        OptionError: If a zone or a format in *options* is not known.
    """
    zones = parse_zones(options.tz, list(dict.fromkeys(form.name for form in formats)))
    sources = list_sources(paths, stdin=options.stdin)
    progress = FileProgress(options.on_progress, sum(source.n_bytes for source in sources))
    progress.start()
    surveys = [survey_source(source, number) for number, source in enumerate(sources)]
    config, settings = configure(surveys, options, zones=zones)
    keep = EVERYTHING if all_lines else MAY_CONCERN
    shelf = cellar.shelf()
    reading = Reading(config=config, formats=formats, keep=keep, skip_plain=not all_lines, put=shelf.put)
    parts, kept = _read_parts(surveys, reading, progress, shelf, jobs=jobs or usable_cores())
    accounts = {number: account for part in parts for number, account in part.accounts.items()}
    events, files = settled(kept, accounts, [source.shown for source in sources], all_lines=all_lines, cellar=cellar)
    if must_be_useful:
        raise_if_useless(files, has_settings=bool(settings))
    return Read(
        events=events,
        coverage=Coverage(files=tuple(files), no_code=events.select(HAS_LOST_CODE.sum()).item()),
        settings=settings,
        levels=frozenset(level for part in parts for level in part.levels),
    )


def _read_parts(
    surveys: Sequence[Survey], reading: Reading, progress: FileProgress, shelf: Shelf, *, jobs: int
) -> tuple[list[Part], list[pl.DataFrame]]:
    """Read all files, and then those of the refused requests that are on a WebSocket's path.

    Returns:
        What became of the files, and their events: the tables that *reading* put on the shelf.
    """
    with Undecided(parse_waiting) as undecided, Lanes(jobs) as lanes:
        first = replace(reading, undecided=undecided) if reading.skip_plain else reading
        parts = list(read_all(surveys, first, lanes, progress))
        kept = shelf.taken()
        sure = [having(events, ["path", "is_websocket"]) for events in (pl.DataFrame(schema=PLACED), *kept)]
        for events in undecided.siblings_of(pl.concat(sure), lanes):
            reading.take(events)
        return parts, [*kept, *shelf.taken()]


def configure(
    surveys: Sequence[Survey], options: ReadOptions, *, zones: dict[str, str]
) -> tuple[Config, tuple[Setting, ...]]:
    """Return what the caller and the configuration among the files say about the logs, and the timers that it sets."""
    found = {survey.source: survey.kind for survey in surveys if survey.kind}
    named = {named_source(options.nginx_conf): Format.NGINX_CONF} if options.nginx_conf else {}
    configuration = read_configuration(named | found)
    given = {"--log-format": options.log_format} if options.log_format else {}
    config = Config(
        log_formats=given | configuration.log_formats, client_fields=dict(options.client_fields or {}), zones=zones
    )
    return config, configuration.settings


def read_all(surveys: Sequence[Survey], reading: Reading, lanes: Lanes, report: FileProgress) -> Iterator[Part]:
    """Yield what the files gave, small ones several at a time, large ones block by block."""
    known: list[Recognised] = []
    for is_large, some in groupby(batches_of(surveys), key=lambda batch: batch[0].source.n_bytes > SMALL_BYTES):
        if is_large:
            for (survey,) in some:
                yield read_file(survey, reading, lanes=lanes, on_block=report.of_block(survey.source))
                report.end([survey])
        else:
            for batch, parts in lanes.map(lambda batch: (batch, read_batch(batch, reading, known)), some):
                yield from parts
                report.end(batch)


class FileProgress:
    """Adds up bytes over files for the caller's callback."""

    def __init__(self, callback: Progress | None, total: int) -> None:
        self._callback = callback
        self._total = total
        self._before = 0

    def start(self) -> None:
        """Note how much there is, before the first look at the files."""
        if self._callback:
            self._callback(0, self._total, "")

    def of_block(self, source: Source) -> Callable[[Block], None]:
        """Return what to call after each block of a file."""

        def report(block: Block) -> None:
            if self._callback:
                self._callback(min(self._before + block.bytes_read, self._total), self._total, source.shown)

        return report

    def end(self, surveys: Sequence[Survey]) -> None:
        """Note that files are done."""
        self._before += sum(survey.source.n_bytes for survey in surveys)
        if self._callback:
            self._callback(self._before, self._total, surveys[-1].source.shown)
