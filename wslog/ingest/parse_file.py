"""One file parsed block by block, every format that stands in it: events are handed over, lines accounted for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import polars as pl
from msgspec import Struct, field

from wslog.ingest.files.blocks import MAX_LINE_BYTES, Block
from wslog.ingest.format import Parsed
from wslog.ingest.kinds.recognise import SAMPLE_LINES, SURE_SCORE, Reader, Recognised, best_reader
from wslog.ingest.kinds.wrappers import take_off
from wslog.ingest.lanes import Lanes
from wslog.ingest.reading import EVENTS, Reading, filled, sieve_of
from wslog.ingest.rejects import REJECTS, TEXT_LENGTH
from wslog.ingest.sift import sift
from wslog.result import Reject
from wslog.schema import Tier

TOGETHER_LINES: Final = 4_096
TOGETHER_BYTES: Final = 16 << 20
KEPT_REJECTS: Final = 20
MIN_GUESTS: Final = 0.05  # a further format must parse this share of the leftovers' sample
FEWEST_IN_RUN: Final = 50  # lines left over that stand together
RUN: Final = 1.25  # of their number: the lines that they stand within
MOST_READERS: Final = 8  # of one file
PROMPT: Final = dt.timedelta(minutes=2)
FARTHEST_ZONE: Final = dt.timedelta(hours=14)


class FileRead(Struct, kw_only=True):
    """What became of one file's lines so far.

    Attributes:
        readers: The formats that stand in it, the main one first.
        number: Its place among all files.
        n_lines: All lines, `n_rejected` those that no format could parse.
        rejects: The first `KEPT_REJECTS`.
        first_at, last_at: Over everything that parsed, kept or not.
        levels: Per format, the values of `level` on the lines that were parsed.
        too_long: Lines beyond the limit of a line, with their beginnings; not yet among the rejected ones.
        trouble: Why the file ended early; empty: it did not.
        is_zone_from_wrapper: Times without a zone were set right by the wrapper's times.
    """

    readers: list[Reader]
    number: int = 0
    n_lines: int = 0
    n_rejected: int = 0
    rejects: list[Reject] = field(default_factory=list)
    too_long: list[tuple[int, str]] = field(default_factory=list)
    first_at: dt.datetime | None = None
    last_at: dt.datetime | None = None
    levels: dict[str, set[str]] = field(default_factory=dict)
    trouble: str = ""
    is_zone_from_wrapper: bool = False


def parse_file(
    blocks: Iterable[Block],
    recognised: Recognised,
    reading: Reading,
    *,
    number: int,
    on_block: Callable[[Block], None],
    lanes: Lanes,
) -> FileRead:
    """Parse one file with the format it was recognised as, and what that leaves with the other formats.

    Args:
        blocks: Its lines.
        recognised: With a reader.
        reading: What holds for all files; any of its formats may share the stream.
        number: Its place among all files.
        on_block: Called after each block was read.
        lanes: Who parses the blocks.
    """
    if recognised.reader is None:
        raise ValueError("a file without a format has no events")
    read = FileRead(readers=[recognised.reader], number=number)
    counted = _counted(blocks, read, on_block)
    frames: Iterator[pl.DataFrame] = counted
    for wrapper in recognised.wrappers:
        frames = take_off(wrapper, frames)
    sieve = sieve_of(recognised, reading)
    parse = recognised.reader.parser.parse
    number_of = pl.lit(number, pl.UInt32).alias("file_no")

    def sifted(frame: pl.DataFrame) -> pl.DataFrame:
        found = sift(frame, sieve.plain, sieve.refused)
        sieve.put_aside(found.waiting.select(number_of, "line", "text"))
        return found.left

    def parsed(left: pl.DataFrame) -> tuple[pl.DataFrame, Parsed]:
        return left, parse(left.select("line", "text"))

    # Where nothing can be left out, sifting is nothing: blocks need not wait for it.
    rest = lanes.map(sifted, frames) if sieve.plain else map(sifted, frames)
    for left, found in lanes.map(parsed, _gathered(rest)):
        _sort_out(left, found, read, reading)
    _reject_too_long(read)
    return read


def _gathered(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Put small frames together: exact parsing takes a hundred calls of polars, however few the lines are."""
    some: list[pl.DataFrame] = []
    n_lines = n_bytes = 0
    for frame in frames:
        some.append(frame)
        n_lines += frame.height
        n_bytes += int(frame["text"].str.len_bytes().sum())
        if n_lines >= TOGETHER_LINES or n_bytes >= TOGETHER_BYTES:
            yield pl.concat(some)
            some, n_lines, n_bytes = [], 0, 0
    if some:
        yield pl.concat(some)


