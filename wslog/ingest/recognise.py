"""What one file is: the wrappers around its lines and the format inside, told from a sample of its lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from wslog.ingest.blocks import LINES
from wslog.ingest.foreign import FOREIGN, Foreign
from wslog.ingest.format import Config, LineParser, LogFormat
from wslog.ingest.wrappers import WRAPPERS, Wrapper, fits, take_off

SAMPLE_LINES: Final = 200
MIN_SCORE: Final = 0.3  # a format must parse this share of a file's sample to have the file
SURE_SCORE: Final = 0.9  # then no wrapper is tried
MIN_WRAPPED: Final = 0.5
MAX_WRAPPERS: Final = 2  # a container log that syslog carried


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One format, ready for one file."""

    format: LogFormat
    parser: LineParser


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a file's sample shows.

    Attributes:
        wrappers: Around the lines, the outermost first.
        reader: The format that parses most of them; None: none of ours.
        foreign: The known kind of log that it is and that wslog does not read.
        best_score: Of the best format, also where it is too low.
    """

    wrappers: tuple[Wrapper, ...]
    reader: Reader | None
    best_score: float
    foreign: Foreign | None = None


def sample_lines(data: bytes, *, is_whole: bool) -> list[str]:
    """Return up to `SAMPLE_LINES` non-blank lines of a file's beginning: the first hundred, then evenly spaced ones."""
    lines = data.decode("utf-8-sig", "replace").split("\n")
    if not is_whole and len(lines) > 1:
        lines.pop()  # cut anywhere
    full = [line.removesuffix("\r") for line in lines if line.strip()]
    half = SAMPLE_LINES // 2
    rest = full[half:]
    step = max(1, -(-len(rest) // half))
    return full[:half] + rest[::step]


def recognise(sample: Sequence[str], config: Config, formats: Sequence[LogFormat]) -> Recognised:
    """Find the format, and the wrappers around it, that parse the largest share of *sample*.

    Fewer wrappers win a tie, then the order of *formats*. A foreign log is never taken for one of ours: a guessed
    nginx layout could fit it.
    """
    foreign = next((kind for kind in FOREIGN if kind.claims(sample)), None)
    best = Recognised(wrappers=(), reader=None, best_score=0.0, foreign=foreign)
    if foreign is not None:
        return best
    frame = pl.DataFrame({"line": range(1, len(sample) + 1), "text": sample}, schema=LINES)
    for wrappers, inside in _unwrapped(frame, ()):
        reader = best_reader([text for text in inside["text"].to_list() if text.strip()], config, formats)
        if reader is not None and reader.parser.score > best.best_score:
            best = Recognised(wrappers=wrappers, reader=reader, best_score=reader.parser.score)
        if best.best_score >= SURE_SCORE:
            break
    if best.best_score < MIN_SCORE:
        return Recognised(wrappers=(), reader=None, best_score=best.best_score)
    return best


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


def _unwrapped(frame: pl.DataFrame, outer: tuple[Wrapper, ...]) -> Iterator[tuple[tuple[Wrapper, ...], pl.DataFrame]]:
    """Yield the sample under every chain of wrappers that fits; a chain comes before the longer ones it begins."""
    yield outer, frame
    if len(outer) == MAX_WRAPPERS:
        return
    for wrapper in WRAPPERS:
        if wrapper not in outer and fits(wrapper, frame) >= MIN_WRAPPED:
            yield from _unwrapped(pl.concat(take_off(wrapper, [frame])), (*outer, wrapper))
