"""Reconnect storms: seconds after a burst of closes in which far more clients arrive than usual."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.result import Burst, Storm
from wslog.summarize.drops import STARTED_AT
from wslog.summarize.windows import from_us, to_us

FACTOR: Final = 5.0  # attempts per second against the busier side band; below it is the ebb and flow of an ordinary day
MIN_ATTEMPTS: Final = 10
STORM_S: Final = 10  # over this long the rate is taken
WATCHED_S: Final = 60  # storms are looked for from the start of a burst to this long after its end
SIDE_S: Final = 600  # length of a side band, on either side of what is watched
MIN_SIDE_S: Final = 30  # a shorter band says nothing about what is usual
SECOND_US: Final = 1_000_000


def find_storms(connections: pl.DataFrame, bursts: Sequence[Burst]) -> tuple[Storm, ...]:
    """Find storms after bursts, in order of time.

    Args:
        connections: `schema.CONNECTIONS`; failed attempts count as well as opened ones.
        bursts: Mass drops, in order of time. One event seen in several scopes (upstream, all) makes one storm.

    Returns:
        For each storm when its busiest ten seconds began and how many attempts they held.
    """
    started_us = connections.select(STARTED_AT.dt.epoch("us")).to_series().drop_nulls().sort()
    found: list[Storm] = []
    for burst in bursts:
        storm = _storm_after(started_us, burst)
        if storm is None:
            continue
        if found and storm.at - found[-1].at < dt.timedelta(seconds=STORM_S):
            found[-1] = max(found[-1], storm, key=lambda storm: storm.n)
        else:
            found.append(storm)
    return tuple(found)


def _storm_after(started_us: pl.Series, burst: Burst) -> Storm | None:
    """Return the busiest `STORM_S` after a burst, if they are busy enough; *started_us* must be sorted."""
    begin, end = to_us(burst.at), to_us(burst.until) + WATCHED_S * SECOND_US
    usual = _usual_per_second(started_us, begin, end)
    if usual is None:
        return None
    watched = started_us.filter(started_us.is_between(begin, end, closed="left"))
    if watched.len() < MIN_ATTEMPTS:
        return None
    until = watched.search_sorted(watched + STORM_S * SECOND_US, side="left").cast(pl.Int64)
    held = until - pl.int_range(watched.len(), eager=True)
    busiest = int(held.arg_max() or 0)
    n = int(held[busiest])
    if n < MIN_ATTEMPTS or n / STORM_S <= FACTOR * usual:
        return None
    return Storm(at=from_us(int(watched[busiest])), n=n, per_second=n / STORM_S, usual_per_second=usual)


def _usual_per_second(started_us: pl.Series, begin: int, end: int) -> float | None:
    """Return the rate of attempts in the busier side band; None if the logs reach far enough on neither side."""
    if started_us.is_empty():
        return None
    first, last = int(started_us[0]), int(started_us[-1])
    bands = (
        (max(first, begin - SIDE_S * SECOND_US), begin),
        (end, min(last, end + SIDE_S * SECOND_US)),
    )
    rates = [
        started_us.filter(started_us.is_between(low, high, closed="left")).len() / ((high - low) / SECOND_US)
        for low, high in bands
        if high - low >= MIN_SIDE_S * SECOND_US
    ]
    return max(rates, default=None)
