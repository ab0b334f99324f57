"""Log likelihood ratios of candidate pairs, "partners" against "the record has no row".

    weight = (1-π)/π · f(δ)·g(Δ) / (λ·h(duration)) / (1 + r) · agreement of words

with δ the difference of the opens, Δ that of the durations, λ the rows per second of the block, h the density of
durations, and r the odds that the partner was not searched.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from wslog.correlate.agreement import Agreement
from wslog.correlate.candidates import PRESENT_ODDS, Belief, Found, ServerRows
from wslog.correlate.densities import NARROW_SHARE, laplace, student3
from wslog.correlate.pairs import Pairs
from wslog.correlate.sides import Flags, Floats, Side
from wslog.correlate.voting import log_density_by_votes

NEGLIGIBLE: Final = 1e-5  # weights below it are left out
HEAVIEST_LOG: Final = 60.0


def weigh(pairs: Pairs, found: Found, *, left: Side, rows: ServerRows, belief: Belief, agreement: Agreement) -> Pairs:
    """Return the pairs that matter, `p` their weight.

    Args:
        pairs: The candidates of *found*, in its order.
        found: What the search tells of each record.
        left: Client records.
        rows: Server rows.
        belief: What is known of clocks and lags.
        agreement: What is known of words.
    """
    rest = agreement.log_ratio(pairs.record, pairs.row) + _log_duration(pairs, left, rows, belief)
    rest += (np.log(PRESENT_ODDS) - np.log(found.rate) - np.log1p(found.outside))[found.record]
    weight = _weight(rest + _log_offset(pairs, belief))
    keep = (weight > NEGLIGIBLE) & agreement.same_host(pairs.record, pairs.row)
    pairs, rest, weight = pairs.where(keep), rest[keep], weight[keep]
    unheard = np.isnan(belief.offset[pairs.record])
    others = pairs.where(unheard)
    weight[unheard] = _weight(rest[unheard] + _log_offset_by_votes(others, rest[unheard], belief, agreement))
    return pairs.rated(weight)


def _weight(log: Floats) -> Floats:
    return np.asarray(np.exp(np.minimum(log, HEAVIEST_LOG)))


def _log_offset(pairs: Pairs, belief: Belief) -> Floats:
    """Log f(δ): how well times fit what is known of the clock."""
    offset, spread = belief.offset[pairs.record], np.nan_to_num(belief.spread[pairs.record], nan=1.0)
    off = pairs.ahead - np.nan_to_num(offset)
    unknown = belief.prior.density(pairs.ahead, pairs.half)
    known = 0.97 * student3(off, spread, pairs.half) + 0.03 * unknown
    is_unknown = np.isnan(offset)
    off = np.where(is_unknown, pairs.ahead - belief.prior.centre, off)
    return np.asarray(np.log(_noticed_late(np.where(is_unknown, unknown, known), off, pairs.by_end) + 1e-300))


def _log_offset_by_votes(pairs: Pairs, rest: Floats, belief: Belief, agreement: Agreement) -> Floats:
    """Log f(δ) and of the address, as the other records of the clock have it."""
    address, usual = agreement.address_to_learn(pairs.record, pairs.row)
    log_f = log_density_by_votes(
        record=pairs.record, clock=agreement.clock, address=address, usual=usual, ahead=pairs.ahead, half=pairs.half,
        log_rest=rest, prior=belief.prior, worth=agreement.worth,
    )  # fmt: skip
    return np.asarray(np.log(_noticed_late(np.exp(log_f), pairs.ahead - belief.prior.centre, pairs.by_end) + 1e-300))


def _noticed_late(f: Floats, off: Floats, by_end: Flags) -> Floats:
    """A close is noticed late now and then, an open is not: the shares are those of the lag shape."""
    late = 0.5 * laplace(off, 5.0) + 0.5 * laplace(off, 300.0)
    return np.asarray(np.where(by_end, NARROW_SHARE * f + (1 - NARROW_SHARE) * late, f))


def _log_duration(pairs: Pairs, left: Side, rows: ServerRows, belief: Belief) -> Floats:
    """Log g(Δ)/h: how well durations fit, against strangers' durations."""
    g = belief.lag.density(np.nan_to_num(pairs.longer), left.half[pairs.record] > 0)
    return np.asarray(
        np.where(np.isnan(pairs.longer), 0.0, np.log(g / rows.durations.at(rows.side.lifetime[pairs.row])))
    )
