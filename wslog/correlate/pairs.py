"""Candidate pairs of a client record and a server row, as arrays with an entry for each pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from wslog.correlate.sides import Flags, Floats, Ints, Side


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate pairs.

    Attributes:
        record: Number of the client record.
        row: Number of the server row.
        by_end: Only their closes can be compared.
        ahead: What the pair says of the client's clock: difference of the opens, or of the closes (s).
        half: Half of what coarse stamps leave open of that (s).
        longer: Difference of the durations (s); NaN where one is not known.
        p: Log weight while pairs are weighed, then the probability that they are partners.
    """

    record: Ints
    row: Ints
    by_end: Flags
    ahead: Floats
    half: Floats
    longer: Floats
    p: Floats

    @classmethod
    def of(cls, record: Ints, row: Ints, by_end: Flags, *, left: Side, right: Side) -> Pairs:
        """Compare the times of records and rows."""
        ahead, half = left.anchor[record] - right.anchor[row], right.half[row] + left.half[record]
        if by_end.any():
            at = np.flatnonzero(by_end)
            ahead[at] = left.end[record[at]] - right.end[row[at]]
            half[at] = right.end_half[row[at]]
        return cls(record, row, by_end, ahead, half, left.lifetime[record] - right.lifetime[row], np.zeros(len(record)))

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """Put several together."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def where(self, keep: Flags) -> Pairs:
        """Keep some."""
        return Pairs(*(getattr(self, one.name)[keep] for one in fields(self)))

    def are(self, others: Pairs) -> bool:
        """Whether they are the same records with the same rows, in the same order."""
        return np.array_equal(self.record, others.record) and np.array_equal(self.row, others.row)

    def rated(self, p: Floats) -> Pairs:
        """Replace the weight or probability."""
        return Pairs(self.record, self.row, self.by_end, self.ahead, self.half, self.longer, p)
