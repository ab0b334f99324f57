"""Synthetic durations with known truth: smooth backgrounds, timers that pile some of them up, and clocks of any grain.

Nothing here is shared with the code under test. Units: seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator
Shape = Callable[[Rng, int], Floats]

USUAL_S: Final = (
    10.0,
    15.0,
    20.0,
    30.0,
    45.0,
    60.0,
    75.0,
    90.0,
    100.0,
    120.0,
    240.0,
    300.0,
    350.0,
    600.0,
    900.0,
    3600.0,
)
RESOLUTIONS: Final = ("ms", "rounded", "floored", "mixed")
LEAST_APART: Final = 0.08  # of their place, and 3 s: how near two timers of one set may be


def _scale(rng: Rng) -> float:
    """A typical duration: 5 to 500 s."""
    return float(np.exp(rng.uniform(np.log(5), np.log(500))))


def lognormal(rng: Rng, n: int) -> Floats:
    return rng.lognormal(np.log(_scale(rng)), rng.uniform(0.7, 1.8), n)


def exponential(rng: Rng, n: int) -> Floats:
    return rng.exponential(_scale(rng), n)


def weibull(rng: Rng, n: int) -> Floats:
    return rng.weibull(rng.uniform(0.5, 1.6), n) * _scale(rng)


def mixture(rng: Rng, n: int) -> Floats:
    """Two populations: short visits and long ones."""
    k = rng.binomial(n, rng.uniform(0.2, 0.8))
    short = rng.lognormal(np.log(_scale(rng)), rng.uniform(0.5, 1.2), k)
    return np.concatenate([short, rng.exponential(3 * _scale(rng), n - k)])


def heartbeat_cliff(rng: Rng, n: int) -> Floats:
    """Idle durations of clients that speak every P seconds: flat up to P, hardly any beyond."""
    period, k = rng.choice([15.0, 25.0, 30.0, 40.0, 55.0]), rng.binomial(n, rng.uniform(0.05, 0.3))
    flat = rng.uniform(0, 1, n - k) * (period + np.abs(rng.normal(0, 0.1, n - k)))
    return np.concatenate([flat, rng.lognormal(np.log(_scale(rng)), 1.2, k)])


def contaminated(rng: Rng, n: int) -> Floats:
    """A lognormal with quick failures and a few absurdly long ones."""
    kinds = rng.choice(3, n, p=[0.9, 0.08, 0.02])
    body = rng.lognormal(np.log(_scale(rng)), rng.uniform(0.7, 1.5), n)
    return np.where(kinds == 0, body, np.where(kinds == 1, rng.exponential(0.2, n), rng.uniform(1e3, 1e5, n)))


def lomax(rng: Rng, n: int) -> Floats:
    return rng.pareto(rng.uniform(1.0, 3.0), n) * _scale(rng)


def log_logistic(rng: Rng, n: int) -> Floats:
    u = rng.uniform(1e-9, 1 - 1e-9, n)
    return _scale(rng) * (u / (1 - u)) ** (1 / rng.uniform(1.2, 3.5))


def gamma_mixture(rng: Rng, n: int) -> Floats:
    k = rng.binomial(n, rng.uniform(0.3, 0.7))
    one = rng.gamma(rng.uniform(0.6, 4), _scale(rng), k)
    return np.concatenate([one, rng.gamma(rng.uniform(0.6, 4), _scale(rng), n - k)])


def narrow_mode(rng: Rng, n: int) -> Floats:
    """A broad background with a natural mode of 10-20 % and at least 2 s (sd): narrow, but no timer.

    A narrower one, written down in whole seconds, would be a timer's pile by any description.
    """
    k = rng.binomial(n, rng.uniform(0.2, 0.5))
    center = _scale(rng)
    mode = np.abs(rng.normal(center, max(2.0, center * rng.uniform(0.1, 0.2)), k))
    return np.concatenate([mode, rng.lognormal(np.log(_scale(rng)), 1.3, n - k)])


def fresh_cliff(rng: Rng, n: int) -> Floats:
    """A heartbeat of any period whose clients are sometimes late."""
    period, k = rng.uniform(8, 70), rng.binomial(n, rng.uniform(0.05, 0.3))
    flat = rng.uniform(0, 1, n - k) * (period + rng.exponential(0.2, n - k))
    return np.concatenate([flat, rng.gamma(1.5, _scale(rng), k)])


def inverse_gaussian(rng: Rng, n: int) -> Floats:
    mean = _scale(rng)
    return rng.wald(mean, mean * rng.uniform(0.3, 3), n)


def plateau(rng: Rng, n: int) -> Floats:
    """Log-uniform over decades, with two soft steps."""
    low, high = rng.uniform(0.3, 3), 50 * _scale(rng)
    body = np.exp(rng.uniform(np.log(low), np.log(high), n))
    return np.where(rng.uniform(size=n) < 0.3, rng.uniform(0, 2 * _scale(rng), n), body)


def three_populations(rng: Rng, n: int) -> Floats:
    """Three lognormals, each with a mode of its own."""
    which, centers, widths = rng.integers(0, 3, n), [_scale(rng) for _ in range(3)], rng.uniform(0.25, 1.0, 3)
    return np.exp(np.log(np.array(centers))[which] + widths[which] * rng.normal(size=n))


def uniform_delay(rng: Rng, n: int) -> Floats:
    return rng.uniform(0, rng.uniform(0.02, 0.3), n)


def half_normal_delay(rng: Rng, n: int) -> Floats:
    return np.abs(rng.normal(0, rng.uniform(0.01, 0.15), n))


def one_sided(rng: Rng, n: int) -> Floats:
    """Delays after the timer fired: exponential."""
    return rng.exponential(rng.uniform(0.01, 0.15), n)


def gamma_delay(rng: Rng, n: int) -> Floats:
    return rng.gamma(2.0, rng.uniform(0.01, 0.08), n)


def lognormal_delay(rng: Rng, n: int) -> Floats:
    return rng.lognormal(np.log(rng.uniform(0.01, 0.08)), 0.8, n)


def symmetric(rng: Rng, n: int) -> Floats:
    return rng.normal(0, rng.uniform(0.005, 0.06), n)


@dataclass(frozen=True, slots=True)
class World:
    """Families of backgrounds and jitters."""

    backgrounds: Mapping[str, Shape]
    jitters: Mapping[str, Shape]


def _named(*shapes: Shape) -> Mapping[str, Shape]:
    return {getattr(s, "__name__", "?"): s for s in shapes}


WORLDS: Final = {
    "tuned": World(_named(lognormal, exponential, weibull, mixture, heartbeat_cliff, contaminated), _named(one_sided)),
    "fresh": World(
        _named(lomax, log_logistic, gamma_mixture, narrow_mode, fresh_cliff),
        _named(gamma_delay, lognormal_delay, symmetric),
    ),
    "unseen": World(_named(inverse_gaussian, plateau, three_populations), _named(uniform_delay, half_normal_delay)),
}


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A set of durations as logged, and what is true of it.

    Attributes:
        values_s: As logged.
        owner: Per value the index of the timer that made it, -1 for none.
        timers_s: True timers, in order of place.
        name: Background, jitter and resolution.
        is_whole: Whether whole-second stamps are among the values.
    """

    values_s: Floats
    owner: NDArray[np.int64]
    timers_s: tuple[float, ...]
    name: str
    is_whole: bool


