"""Clocks of which nothing is known yet: what a client's own records, taken together, say of its clock and address.

One pair says little of a clock; all records of a clock must agree on one offset (and, where the servers log addresses
and the client does not, mostly on one address). Each hypothesis h = (address, offset in steps of 0.25 s) scores

    S(h) = Σ over records log(1 + weight of the record's candidates under h)

and a record is judged by the posterior that its *other* records give, prior(h)·exp(S(h) - own part): with its own vote
included a wrong pair would confirm itself. A client that reconnects every minute fits its neighbour's rows at an
offset of one minute: here such hypotheses compete as wholes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wslog.correlate.densities import OffsetPrior, student3

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

STEP_S: Final = 0.25
SPREAD_S: Final = 0.2  # wide against the step, so that it matters little how offsets and steps line up
MOST_STEPS: Final = 3  # steps to each side that a pair votes for, at least 1; a stamp of whole seconds needs 3
# A vote is worth no more than what speaks against one: that the record has no row, and the row no record.
MOST_VOTE: Final = 81.0
LEAST_WORTH: Final = 0.4  # records that repeat each other more are not judged by votes
TRUST: Final = 0.97  # the rest: the record was written by another clock after all (a clock step)


def vote_worth(clock: Ints, opened: Floats, lifetime: Floats) -> Floats:
    """What each record's vote is worth: 1, shared among those that repeat each other.

    A client that reconnects at once after every timeout fits any other client that does the same, with all its records
    as soon as with one. Records of one clock with the same duration and the same time since the last open, in whole
    seconds, have one vote together.

    Args:
        clock: Per record, the number of its clock; -1: its own.
        opened: Per record, when it opened (s).
        lifetime: Per record, its duration (s); NaN: none, a vote of its own.
    """
    worth = np.ones(len(clock))
    judged = np.flatnonzero((clock >= 0) & ~np.isnan(opened) & ~np.isnan(lifetime))
    if not len(judged):
        return worth
    judged = judged[np.lexsort((opened[judged], clock[judged]))]
    since = np.diff(opened[judged], prepend=0.0)
    # A clock's first record counts with the time to its second.
    is_first = np.diff(clock[judged], prepend=-1) != 0
    since = np.where(is_first, np.append(since[1:], 0.0), since)
    parts = (clock[judged], np.rint(np.clip(since, -1.0, 1e6)), np.rint(np.minimum(lifetime[judged], 1e6)))
    number = np.zeros(len(judged), dtype=np.int64)
    for part in parts:
        value = np.unique(part, return_inverse=True)[1]
        number = np.unique(number * (int(value.max()) + 1) + value, return_inverse=True)[1]
    worth[judged] = 1.0 / np.bincount(number)[number]
    return worth


def log_density_by_votes(
    *, record: Ints, clock: Ints, address: Ints, usual: Floats, ahead: Floats, half: Floats, log_rest: Floats,
    prior: OffsetPrior, worth: Floats,
) -> Floats:  # fmt: skip
    """Weigh the pairs' offsets and addresses by what the other records of the clock say.

    Args:
        record: Per pair, the record.
        clock: Per record, the number of its clock; -1: its own.
        address: Per pair, the server row's address; -1: not to be judged.
        usual: Per pair, how common that address is (0 to 1].
        ahead: Per pair, the clock's offset it implies (s).
        half: Per pair, half of what that may mean (s).
        log_rest: Per pair, the log weight without offset and address.
        prior: Offsets of clocks of which nothing is known.
        worth: Per record, the part of a vote that it has.

    Returns:
        Per pair, log of the density of its offset times the likelihood ratio of its address.
    """
    unheard = np.log(prior.density(ahead, half) + 1e-300)
    voting = np.flatnonzero(clock[record] >= 0)
    if not len(voting):
        return unheard
    pair, step, density = _ballots(ahead[voting], half[voting])
    pair = voting[pair]
    hypothesis = _number(clock[record[pair]], address[pair], step)
    by_record, record_size = _number_with_size(record[pair], hypothesis)
    vote = np.exp(np.minimum(log_rest[pair], 60.0)) * density / usual[pair]
    capped = np.minimum(np.bincount(by_record, weights=vote, minlength=record_size), MOST_VOTE)
    first_ballot = np.full(record_size, -1, dtype=np.int64)
    first_ballot[by_record[::-1]] = np.arange(len(pair))[::-1]
    of = hypothesis[first_ballot]
    own = worth[record[pair[first_ballot]]] * np.log1p(capped)
    score = np.bincount(of, weights=own)
    n_hypotheses = len(score)
    member = np.full(n_hypotheses, -1, dtype=np.int64)
    member[hypothesis] = np.arange(len(pair))
    offset = np.asarray(step[member] * STEP_S, dtype=np.float64)
    mass = np.asarray(usual[pair[member]] * prior.density(offset) * STEP_S)
    owner = clock[record[pair[member]]]
    posterior = _left_out(score, mass, owner, of=of, own=own, record=record[pair[first_ballot]])
    heard = np.bincount(pair, weights=posterior[by_record] * density / usual[pair], minlength=len(record))
    trust = TRUST * (worth[record] > LEAST_WORTH)
    return np.asarray(np.log(trust * heard + (1 - trust) * np.exp(unheard) + 1e-300))


def _ballots(ahead: Floats, half: Floats) -> tuple[Ints, Ints, Floats]:
    """Spread each pair over the steps its offset may mean: pair, step, density (per second)."""
    nearest = np.rint(ahead / STEP_S).astype(np.int64)
    reach = np.minimum(np.ceil(half / STEP_S).astype(np.int64) + 1, MOST_STEPS)
    pair, step = [], []
    for away in range(-MOST_STEPS, MOST_STEPS + 1):
        who = np.flatnonzero(reach >= abs(away))
        pair.append(who)
        step.append(nearest[who] + away)
    pairs, steps = np.concatenate(pair), np.concatenate(step)
    return pairs, steps, student3(ahead[pairs] - steps * STEP_S, SPREAD_S, half[pairs])


def _left_out(score: Floats, mass: Floats, owner: Ints, *, of: Ints, own: Floats, record: Ints) -> Floats:
    """Posterior of a hypothesis without one record's vote, for each (record, hypothesis) that it votes for."""
    n_clocks = int(owner.max()) + 1
    highest = np.zeros(n_clocks)
    np.maximum.at(highest, owner, score)
    silent = np.exp(-highest) * np.maximum(1.0 - np.bincount(owner, weights=mass, minlength=n_clocks), 0.0)
    weighted = mass * np.exp(score - highest[owner])
    total = np.bincount(owner, weights=weighted, minlength=n_clocks)
    without = weighted[of] * np.exp(-own)
    places, back = np.unique(record, return_inverse=True)
    dropped = np.bincount(back, weights=weighted[of] - without, minlength=len(places))
    clock = owner[of]
    left = np.maximum(total[clock] - dropped[back], without) + silent[clock]
    return np.asarray(without / np.maximum(left, 1e-300))


def _number(clock: Ints, address: Ints, step: Ints) -> Ints:
    """Number the distinct (clock, address, step), dense from 0."""
    step = step - int(step.min(initial=0))
    where = np.unique(clock * (int(address.max(initial=0)) + 2) + address + 1, return_inverse=True)[1]
    return np.asarray(np.unique(where * (int(step.max(initial=0)) + 1) + step, return_inverse=True)[1])


def _number_with_size(first: Ints, second: Ints) -> tuple[Ints, int]:
    values, numbers = np.unique(first * (int(second.max(initial=0)) + 1) + second, return_inverse=True)
    return np.asarray(numbers), len(values)
