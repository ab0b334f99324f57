"""Many small files of one kind, parsed as one: a load balancer delivers thousands a day.

What a file costs by itself (recognising it, some eighty calls of polars) is ten times what its lines cost. So files
that would surely be given the same parser are put together, and each gets its own account. A file in which more than a
few lines do not parse, or any that another format reads, holds a second format: it is read again by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any, Final

import polars as pl
from msgspec import Struct, field

from wslog.ingest.accounts import account_of
from wslog.ingest.configuration import FIRST_LOOK
from wslog.ingest.files.blocks import HEAD_BYTES, mended, read_at_once, split_lines
from wslog.ingest.kinds.recognise import Reader, Recognised, best_reader, recognise, sample_lines
from wslog.ingest.parse_file import KEPT_REJECTS, FileRead
from wslog.ingest.read_file import Part, read_file
from wslog.ingest.reading import PLACED, Reading, Sieve, filled, sieve_of
from wslog.ingest.sift import EDGE_LINES, LINES, sift
from wslog.ingest.survey import Survey
from wslog.result import FileCoverage, Reject

SMALL_BYTES: Final = 1 << 20  # on disk
TEXT_BYTES: Final = 16 << 20  # uncompressed
BATCH_BYTES: Final = 8 << 20  # on disk: some 56 MB of text
SIFTED_BYTES: Final = 4 << 20  # of text at a time
ASIDE: Final = 4  # times that much: the refused requests among it are put aside together

MOST_KNOWN: Final = 8  # of what files were recognised as, the last ones are tried

MOST_REJECTED: Final = 0.1  # of a file's lines; beyond that something else stands in it too
SAMPLED_REJECTS: Final = 8  # of those that begin alike, in all files of a batch
NO_SPAN: Final = (None, None)


class _Run(Struct):
    """Files that one parser reads, their lines numbered through.

    Attributes:
        surveys: The files; `starts`: how many lines stand before each; `heights`: how many it has.
        texts: Of the last files, not sifted yet; `is_utf8`: none was mended.
        left, waiting: Of the files before, the lines that must be parsed, and those that can wait.
    """

    recognised: Recognised
    reader: Reader
    sieve: Sieve
    surveys: list[Survey] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    heights: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    n_bytes: int = 0
    is_utf8: bool = True
    left: list[pl.DataFrame] = field(default_factory=list)
    waiting: list[pl.DataFrame] = field(default_factory=list)

    def add(self, survey: Survey, text: bytes) -> None:
        """Take a file."""
        self.surveys.append(survey)
        self.texts.append(text if self.is_utf8 else mended([text]))
        self.n_bytes += len(text)
        if self.n_bytes >= SIFTED_BYTES:
            self.sift()

    def sift(self) -> None:
        """Sift the lines of the last files; the texts themselves go: lines are a copy."""
        before = self.starts[-1] + self.heights[-1] if self.starts else 0
        try:
            text = split_lines(b"".join(self.texts)).alias("text")
        except pl.exceptions.ComputeError:  # to find that out is dear, so further files are not tried
            self.is_utf8 = False
            self.texts = [mended([text]) for text in self.texts]
            text = split_lines(b"".join(self.texts)).alias("text")
        line = pl.int_range(before + 1, before + len(text) + 1, dtype=pl.Int64).alias("line")
        lines = pl.select(line, text, end=(pl.lit(text).str.len_bytes().cast(pl.Int64) + 1).cum_sum())
        heights = _heights(lines["end"], self.texts)
        self.texts, self.n_bytes = [], 0
        ends = list(accumulate(heights, initial=before))
        found = sift(lines[LINES], self.sieve.plain, self.sieve.refused, edges=_edges(ends[:-1], ends[1:]))
        self.starts += ends[:-1]
        self.heights += heights
        self.left.append(found.left)
        self.waiting.append(found.waiting)

    def placed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return lines or events with their own `line` in their file, with `nth` in this run, and `file_no`."""
        nth = self.nth_of(frame["line"]).alias("nth")
        numbers = pl.Series("file_no", [survey.number for survey in self.surveys], dtype=pl.UInt32)
        starts = pl.Series(self.starts, dtype=pl.Int64)
        return frame.with_columns(nth, numbers.gather(nth), pl.col("line") - starts.gather(nth))

    def nth_of(self, lines: pl.Series) -> pl.Series:
        """Return which of the files a line numbered through is of."""
        return pl.Series(self.starts, dtype=pl.Int64).search_sorted(lines - 1, side="right").cast(pl.Int64) - 1


