"""The causes as a reader tells them apart: one row for each cause and tier, with its timers, certainty and proof."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from wslog.render import names, numbers
from wslog.result import CauseShare, Document, Finding
from wslog.schema import Cause, Tier

_SHOWN: Final = 3  # timers that a row can name
_FEW: Final = 0.05  # what a row's other timers ended together, to be left out without a word
# A burst's evidence begins with its moment, which looks like a line number and is none.
_REF: Final = re.compile(r"(?!(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d )(\S.*?:\d+)(?::? |$)")


class CauseRow(NamedTuple):
    """One row.

    Attributes:
        label: Cause, owner and timers.
        short: The same where room is scarce: a timer that has a name stands for its cause.
        confidence: Mean over the drops; None: no finding says, or nothing is claimed.
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
    together: dict[tuple[Cause, Tier], list[CauseShare]] = {}
    for share in document.causes:
        together.setdefault((share.cause, share.tier), []).append(share)
    rows = [
        (cause is Cause.UNKNOWN, _row(shares, [f for f in document.findings if (f.cause, f.tier) == (cause, tier)]))
        for (cause, tier), shares in together.items()
    ]
    return [row for _, row in sorted(rows, key=lambda pair: (pair[0], -pair[1].n))]


def rest_of(rows: Sequence[CauseRow]) -> CauseRow:
    """Return one row for all that a page has no room for."""
    label = numbers.counted(len(rows), "more cause")
    return CauseRow(
        label=label,
        short=label,
        n=sum(row.n for row in rows),
        share=sum(row.share for row in rows),
        confidence=None,
        proof="",
    )


def certainty(document: Document) -> tuple[float, float] | None:
    """Return for which share of the drops it is named who is at fault, and how sure that is in the mean; None: none."""
    confidence = _mean_confidence([finding for finding in document.findings if finding.tier is not Tier.UNKNOWN])
    named = sum(share.share for share in document.causes if share.tier is not Tier.UNKNOWN)
    return None if confidence is None else (min(named, 1.0), confidence)


def certainty_words(document: Document) -> str:
    """Return `certainty` as part of a line; empty: nobody is named."""
    found = certainty(document)
    if found is None:
        return ""
    return f"who closed is named for {numbers.percent(found[0])} of the drops, {numbers.percent(found[1])} sure"


def proof_ref(finding: Finding) -> str:
    """Return the `file:line` of the strongest evidence that has one; empty: none does."""
    found = (_REF.match(line) for line in finding.evidence)
    return next((match[1] for match in found if match), "")


def _row(shares: Sequence[CauseShare], findings: Sequence[Finding]) -> CauseRow:
    ranked = sorted(findings, key=lambda finding: -finding.n)
    label, short = _labels(shares, ranked)
    return CauseRow(
        label=label,
        short=short,
        n=sum(share.n for share in shares),
        share=sum(share.share for share in shares),
        confidence=None if shares[0].cause is Cause.UNKNOWN else _mean_confidence(ranked),
        proof=next((proof for proof in map(proof_ref, ranked) if proof), ""),
    )


def _labels(shares: Sequence[CauseShare], findings: Sequence[Finding]) -> tuple[str, str]:
    first = shares[0]
    values = _values(shares)
    if first.timeout_s is None or not values:
        label = names.label(first.cause, first.tier, None, ())
        return label, label
    ids = {finding.timeout_ids for finding in findings if finding.timeout_s is not None}
    timers = names.timer_names(next(iter(ids))) if len(ids) == 1 and len(next(iter(ids))) <= 2 else ""
    owner = timers or ("owner not known" if first.tier is Tier.UNKNOWN else names.TIERS[first.tier])
    label = f"{names.cause_name(first.cause)} · {owner} {values}"
    return label, f"{timers} {values}" if timers else label


def _values(shares: Sequence[CauseShare]) -> str:
    """Write the timers' values, the most frequent first, and dots for others that are more than a few."""
    timed = sorted((share for share in shares if share.timeout_s is not None), key=lambda share: -share.n)
    shown = [numbers.timer(share.timeout_s) for share in timed[:_SHOWN] if share.timeout_s is not None]
    left_out = sum(share.n for share in timed[_SHOWN:])
    return ", ".join([*shown, "…"] if left_out > _FEW * sum(share.n for share in timed) else shown)


def _mean_confidence(findings: Sequence[Finding]) -> float | None:
    n = sum(finding.n for finding in findings)
    return sum(finding.confidence * finding.n for finding in findings) / n if n else None
