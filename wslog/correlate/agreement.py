"""What speaks for a pair besides its times: host, user agent and address.

partners share a value with probability a, strangers as often as the value occurs (u): log a/u, or log (1-a)/(1-u)
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wslog.correlate.sides import Floats, Ints, Side
from wslog.correlate.voting import vote_worth, voters

SAME_AGENT: Final = 0.98
SAME_ADDRESS: Final = 0.95
RAREST: Final = 1e-4


class Agreement:
    """Compares the words of both sides; addresses of clients that log none are learnt from their other sure matches."""

    def __init__(self, left: Side, right: Side, clock: Ints) -> None:
        self._left, self._right, self.clock = left, right, clock
        self._agents = _frequencies(right.agent, left.agent)
        self._addresses = _frequencies(right.address, left.address)
        self._agent_logs = _logs(self._agents, SAME_AGENT)
        self._address_logs = _logs(self._addresses, SAME_ADDRESS)
        self._known = np.full(len(clock), -1, dtype=np.int64)
        self.worth = vote_worth(clock, left.anchor, left.lifetime)
        self.voters = voters(clock, left.end)

    def same_host(self, record: Ints, row: Ints) -> NDArray[np.bool_]:
        """False where both name a host and not the same, or came by different routes."""
        fits = np.ones(len(record), dtype=np.bool_)
        for ours, theirs in ((self._left.host, self._right.host), (self._left.route, self._right.route)):
            fits &= (ours[record] == theirs[row]) | (ours[record] < 0) | (theirs[row] < 0)
        return fits

    def log_ratio(self, record: Ints, row: Ints) -> Floats:
        """Log likelihood ratio of agents and addresses."""
        ours = self._left.address[record]
        address = np.where(ours >= 0, ours, self._known[record])
        return _log_ratio(self._left.agent[record], self._right.agent, row, self._agent_logs) + _log_ratio(
            address, self._right.address, row, self._address_logs
        )

    def address_to_learn(self, record: Ints, row: Ints) -> tuple[Ints, Floats]:
        """The rows' addresses where the record's is not known yet (else -1), and how common they are."""
        theirs = self._right.address[row]
        is_known = (self._left.address[record] >= 0) | (self._known[record] >= 0)
        address = np.where(is_known, -1, theirs)
        usual = np.clip(self._addresses[np.maximum(address, 0)], RAREST, 0.95)
        return address, np.where(address >= 0, usual, 1.0)

    def with_addresses(self, record: Ints, row: Ints) -> Agreement:
        """Learn each clock's address from sure pairs: the commonest, the judged record's own pair left out."""
        new = object.__new__(Agreement)
        new._left, new._right, new.clock = self._left, self._right, self.clock
        new.worth, new.voters = self.worth, self.voters
        new._agents, new._addresses = self._agents, self._addresses
        new._agent_logs, new._address_logs = self._agent_logs, self._address_logs
        new._known = _commonest_of_others(self.clock, record, self._right.address[row])
        return new


def _frequencies(theirs: Ints, ours: Ints) -> Floats:
    """How often each word occurs among the servers' rows that have one."""
    words = theirs[theirs >= 0]
    size = int(max(theirs.max(initial=0), ours.max(initial=0))) + 1
    return np.asarray(np.bincount(words, minlength=size) / max(len(words), 1))


def _logs(frequency: Floats, agree: float) -> tuple[Floats, Floats]:
    """Per word, what it says that both have it, and that the client has it and the row another one."""
    strangers = np.clip(frequency, RAREST, 0.95)
    return np.log(agree / strangers), np.log((1 - agree) / (1 - strangers))


def _log_ratio(ours: Ints, words: Ints, row: Ints, logs: tuple[Floats, Floats]) -> Floats:
    is_said = ours >= 0
    if not is_said.any():
        return np.zeros(len(ours))
    theirs = words[row]
    ratio = np.where(ours == theirs, logs[0][ours], logs[1][ours])
    return np.asarray(np.where(is_said & (theirs >= 0), ratio, 0.0))


def _commonest_of_others(clock: Ints, record: Ints, address: Ints) -> Ints:
    """Per record, the address that most other sure pairs of its clock have; -1 for none."""
    known = np.full(len(clock), -1, dtype=np.int64)
    usable = (clock[record] >= 0) & (address >= 0)
    record, address = record[usable], address[usable]
    if not len(record):
        return known
    base = int(address.max()) + 1
    groups, own, size = np.unique(clock[record] * base + address, return_inverse=True, return_counts=True)
    # Best and second of each clock: the best one's own members may have to fall back.
    order = np.lexsort((groups % base, -size, groups // base))
    owner = (groups // base)[order]
    first = np.flatnonzero(np.concatenate([[True], owner[1:] != owner[:-1]]))
    best = np.full(int(clock.max()) + 1, -1, dtype=np.int64)
    best[owner[first]] = order[first]
    group = np.where(clock >= 0, best[np.maximum(clock, 0)], -1)
    known = np.where(group >= 0, groups[np.maximum(group, 0)] % base, -1)
    alone = (size[own] == 1) & (group[record] == own)
    known[record[alone]] = -1
    return known
