from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.accuracy.bursts import FOUND_SHARP, FOUND_SPREAD, false_per_day, found_share, ordinary, search
from wslog.classify.bursts import find_bursts


@pytest.mark.parametrize("case", [*FOUND_SHARP, *FOUND_SPREAD], ids=str)
def test_a_small_restart_is_found(case: tuple[int, float, float]) -> None:
    """Ten closes within 1.5 s are found at 0.05 ordinary closes per second, and so on."""
    assert found_share(np.random.default_rng(1), case, runs=5) == 1.0


@pytest.mark.parametrize("rate", [0.05, 0.5])
def test_an_uneven_day_has_no_bursts(rate: float) -> None:
    """A day whose rate wobbles by a third from minute to minute has none."""
    assert false_per_day(np.random.default_rng(2), rate, days=2) == 0


def test_a_burst_knows_what_it_ended() -> None:
    """Its bounds are its own closes', and its killed share is theirs among all that were open."""
    closed = [1000.0 + 0.1 * i for i in range(30)] + [2000.0 + 40 * i for i in range(10)]
    frame = pl.DataFrame({"scope": "upstream a", "opened_s": [900.0] * 40, "closed_s": closed})
    (burst,) = find_bursts(frame)
    assert (burst.n, burst.alive) == (30, 40)
    assert burst.killed_share == pytest.approx(0.75)
    assert (burst.start_s, burst.end_s) == pytest.approx((1000.0, 1002.9))


def test_a_scope_of_its_own_shows_what_the_total_hides() -> None:
    """Twelve closes of a quiet upstream are a burst there, though not among all of a busy site."""
    rng = np.random.default_rng(3)
    busy = ordinary(rng, 5.0, 7200)
    quiet = np.concatenate([ordinary(rng, 0.02, 7200), 3000 + rng.uniform(0, 1.5, 12)])
    scopes = {"all": np.concatenate([busy, quiet]), "upstream b": quiet}
    frame = pl.concat(
        pl.DataFrame({"scope": scope, "opened_s": np.sort(at) - 500, "closed_s": np.sort(at)})
        for scope, at in scopes.items()
    )
    assert [b.scope for b in find_bursts(frame) if b.end_s - b.start_s < 15] == ["upstream b"]


def test_two_restarts_stay_two() -> None:
    """Bursts ten minutes apart are two; a handful of closes is none."""
    assert len(search(np.concatenate([np.linspace(0, 1, 20), np.linspace(600, 601, 20), [300.0, 900.0]]))) == 2
    assert search(np.array([1.0, 1.1, 1.2, 1.3])) == []
