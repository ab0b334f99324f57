"""How sure the answers are, in the mean and for each owner."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from wslog.result import CauseShare, Finding, Totals
from wslog.schema import Cause, Tier
from wslog.summarize.certainty import add_certainty, share_by_owner

IDLE, SUSPENDED = (Cause.IDLE_TIMEOUT, Tier.NGINX), (Cause.CLIENT_SUSPENDED, Tier.CLIENT)
UNKNOWN = (Cause.UNKNOWN, Tier.UNKNOWN)
READ = ("nginx-proxy-read-timeout",)


def share(key: tuple[Cause, Tier], n: int, timeout_s: float | None = None) -> CauseShare:
    low_high = {"share_low": 0.0, "share_high": 1.0}
    return CauseShare(cause=key[0], tier=key[1], timeout_s=timeout_s, n=n, share=n / 1_000, timeout_ids=(), **low_high)


def finding(key: tuple[Cause, Tier], n: int, confidence: float, **changes: object) -> Finding:
    base = Finding(
        statement="", cause=key[0], tier=key[1], timeout_s=None, timeout_ids=(), n=n, share=n / 1_000,
        confidence=confidence, evidence=(), advice=(),
    )  # fmt: skip
    return replace(base, **changes)


def test_several_timers_of_one_tier_are_one_owner() -> None:
    """Counts add up, certainty is their mean, and the proof is that of the largest which has one."""
    causes = (share(IDLE, 412, 60.0), share(IDLE, 103, 30.0))
    findings = (
        finding(IDLE, 103, 0.47, timeout_s=30.0, timeout_ids=READ, proof="small.log:1"),
        finding(IDLE, 412, 0.97, timeout_s=60.0, timeout_ids=READ, proof="nginx/error.log:42"),
    )
    (owner,) = share_by_owner(causes, findings)
    assert (owner.n, owner.share, owner.proof) == (515, pytest.approx(0.515), "nginx/error.log:42")
    assert owner.confidence == pytest.approx(0.87)
    assert owner.timeout_ids == READ


def test_candidates_that_differ_by_value_are_none_for_the_owner() -> None:
    """What may be behind one value says nothing about another."""
    causes = (share(IDLE, 9, 60.0), share(IDLE, 8, 30.0), share(IDLE, 7, 20.0))
    findings = (finding(IDLE, 9, 0.9, timeout_s=60.0, timeout_ids=READ), finding(IDLE, 8, 0.9, timeout_s=30.0))
    assert share_by_owner(causes, findings)[0].timeout_ids == ()


def test_unknown_is_last_and_claims_no_certainty() -> None:
    """However many drops stay unknown, what is known comes first."""
    owners = share_by_owner((share(UNKNOWN, 900), share(IDLE, 9)), (finding(UNKNOWN, 900, 0.6), finding(IDLE, 9, 0.9)))
    assert [(owner.cause, owner.confidence) for owner in owners] == [(IDLE[0], pytest.approx(0.9)), (UNKNOWN[0], None)]


def test_certainty_is_of_what_is_named() -> None:
    """What has no owner is not counted as named, and its confidence not as certainty."""
    totals = Totals(
        attempts=9, opened=9, closed=9, drops=1_000, connection_hours=1.0, drops_per_1000_connection_hours=None,
        offline_seconds=None,
    )  # fmt: skip
    causes = (share(IDLE, 400), share(SUSPENDED, 200), share(UNKNOWN, 400))
    findings = (finding(IDLE, 400, 0.9), finding(SUSPENDED, 200, 0.6), finding(UNKNOWN, 400, 0.1))
    sure = add_certainty(totals, causes, findings)
    assert (sure.named_share, sure.mean_confidence) == (pytest.approx(0.6), pytest.approx(0.8))
    nobody = add_certainty(totals, causes[2:], findings[2:])
    assert (nobody.named_share, nobody.mean_confidence) == (0.0, None)
    nothing = add_certainty(replace(totals, drops=0), (), ())
    assert (nothing.named_share, nothing.mean_confidence) == (None, None)
