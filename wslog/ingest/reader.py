"""Events of all tiers and the account of every line, out of whatever files the caller points at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, NamedTuple

import polars as pl

from wslog import schema
from wslog.ingest.accounts import account_of, raise_if_useless, unread, with_copies, with_events
from wslog.ingest.blocks import Block, read_blocks, read_head
from wslog.ingest.concern import MAY_CONCERN, of_concern, without_copies
from wslog.ingest.configuration import NGINX_CONF, named_source, parse_zones, read_configuration
from wslog.ingest.format import Config, LogFormat
from wslog.ingest.formats import FORMATS
from wslog.ingest.nginx_error import NGINX_ERROR
from wslog.ingest.parse_file import EVENTS, FileRead, parse_file
from wslog.ingest.recognise import recognise, sample_lines
from wslog.ingest.sources import Source, list_sources
from wslog.ingest.survey import Survey, account_of_others, survey_source
from wslog.knowledge.model import Setting
from wslog.result import Coverage, FileCoverage
from wslog.schema import EventKind

Progress = Callable[[int, int, str], None]  # bytes done, bytes in all, the file's name
EVERYTHING: Final = pl.lit(value=True)
HAS_LOST_CODE: Final = (
    (pl.col("format") == "client-close") & (pl.col("event") == EventKind.CLOSE.value) & pl.col("close_code").is_null()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read.

    Attributes:
        events: `schema.EVENTS`, in order of file name and line.
        coverage: What became of every line of every file.
        settings: Timers that configuration files set.
        levels: nginx error levels seen on any line, kept or not: an `info` line proves that info lines would show.
    """

    events: pl.DataFrame
    coverage: Coverage
    settings: tuple[Setting, ...]
    levels: frozenset[str]


def read_events(
    paths: Sequence[str | Path],
    *,
    log_format: str | None = None,
    nginx_conf: Path | None = None,
    client_fields: Mapping[str, str] | None = None,
    tz: Sequence[str] = (),
    all_lines: bool = False,
    must_be_useful: bool = True,
    on_progress: Progress | None = None,
    stdin: IO[bytes] | None = None,
    formats: Sequence[LogFormat] = FORMATS,
) -> Read:
    """Read every file behind *paths*: logs become events, configuration becomes timers.

    Args:
        paths: Files, folders, globs, or `-` for *stdin*.
        log_format: An nginx `log_format` text to try first.
        nginx_conf: A configuration file that is not among *paths*.
        client_fields: Client log fields, ours → theirs.
        tz: `ZONE` or `FORMAT=ZONE`, for clocks that name no zone.
        all_lines: Keep plain HTTP requests too.
        must_be_useful: Raise if no file holds anything that wslog can use; otherwise coverage says so alone.
        on_progress: Called after each block with bytes done, bytes in all, and the file's name.
        stdin: The stream behind `-`.
        formats: The formats to recognise; the first wins a tie.

    Raises:
        InputError: If a path is missing, or no file holds anything that wslog can use.
        OptionError: If a zone or a format in *tz* is not known.
    """
    zones = parse_zones(tz, list(dict.fromkeys(form.name for form in formats)))
    surveys = [survey_source(source) for source in list_sources(paths, stdin=stdin)]
    found = {survey.source: survey.kind for survey in surveys if survey.kind}
    named = {named_source(nginx_conf): NGINX_CONF} if nginx_conf else {}
    configuration = read_configuration(named | found)
    given = {"--log-format": log_format} if log_format else {}
    config = Config(log_formats=given | configuration.log_formats, client_fields=dict(client_fields or {}), zones=zones)
    progress = _Progress(on_progress, sum(survey.source.n_bytes for survey in surveys))
    keep = EVERYTHING if all_lines else MAY_CONCERN
    read = [_read_file(survey, config, formats, keep, progress) for survey in surveys]
    events, files = _settled(read, all_lines=all_lines)
    if must_be_useful:
        raise_if_useless(files, has_settings=bool(configuration.settings))
    return Read(
        events=events,
        coverage=Coverage(files=files, no_code=events.select(HAS_LOST_CODE.sum()).item()),
        settings=configuration.settings,
        levels=frozenset(level for part in read for level in part.levels),
    )


class _Part(NamedTuple):
    """What one file gave: its account, its kept events (`schema.EVENTS`), the nginx error levels seen in it."""

    coverage: FileCoverage
    events: pl.DataFrame
    levels: frozenset[str] = frozenset()


def _settled(read: Sequence[_Part], *, all_lines: bool) -> tuple[pl.DataFrame, tuple[FileCoverage, ...]]:
    """Put all files' events together, decide which are of concern now that all paths are known, and count them."""
    events = pl.concat([part.events for part in read])
    unique = without_copies(events)
    kept = unique if all_lines else of_concern(unique)
    files = with_copies([part.coverage for part in read], events, unique)
    return schema.conform(kept, schema.EVENTS), tuple(with_events(files, kept))


class _Progress:
    """Adds up bytes over files for the caller's callback."""

    def __init__(self, callback: Progress | None, total: int) -> None:
        self._callback = callback
        self._total = total
        self._before = 0

    def of_block(self, source: Source) -> Callable[[Block], None]:
        def report(block: Block) -> None:
            if self._callback:
                self._callback(min(self._before + block.bytes_read, self._total), self._total, source.shown)

        return report

    def end(self, source: Source) -> None:
        self._before += source.n_bytes
        if self._callback:
            self._callback(self._before, self._total, source.shown)


def _read_file(
    survey: Survey, config: Config, formats: Sequence[LogFormat], keep: pl.Expr, progress: _Progress
) -> _Part:
    source = survey.source
    nothing = pl.DataFrame(schema=schema.dtypes(schema.EVENTS))
    if survey.not_read:
        return _Part(unread(source, compression=survey.compression, why=survey.not_read), nothing)
    on_block = progress.of_block(source)
    try:
        head = read_head(source)
        sample = sample_lines(head.data, is_whole=head.is_whole)
        recognised = recognise(sample, config, formats)
        if survey.kind or recognised.reader is None:
            return _Part(account_of_others(survey, recognised, on_block), nothing)
        read = parse_file(
            read_blocks(source),
            recognised,
            config,
            formats=formats,
            keep=keep,
            on_block=on_block,
            skip_plain=keep is MAY_CONCERN,
        )
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        return _Part(unread(source, compression=survey.compression, why=reason), nothing)
    finally:
        progress.end(source)
    levels = frozenset(read.levels.get(NGINX_ERROR.name, ()))
    return _Part(account_of(source, survey.compression, recognised, read), _events(source, read), levels)


def _events(source: Source, read: FileRead) -> pl.DataFrame:
    events = pl.concat(read.events) if read.events else pl.DataFrame(schema=EVENTS)
    ref = pl.concat_str(pl.lit(f"{source.shown}:"), pl.col("line").cast(pl.String)).alias("ref")
    return events.with_columns(ref).select(*schema.EVENTS)
