"""How far clocks run ahead: each client's, learnt from its own sure matches (the judged one left out), and servers'."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wslog.correlate.windows import SPAN_MS
from wslog.schema import Tier

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]

NEIGHBOURS: Final = 5
HANDSHAKE_SD_S: Final = 0.06
ONE_PAIR_SD_S: Final = 0.15
DRIFT: Final = 40e-6  # ordinary quartz, seconds per second
COARSE_HALF_S: Final = 0.25  # a stamp that may be off by more speaks only where no better one does
QUARTER_HOUR_S: Final = 900.0  # zones differ by whole quarters of an hour
FEWEST_VOTES: Final = 3
AT_A_TIME: Final = 8_192  # records that are looked around together: what a processor's cache holds
WIDE: Final = 2 * (NEIGHBOURS + 1)  # matches around a record among which the nearest are sure to be
NARROW: Final = (1, 3, NEIGHBOURS + 1)  # a clock with no more matches than that is looked at whole


class ServerOffset(NamedTuple):
    """How far a server log's clock runs ahead of the reference clock, and from how many pairs that is known."""

    tier: Tier
    skew_s: float
    spread_s: float
    n: int
    note: str


class SurePairs(Struct, frozen=True):
    """Accepted pairs, an entry each: the record, how far its clock was ahead, and half of what that may mean (s)."""

    record: Ints
    ahead: Floats
    half: Floats


def client_offsets(
    clock: Ints, at: Floats, sure: SurePairs, *, neighbours: int = NEIGHBOURS, leave_out: bool = True
) -> tuple[Floats, Floats]:
    """Estimate the clock offset each client record was written with.

    The median over the (up to five) sure matches of the same clock that are nearest in time, never its own: with its
    own match included a wrong pair would confirm itself. Its variance is
    0.06² + (1.48·MAD)²/k + 0.15²·[k=1] + half²/3k + (40 ppm · age)².

    Args:
        clock: Per record, the number of its clock; -1: its own.
        at: Per record, when (s).
        sure: Accepted pairs.
        neighbours: How many matches to use at most.
        leave_out: Never use a record's own match.

    Returns:
        Per record the offset and its standard deviation (s); NaN where the clock has no other sure match.
    """
    offset, spread = np.full(len(clock), np.nan), np.full(len(clock), np.nan)
    usable = (clock[sure.record] >= 0) & ~np.isnan(at[sure.record])
    record, ahead, half = sure.record[usable], sure.ahead[usable], sure.half[usable]
    if not len(record):
        return offset, spread
    order = np.argsort(_key(clock[record], at[record]), kind="stable")
    record, ahead, half = record[order], ahead[order], half[order]
    size = np.bincount(clock[record], minlength=int(clock.max()) + 1)
    # Most clocks of a day are seen once or twice: who has no other match is not asked, and few need a wide look.
    asked = np.flatnonzero((clock >= 0) & ~np.isnan(at))
    own = np.bincount(record, minlength=len(clock))[asked] if leave_out else 0
    asked = asked[size[clock[asked]] > own]
    for part, reach, inside in _reached(asked, clock, at, record, size):
        other = record[reach]
        is_used = inside & ((other != part[:, None]) | (not leave_out))
        age = np.abs(at[other] - at[part][:, None])
        far = np.where(is_used, age + np.where(half[reach] > COARSE_HALF_S, 1e9, 0.0), np.inf)
        nearest = np.argsort(far, axis=1, kind="stable")[:, :neighbours]
        offset[part], spread[part] = _summary(
            *(np.take_along_axis(of, nearest, axis=1) for of in (is_used, ahead[reach], half[reach], age))
        )
    return offset, spread


def _reached(
    asked: Ints, clock: Ints, at: Floats, record: Ints, size: Ints
) -> Iterator[tuple[Ints, Ints, NDArray[np.bool_]]]:
    """List the matches within reach of the records *asked*, a line each: who asks, which matches, and which count.

    Args:
        asked: Records.
        clock: Per record, the number of its clock.
        at: Per record, when (s).
        record: Per match, its record, in order of clock and time.
        size: Per clock, its matches.
    """
    start, n = (np.cumsum(size) - size)[clock[asked]], size[clock[asked]]
    key = _key(clock[record], at[record])
    narrower = 0
    for width in (*NARROW, WIDE):
        is_wide = width == WIDE
        of_width = np.flatnonzero((n > narrower) & ((n <= width) | is_wide))
        narrower = width
        for lines in np.array_split(of_width, -(-len(of_width) // AT_A_TIME) or 1):
            part, first = asked[lines], start[lines]
            place = np.searchsorted(key, _key(clock[part], at[part])) - WIDE // 2 if is_wide else first
            reach = place[:, None] + np.arange(width)[None, :]
            inside = (reach >= first[:, None]) & (reach < (first + n[lines])[:, None])
            yield part, np.clip(reach, 0, len(record) - 1), inside


def _summary(inside: NDArray[np.bool_], ahead: Floats, half: Floats, age: Floats) -> tuple[Floats, Floats]:
    """Median and its standard deviation of each line of up to five neighbours."""
    has_fine = (inside & (half <= COARSE_HALF_S)).any(axis=1, keepdims=True)
    use = inside & ((half <= COARSE_HALF_S) | ~has_fine)
    k = use.sum(axis=1)
    some = np.maximum(k, 1)
    middle = _median(ahead, use)
    mad = _median(np.abs(ahead - middle[:, None]), use)
    youngest = np.where(use, age, np.inf).min(axis=1)
    coarse = np.where(use, half**2, 0.0).sum(axis=1) / some / 3
    variance = HANDSHAKE_SD_S**2 + (1.48 * mad) ** 2 / some + np.where(k == 1, ONE_PAIR_SD_S**2, 0.0)
    variance = variance + coarse / some + np.where(k > 0, (DRIFT * np.where(k > 0, youngest, 0.0)) ** 2, 0.0)
    return np.where(k > 0, middle, np.nan), np.where(k > 0, np.sqrt(variance), np.nan)


def _median(values: Floats, use: NDArray[np.bool_]) -> Floats:
    """Median along each line of those in use; 0 for none."""
    ordered = np.sort(np.where(use, values, np.inf), axis=1)
    k = np.maximum(use.sum(axis=1), 1)
    lower = np.take_along_axis(ordered, ((k - 1) // 2)[:, None], axis=1)[:, 0]
    upper = np.take_along_axis(ordered, (k // 2)[:, None], axis=1)[:, 0]
    return np.asarray(np.where(use.any(axis=1), (lower + np.where(np.isfinite(upper), upper, lower)) / 2, 0.0))


def _key(clock: Ints, at: Floats) -> Ints:
    return np.asarray(clock * SPAN_MS + np.clip(np.rint(at * 1000) + SPAN_MS // 2, 0, SPAN_MS - 1).astype(np.int64))
