"""Which server row belongs to which client record: by id where both carry one, else by what is likely.

Fellegi-Sunter scoring by likelihood ratios against the density of wrong candidates (`weights`), clocks learnt per
client from its own sure matches with the judged one left out (`clock_offsets`, `voting`), one-to-one by belief
propagation (`assignment`). Durations do not depend on clocks; open times come next; close times last, because each side
notices the end at its own moment. Memory is bounded: records are matched in chunks of block and time.

Units: seconds. Clock offset: client minus server; positive runs ahead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.correlate.agreement import Agreement
from wslog.correlate.assignment import pair_probabilities
from wslog.correlate.candidates import BY_END, Belief, ServerRows
from wslog.correlate.clock_offsets import COARSE_HALF_S, SurePairs, client_offsets
from wslog.correlate.densities import LagShape, OffsetPrior
from wslog.correlate.exact_ids import pair_by_id
from wslog.correlate.numbering import Narrow, places_in_order
from wslog.correlate.pairs import Likely, Pairs
from wslog.correlate.places import collected
from wslog.correlate.sides import Floats, Ints, Side, make_sides
from wslog.correlate.voting import LEAST_WORTH
from wslog.correlate.weights import Weighed, weigh, weigh_by_votes

PASSES: Final = 4
SURE: Final = 0.95
LOOP_DOUBT: Final = 0.03  # share of loops that settled on a wrong shift, in synthetic days without addresses
NEGLIGIBLE: Final = 1e-4  # pairs less likely are not kept
CHUNK: Final = 50_000  # records matched at a time, to bound memory
AT_A_TIME: Final = 4_096  # records whose candidates are compared at a time: what a processor's cache holds
OVERLAP_S: Final = 330.0  # rivals of a record at a chunk's edge are matched along


def match_clients(
    clients: pl.DataFrame | pl.LazyFrame, servers: pl.DataFrame | pl.LazyFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Match client records with server rows.

    Args:
        clients: What `clients.Clients` tell; collected some columns at a time.
        servers: What `servers.Servers` tell.

    Returns:
        Candidate pairs `client`, `server`, `p`; and `client`, `offset_s` of records whose clock is known, their own
        match included.
    """
    clients, servers = clients.lazy(), servers.lazy()
    numbers = clients.select("client").pipe(collected).to_series(), servers.select("server").pipe(collected).to_series()
    if not all(map(len, numbers)):
        nobody = pl.DataFrame(schema={"client": pl.Int64, "server": pl.Int64, "p": pl.Float64})
        return nobody, pl.DataFrame(schema={"client": pl.Int64, "offset_s": pl.Float64})
    left, right, clock = make_sides(clients, servers)
    by_id = _settled(*pair_by_id(clients, servers), left=left, right=right)
    rows, agreement = ServerRows(right), Agreement(left, right, clock)
    unknown = np.full(len(clock), np.nan)
    belief = Belief(unknown, unknown, OffsetPrior(), LagShape())
    chunks, pairs, sure = list(_chunks(left, rows)), by_id, by_id
    for number in range(PASSES):
        if number:
            belief, agreement = _learn(sure.compared(left=left, right=right), left, clock, agreement)
        before = sure.record, sure.row
        del pairs, sure  # there are many
        parts = (
            _match_chunk(core, around, left=left, rows=rows, belief=belief, agreement=agreement)
            for core, around in chunks
        )
        pairs = Likely.joined([by_id, *(_besides(by_id, likely) for likely in parts)])
        sure = pairs.where(pairs.p >= SURE)
        if number and sure.are(*before):
            break  # nothing new to learn: the next pass would find the same
    # A loop of reconnects fits its neighbours' rows as a whole: its pairs are no surer than their common shift.
    is_loop = agreement.worth[pairs.record] <= LEAST_WORTH
    record, row, p = pairs.record, pairs.row, pairs.p * np.where(is_loop, 1.0 - LOOP_DOUBT, 1.0)
    offsets = _clocks(sure.compared(left=left, right=right), left, clock, numbers[0])
    del pairs, sure  # there are many
    return _named(record, row, p, *numbers), offsets


def _settled(record: Ints, row: Ints, *, left: Side, right: Side) -> Likely:
    """Pairs that are certain."""
    by_end = np.isnan(left.anchor[record]) | np.isnan(right.anchor[row])
    return Likely(record.astype(np.int32), row.astype(np.int32), by_end, np.ones(len(record)))


