"""Log likelihood ratios of candidate pairs, "partners" against "the record has no row".

    weight = (1-π)/π · f(δ)·g(Δ) / (λ·h(duration)) / (1 + r) · agreement of words

with δ the difference of the opens, Δ that of the durations, λ the rows per second of the block, h the density of
durations, and r the odds that the partner was not searched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from wslog.correlate.agreement import Agreement
from wslog.correlate.candidates import BY_END, PRESENT_ODDS, Belief, ServerRows
from wslog.correlate.densities import NARROW_SHARE, laplace, student3
from wslog.correlate.numbering import places_in_order
from wslog.correlate.pairs import Pairs
from wslog.correlate.sides import Flags, Floats, Ints, Side
from wslog.correlate.voting import log_density_by_votes

NEGLIGIBLE: Final = 1e-5  # weights below it are left out
HEAVIEST_LOG: Final = 60.0
AT_A_TIME: Final = 16_384  # pairs whose clocks are voted for together: what a processor's cache holds


class Weighed(Struct, frozen=True):
    """Candidate pairs with their weights, narrow: there can be forty and more of each record.

    Attributes:
        record: Number of the client record.
        row: Number of the server row.
        way: How the pair was found.
        rest: Log weight without the offset.
        weight: Weight.
    """

    record: NDArray[np.int32]
    row: NDArray[np.int32]
    way: NDArray[np.int8]
    rest: Floats
    weight: Floats

    @classmethod
    def joined(cls, parts: list[Weighed]) -> Weighed:
        """Put those of several runs of records together, in order of way, then of record; *parts* go on the way."""
        cuts = [np.searchsorted(part.way, np.arange(BY_END + 2)) for part in parts]
        columns = [[getattr(part, name) for part in parts] for name in cls.__struct_fields__]
        parts.clear()
        return cls(*(_way_by_way(columns.pop(0), cuts) for _ in cls.__struct_fields__))

    def compared(self, at: Ints | NDArray[np.int32], left: Side, right: Side) -> Pairs:
        """Compare the times of the pairs at some places."""
        record, row = self.record[at].astype(np.int64), self.row[at].astype(np.int64)
        return Pairs.of(record, row, self.way[at] == BY_END, left=left, right=right)


def weigh(asked: Ints, *, left: Side, rows: ServerRows, belief: Belief, agreement: Agreement) -> Weighed:
    """Find the candidates of some records, and weigh each by itself; those that matter are returned.

    Args:
        asked: Numbers of the records.
        left: Client records.
        rows: Server rows.
        belief: What is known of clocks and lags.
        agreement: What is known of words.
    """
    found = rows.find(left, asked, belief)
    pairs = Pairs.of(asked[found.record], found.row, found.by_end, left=left, right=rows.side)
    rest = agreement.log_ratio(pairs.record, pairs.row) + _log_duration(pairs, left, rows, belief)
    rest += (np.log(PRESENT_ODDS) - np.log(found.rate) - np.log1p(found.outside))[found.record]
    weight = _weight(rest + _log_offset(pairs, belief))
    keep = np.flatnonzero(weight > NEGLIGIBLE)
    keep = keep[agreement.same_host(pairs.record[keep], pairs.row[keep])]
    record, row = pairs.record[keep].astype(np.int32), pairs.row[keep].astype(np.int32)
    return Weighed(record, row, found.way[keep], rest[keep], weight[keep])


def weigh_by_votes(pairs: Weighed, *, left: Side, rows: ServerRows, belief: Belief, agreement: Agreement) -> None:
    """Weigh anew, in place, the pairs of records whose clock is unknown: as the other records of the clock have it."""
    unheard = np.flatnonzero(np.isnan(belief.offset)[pairs.record]).astype(np.int32)
    voters = agreement.voters.astype(np.int32)[pairs.record[unheard]]
    anyone_votes, parts = bool((voters >= 0).any()), _together(voters)
    del voters
    for part in parts:
        at = unheard[part]
        rest = pairs.rest[at]
        some = pairs.compared(at, left, rows.side).rated(rest)
        pairs.weight[at] = _weight(rest + _log_offset_by_votes(some, belief, agreement, others_vote=anyone_votes))


def _way_by_way(arrays: list[NDArray[Any]], cuts: list[Ints]) -> NDArray[Any]:
    """Put arrays together, each cut where one way of finding ends and the next begins."""
    ways = range(BY_END + 1)
    return np.concatenate([of[cut[way] : cut[way + 1]] for way in ways for of, cut in zip(arrays, cuts, strict=True)])


def _together(voters: NDArray[np.int32]) -> Iterator[NDArray[np.int32]]:
    """List the places of the pairs of those who vote together, in order, some of these at a time."""
    order = places_in_order(voters).astype(np.int32)
    voters = voters[order]
    starts = np.append(np.flatnonzero(voters[1:] != voters[:-1]) + 1, len(voters))
    cuts = np.arange(AT_A_TIME, len(voters), AT_A_TIME)
    # Pairs of records that vote alone need not stay together.
    cuts = np.where(voters[cuts] < 0, cuts, starts[np.searchsorted(starts, cuts)])
    del voters, starts
    yield from np.split(order, np.unique(cuts))


def _weight(log: Floats) -> Floats:
    return np.asarray(np.exp(np.minimum(log, HEAVIEST_LOG)))


def _log_offset(pairs: Pairs, belief: Belief) -> Floats:
    """Log f(δ): how well times fit what is known of the clock."""
    offset = belief.offset[pairs.record]
    is_known = ~np.isnan(offset)
    f, off = belief.prior.density(pairs.ahead, pairs.half), pairs.ahead - belief.prior.centre
    if is_known.any():
        at = np.flatnonzero(is_known)
        off[at] = pairs.ahead[at] - offset[at]
        spread = np.nan_to_num(belief.spread[pairs.record[at]], nan=1.0)
        f[at] = 0.97 * student3(off[at], spread, pairs.half[at]) + 0.03 * f[at]
    return np.asarray(np.log(_noticed_late(f, off, pairs.by_end) + 1e-300))


def _log_offset_by_votes(pairs: Pairs, belief: Belief, agreement: Agreement, *, others_vote: bool) -> Floats:
    """Log f(δ) and of the address, as the other records of the clock have it; `p` is the rest of the log weight."""
    address, usual = agreement.address_to_learn(pairs.record, pairs.row)
    log_f = log_density_by_votes(
        record=pairs.record, clock=agreement.voters, address=address, usual=usual, ahead=pairs.ahead, half=pairs.half,
        log_rest=pairs.p, prior=belief.prior, worth=agreement.worth, others_vote=others_vote,
    )  # fmt: skip
    return np.asarray(np.log(_noticed_late(np.exp(log_f), pairs.ahead - belief.prior.centre, pairs.by_end) + 1e-300))


def _noticed_late(f: Floats, off: Floats, by_end: Flags) -> Floats:
    """Allow, in *f* itself, for a close noticed late, as an open never is: the shares are those of the lag shape."""
    if by_end.any():
        at = np.flatnonzero(by_end)
        late = 0.5 * laplace(off[at], 5.0) + 0.5 * laplace(off[at], 300.0)
        f[at] = NARROW_SHARE * f[at] + (1 - NARROW_SHARE) * late
    return f


def _log_duration(pairs: Pairs, left: Side, rows: ServerRows, belief: Belief) -> Floats:
    """Log g(Δ)/h: how well durations fit, against strangers' durations."""
    is_unknown = np.isnan(pairs.longer)
    g = belief.lag.density(np.where(is_unknown, 0.0, pairs.longer), left.half[pairs.record] > 0)
    return np.asarray(np.where(is_unknown, 0.0, np.log(g / rows.alike[pairs.row])))
