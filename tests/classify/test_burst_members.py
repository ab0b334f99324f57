"""Which connections ended in which burst."""

from __future__ import annotations

import polars as pl

from tests.classify.rows import at, told
from wslog.classify.burst_members import MARGIN_S, add_burst
from wslog.classify.bursts import RawBurst
from wslog.classify.mass_drops import BurstKind, MassDrop
from wslog.schema import Cause, Tier

A, B = "10.0.0.1:9001", "10.0.0.2:9001"


def drop(scope: str, start: float, end: float, kind: BurstKind = BurstKind.UPSTREAM) -> MassDrop:
    raw = RawBurst(scope, at(start).timestamp(), at(end).timestamp(), 9, 9)
    return MassDrop(kind=kind, raw=raw, n_drops=9, cause=Cause.SERVER_RESTART, tier=Tier.APP, evidence=())


def test_a_short_burst_inside_a_long_one_hides_nothing_after_it() -> None:
    """Rows after the short one's end are still held against the long one of their own upstream; the edges count."""
    drops = [drop(f"upstream {A}", 600.0, 610.0), drop(f"upstream {B}", 601.0, 602.0, BurstKind.TOGETHER)]
    ended = {A: (599.0, 600.0 - MARGIN_S + 0.01, 608.0, 610.2, 611.0), B: (601.5, 608.0)}
    rows = told(*({"ended": s, "lifetime_s": 50.0, "upstream": who} for who, times in ended.items() for s in times))
    found = add_burst(rows, drops)
    assert found["burst"].to_list() == [None, 0, 0, 0, None, 1, None]
    assert found["burst_kind"].to_list() == [None, "upstream", "upstream", "upstream", None, "together", None]


def test_without_bursts_nobody_ended_in_one() -> None:
    """Both columns are there all the same."""
    found = add_burst(told({"ended": 600.0}), [])
    assert found.select("burst", "burst_kind").rows() == [(None, None)]


def test_a_table_in_pieces_stays_in_pieces() -> None:
    """The new columns are cut alike: else every look at a few columns of all rows would copy all columns."""
    rows = pl.concat([told({"ended": s, "lifetime_s": 50.0, "upstream": A}) for s in (599.0, 600.0)], rechunk=False)
    found = add_burst(rows, [drop(f"upstream {A}", 600.0, 610.0)])
    assert found["burst"].to_list() == [None, 0]
    assert found["burst"].chunk_lengths() == found["burst_kind"].chunk_lengths() == rows["upstream"].chunk_lengths()
