from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.schema import Cause, Tier
from wslog.summarize.causes import count_causes, wilson_interval
from wslog.summarize.rows import Rows


def all_of(table: pl.DataFrame) -> Rows:
    return Rows(table, pl.int_range(table.height, eager=True))


def test_wilson_interval_of_a_known_case():
    """Two of ten: the textbook's 5.7 % to 51 %."""
    assert wilson_interval(2, 10) == (pytest.approx(0.0567, abs=1e-4), pytest.approx(0.5098, abs=1e-4))
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_holds_the_share(k_of_n):
    """The interval lies in 0 to 1 and around the share; only nothing and all touch an end."""
    k, n = k_of_n
    low, high = wilson_interval(k, n)
    assert 0 <= low <= k / n <= high <= 1
    assert (low == 0) == (k == 0)
    assert (high == 1) == (k == n)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([cause.value for cause in Cause]),
            st.sampled_from([tier.value for tier in Tier]),
            st.sampled_from([None, 45.0, 60.0]),
        ),
        max_size=60,
    )
)
def test_shares_add_up_to_one(rows):
    """Whatever the drops, their shares are of all and no drop is left out."""
    drops = pl.DataFrame(rows, schema={"cause": pl.String, "tier": pl.String, "timeout_s": pl.Float64}, orient="row")
    shares = count_causes(all_of(drops), ())
    assert sum(share.n for share in shares) == len(rows)
    assert sum(share.share for share in shares) == pytest.approx(1.0 if rows else 0.0)
    known = [share.n for share in shares if share.cause is not Cause.UNKNOWN]
    assert known == sorted(known, reverse=True)
    assert [share.cause for share in shares[len(known) :]] == [Cause.UNKNOWN] * (len(shares) - len(known))


def test_unknown_comes_last_even_if_it_is_most():
    """The known causes are what the reader can act on."""
    drops = pl.DataFrame(
        {
            "cause": ["unknown", "unknown", "idle_timeout"],
            "tier": ["unknown", "unknown", "nginx"],
            "timeout_s": [None, None, 60.0],
        }
    )
    assert [(share.cause, share.tier, share.timeout_s, share.n) for share in count_causes(all_of(drops), ())] == [
        (Cause.IDLE_TIMEOUT, Tier.NGINX, 60.0, 1),
        (Cause.UNKNOWN, Tier.UNKNOWN, None, 2),
    ]


def test_each_timer_keeps_its_own_candidates(table, document, idle_by_nginx):
    """What may be behind one value says nothing about another."""
    tie = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "aws-alb-idle"]}
    told = document(table(idle_by_nginx, tie, tie | {"timeout_s": 30.0, "timeout_id": None}))
    assert {(share.tier, share.timeout_s): set(share.timeout_ids) for share in told.causes} == {
        (Tier.NGINX, 60.0): {"nginx-proxy-read-timeout"},
        (Tier.UNKNOWN, 60.0): {"nginx-proxy-read-timeout", "aws-alb-idle"},
        (Tier.UNKNOWN, 30.0): set(),
    }
