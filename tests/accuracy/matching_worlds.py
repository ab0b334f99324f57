"""Synthetic days of connections with known partners: the worlds that matching is measured in.

Each world holds what a client log and a load balancer log would say of the same connections, in the form that
`correlate.clients` and `correlate.servers` hand on, and the true partner of every client record. The mix is that of the
method: 90 % of the clock offsets N(0, 0.8 s), 7 % N(0, 20 s), 3 % around ±300 s; 20 ppm drift; 2 % clock steps; 3 % of
the client records twice; 10 % of them lost; 15 % of the clients reconnect in a loop of 61 s; 25 % of the closes noticed
late by one side.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DAY_S: Final = 86_400.0
START: Final = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
HANDSHAKE_S: Final = 0.02  # as the server logs it
ONE_WAY_S: Final = 0.03  # from the server's 101 to the page's open event


@dataclass(frozen=True, slots=True)
class World:
    """What a day looks like.

    Attributes:
        name: For the table.
        precision: Bar.
        recall: Bar.
        n: Connections.
        per_address: Clients behind one address; 0: the client log holds no address.
        rate: Closes per second on one route; 0: as many as a day of *n* connections has.
        lost_rows: Share of the server rows that are missing.
        bad_clocks: Half of the clocks are 300 s off.
        open_late_s: The page's open event comes this much late.
        noise_s: Half-width of an error of the client's durations.
        whole_seconds: Share of the clients that report their durations in whole seconds.
    """

    name: str
    precision: float
    recall: float
    n: int = 20_000
    per_address: float = 0.0
    rate: float = 0.0
    lost_rows: float = 0.0
    bad_clocks: bool = False
    open_late_s: float = 0.0
    noise_s: float = 0.0
    whole_seconds: float = 0.0


KNOWN: Final = World("address known, 1-2 clients each", 0.999, 0.971, per_address=1.5)
NAT_100: Final = World("NAT, 100 clients per address", 0.999, 0.953, per_address=100)
SLOW: Final = World("no address, 0.1 closes/s per route", 0.998, 0.890, rate=0.1)
BUSY: Final = World("no address, 1 /s", 0.994, 0.717, rate=1.0)
WORLDS: Final = (
    KNOWN,
    NAT_100,
    World("NAT, 500 per address", 0.998, 0.914, per_address=500),
    World("one address for all, 1 close/s", 0.993, 0.732, per_address=1e9, rate=1.0),
    SLOW,
    BUSY,
    World("no address, 10 /s", 0.995, 0.425, rate=10.0),
    World("address known, 20 % of ALB rows lost", 0.999, 0.965, per_address=1.5, lost_rows=0.2),
    World("half of the clocks off by 300 s", 0.984, 0.860, per_address=100, bad_clocks=True),
    World("NAT 100, lost rows, bad clocks", 0.983, 0.814, per_address=100, lost_rows=0.2, bad_clocks=True),
)


def _changed(name: str, bars: tuple[tuple[float, float], ...], change: dict[str, float]) -> tuple[World, ...]:
    bases = (KNOWN, NAT_100, SLOW, BUSY)
    return tuple(
        replace(base, name=f"{name}: {base.name}", precision=p, recall=r, **change)  # type: ignore[arg-type]
        for base, (p, r) in zip(bases, bars, strict=True)
    )


CHANGED: Final = (
    *_changed(
        "open 0.2 s late",
        ((0.9997, 0.869), (0.998, 0.823), (0.992, 0.662), (0.986, 0.423)),
        {"open_late_s": 0.2},
    ),
    *_changed(
        "duration noise 0.15 s",
        ((0.9998, 0.925), (0.999, 0.889), (0.995, 0.753), (0.987, 0.493)),
        {"noise_s": 0.15},
    ),
    *_changed(
        "half in whole seconds",
        ((0.9998, 0.944), (0.999, 0.915), (0.995, 0.816), (0.991, 0.582)),
        {"whole_seconds": 0.5},
    ),
)


@dataclass(frozen=True, slots=True)
class Day:
    """A world made flesh.

    Attributes:
        clients: As `correlate.clients.join_client_records` returns it (the columns that matching reads).
        servers: As `correlate.servers.join_servers` returns it.
        truth: `client`, `server` (null: its row is lost), `skew_s`.
    """

    clients: pl.DataFrame
    servers: pl.DataFrame
    truth: pl.DataFrame


def make_day(world: World, *, seed: int) -> Day:
    """Draw a day; the same seed gives the same day."""
    rng = np.random.default_rng(seed)
    span = world.n / world.rate if world.rate else DAY_S
    who, opened, lasted = _connections(rng, n=world.n, span=span)
    n = len(who)
    n_clients = int(who.max()) + 1
    skew = _skews(rng, n_clients, bad=world.bad_clocks)[who] + _wander(rng, who, opened, span)
    late = rng.random(n)
    # One side notices the end late: the client wakes up, or the server's FIN was lost.
    client_s = lasted + np.where(late < 0.125, rng.exponential(30.0, n), 0.0) + rng.laplace(0, 0.015, n)
    server_s = lasted + np.where(late > 0.875, rng.exponential(60.0, n), 0.0)
    client_s = np.maximum(client_s - world.open_late_s + rng.uniform(-1, 1, n) * world.noise_s, 0.001)
    client_end = opened + HANDSHAKE_S + ONE_WAY_S + rng.exponential(0.01, n) + world.open_late_s + client_s + skew
    is_whole = (rng.random(n_clients) < world.whole_seconds)[who]
    client_s = np.where(is_whole, np.round(client_s), np.round(client_s, 3))
    address = (who // world.per_address if world.per_address else who // 1.5).astype(np.int64)
    has_record, has_row = rng.random(n) >= 0.1, rng.random(n) >= world.lost_rows
    server_id = np.full(n, -1)
    server_id[has_row] = np.arange(has_row.sum())
    copies = np.flatnonzero(has_record)
    copies = copies[rng.random(len(copies)) < 0.03]
    logged = np.concatenate([np.flatnonzero(has_record), copies])
    clients = pl.DataFrame({
        "client": np.arange(len(logged)), "session_id": [f"s{c}" for c in who[logged]],
        "client_ip": pl.Series([f"a{a}" if world.per_address else None for a in address[logged]], dtype=pl.String),
        "closed_at": _instant(client_end[logged]), "lifetime_s": client_s[logged],
        "opened_at": _instant((client_end - client_s)[logged]),
    }).with_columns(pl.lit("/ws").alias("path"), pl.lit(value=True).alias("is_opened"), clock="session_id")  # fmt: skip
    servers = pl.DataFrame({
        "server": np.arange(has_row.sum()), "client_ip": [f"a{a}" for a in address[has_row]],
        "alb_opened_at": _instant(opened[has_row]),
        "alb_closed_at": _instant((opened + HANDSHAKE_S + server_s)[has_row]),
        "alb_lifetime_s": HANDSHAKE_S + server_s[has_row], "alb_handshake_s": HANDSHAKE_S,
    }).with_columns(pl.lit("/ws").alias("path"), pl.lit(value=True).alias("is_opened"))  # fmt: skip
    truth = pl.DataFrame({"client": np.arange(len(logged)), "server": server_id[logged], "skew_s": skew[logged]})
    truth = truth.with_columns(pl.when(pl.col("server") >= 0).then(pl.col("server")))
    return Day(_with_nulls(clients, CLIENT_NULLS), _with_nulls(servers, SERVER_NULLS), truth)


CLIENT_NULLS: Final = dict.fromkeys(("host", "query", "user_agent", "trace_id", "request_id"), pl.String)
SERVER_NULLS: Final = {
    **CLIENT_NULLS, "alb_handshake_s": pl.Float64, "nginx_opened_at": pl.Datetime("us", "UTC"),
    "nginx_closed_at": pl.Datetime("us", "UTC"), "nginx_lifetime_s": pl.Float64, "nginx_handshake_s": pl.Float64,
    "nginx_ended_at": pl.Datetime("us", "UTC"), "nginx_ended_half_s": pl.Float64, "is_via_alb": pl.Boolean,
    "nginx_ref": pl.String, "alb_ref": pl.String, "nginx_request_id": pl.String,
}  # fmt: skip


def _with_nulls(frame: pl.DataFrame, nulls: dict[str, pl.DataType]) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(None, dtype=kind).alias(name) for name, kind in nulls.items() if name not in frame.columns
    )


def _instant(seconds: Floats) -> pl.Series:
    micro = np.round(seconds * 1000).astype(np.int64) * 1000 + int(START.timestamp() * 1e6)
    return pl.Series(micro).cast(pl.Datetime("us", "UTC"))


def _connections(rng: np.random.Generator, *, n: int, span: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Draw client number, open time and true lifetime of about *n* connections; a client's never overlap."""
    each = int(np.clip(span / 300, 4, 12))
    n_clients = max(n // each, 1)
    who = np.repeat(np.arange(n_clients), each)
    kind = rng.random(n_clients * each)
    longest = min(span / each, 7200.0)
    free = np.minimum(np.exp(rng.normal(np.log(180.0), 1.3, len(who))), longest)
    lasted = np.where(kind < 0.15, 60 + rng.uniform(-0.03, 0.03, len(who)), free)
    lasted = np.where((kind > 0.95) & (longest > 300), 300 + rng.uniform(-0.03, 0.03, len(who)), lasted)
    gap = rng.exponential(max(span / each - lasted.mean(), 1.0), len(who))
    loops = (rng.random(n_clients) < 0.15)[who]
    lasted = np.where(loops, 60 + rng.uniform(-0.03, 0.03, len(who)), lasted)
    gap = np.where(loops, 1 + rng.uniform(-0.02, 0.02, len(who)), gap)
    gap = gap.reshape(n_clients, each)
    gap[:, 0] = rng.uniform(0, span / each, n_clients) + np.where(loops[::each], rng.uniform(0, span, n_clients), 0)
    step = gap + np.hstack([np.zeros((n_clients, 1)), lasted.reshape(n_clients, each)[:, :-1]])
    return who, (np.cumsum(step, axis=1) % (span * 1.05)).ravel(), lasted


def _skews(rng: np.random.Generator, n: int, *, bad: bool) -> Floats:
    kind = rng.random(n)
    far = np.where(rng.random(n) < 0.5, -1, 1) * rng.normal(300, 15, n)
    skew = np.where(kind < 0.9, rng.normal(0, 0.8, n), np.where(kind < 0.97, rng.normal(0, 20, n), far))
    return np.where(rng.random(n) < 0.5, far, skew) if bad else skew


def _wander(rng: np.random.Generator, who: NDArray[np.int64], at: Floats, span: float) -> Floats:
    """Draw drift (20 ppm) and, for 2 % of the clients, one step of some seconds."""
    n = int(who.max()) + 1
    drift = rng.normal(0, 20e-6, n)[who] * at
    steps = np.where(rng.random(n) < 0.02, rng.normal(0, 5.0, n), 0.0)[who]
    return drift + np.where(at > rng.uniform(0, span, n)[who], steps, 0.0)
