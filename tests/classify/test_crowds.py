"""Who did not end alone, though too few ended together for a burst."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tests.classify.rows import at, told
from wslog.classify.crowds import add_crowd, find_ends

# Others end every ten seconds.
USUAL: list[dict[str, Any]] = [{"ended": 10.0 * k} for k in range(1, 120)]


def crowded(*rows: dict[str, Any], usual: list[dict[str, Any]] = USUAL) -> list[bool]:
    facts = told(*rows, *usual).with_columns(burst=pl.lit(None, dtype=pl.Int32))
    return add_crowd(facts, find_ends(facts))["is_crowded"].to_list()[: len(rows)]


@pytest.mark.parametrize(
    ("apart_s", "expected"),
    [(0.02, True), (0.4, False)],
)
def test_three_within_milliseconds_did_not_end_alone(apart_s: float, expected: bool) -> None:
    """Three of one moment, where one ends every ten seconds."""
    assert crowded(*({"ended": 603.0 + apart_s * k} for k in range(3))) == [expected] * 3


def test_two_may_be_chance() -> None:
    """Of two, either may have ended alone."""
    assert crowded({"ended": 603.0}, {"ended": 603.02}) == [False, False]


def test_where_many_end_three_are_nothing() -> None:
    """Twenty a second end there: three at once are as usual."""
    busy = [{"ended": 500.0 + 0.05 * k} for k in range(4000)]
    assert not any(crowded(*({"ended": 603.0 + 0.02 * k} for k in range(3)), usual=busy))


def test_a_whole_second_is_the_moment_of_a_log_without_finer_ones() -> None:
    """Five stamps of one second; of seconds in a row they are no crowd."""
    whole = {"nginx_at_resolution_s": 1.0}
    assert crowded(*({"ended": 603.0} | whole for _ in range(5))) == [True] * 5
    assert not any(crowded(*({"ended": 603.0 + k} | whole for k in range(5))))


@pytest.mark.parametrize("change", [{"close_code": 1000}, {"is_opened": False}, {"burst": 0}])
def test_what_is_explained_is_no_company(change: dict[str, Any]) -> None:
    """Goodbyes, refused handshakes and what ended in a burst do not count as others."""
    facts = told({"ended": 603.0}, *({"ended": 603.02} | change for _ in range(3)), *USUAL)
    burst = pl.when(pl.col("ended_at") == at(603.02)).then(pl.lit(change.get("burst"), dtype=pl.Int32))
    facts = facts.with_columns(burst=burst)
    assert not add_crowd(facts, find_ends(facts))["is_crowded"][0]
