"""One file read: its account, and the nginx error levels seen in it; its events are handed over as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wslog.ingest.accounts import account_of, unread
from wslog.ingest.files.blocks import Block, read_blocks, read_head
from wslog.ingest.files.documents import NotADocument
from wslog.ingest.files.sources import Source
from wslog.ingest.kinds.recognise import Recognised, recognise, sample_lines, spread_lines
from wslog.ingest.kinds.unfold import unfold
from wslog.ingest.lanes import Lanes
from wslog.ingest.nginx.error import NGINX_ERROR
from wslog.ingest.parse_file import parse_file
from wslog.ingest.reading import Reading
from wslog.ingest.survey import Survey, account_of_others
from wslog.result import FileCoverage

ALONE: Final = Lanes(1)


class Part(Struct, frozen=True):
    """What became of some files.

    Attributes:
        accounts: Of each file, by its number.
        levels: nginx error levels seen, as `reader.Read` has them.
    """

    accounts: Mapping[int, FileCoverage]
    levels: frozenset[str] = frozenset()


def read_file(
    survey: Survey,
    reading: Reading,
    *,
    recognised: Recognised | None = None,
    lanes: Lanes = ALONE,
    on_block: Callable[[Block], None] = lambda _: None,
) -> Part:
    """Read one file; *reading* takes its events.

    Args:
        survey: The file.
        reading: What holds for all files.
        recognised: What it was recognised as, if that is known.
        lanes: Who parses its blocks.
        on_block: Called after each block was read.
    """
    source = survey.source
    if survey.not_read:
        return Part({survey.number: unread(source, compression=survey.compression, why=survey.not_read)})
    try:
        if recognised is None:
            head = read_head(source)
            sample = sample_lines(head.data, is_whole=head.is_whole)
            recognised = recognise(sample, reading.config, reading.formats)
        blocks: Iterable[Block] = read_blocks(source)
        if not survey.kind and recognised.reader is None:
            recognised, blocks = _unfolded(source, recognised, reading)
        if survey.kind or recognised.reader is None:
            return Part({survey.number: account_of_others(survey, recognised, on_block)})
        read = parse_file(blocks, recognised, reading, number=survey.number, on_block=on_block, lanes=lanes)
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
        return Part({survey.number: unread(source, compression=survey.compression, why=reason)})
    return Part(
        {survey.number: account_of(source, survey.compression, recognised, read)},
        frozenset(read.levels.get(NGINX_ERROR.name, ())),
    )


def _unfolded(source: Source, recognised: Recognised, reading: Reading) -> tuple[Recognised, Iterable[Block]]:
    """Look for records in a file whose lines are no log's; return what they are, or else what the file is."""
    if recognised.foreign and not recognised.foreign.holds_records:
        return recognised, ()
    try:
        unfolded = unfold(source, read_head(source))
    except NotADocument as too_large:
        return replace(recognised, unfolded=str(too_large)), ()
    if unfolded is None:
        return recognised, ()
    inside = recognise(spread_lines(unfolded.sample), reading.config, reading.formats)
    if inside.reader is None:
        return recognised, ()
    return replace(inside, unfolded=unfolded.what), unfolded.blocks()