def batches_of(surveys: Sequence[Survey]) -> list[list[Survey]]:
    """Put consecutive small files together; a larger file is alone."""
    batches: list[list[Survey]] = []
    room, is_alone = 0, True
    for survey in surveys:
        n_bytes, was_alone = survey.source.n_bytes, is_alone
        is_alone = n_bytes > SMALL_BYTES
        if was_alone or is_alone or room < n_bytes:  # an empty file has room anywhere, but not with a larger one
            batches.append([])
            room = BATCH_BYTES
        batches[-1].append(survey)
        room -= n_bytes
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
        run = runs.setdefault(id(recognised), _Run(recognised, reader, sieve_of(recognised, reading)))
        run.add(survey, text)
    return [*parts, *(part for run in runs.values() for part in _parse(run, reading))]


def _recognised(text: bytes, reading: Reading, known: list[Recognised]) -> Recognised:
    """Return what a file is, cheaply if it is what an earlier one was."""
    beginning = sample_lines(text[:FIRST_LOOK], is_whole=len(text) <= FIRST_LOOK)
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
    if run.texts:
        run.sift()
    left = pl.concat(run.left)
    parsed = run.reader.parser.parse(left)
    events = run.placed(filled(parsed.events, run.reader))
    rejects = _by_file(run.placed(parsed.rejects).sort("line"), "line", "reason", "text")
    of_others = _of_other_formats(left.filter(pl.col("line").is_in(parsed.rejects["line"].implode())), run, reading)
    # Where damaged lines are not told by their beginnings, another layout of the same format may be theirs.
    most = MOST_REJECTED if run.reader.parser.own else 0.0
    mixed = [nth for nth, rows in rejects.items() if nth in of_others or len(rows) > most * run.heights[nth]]
    is_whole = ~pl.col("nth").is_in(mixed)
    while run.waiting:  # a few at a time: their texts are copied on the way
        some, run.waiting = pl.concat(run.waiting[:ASIDE]), run.waiting[ASIDE:]
        run.sieve.put_aside(run.placed(some).filter(is_whole).select("file_no", "line", "text"))
    spans = _by_file(events.group_by("nth").agg(first=pl.col("at").min(), last=pl.col("at").max()), "first", "last")
    accounts = {
        survey.number: _account(
            survey, run, n_lines=run.heights[nth], span=spans.get(nth, [NO_SPAN])[0], rejects=rejects.get(nth, [])
        )
        for nth, survey in enumerate(run.surveys)
        if nth not in mixed
    }
    kept = events.filter(is_whole & reading.keep).select(pl.col(name).cast(dtype) for name, dtype in PLACED.items())
    reading.take(kept)
    return [Part(accounts), *(read_file(run.surveys[nth], reading) for nth in mixed)]


def _of_other_formats(rejected: pl.DataFrame, run: _Run, reading: Reading) -> set[int]:
    """Return which files hold lines that another format reads, though they are few.

    Lines are told apart by how they begin: a few of each kind show what they are.
    """
    others = [log_format for log_format in reading.formats if log_format is not run.reader.format]
    found: set[int] = set()
    for _, alike in run.reader.not_surely_its(rejected).group_by(pl.col("text").str.slice(0, 1), maintain_order=True):
        sample = alike["text"].gather_every(max(1, alike.height // SAMPLED_REJECTS)).to_list()
        guest = best_reader(sample, reading.config, others)
        if guest is not None:
            lines = guest.parser.parse(alike).events["line"]
            found.update(run.nth_of(lines.cast(pl.Int64)).to_list())
    return found


def _by_file(frame: pl.DataFrame, *columns: str) -> dict[int, list[tuple[Any, ...]]]:
    """Return the rows of each file, in order."""
    rows: dict[int, list[tuple[Any, ...]]] = {}
    for nth, *row in frame.select("nth", *columns).iter_rows():
        rows.setdefault(nth, []).append(tuple(row))
    return rows


def _heights(ends: pl.Series, texts: Sequence[bytes]) -> list[int]:
    """Return how many lines each of *texts* has, by where the lines end in bytes."""
    sizes = [len(text) for text in texts]
    if not len(ends) or ends[-1] != sum(sizes):  # carriage returns were taken off
        return [text.count(b"\n") for text in texts]
    counted = ends.search_sorted(pl.Series(list(accumulate(sizes)), dtype=pl.Int64), side="right").to_list()
    return [count - before for before, count in pairwise([0, *counted])]


def _edges(starts: Sequence[int], ends: Sequence[int]) -> list[int]:
    """Return the first and last lines of each file, numbered through."""
    near = range(EDGE_LINES)
    return [line for start, end in zip(starts, ends, strict=True) for n in near for line in (start + 1 + n, end - n)]


def _account(
    survey: Survey, run: _Run, *, n_lines: int, span: tuple[Any, ...], rejects: Sequence[tuple[Any, ...]]
) -> FileCoverage:
    read = FileRead(readers=[run.reader], n_lines=n_lines, n_rejected=len(rejects), first_at=span[0], last_at=span[1])
    read.rejects = [Reject(line=line, reason=reason, text=text) for line, reason, text in rejects[:KEPT_REJECTS]]
    read.levels[run.reader.format.name] = set()
    return account_of(survey.source, survey.compression, run.recognised, read)
