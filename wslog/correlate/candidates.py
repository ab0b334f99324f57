"""Which server rows could be a client record's partner: near in open time, or equal in duration, few for each record.

Records find rows in three ways: (a) durations equal within 0.4 s and opens within W of each other, W as wide as such a
row could still matter; (b) opens within V, whatever the durations; (c) for rows that do not tell their open, closes
within V. What lies outside is not forgotten: its probability weakens what was found.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wslog.correlate.densities import WIDEST_S, DurationDensity, LagShape, OffsetPrior, student3, student3_tail
from wslog.correlate.sides import Flags, Floats, Ints, Side
from wslog.correlate.windows import WindowIndex

DURATION_STEP_S: Final = 0.4
STEPS: Final = (-3, -2, -1, 0, 1, 2, 3)  # of durations that are looked through
BY_END: Final = 1 + len(STEPS)  # the last way of finding, after open and durations
REACHES_S: Final = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 330.0)
STILL_MATTERS: Final = 0.02  # the weight below which a row with the right duration is not worth comparing
MOST_ROWS: Final = 40  # per record and way of finding
RATE_WINDOW_S: Final = 150.0
LEAST_RATE: Final = 1 / 300.0
PRESENT_ODDS: Final = 9.0  # a tenth of the server rows may be missing


class Belief(Struct, frozen=True):
    """What is believed of clocks and lags so far.

    Attributes:
        offset: Per record, its clock's offset (s); NaN where unknown.
        spread: Per record, how well that is known (s).
        prior: Offsets of clocks of which nothing is known.
        lag: How durations of partners differ.
    """

    offset: Floats
    spread: Floats
    prior: OffsetPrior
    lag: LagShape


class Found(Struct, frozen=True):
    """Candidate pairs, an entry each, of some records.

    Attributes:
        record: Place of the record among those asked for.
        row: Number of the server row.
        way: How it was found; pairs are in order of it, then of record.
        rate: Per record asked for, rows per second of its block around it.
        outside: Per record, the odds that its partner was not searched.
    """

    record: Ints
    row: Ints
    way: NDArray[np.int8]
    rate: Floats
    outside: Floats

    @property
    def by_end(self) -> Flags:
        """Found by the close alone."""
        return np.asarray(self.way == BY_END)


class ServerRows:
    """The server side, indexed by open, by duration and open, and by close."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.durations = DurationDensity(side.lifetime)
        self.alike = self.durations.at(side.lifetime)  # per row, the density of strangers' durations at its own
        number = np.arange(len(side.block))
        no_anchor = np.isnan(side.anchor)
        self._by_anchor = WindowIndex(number, side.block, side.anchor)
        self._by_end = WindowIndex(number[no_anchor], side.block[no_anchor], side.end[no_anchor])
        has_duration = ~np.isnan(side.lifetime)
        step = _duration_group(side.block, side.lifetime, 0)[has_duration]
        self._by_duration = WindowIndex(number[has_duration], step, side.anchor[has_duration])
        self.any_by_end = bool(no_anchor.any())

    def find(self, left: Side, asked: Ints, belief: Belief) -> Found:
        """List the candidates of the records *asked*."""
        block, lifetime = left.block[asked], left.lifetime[asked]
        offset = belief.offset[asked]
        known = ~np.isnan(offset)
        shift = np.where(known, offset, belief.prior.centre)
        at, end = left.anchor[asked] - shift, left.end[asked] - shift
        rate = self._rate(block, at, end)
        spread = np.hypot(np.where(known, belief.spread[asked], 1.0), left.half[asked])
        near = np.where(known, np.maximum(np.maximum(6 * spread, 0.5), 2 / rate), 3.0)
        near = np.minimum(
            np.maximum(near, np.where(known, 0.0, MOST_ROWS / 2 / rate)), np.minimum(MOST_ROWS / 2 / rate, WIDEST_S)
        )
        near = np.maximum(near, 0.3)
        record, row = self._by_anchor.pairs(block, at - near, at + near)
        records, rows = [record], [row]
        reach = self._reach(left, asked, belief, rate)
        for record, row in self._equal_durations(block, lifetime, left.half[asked], at, reach):
            apart = np.abs(self.side.anchor[row] - at[record]) > near[record]
            records.append(record[apart])
            rows.append(row[apart])
        if self.any_by_end:
            record, row = self._by_end.pairs(block, end - near, end + near)
            records.append(record)
            rows.append(row)
        way = np.repeat(np.arange(len(records), dtype=np.int8), [len(part) for part in records])
        outside = self._outside(belief, known, spread, near, np.where(np.isnan(lifetime), 0.0, reach))
        return Found(np.concatenate(records), np.concatenate(rows), way, rate, PRESENT_ODDS * outside)

    def _rate(self, block: Ints, at: Floats, end: Floats) -> Floats:
        rows = self._by_anchor.count(block, at - RATE_WINDOW_S, at + RATE_WINDOW_S)
        if self.any_by_end:
            rows = rows + self._by_end.count(block, end - RATE_WINDOW_S, end + RATE_WINDOW_S)
        return np.asarray(np.maximum(rows / (2 * RATE_WINDOW_S), LEAST_RATE))

    def _reach(self, left: Side, asked: Ints, belief: Belief, rate: Floats) -> Floats:
        """W: the widest difference of opens at which a row of the right duration still matters."""
        lifetime = left.lifetime[asked]
        scale = belief.lag.density(np.full(1, belief.lag.centre[0]), np.zeros(1, dtype=np.bool_))[0]
        strangers = rate * self.durations.at(lifetime)
        reach = np.full(len(asked), REACHES_S[0])
        offset, spread = belief.offset[asked], belief.spread[asked]
        for widest in REACHES_S:
            unknown = belief.prior.density(np.full(1, belief.prior.centre + widest))[0]
            likely = np.where(
                np.isnan(offset),
                unknown,
                0.97 * student3(np.full(1, widest), np.nan_to_num(spread, nan=1.0)) + 0.03 * unknown,
            )
            matters = PRESENT_ODDS * likely * scale / strangers >= STILL_MATTERS
            reach = np.where(matters, widest, reach)
        expected = strangers * 2 * DURATION_STEP_S * 2 * reach
        return np.asarray(reach * np.minimum(1.0, MOST_ROWS / np.maximum(expected, 1e-9)))

    def _equal_durations(
        self, block: Ints, lifetime: Floats, half: Floats, at: Floats, reach: Floats
    ) -> list[tuple[Ints, Ints]]:
        found = []
        for step in STEPS:
            asks = np.flatnonzero(~np.isnan(lifetime) & ((half > 0) | (abs(step) <= 1)))
            group = _duration_group(block[asks], lifetime[asks], step)
            record, row = self._by_duration.pairs(group, (at - reach)[asks], (at + reach)[asks])
            record = asks[record]
            longer = np.abs(lifetime[record] - self.side.lifetime[row])
            equal = longer <= np.where(half[record] > 0, 1.2, DURATION_STEP_S)
            found.append((record[equal], row[equal]))
        return found

    @staticmethod
    def _outside(belief: Belief, known: Ints, spread: Floats, near: Floats, reach: Floats) -> Floats:
        """Probability that the partner lies outside of what was searched."""

        def tail(of: Floats) -> Floats:
            unknown = belief.prior.tail(of)
            return np.asarray(np.where(known, 0.97 * student3_tail(of, spread) + 0.03 * unknown, unknown))

        equal = 0.72  # partners whose durations agree within 0.4 s
        return np.asarray((1 - equal) * tail(near) + equal * tail(np.maximum(near, reach)))


def _duration_group(block: Ints, lifetime: Floats, step: int) -> Ints:
    """Number (block, duration in steps of 0.4 s)."""
    steps = np.clip(np.nan_to_num(lifetime, nan=0.0) / DURATION_STEP_S, 0, 2**30).astype(np.int64) + step
    return block.astype(np.int64) * 2**32 + steps
