"""Which share of the drops each cause explains, and how sure that share is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.result import CauseShare, Finding
from wslog.schema import Cause, Tier
from wslog.summarize.rows import Rows

Z: Final = 1.959964  # two-sided 95 %


def wilson_interval(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of *k* in *n* (Wilson 1927), which holds for small counts too.

    Returns:
        Low and high end, 0 to 1; with n = 0 nothing is known: 0 and 1.
    """
    if n <= 0:
        return 0.0, 1.0
    share, z2 = k / n, Z * Z
    center = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    low = 0.0 if k == 0 else max(0.0, center - half)
    high = 1.0 if k == n else min(1.0, center + half)
    return min(low, share), max(high, share)  # not a rounding error inside out


def count_causes(drops: Rows, findings: Sequence[Finding]) -> tuple[CauseShare, ...]:
    """Count drops by cause, tier and timer: most first, then by name, `unknown` last.

    Args:
        drops: As `drops_in` returns them.
        findings: Of these drops; the first about a cause names the timers that may be behind it.
    """
    timers = {(one.cause, one.tier, one.timeout_s): one.timeout_ids for one in reversed(findings)}
    counted = (
        drops.take("cause", "tier", "timeout_s")
        .group_by("cause", "tier", "timeout_s")
        .len("n")
        .with_columns(is_unknown=pl.col("cause") == Cause.UNKNOWN.value)
        .sort("is_unknown", "n", "cause", "tier", "timeout_s", descending=[False, True, False, False, False])
    )
    shares = []
    for row in counted.iter_rows(named=True):
        cause, tier, timeout_s = Cause(row["cause"]), Tier(row["tier"]), row["timeout_s"]
        low, high = wilson_interval(row["n"], drops.height)
        shares.append(
            CauseShare(
                cause=cause,
                tier=tier,
                timeout_s=timeout_s,
                n=row["n"],
                share=row["n"] / drops.height,
                share_low=low,
                share_high=high,
                timeout_ids=timers.get((cause, tier, timeout_s), ()),
            )
        )
    return tuple(shares)
