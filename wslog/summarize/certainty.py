"""How sure the answers are: for the drops whose owner is named, and for each cause and tier with its proof."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from wslog.result import CauseShare, Finding, OwnerShare, Totals
from wslog.schema import Cause, Tier


def add_certainty(totals: Totals, causes: Sequence[CauseShare], findings: Sequence[Finding]) -> Totals:
    """Add for which share of the drops it is named who is at fault, and how sure that is in the mean."""
    named = sum((share.share for share in causes if share.tier is not Tier.UNKNOWN), 0.0)
    return replace(
        totals,
        named_share=min(named, 1.0) if totals.drops else None,  # shares may add up to a rounding error more
        mean_confidence=_mean_confidence([finding for finding in findings if finding.tier is not Tier.UNKNOWN]),
    )


def share_by_owner(causes: Sequence[CauseShare], findings: Sequence[Finding]) -> tuple[OwnerShare, ...]:
    """Put the causes of one tier together, whatever their timers: the largest first, `unknown` last.

    Args:
        causes: As `count_causes` returns them.
        findings: Of the same drops.
    """
    together: dict[tuple[Cause, Tier], list[CauseShare]] = {}
    for share in causes:
        together.setdefault((share.cause, share.tier), []).append(share)
    rows = [
        _owner(shares, [finding for finding in findings if (finding.cause, finding.tier) == key])
        for key, shares in together.items()
    ]
    return tuple(sorted(rows, key=lambda row: (row.cause is Cause.UNKNOWN, -row.n)))


def _owner(shares: Sequence[CauseShare], findings: Sequence[Finding]) -> OwnerShare:
    cause, tier = shares[0].cause, shares[0].tier
    ranked = sorted(findings, key=lambda finding: -finding.n)
    ids = {finding.timeout_ids for finding in ranked if finding.timeout_s is not None}
    return OwnerShare(
        cause=cause,
        tier=tier,
        timeout_ids=ids.pop() if len(ids) == 1 else (),
        n=sum(share.n for share in shares),
        share=sum(share.share for share in shares),
        confidence=None if cause is Cause.UNKNOWN else _mean_confidence(ranked),
        proof=next((finding.proof for finding in ranked if finding.proof), ""),
    )


def _mean_confidence(findings: Sequence[Finding]) -> float | None:
    n = sum(finding.n for finding in findings)
    return sum(finding.confidence * finding.n for finding in findings) / n if n else None
