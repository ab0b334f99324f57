"""What one file is: the wrappers around its lines and the format inside, told from a sample of its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.ingest.files.blocks import LINES
from wslog.ingest.format import Config, LineParser, LogFormat
from wslog.ingest.kinds.foreign import Foreign, name_foreign
from wslog.ingest.kinds.wrappers import WRAPPERS, Wrapper, fits, take_off

SAMPLE_LINES: Final = 200
MIN_SCORE: Final = 0.3  # a format must parse this share of a file's sample to have the file
SURE_SCORE: Final = 0.9  # then no doubtful wrapper is tried
WRAPPER_BONUS: Final = 0.1
MIN_WRAPPED: Final = 0.5
MIN_CLEAN: Final = 0.5
_DAMAGE: Final = re.compile("[\x00-\x08\x0e-\x1a\x7f\ufffd]")
_CONTROL: Final = bytes(byte for byte in range(128) if _DAMAGE.match(chr(byte)))
MAX_WRAPPERS: Final = 2  # a container log that syslog carried


class Reader(Struct, frozen=True, kw_only=True):
    """One format, ready for one file."""

    format: LogFormat
    parser: LineParser

    def not_surely_its(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Return those of *lines* that may be another format's."""
        own = self.parser.own
        return lines.filter(~pl.col("text").str.contains(own)) if own else lines


class Recognised(Struct, frozen=True, kw_only=True):
    """What a file's sample shows.

    Attributes:
        wrappers: Around the lines, the outermost first.
        reader: The format that parses most of them; None: none of ours.
        foreign: The known kind of log that it is and that wslog does not read.
        best_score: Share of the sample that it explains, also where that is too low.
        unfolded: What the lines were taken out of; empty: they are the file's own.
    """

    wrappers: tuple[Wrapper, ...]
    reader: Reader | None
    best_score: float
    foreign: Foreign | None = None
    unfolded: str = ""


def sample_lines(data: bytes, *, is_whole: bool) -> list[str]:
    """Return up to `SAMPLE_LINES` non-blank lines of a file's beginning: the first hundred, then evenly spaced ones.

    Lines that are damaged for all to see tell nothing about the file's form: they are left out where others are left.
    """
    text = data.decode("utf-8-sig", "replace")
    lines = text.split("\n")
    if not is_whole and len(lines) > 1:
        lines.pop()  # cut anywhere
    full = [line.removesuffix("\r") for line in lines if line.strip()]
    if "\ufffd" in text or len(data.translate(None, _CONTROL)) < len(data):
        clean = [line for line in full if not _DAMAGE.search(line)]
        full = clean if len(clean) >= MIN_CLEAN * len(full) else full
    return spread_lines(full)


def spread_lines(full: list[str]) -> list[str]:
    """Return up to `SAMPLE_LINES` of some lines: the first hundred, then evenly spaced ones."""
    half = SAMPLE_LINES // 2
    rest = full[half:]
    step = max(1, -(-len(rest) // half))
    return full[:half] + rest[::step]


def recognise(sample: Sequence[str], config: Config, formats: Sequence[LogFormat]) -> Recognised:
    """Find the format, and the wrappers around it, that explain the largest share of *sample*.

    A wrapper of its own kind around nearly every line is believed before a format that swallows it: a guessed nginx
    layout can. Else fewer wrappers win a tie, then the order of *formats*. A foreign log is never taken for ours.
    """
    foreign = name_foreign(sample)
    best = Recognised(wrappers=(), reader=None, best_score=0.0, foreign=foreign)
    if foreign is not None:
        return best
    frame = pl.DataFrame({"line": range(1, len(sample) + 1), "text": sample}, schema=LINES)
    best_weight = 0.0
    for wrappers, bonus, inside in _unwrapped(frame):
        if not bonus and best.best_score >= SURE_SCORE:
            continue
        reader, share = _explained(inside, config, formats)
        if reader is not None and share + bonus > best_weight:
            best_weight = share + bonus
            best = Recognised(wrappers=wrappers, reader=reader, best_score=share)
    if best.best_score < MIN_SCORE:
        return Recognised(wrappers=(), reader=None, best_score=best.best_score)
    return best


def _explained(inside: pl.DataFrame, config: Config, formats: Sequence[LogFormat]) -> tuple[Reader | None, float]:
    """Return the best format for some lines, and the share that it and the best one for its leftovers parse."""
    lines = inside.select("line", "text").filter(pl.col("text").str.contains(r"\S"))
    reader = best_reader(lines["text"].to_list(), config, formats)
    if reader is None:
        return None, 0.0
    share = reader.parser.score
    if share < SURE_SCORE:
        left = lines.join(reader.parser.parse(lines).events.select("line"), on="line", how="anti")
        others = [log_format for log_format in formats if log_format is not reader.format]
        guest = best_reader(left["text"].to_list(), config, others)
        share += guest.parser.score * left.height / lines.height if guest else 0.0
    return reader, min(share, 1.0)


def best_reader(sample: Sequence[str], config: Config, formats: Sequence[LogFormat]) -> Reader | None:
    """Return the format with the highest score above 0; the first of *formats* wins a tie."""
    best: Reader | None = None
    for log_format in formats if sample else ():
        parser = log_format.detect(sample, config)
        if parser is not None and parser.score > (best.parser.score if best else 0.0):
            best = Reader(format=log_format, parser=parser)
            if parser.score >= 1.0:
                break  # nothing can beat it, and guessing the layout of an unknown log is dear
    return best


def _unwrapped(
    frame: pl.DataFrame, outer: tuple[Wrapper, ...] = (), bonus: float = 0.0
) -> Iterator[tuple[tuple[Wrapper, ...], float, pl.DataFrame]]:
    """Yield every chain of wrappers that fits, what speaks for it, and the sample without them.

    A chain comes before the longer ones that it begins.
    """
    yield outer, bonus, frame
    if len(outer) == MAX_WRAPPERS:
        return
    for wrapper in WRAPPERS:
        share = fits(wrapper, frame) if wrapper not in outer else 0.0
        if share >= MIN_WRAPPED:
            speaks = WRAPPER_BONUS if share >= SURE_SCORE and wrapper.is_distinct else 0.0
            yield from _unwrapped(pl.concat(take_off(wrapper, [frame])), (*outer, wrapper), bonus + speaks)