def _besides(settled: Likely, likely: Likely) -> Likely:
    """Keep of likely pairs those that leave the partners of certain ones alone."""
    if not len(settled.record):
        return likely
    return likely.where(~(np.isin(likely.record, settled.record) | np.isin(likely.row, settled.row)))


def _chunks(left: Side, rows: ServerRows) -> Iterator[tuple[Ints, Ints]]:
    """Cut the records into runs of block and time: those whose matches are kept, and all that are matched along."""
    at = left.end if rows.any_by_end else np.where(np.isnan(left.anchor), left.end, left.anchor)
    at = np.nan_to_num(at, nan=0.0)
    order = np.flatnonzero(np.isin(left.block, rows.side.block))  # the others find nobody
    order = order[np.lexsort((at[order], left.block[order]))]
    block, at = left.block[order], at[order]
    if not len(order):
        yield order, order
        return
    for part in np.array_split(np.arange(len(order)), -(-len(order) // CHUNK)):
        first, last = int(part[0]), int(part[-1])
        start, stop = np.searchsorted(block, [block[first], block[last] + 1])
        begin, end = int(np.searchsorted(block, block[last])), int(np.searchsorted(block, block[first] + 1))
        before = start + int(np.searchsorted(at[start:end], at[first] - OVERLAP_S, side="left"))
        after = begin + int(np.searchsorted(at[begin:stop], at[last] + OVERLAP_S, side="right"))
        yield order[first : last + 1], order[min(before, first) : max(after, last + 1)]


def _match_chunk(
    core: Ints, around: Ints, *, left: Side, rows: ServerRows, belief: Belief, agreement: Agreement
) -> Likely:
    """Find, weigh and settle the candidates of the records *around*; keep those of *core*."""
    runs = [around[first : first + AT_A_TIME] for first in range(0, max(len(around), 1), AT_A_TIME)]
    pairs = Weighed.joined([weigh(run, left=left, rows=rows, belief=belief, agreement=agreement) for run in runs])
    weigh_by_votes(pairs, left=left, rows=rows, belief=belief, agreement=agreement)
    (record, records), (row, numbers) = _renumbered(pairs.record), _renumbered(pairs.row)
    way, weight = pairs.way, pairs.weight
    del pairs  # there are many
    p = pair_probabilities(record, row, weight)
    is_core = np.zeros(len(left.block), dtype=np.bool_)
    is_core[core] = True
    keep = np.flatnonzero(is_core[records][record] & (p > NEGLIGIBLE))
    found = records[record[keep]].astype(np.int32), numbers[row[keep]].astype(np.int32)
    return Likely(*found, way[keep] == BY_END, p[keep])


def _renumbered(number: NDArray[np.int32]) -> tuple[NDArray[np.int32], Ints]:
    """Number those that occur from 0, in order; and list them."""
    occurs = np.zeros(int(number.max(initial=-1)) + 1, dtype=np.bool_)
    occurs[number] = True
    return np.asarray((np.cumsum(occurs, dtype=np.int32) - 1)[number]), np.flatnonzero(occurs)


def _learn(sure: Pairs, left: Side, clock: Ints, agreement: Agreement) -> tuple[Belief, Agreement]:
    """Learn clocks, lags and addresses from sure pairs."""
    offset, spread = client_offsets(clock, left.end, SurePairs(sure.record, sure.ahead, sure.half))
    is_timed = ~np.isnan(sure.longer)
    lag = LagShape().refit(sure.longer[is_timed], left.half[sure.record][is_timed] > 0)
    belief = Belief(offset, spread, OffsetPrior(sure.ahead[sure.half < COARSE_HALF_S]), lag)
    return belief, agreement.with_addresses(sure.record, sure.row)


def _named(record: Narrow, row: Narrow, p: Floats, clients: pl.Series, servers: pl.Series) -> pl.DataFrame:
    client, server = clients.to_numpy()[record], servers.to_numpy()[row]
    order = places_in_order(client, server)
    return pl.DataFrame({"client": client[order], "server": server[order], "p": p[order]})


def _clocks(sure: Pairs, left: Side, clock: Ints, clients: pl.Series) -> pl.DataFrame:
    """Tell each record's clock: as its neighbours and, now that nothing is judged by it, its own match have it."""
    found = SurePairs(sure.record, sure.ahead, sure.half)
    offset, _ = client_offsets(clock, left.end, found, neighbours=3, leave_out=False)
    known = np.flatnonzero(~np.isnan(offset))
    client = clients.gather(known)
    return pl.DataFrame({"client": client, "offset_s": offset[known]})
