"""Clocks of which nothing is known yet: what a client's own records, taken together, say of its clock and address.

One pair says little of a clock; all records of a clock must agree on one offset (and, where the servers log addresses
and the client does not, mostly on one address). Each hypothesis h = (address, offset in steps of 0.25 s) scores

    S(h) = Σ over records log(1 + weight of the record's candidates under h)

and a record is judged by the posterior that its *other* records give, prior(h)·exp(S(h) - own part): with its own vote
included a wrong pair would confirm itself. A client that reconnects every minute fits its neighbour's rows at an
offset of one minute: here such hypotheses compete as wholes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wslog.correlate.densities import OffsetPrior, student3
from wslog.correlate.numbering import number_rows, order_rows

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]

STEP_S: Final = 0.25
SPREAD_S: Final = 0.2  # wide against the step, so that it matters little how offsets and steps line up
MOST_STEPS: Final = 3  # steps to each side that a pair votes for, at least 1; a stamp of whole seconds needs 3
# A vote is worth no more than what speaks against one: that the record has no row, and the row no record.
MOST_VOTE: Final = 81.0
LEAST_WORTH: Final = 0.4  # records that repeat each other more are not judged by votes
MOST_VOTERS: Final = 1_000  # records that vote together: far fewer settle a clock, and each adds to what is in memory
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
    # Who is alone on a clock repeats nobody.
    judged = judged[np.bincount(clock[judged], minlength=1)[clock[judged]] > 1]
    if not len(judged):
        return worth
    judged = judged[np.lexsort((opened[judged], clock[judged]))]
    since = np.diff(opened[judged], prepend=0.0)
    # A clock's first record counts with the time to its second.
    is_first = np.diff(clock[judged], prepend=-1) != 0
    since = np.where(is_first, np.append(since[1:], 0.0), since)
    whole = (np.rint(np.clip(of, -1.0, 1e6)).astype(np.int64) for of in (since, lifetime[judged]))
    number, _ = number_rows(clock[judged], *whole)
    worth[judged] = 1.0 / np.bincount(number)[number]
    return worth


def voters(clock: Ints, at: Floats) -> Ints:
    """Number who votes together: the records of one clock, in order of time `MOST_VOTERS` at a time.

    Args:
        clock: Per record, the number of its clock; -1: its own.
        at: Per record, when it ended (s).

    Returns:
        Per record, the number of its voters; -1: it votes alone.
    """
    n_records = np.bincount(clock[clock >= 0], minlength=1)
    if n_records.max() <= MOST_VOTERS:
        return clock
    order = np.lexsort((at, clock))
    order = order[clock[order] >= 0]
    place = np.arange(len(order)) - (np.cumsum(n_records) - n_records)[clock[order]]
    number = np.full(len(clock), -1, dtype=np.int64)
    number[order] = number_rows(clock[order], place // MOST_VOTERS)[0]
    return number


def log_density_by_votes(
    *, record: Ints, clock: Ints, address: Ints, usual: Floats, ahead: Floats, half: Floats, log_rest: Floats,
    prior: OffsetPrior, worth: Floats, others_vote: bool = False,
) -> Floats:  # fmt: skip
    """Weigh the pairs' offsets and addresses by what the other records of the clock say.

    Args:
        record: Per pair, the record. All pairs of those who vote together must be asked about together.
        clock: Per record, the number of its `voters`.
        address: Per pair, the server row's address; -1: not to be judged.
        usual: Per pair, how common that address is (0 to 1].
        ahead: Per pair, the clock's offset it implies (s).
        half: Per pair, half of what that may mean (s).
        log_rest: Per pair, the log weight without offset and address.
        prior: Offsets of clocks of which nothing is known.
        worth: Per record, the part of a vote that it has.
        others_vote: Whether any of the pairs that are asked about apart from these belongs to a clock.

    Returns:
        Per pair, log of the density of its offset times the likelihood ratio of its address.
    """
    unheard = np.log(prior.density(ahead, half) + 1e-300)
    heard = np.zeros(len(record))
    voting = np.flatnonzero(clock[record] >= 0)
    if len(voting):
        whose = record[voting]
        heard[voting] = _heard(
            record=whose, clock=clock[whose], address=address[voting], usual=usual[voting], ahead=ahead[voting],
            half=half[voting], log_rest=log_rest[voting], worth=worth[whose], prior=prior,
        )  # fmt: skip
    elif not others_vote:
        return unheard
    trust = TRUST * (worth[record] > LEAST_WORTH)
    return np.asarray(np.log(trust * heard + (1 - trust) * np.exp(unheard) + 1e-300))


def _heard(
    *, record: Ints, clock: Ints, address: Ints, usual: Floats, ahead: Floats, half: Floats, log_rest: Floats,
    worth: Floats, prior: OffsetPrior,
) -> Floats:  # fmt: skip
    """Return the density that the other records of its clock give each pair (all per pair)."""
    place, placed = number_rows(clock, address)
    speaker, spoken = number_rows(record)
    pair, step, density = _ballots(ahead, half)
    # A voice is what one record says for one hypothesis. Ordered by both, each is a run of ballots.
    order, key = order_rows(place[pair], step, speaker[pair])
    pair, step, density = pair[order], step[order], density[order]
    where, rarity = place[pair], usual[pair]
    is_voice = _is_new(key)
    is_hypothesis = is_voice & (_is_new(where) | _is_new(step))
    voice, first = np.cumsum(is_voice) - 1, np.flatnonzero(is_hypothesis)
    vote = np.exp(np.minimum(log_rest, 60.0))[pair] * density / rarity
    capped = np.minimum(np.bincount(voice, weights=vote), MOST_VOTE)
    who = speaker[pair[is_voice]]
    posterior = _left_out(
        rarity[first] * _density_at(step[first], prior) * STEP_S,
        number_rows(clock)[0][placed][where[first]],
        hypothesis=(np.cumsum(is_hypothesis) - 1)[is_voice],
        own=worth[spoken][who] * np.log1p(capped),
        record=who,
    )
    return np.asarray(np.bincount(pair, weights=posterior[voice] * density / rarity, minlength=len(record)), np.float64)


def _is_new(of: Ints) -> NDArray[np.bool_]:
    """Mark where a value differs from the one before."""
    new = np.ones(len(of), dtype=np.bool_)
    np.not_equal(of[1:], of[:-1], out=new[1:])
    return new


def _density_at(step: Ints, prior: OffsetPrior) -> Floats:
    """Return the prior density at each step; steps repeat: where it is less work, each is looked up once."""
    low, n = int(step.min()), int(np.ptp(step)) + 1
    if n > len(step):
        return prior.density(step.astype(np.float64) * STEP_S)
    return prior.density(np.arange(low, low + n).astype(np.float64) * STEP_S)[step - low]


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


def _left_out(mass: Floats, clock: Ints, *, hypothesis: Ints, own: Floats, record: Ints) -> Floats:
    """Return the posterior of each voice's hypothesis without that voice.

    Args:
        mass: Per hypothesis, its prior.
        clock: Per hypothesis, whose it is, from 0.
        hypothesis: Per voice, what it is for.
        own: Per voice, what it adds to the score.
        record: Per voice, who speaks, from 0.
    """
    score = np.bincount(hypothesis, weights=own)
    highest = np.zeros(int(clock.max()) + 1)
    np.maximum.at(highest, clock, score)
    unvoted = np.maximum(1.0 - np.bincount(clock, weights=mass), 0.0) * np.exp(-highest)
    weighted = mass * np.exp(score - highest[clock])
    total = np.bincount(clock, weights=weighted)
    with_own = weighted[hypothesis]
    without = with_own * np.exp(-own)
    withdrawn = np.bincount(record, weights=with_own - without)
    whose = clock[hypothesis]
    left = np.maximum(total[whose] - withdrawn[record], without) + unvoted[whose]
    return np.asarray(without / np.maximum(left, 1e-300))