def _reject_too_long(read: FileRead) -> None:
    """Count them at the end: blocks are read ahead of those that are sorted out."""
    read.n_rejected += len(read.too_long)
    reason = f"a line of more than {MAX_LINE_BYTES >> 20} MiB"
    rejects = [Reject(line=line, reason=reason, text=text) for line, text in read.too_long[:KEPT_REJECTS]]
    read.rejects = sorted([*read.rejects, *rejects], key=lambda reject: reject.line)[:KEPT_REJECTS]


def _counted(blocks: Iterable[Block], read: FileRead, on_block: Callable[[Block], None]) -> Iterator[pl.DataFrame]:
    for block in blocks:
        read.n_lines += block.n_lines
        read.too_long += block.too_long
        read.trouble = block.trouble
        yield block.lines
        on_block(block)


def _sort_out(frame: pl.DataFrame, parsed: Parsed, read: FileRead, reading: Reading) -> None:
    """Give the lines of *frame* that the main format left to the others, and note what became of all."""
    main, *guests = read.readers
    if parsed.rejects.is_empty() and parsed.events["line"].n_unique() == frame.height:
        _take(_kept(parsed.events, frame, main, read, reading.keep), read, reading)
        return
    claimed = parsed.events.select("line").unique()
    rejected = parsed.rejects.select(*REJECTS).unique("line", keep="first").join(claimed, on="line", how="anti")
    kept = [_kept(parsed.events, frame, main, read, reading.keep)]
    left = frame.join(claimed, on="line", how="anti").sort("line")
    while not left.is_empty() and (guest := guests.pop(0) if guests else _new_guest(left, read, reading)):
        parsed = guest.parser.parse(left.select("line", "text"))
        kept.append(_kept(parsed.events, frame, guest, read, reading.keep))
        claimed = parsed.events.select("line").unique()
        claimed = pl.concat([claimed, _continued(left, claimed, parsed.rejects)])
        rejected = rejected.join(claimed, on="line", how="anti")
        left = left.join(claimed, on="line", how="anti").sort("line")
    _count_rejects(rejected.sort("line"), read)
    _take(pl.concat(kept), read, reading)


def _take(events: pl.DataFrame, read: FileRead, reading: Reading) -> None:
    file_no = pl.lit(read.number, pl.UInt32).alias("file_no")
    reading.take(events.sort("line", maintain_order=True).select(file_no, *EVENTS))


