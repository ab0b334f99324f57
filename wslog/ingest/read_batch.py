"""Many small files of one kind, parsed as one: a load balancer delivers thousands a day.

What a file costs by itself (recognising it, some eighty calls of polars) is ten times what its lines cost. So files
that would surely be given the same parser are put together, and each gets its own account. A file with anything odd
in it, a line that does not parse to begin with, is read again by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

import polars as pl

from wslog.ingest.accounts import account_of
from wslog.ingest.blocks import HEAD_BYTES, read_at_once, split_lines
from wslog.ingest.configuration import LOOK
from wslog.ingest.parse_file import PLACED, FileRead, Reading, filled
from wslog.ingest.plain import EDGE_LINES, needs_parsing
from wslog.ingest.read_file import Part, read_file
from wslog.ingest.recognise import Reader, Recognised, recognise, sample_lines
from wslog.ingest.survey import Survey
from wslog.result import FileCoverage

SMALL_BYTES: Final = 1 << 20  # on disk
TEXT_BYTES: Final = 16 << 20  # uncompressed
BATCH_BYTES: Final = 1 << 20  # on disk: some 7 MB of text

MOST_KNOWN: Final = 8  # of what files were recognised as, the last ones are tried

Span = tuple[dt.datetime | None, dt.datetime | None]


@dataclass(slots=True)
class _Run:
    """Files that one parser reads."""

    recognised: Recognised
    reader: Reader
    surveys: list[Survey] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)


def batches_of(surveys: Sequence[Survey]) -> list[list[Survey]]:
    """Put consecutive small files together; a larger file is alone."""
    batches: list[list[Survey]] = []
    room = 0
    for survey in surveys:
        n_bytes = survey.source.n_bytes
        if not batches or n_bytes > SMALL_BYTES or room < n_bytes:
            batches.append([])
            room = BATCH_BYTES
        batches[-1].append(survey)
        room = 0 if n_bytes > SMALL_BYTES else room - n_bytes
    return batches


def read_batch(surveys: Sequence[Survey], reading: Reading, known: list[Recognised]) -> list[Part]:
    """Read some small files: the same as `read_file` of each, in any order.

    Args:
        surveys: The files.
        reading: What holds for all files.
        known: What earlier files were recognised as; new ones are added.
    """
    parts: list[Part] = []
    runs: dict[int, _Run] = {}
    for survey in surveys:
        text = _text(survey)
        recognised = None if text is None else _recognised(text, reading, known)
        reader = recognised.reader if recognised else None
        if text is None or recognised is None or reader is None or not _can_be_shared(recognised, reading):
            parts.append(read_file(survey, reading, recognised=recognised))
            continue
        run = runs.setdefault(id(recognised), _Run(recognised, reader))
        run.surveys.append(survey)
        run.texts.append(text)
    return [*parts, *(part for run in runs.values() for part in _parse(run, reading))]


def _recognised(text: bytes, reading: Reading, known: list[Recognised]) -> Recognised:
    """Return what a file is, cheaply if it is what an earlier one was."""
    beginning = sample_lines(text[:LOOK], is_whole=len(text) <= LOOK)
    for earlier in known[-MOST_KNOWN:]:
        fits_too = earlier.reader.parser.fits_too if earlier.reader else None
        if fits_too is not None and fits_too(beginning):
            return earlier
    sample = sample_lines(text[:HEAD_BYTES], is_whole=len(text) <= HEAD_BYTES)
    found = recognise(sample, reading.config, reading.formats)
    if _can_be_shared(found, reading):
        known.append(found)
    return found


def _can_be_shared(recognised: Recognised, reading: Reading) -> bool:
    has_test = recognised.reader is not None and recognised.reader.parser.fits_too is not None
    return has_test and not recognised.wrappers and reading.skip_plain


def _text(survey: Survey) -> bytes | None:
    if survey.kind or survey.not_read:
        return None
    try:
        return read_at_once(survey.source, limit=TEXT_BYTES)
    except OSError:
        return None  # `read_file` will say what is wrong


def _parse(run: _Run, reading: Reading) -> list[Part]:
    heights = [text.count(b"\n") for text in run.texts]
    ends = list(accumulate(heights))
    starts = [end - height for end, height in zip(ends, heights, strict=True)]
    text = split_lines(b"".join(run.texts)).alias("text")
    lines = pl.select(pl.int_range(1, len(text) + 1, dtype=pl.Int64).alias("line"), text)
    at_edge = pl.col("line").is_in(_edges(starts, ends))
    left = needs_parsing(lines, run.reader.parser.plain, at_edge).filter(pl.col("text").str.contains(r"\S"))
    events = filled(run.reader.parser.parse(left).events, run.reader)
    # From here `line` is the line's own number in its file.
    unclaimed = left.join(events.select("line"), on="line", how="anti")["line"]
    odd = set(_file_of(unclaimed, starts).to_list())
    file = _file_of(events["line"], starts)
    events = events.with_columns(file, pl.col("line") - pl.Series(starts, dtype=pl.Int64).gather(file))
    events = events.filter(~pl.col("file").is_in(list(odd)))
    span = events.group_by("file").agg(pl.col("at").min().alias("first"), pl.col("at").max().alias("last"))
    spans = {number: (first, last) for number, first, last in span.rows()}
    numbers = pl.Series("file_no", [survey.number for survey in run.surveys], dtype=pl.UInt32)
    kept = events.filter(reading.keep)
    kept = kept.with_columns(numbers.gather(kept["file"]))
    accounts = {
        survey.number: _account(survey, run, heights[number], spans.get(number, (None, None)))
        for number, survey in enumerate(run.surveys)
        if number not in odd
    }
    placed = kept.select(pl.col(name).cast(dtype) for name, dtype in PLACED.items())
    parts = [Part(accounts, reading.decided(placed))]
    return parts + [read_file(run.surveys[number], reading) for number in sorted(odd)]


def _edges(starts: Sequence[int], ends: Sequence[int]) -> list[int]:
    """Return the first and last lines of each file, numbered through."""
    near = range(EDGE_LINES)
    return [line for start, end in zip(starts, ends, strict=True) for n in near for line in (start + 1 + n, end - n)]


def _file_of(lines: pl.Series, starts: Sequence[int]) -> pl.Series:
    """Return which file a line numbered through is of."""
    before = pl.Series(starts, dtype=pl.Int64).search_sorted(lines - 1, side="right")
    return (before.cast(pl.Int64) - 1).alias("file")


def _account(survey: Survey, run: _Run, n_lines: int, span: Span) -> FileCoverage:
    read = FileRead(readers=[run.reader], n_lines=n_lines, first_at=span[0], last_at=span[1])
    read.levels[run.reader.format.name] = set()
    return account_of(survey.source, survey.compression, run.recognised, read)