def logged(values_s: Floats, resolution: str, rng: Rng) -> Floats:
    """Write durations down as a clock of that grain would."""
    exact = np.round(np.maximum(values_s, 0.0), 3)
    if resolution == "ms":
        return exact
    whole = np.round(exact) if resolution == "rounded" else np.floor(exact)
    return whole if resolution != "mixed" else np.where(rng.uniform(size=len(exact)) < 0.5, whole, exact)


def draw_timers(rng: Rng, k: int) -> tuple[float, ...]:
    """Draw timers: half of them usual ones, half any tenth of a second between 5 s and an hour."""
    timers: list[float] = []
    while len(timers) < k:
        anywhere = round(float(np.exp(rng.uniform(np.log(5), np.log(3600)))), 1)
        t = float(rng.choice(USUAL_S)) if rng.uniform() < 0.5 else anywhere
        if all(abs(t - other) > max(LEAST_APART * max(t, other), 3.0) for other in timers):
            timers.append(t)
    return tuple(sorted(timers))


def draw(rng: Rng, n: int, *, world: str, n_timers: int | None = None, resolution: str | None = None) -> Sample:
    """Draw one set of *n* durations; 30 % of the sets hold no timer unless told otherwise."""
    families = WORLDS[world]
    background = str(rng.choice(list(families.backgrounds)))
    jitter = str(rng.choice(list(families.jitters)))
    grain = resolution or str(rng.choice(RESOLUTIONS))
    k = n_timers if n_timers is not None else int(rng.choice([0, 1, 2, 3], p=[0.3, 0.3, 0.25, 0.15]))
    timers = draw_timers(rng, k)
    shares = np.exp(rng.uniform(np.log(0.02), np.log(0.30), k))
    owner = rng.choice(np.arange(-1, k), n, p=[1 - shares.sum(), *shares])
    values = families.backgrounds[background](rng, n)
    rng.shuffle(values)
    for i, timer in enumerate(timers):
        mine = owner == i
        values[mine] = timer + families.jitters[jitter](rng, int(mine.sum()))
    return Sample(logged(values, grain, rng), owner, timers, f"{background}/{jitter}/{grain}", grain != "ms")
