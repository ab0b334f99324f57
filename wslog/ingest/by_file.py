"""Events file by file, for a caller that keeps them: what is known already need not be parsed again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.cellar import AS_IT_COMES, Cellar
from wslog.ingest import reader
from wslog.ingest.concern import MAY_CONCERN
from wslog.ingest.configuration import AS_FOUND, Progress, ReadOptions, parse_zones
from wslog.ingest.files.blocks import content_chunks
from wslog.ingest.files.sources import Source, list_sources
from wslog.ingest.format import Config
from wslog.ingest.formats import FORMATS
from wslog.ingest.lanes import Lanes, usable_cores
from wslog.ingest.reading import EVENTS, PLACED, Reading, compact, having
from wslog.ingest.settle import settled
from wslog.ingest.survey import survey_source
from wslog.knowledge.model import Setting
from wslog.result import Coverage, FileCoverage

HEAD_BYTES: Final = 200


class FileEvents(Struct, frozen=True, kw_only=True):
    """What one file gave.

    Attributes:
        source: The file.
        coverage: Its account; which events are of concern is not settled yet.
        events: `schema.EVENTS` with `line` in place of `ref`: all that may be of concern.
        levels: nginx error levels seen, as `reader.Read` has them.
    """

    source: Source
    coverage: FileCoverage
    events: pl.DataFrame
    levels: frozenset[str]


class Inputs(Struct, frozen=True, kw_only=True):
    """The files behind the paths, and how to read them.

    Attributes:
        sources: All of them.
        settings: Timers that configuration files set.
        config: What the caller and configuration files say about the logs.
        reading: What the events of a file depend on besides its content, as a text: zones, formats, field names.
    """

    sources: tuple[Source, ...]
    settings: tuple[Setting, ...]
    config: Config
    reading: str

    def read(self, sources: Sequence[Source], *, on_progress: Progress | None = None) -> Iterator[FileEvents]:
        """Parse some of the files, several at once; each comes when it is done, in no promised order."""
        surveys = [survey_source(source, number) for number, source in enumerate(sources)]
        by_number: dict[int, list[pl.DataFrame]] = {}

        def put(events: pl.DataFrame) -> None:
            for (number,), of_file in having(events, PLACED).group_by("file_no", maintain_order=True):
                by_number.setdefault(number, []).append(of_file.select(*EVENTS))

        reading = Reading(config=self.config, formats=FORMATS, keep=MAY_CONCERN, skip_plain=True, put=put)
        progress = reader.FileProgress(on_progress, sum(source.n_bytes for source in sources))
        nothing = pl.DataFrame(schema=EVENTS)
        with Lanes(usable_cores()) as lanes:
            for part in reader.read_all(surveys, reading, lanes, progress):
                for number, account in part.accounts.items():
                    events = pl.concat(by_number.pop(number, [nothing]))
                    yield FileEvents(source=sources[number], coverage=account, events=events, levels=part.levels)


def find_inputs(
    paths: Sequence[str | Path],
    options: ReadOptions = AS_FOUND,
    *,
    is_log: Callable[[Source], bool] = lambda _source: False,
) -> Inputs:
    """List the files behind *paths* and read their configuration; no log is parsed yet.

    Args:
        paths: Files, folders, globs, or `-` for standard input.
        options: How to read them.
        is_log: Whether a file is known not to be configuration, so that it need not be opened.

    Raises:
        InputError: If a path is missing.
        OptionError: If a zone or a format in *options* is not known.
    """
    zones = parse_zones(options.tz, list(dict.fromkeys(form.name for form in FORMATS)))
    sources = list_sources(paths, stdin=options.stdin)
    surveys = [survey_source(source) for source in sources if not is_log(source)]
    config, settings = reader.configure(surveys, options, zones=zones)
    reading = repr(
        (sorted(config.log_formats.items()), sorted(config.client_fields.items()), sorted(config.zones.items()))
    )
    return Inputs(sources=sources, settings=settings, config=config, reading=reading)


def settle(
    tables: Iterable[pl.DataFrame],
    accounts: Sequence[FileCoverage],
    *,
    levels: frozenset[str],
    settings: Sequence[Setting],
    cellar: Cellar = AS_IT_COMES,
) -> reader.Read:
    """Put files' events together as `read_events` does: copies out, and only what is of concern.

    Args:
        tables: `reading.PLACED`; `file_no` is the file's place among *accounts*.
        accounts: The files, in order of their paths.
        levels: nginx error levels seen in them.
        settings: Timers that configuration files set.
        cellar: Where the events wait.
    """
    shelf = cellar.shelf()
    for table in tables:
        if table.height:
            shelf.put(compact(table))
    shown = [account.path for account in accounts]
    events, settled_accounts = settled(shelf.taken(), dict(enumerate(accounts)), shown, all_lines=False, cellar=cellar)
    return reader.Read(
        events=events,
        coverage=Coverage(files=tuple(settled_accounts), no_code=events.select(reader.HAS_LOST_CODE.sum()).item()),
        settings=tuple(settings),
        levels=levels,
    )


class Content(Struct, frozen=True, kw_only=True):
    """What a file holds, whatever it is called and however it is compressed.

    Attributes:
        id: Hash of the uncompressed bytes.
        n_bytes: Their number.
        head: Hash of the first `HEAD_BYTES`, the same in a file that has only grown.
        prefixes: For each length asked for, the id of that many first bytes.
    """

    id: str
    n_bytes: int
    head: str
    prefixes: Mapping[int, str]


def identify(source: Source, lengths: Callable[[str], Sequence[int]]) -> Content:
    """Hash a file's content.

    Args:
        source: The file.
        lengths: Head → lengths of shorter contents with that head, which this file may have grown from.

    Raises:
        OSError: If it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=20)
    first = b""
    n_bytes = 0
    wanted: list[int] | None = None
    prefixes: dict[int, str] = {}
    for chunk in content_chunks(source):
        data = chunk
        if wanted is None:
            first += data
            if len(first) < HEAD_BYTES:
                continue
            data, first = first, first[:HEAD_BYTES]
            wanted = sorted(set(lengths(_head_of(first))))
        while wanted and wanted[0] <= n_bytes + len(data):
            cut = wanted.pop(0) - n_bytes
            digest.update(data[:cut])
            n_bytes, data = n_bytes + cut, data[cut:]
            prefixes[n_bytes] = digest.hexdigest()
        digest.update(data)
        n_bytes += len(data)
    if wanted is None:  # a file shorter than its head
        digest.update(first)
        n_bytes = len(first)
    return Content(id=digest.hexdigest(), n_bytes=n_bytes, head=_head_of(first), prefixes=prefixes)


def _head_of(first: bytes) -> str:
    return hashlib.blake2b(first[:HEAD_BYTES], digest_size=8).hexdigest()
