from __future__ import annotations

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.classify.significance import log_gamma, log_tail, log_tail_fast


def by_sum(on: int, off: int, ratio: float) -> float:
    n, q = on + off, ratio / (1 + ratio)
    return log(sum(comb(n, k) * q**k * (1 - q) ** (n - k) for k in range(on, n + 1)))


@given(on=st.integers(1, 150), off=st.integers(0, 150), ratio=st.floats(0.05, 3.0))
def test_the_tail_is_the_binomial_sum(on: int, off: int, ratio: float) -> None:
    """Every tail of a window that holds more than expected equals the sum of its binomial terms."""
    if on > ratio * off:
        assert log_tail(on, off, ratio) == pytest.approx(by_sum(on, off, ratio), rel=1e-7, abs=1e-7)


def test_no_excess_is_no_news() -> None:
    """A window that holds no more than its band lets expect has ln p = 0."""
    assert log_tail_fast([5, 0, 7], [10, 0, 70], [0.5, 0.1, 0.2]).tolist() == [0.0, 0.0, 0.0]


def test_a_million_counts_stay_finite() -> None:
    """Large counts neither overflow nor lose the tail."""
    assert log_tail(1_000_000, 990_000, 1.0) == pytest.approx(-28.017, abs=0.05)
    assert -np.inf < log_tail(500_000, 100, 0.01) < -1e6


def test_log_gamma_of_whole_numbers() -> None:
    """The logarithm of gamma(n + 1) is that of n!."""
    factorials = np.cumsum(np.log(np.arange(1, 200)))
    assert np.allclose(log_gamma(np.arange(2.0, 201.0)), factorials, rtol=1e-12, atol=1e-10)