def _new_guest(left: pl.DataFrame, read: FileRead, reading: Reading) -> Reader | None:
    """Find a further format in the lines that the file's known formats leave, and note it."""
    known = [reader.format for reader in read.readers]
    others = [log_format for log_format in reading.formats if log_format not in known]
    is_run = left.height >= FEWEST_IN_RUN and left["line"][-1] - left["line"][0] < RUN * left.height
    for reader in read.readers:
        left = reader.not_surely_its(left)
    sample = left["text"].gather_every(max(1, -(-left.height // SAMPLE_LINES))).to_list()
    guest = best_reader(sample, reading.config, others)
    if guest is None and is_run and len(known) < MOST_READERS:
        # A known format whose layout was changed half-way; damage would be scattered.
        guest = best_reader(sample, reading.config, known)
        guest = guest if guest and guest.parser.score >= SURE_SCORE else None
    if guest is None or guest.parser.score < MIN_GUESTS:
        return None
    read.readers.append(guest)
    return guest


def _continued(left: pl.DataFrame, claimed: pl.DataFrame, rejects: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that directly follow a guest's line and that it took for a part of it."""
    silent = left.join(claimed, on="line", how="anti").join(rejects.select("line").unique(), on="line", how="anti")
    marked = pl.concat(
        [
            claimed.with_columns(pl.lit(value=True).alias("is_event")),
            silent.select("line", pl.lit(value=False).alias("is_event")),
        ]
    ).sort("line")
    run = (pl.col("line").diff() != 1).fill_null(value=True).cum_sum()
    follows = pl.col("is_event").cast(pl.Int64).cum_sum().over(run) > 0
    return marked.filter(follows & ~pl.col("is_event")).select("line")


def _kept(events: pl.DataFrame, frame: pl.DataFrame, reader: Reader, read: FileRead, keep: pl.Expr) -> pl.DataFrame:
    """Fill in what the reader knows, note the time span and the levels, drop what is of no concern."""
    name = reader.format.name
    events = filled(events, reader)
    if "log_host" in frame.columns:
        events, is_set_right = _with_wrapper(events, frame)
        read.is_zone_from_wrapper |= is_set_right
    first, last = events.select(pl.col("at").min().alias("first"), pl.col("at").max().alias("last")).row(0)
    read.first_at = min((at for at in (read.first_at, first) if at is not None), default=None)
    read.last_at = max((at for at in (read.last_at, last) if at is not None), default=None)
    read.levels.setdefault(name, set()).update(events["level"].drop_nulls().unique().to_list())
    return events.filter(keep).select(pl.col(column).cast(dtype) for column, dtype in EVENTS.items())


def _with_wrapper(events: pl.DataFrame, frame: pl.DataFrame) -> tuple[pl.DataFrame, bool]:
    """Take the host, a missing time, and the zone of a clock that names none from the wrapper.

    A collector stamps a server's line within moments. So the difference to a local time without a zone, to the next
    quarter of an hour, is that host's offset. Also tells whether any time was set right.
    """
    outside = frame.select("line", pl.col("log_host").alias("outer_host"), "wrapped_at")
    is_nginx = pl.col("tier") == Tier.NGINX.value  # a client's record may come late, so its wrapper tells no zone
    joined = events.join(outside, on="line", how="left", maintain_order="left")
    ahead = pl.col("at") - pl.col("wrapped_at")
    offset = pl.duration(minutes=(ahead.dt.total_seconds(fractional=True) / 900).round() * 15)
    is_near = (ahead - offset).abs() <= PROMPT  # null where a time is missing
    is_local = (is_nginx & ~pl.col("has_zone") & is_near & (offset.abs() <= FARTHEST_ZONE)).fill_null(value=False)
    is_set_right = bool(joined.select(is_local.any()).item())
    moved = [
        pl.when(is_local).then(pl.col(column) - offset).otherwise(pl.col(column)).alias(column)
        for column in ("at", "opened_at", "closed_at")
    ]
    joined = joined.with_columns(
        *moved,
        pl.when(is_local).then(statement=True).otherwise(pl.col("has_zone")).alias("has_zone"),
        pl.coalesce("log_host", "outer_host").alias("log_host"),
    ).with_columns(pl.coalesce("at", "wrapped_at").alias("at"))
    return joined.drop("outer_host", "wrapped_at"), is_set_right


def _count_rejects(rejected: pl.DataFrame, read: FileRead) -> None:
    read.n_rejected += rejected.height
    room = KEPT_REJECTS - len(read.rejects)
    read.rejects += [
        Reject(line=line, reason=reason, text=text[:TEXT_LENGTH]) for line, reason, text in rejected.head(room).rows()
    ]
