"""The causes as a reader tells them apart: one row for each cause and tier, with its timers, certainty and proof."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from wslog import wording as numbers
from wslog.render import names
from wslog.result import CauseShare, Document, OwnerShare, Totals
from wslog.schema import Tier

NOBODY: Final = "owner not known"
_SHOWN: Final = 3  # timers that a row can name
_FEW: Final = 0.05  # what a row's other timers ended together, to be left out without a word


class CauseRow(NamedTuple):
    """One row.

    Attributes:
        label: Cause, owner and timers.
        short: The same where room is scarce: a timer that has a name stands for its cause.
        confidence: Mean over the drops; None: nothing is claimed.
        proof: `file:line` of the strongest evidence; empty: there is none. Untrusted.
    """

    label: str
    short: str
    n: int
    share: float
    confidence: float | None
    proof: str


def cause_rows(document: Document) -> list[CauseRow]:
    """Return the rows, the largest first and `unknown` last; several timers of one tier are one row."""
    return [
        CauseRow(*_labels(owner, document.causes), owner.n, owner.share, owner.confidence, owner.proof)
        for owner in document.owners
    ]


def fitted_rows(rows: Sequence[CauseRow], most: int) -> list[CauseRow]:
    """Return at most that many rows, the last one for all that there is no room for.

    What stays unknown is the last row, however much it is: it is not told as one of the rest if it is the larger part.
    """
    if len(rows) <= most:
        return list(rows)
    kept, rest = list(rows[: most - 1]), list(rows[most - 1 :])
    if len(kept) > 1 and len(rest) > 1 and 2 * rest[-1].n > sum(row.n for row in rest):
        rest = [kept.pop(), *rest]
        return [*kept, rest_of(rest[:-1]), rest[-1]]
    return [*kept, rest_of(rest)]


def rest_of(rows: Sequence[CauseRow]) -> CauseRow:
    """Return one row for all that a page has no room for."""
    label = numbers.counted(len(rows), "more cause")
    return CauseRow(label, label, sum(row.n for row in rows), sum(row.share for row in rows), None, "")


def certainty_words(totals: Totals) -> str:
    """Return how many drops have a named owner, and how sure that is, as part of a line; empty: there are no drops."""
    if totals.mean_confidence is None:
        return "who closed is known for none of the drops" if totals.named_share == 0 else ""
    named, sure = numbers.percent(totals.named_share), numbers.percent(totals.mean_confidence)
    return f"who closed is known for {named} of the drops ({sure} sure on average)"


def _labels(owner: OwnerShare, causes: Sequence[CauseShare]) -> tuple[str, str]:
    shares = [share for share in causes if (share.cause, share.tier) == (owner.cause, owner.tier)]
    values = _values(shares)
    if not values or shares[0].timeout_s is None:
        label = names.label(owner.cause, owner.tier, None, ())
        return label, label
    timers = names.timer_names(owner.timeout_ids) if len(owner.timeout_ids) <= names.MOST_CANDIDATES else ""
    who = timers or (NOBODY if owner.tier is Tier.UNKNOWN else names.TIERS[owner.tier])
    label = f"{names.cause_name(owner.cause)} · {who} {values}"
    return label, f"{timers} {values}" if timers else label


def _values(shares: Sequence[CauseShare]) -> str:
    """Write the timers' values, the most frequent first, and dots for others that are more than a few."""
    timed = sorted((share for share in shares if share.timeout_s is not None), key=lambda share: -share.n)
    shown = [numbers.timer(share.timeout_s) for share in timed[:_SHOWN] if share.timeout_s is not None]
    left_out = sum(share.n for share in timed[_SHOWN:])
    return ", ".join([*shown, "…"] if left_out > _FEW * sum(share.n for share in timed) else shown)
