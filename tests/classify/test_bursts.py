from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl
import pytest

from tests.accuracy.bursts import (
    FOUND_SHARP,
    FOUND_SPREAD,
    false_per_day,
    find_bursts,
    found_share,
    ordinary,
    search,
)
from wslog.classify import bursts
from wslog.classify.bursts import ALPHA, FEWEST, SLACK, WIDTHS_S, _windows
from wslog.classify.significance import log_tail_fast


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


@pytest.mark.parametrize("seed", range(6))
def test_looking_again_only_beside_what_was_found_changes_nothing(seed: int) -> None:
    """The windows are those that scanning everything again after each one gives, the most significant first."""
    rng = np.random.default_rng(seed)
    piles = [rng.uniform(0, 20_000) + rng.uniform(0, 10 ** rng.uniform(-1, 1.7), 40) for _ in range(6)]
    closed = np.sort(np.concatenate([ordinary(rng, 10 ** rng.uniform(-2.5, 0), 20_000), *piles]))
    quiet = (300.0, 12.0)
    assert _windows(closed, 3, quiet) == list(slow_windows(closed, 3, quiet))


@pytest.mark.parametrize("piece_s", [1, 700, 5000])
def test_scanning_in_pieces_changes_nothing(piece_s: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However short the pieces are that a stretch is cut into, the windows are the same."""
    rng = np.random.default_rng(7)
    closed = np.sort(np.concatenate([ordinary(rng, 0.2, 6000), *(rng.uniform(at, at + 2, 30) for at in (699, 3500))]))
    whole = _windows(closed, 3, (300.0, 12.0))
    monkeypatch.setattr(bursts, "PIECE_S", piece_s)
    assert len(whole) >= 2
    assert _windows(closed, 3, (300.0, 12.0)) == whole


def slow_windows(closed: np.ndarray, n_scopes: int, quiet: tuple[float, float]) -> Iterator[tuple[float, float]]:
    origin = np.floor(closed[0] - quiet[0]) - 1
    seconds = np.bincount((closed - origin).astype(int), minlength=int(closed[-1] + quiet[1] - origin) + 1)
    free = np.ones(len(seconds))
    while True:
        counts, length = (np.concatenate([[0.0], np.cumsum(of)]) for of in (seconds * free, free))
        best = (np.log(ALPHA), 0, 0)
        for width in WIDTHS_S:
            start = np.arange(len(seconds) - width + 1)
            on, whole = counts[start + width] - counts[start], length[start + width] - length[start] == width
            sides = []
            for low, high in ((start - 630, start - 30), (start + width + 30, start + width + 630)):
                first, last = np.clip(low, 0, len(seconds)), np.clip(high, 0, len(seconds))
                sides.append((counts[last] - counts[first], length[last] - length[first]))
            (left, of_left), (right, of_right) = sides
            denser = left / np.maximum(of_left, 1) > right / np.maximum(of_right, 1)
            use_left = (of_left >= 60) & ((of_right < 60) | denser)
            both = (of_left < 60) & (of_right < 60)
            off = np.where(both, left + right, np.where(use_left, left, right))
            band = np.maximum(np.where(both, of_left + of_right, np.where(use_left, of_left, of_right)), 1.0)
            log_p = np.where(whole & (on >= FEWEST), log_tail_fast(on, off, SLACK * width / band), 0.0)
            total = log_p + np.log(len(seconds) / width) + np.log(len(WIDTHS_S) * n_scopes)
            if total.min() < best[0]:
                best = (float(total.min()), int(total.argmin()), width)
        if not best[2]:
            return
        free[best[1] : best[1] + best[2]] = 0
        yield origin + best[1], origin + best[1] + best[2]
