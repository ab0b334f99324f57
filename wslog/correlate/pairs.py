"""Candidate pairs of a client record and a server row, as arrays with an entry for each pair."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from wslog.correlate.numbering import Narrow
from wslog.correlate.sides import Flags, Floats, Ints, Side


class Pairs(Struct, frozen=True):
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

    record: Ints | Narrow
    row: Ints | Narrow
    by_end: Flags
    ahead: Floats
    half: Floats
    longer: Floats
    p: Floats

    @classmethod
    def of(cls, record: Ints | Narrow, row: Ints | Narrow, by_end: Flags, *, left: Side, right: Side) -> Pairs:
        """Compare the times of records and rows."""
        ahead, half = left.anchor[record] - right.anchor[row], right.half[row] + left.half[record]
        if by_end.any():
            at = np.flatnonzero(by_end)
            ahead[at] = left.end[record[at]] - right.end[row[at]]
            half[at] = right.end_half[row[at]]
        return cls(record, row, by_end, ahead, half, left.lifetime[record] - right.lifetime[row], np.zeros(len(record)))

    def rated(self, p: Floats) -> Pairs:
        """Replace the weight or probability."""
        return Pairs(self.record, self.row, self.by_end, self.ahead, self.half, self.longer, p)


class Likely(Struct, frozen=True):
    """Pairs that may be partners: narrow, as every record may have dozens.

    Attributes:
        record, row, by_end: As `Pairs` have them.
        p: The probability that they are partners.
    """

    record: Narrow
    row: Narrow
    by_end: Flags
    p: Floats

    @classmethod
    def joined(cls, parts: list[Likely]) -> Likely:
        """Put several together; *parts* go on the way."""
        columns = [[getattr(part, name) for part in parts] for name in cls.__struct_fields__]
        parts.clear()
        return cls(*(np.concatenate(columns.pop(0)) for _ in cls.__struct_fields__))

    def where(self, keep: Flags) -> Likely:
        """Keep some."""
        return Likely(*(getattr(self, name)[keep] for name in self.__struct_fields__))

    def compared(self, *, left: Side, right: Side) -> Pairs:
        """Compare their times."""
        return Pairs.of(self.record, self.row, self.by_end, left=left, right=right).rated(self.p)

    def are(self, record: Narrow, row: Narrow) -> bool:
        """Whether they are these records with these rows, in this order."""
        return np.array_equal(self.record, record) and np.array_equal(self.row, row)
