"""Closes in order of time, and what is told of some of them."""

from __future__ import annotations

import polars as pl
import pytest

from tests.classify.rows import at, told
from wslog.classify.closes import HEARD, Closes

NOON = at(0.0).timestamp()


@pytest.fixture
def closes() -> Closes:
    """Five that closed in another order than they stand, and three that cannot be part of a burst."""
    rows = told(
        {"ended": 30.0, "lifetime_s": 25.0, "path": "/c"},
        {"ended": 10.0, "lifetime_s": 5.0, "path": "/a"},
        {"ended": 40.0, "lifetime_s": 5.0, "path": "/d"},
        {"ended": 20.0, "lifetime_s": 15.0, "path": "/b"},
        {"ended": 50.0, "lifetime_s": 49.0, "path": "/e"},
        {"ended": 20.0, "is_opened": False},
        {"ended": 20.0, "is_pagehide_only": True},
    )
    opened_at = pl.when(pl.col("path") != "/b").then("opened_at")  # nobody tells when that one opened
    # In several pieces, as tables on disk are.
    return Closes.of(pl.concat([rows.with_columns(opened_at).slice(n, 1) for n in range(rows.height)], rechunk=False))


def test_those_within_a_span_come_in_order_of_close(closes: Closes) -> None:
    """Both ends count; nobody else's row slips in, whatever stands between them in the table."""
    inside = closes.within(NOON + 10, NOON + 30)
    assert inside["path"].to_list() == ["/a", "/b", "/c"]
    assert (inside["closed_s"] - NOON).to_list() == [10.0, 20.0, 30.0]
    assert inside["opened_s"].null_count() == 1
    assert closes.within(NOON + 31, NOON + 32).columns == [*HEARD, "closed_s", "opened_s"]


def test_open_is_what_had_opened_and_closed_later(closes: Closes) -> None:
    """What does not tell when it opened was open if it closed by the moment that is asked for."""
    assert closes.open_at(NOON + 6, since_s=NOON)["path"].to_list() == ["/a", "/c", "/e"]
    assert closes.open_at(NOON + 6, since_s=NOON + 11)["path"].to_list() == ["/c", "/e"]
    assert closes.open_at(NOON + 6, since_s=NOON, else_until_s=NOON + 20)["path"].to_list() == ["/a", "/b", "/c", "/e"]


def test_all_are_told_in_order_of_close(closes: Closes) -> None:
    """Expressions stand beside the times of the same connection."""
    rows = closes.told(pl.col("path"))
    assert rows["path"].to_list() == ["/a", "/b", "/c", "/d", "/e"]
    assert (rows["closed_s"] - NOON).to_list() == [10.0, 20.0, 30.0, 40.0, 50.0]
    assert rows["opened_s"].is_null().to_list() == [False, True, False, False, False]
