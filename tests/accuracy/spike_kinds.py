"""Whether a spike is taken for what made it: an idle timer, a lifetime limit, either, or a heartbeat's comb."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl

from tests.accuracy.spike_worlds import WORLDS, Rng, draw, draw_timers, logged
from tests.accuracy.weak_combs import WeakComb, find_weak_comb
from wslog.classify.clusters import TypedSpike, find_clusters
from wslog.classify.combs import Comb, find_comb
from wslog.classify.spikes import find_spikes

KINDS = ("idle", "lifetime", "either")


def draw_drops(rng: Rng, n: int, kind: str | None, *, world: str) -> tuple[pl.DataFrame, float]:
    """Draw dropped connections of which 10-20 % were ended by one timer (none, if *kind* is None).

    A third never carried a message: their idle duration is their lifetime. A timer of kind "either" meets only those. A
    lifetime limit is one path's, and nothing there outlives it; so with "either", or it could only be an idle timer.

    Returns:
        The columns that typing reads, and the timer.
    """
    families = WORLDS[world]
    background = families.backgrounds[str(rng.choice(list(families.backgrounds)))]
    jitter = families.jitters[str(rng.choice(list(families.jitters)))]
    (timer,) = draw_timers(rng, 1)
    timer = timer + 7.7 if kind == "either" else max(timer, 8.0)  # a value that nothing is known to have
    idle, before = background(rng, n), np.abs(background(rng, n)) + 2.0
    silent = rng.uniform(size=n) < 1 / 3
    hit = rng.uniform(size=n) < rng.uniform(0.10, 0.20)
    at = timer + jitter(rng, n)
    rng.shuffle(idle)
    if kind == "either":
        hit = rng.uniform(size=n) < 0.15
        silent = silent | hit
    idle = np.where(hit & (kind in {"idle", "either"}), at, idle)
    lifetime = np.where(silent, idle, idle + 0.05 * idle + before)
    if kind == "lifetime":
        lifetime = np.where(hit, at, lifetime)
        idle = np.where(hit, np.where(silent, at, at * rng.uniform(0, 0.95, n)), idle)
    idle, lifetime = logged(idle, "ms", rng), logged(lifetime, "ms", rng)
    has_path = kind in {"lifetime", "either"}
    limited = hit | ((lifetime < timer) & (rng.uniform(size=n) < 0.5)) if has_path else np.zeros(n, dtype=bool)
    frame = pl.DataFrame(
        {
            "idle_s": idle, "lifetime_s": lifetime, "is_silent": lifetime - idle <= np.maximum(1.0, 0.03 * lifetime),
            "unanswered_s": rng.normal(0, 2, n), "path": np.where(limited, "/limited", "/ws"),
        }
    ).with_columns(
        *(pl.lit(value=True).alias(name) for name in ("has_client", "is_client_drop")),
        pl.lit(None, dtype=pl.Int32).alias("burst"),
        pl.lit("client.jsonl:1").alias("client_ref"), pl.lit("rt.example.com").alias("host"),
        pl.lit(None, pl.String).alias("client_ip"),
        *(pl.lit(value=False).alias(name) for name in ("late", "early", "nginx_timed_out", "is_unheard")),
    )  # fmt: skip
    return frame, timer


def said_kind(found: TypedSpike) -> str:
    """The word of `KINDS` for a typed spike."""
    return "either" if found.is_either else {"idle_s": "idle", "lifetime_s": "lifetime"}.get(found.axis, found.axis)


def typing(seed: int, sets: int, *, world: str, n: int = 2000) -> Counter[str]:
    """Count `right`, `wrong kind`, `missed`, `false` and, of sets without a timer, `empty` and `alarms`."""
    rng = np.random.default_rng([seed, n])
    tally: Counter[str] = Counter()
    for i in range(sets):
        kind = (*KINDS, None)[i % 4]
        frame, timer = draw_drops(rng, n, kind, world=world)
        found = find_clusters(frame, [], [])
        here = [f for f in found if kind and abs(f.spike.center_s - timer) <= max(0.02 * timer, 0.6)]
        tally["false"] += len(found) - len(here)
        if kind is None:
            tally["empty"] += 1
            tally["alarms"] += bool(found)
        elif not here:
            tally["missed"] += 1
        else:
            tally["right" if {said_kind(f) for f in here} == {kind} else "wrong kind"] += 1
    return tally


def combs(seed: int, sets: int, share: float, *, world: str, n: int = 4000) -> Counter[str]:
    """Count combs found as spikes (`strong`), by power (`weak`), not (`missed`), and with another period (`false`)."""
    rng = np.random.default_rng([seed, int(100 * share)])
    tally: Counter[str] = Counter(sets=sets)
    for _ in range(sets):
        values = draw(rng, n, world=world, n_timers=0, resolution="ms").values_s.copy()
        period, k = rng.uniform(8, 60), rng.binomial(n, share)
        values[:k] = period * rng.geometric(0.3, k) + rng.exponential(0.08, k)
        values = logged(values, str(rng.choice(["ms", "rounded", "floored", "mixed"])), rng)
        spikes = find_spikes(values)
        strong, weak = find_comb([s.center_s for s in spikes]), find_weak_comb(values, spikes)

        def is_right(comb: Comb | WeakComb | None, period: float = period) -> bool:
            return comb is not None and share > 0 and abs(comb.period_s / period - 1) < 0.02

        found = "strong" if is_right(strong) else "weak" if is_right(weak) else "missed"
        tally[found] += 1
        tally["false"] += any(c is not None and not is_right(c) for c in (strong, weak))
    return tally
