"""Networks that went away: many clients of one prefix lost contact within the same minutes, and others did not.

The on/off test of spikes and bursts, across networks: connections of one /24 (IPv6: /48) that lost contact, against
those of all other networks in the same time, in proportion to what was open on either side, with a slack of 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from wslog.addresses import network_of
from wslog.classify.significance import log_tail
from wslog.schema import ScopeKind

FEWEST_CLIENTS: Final = 5
GAP_S: Final = 120.0  # a longer quiet ends an incident; pages give up and learn of it up to two minutes apart
UNANSWERED_S: Final = 5.0  # sent this long after the last answer, and waited as long for one
SLACK: Final = 3.0  # carriers differ in how often they lose people
ALPHA: Final = 0.01

PREFIX: Final = network_of(pl.col("client_ip"))
# It gave up before the servers knew, went on sending into nothing, or its browser said that it had no network. One that
# only learnt late may as well have slept.
_WAITED: Final = (pl.col("unanswered_s") > UNANSWERED_S) & (pl.col("idle_out_s") > UNANSWERED_S)
_GAVE_UP: Final = pl.col("early") | (pl.col("late") & _WAITED)
LOST: Final = (
    pl.col("is_client_drop")
    & pl.col("burst").is_null()
    & (_GAVE_UP | ~pl.col("is_online").fill_null(value=True)).fill_null(value=False)
)


class NetworkIncident(NamedTuple):
    """One network's outage.

    Attributes:
        prefix: `198.51.100.0/24`.
        start_s, end_s: Epoch seconds of the first and last connection that lost contact, as the servers saw them end.
        n: Connections that lost contact, of `n_clients` clients; `alive` were open in that network.
        elsewhere: The same count in all other networks.
    """

    prefix: str
    start_s: float
    end_s: float
    n: int
    n_clients: int
    alive: int
    elsewhere: int

    @property
    def scope(self) -> str:
        """As bursts name it."""
        return f"{ScopeKind.NETWORK} {self.prefix}"

    @property
    def evidence(self) -> str:
        """One sentence."""
        return (
            f"{self.n} of {self.alive} connections of {self.n_clients} clients in {self.prefix} lost contact within "
            f"{self.end_s - self.start_s:.0f} s, {self.elsewhere} in all other networks"
        )


def find_network_incidents(facts: pl.DataFrame) -> list[NetworkIncident]:
    """Find incidents among client drops whose address is known.

    Args:
        facts: Of all rows: `client_ip`, `session_id`, `ended_at`, `opened_at`, and what `LOST` reads.

    Returns:
        Incidents in order of time and prefix.
    """
    rows = facts.select("client_ip", "session_id", "ended_at", "opened_at", LOST.alias("is_lost"))
    lost = _located(rows.filter("is_lost"), pl.coalesce("session_id", "client_ip").alias("who"))
    lost = lost.sort("prefix", "ended_s")
    breaks = (pl.col("ended_s").diff().over("prefix") > GAP_S).fill_null(value=False)
    piles = (
        lost.with_columns(breaks.cast(pl.Int32).cum_sum().over("prefix").alias("pile"))
        .group_by("prefix", "pile")
        .agg(
            pl.col("ended_s").min().alias("start"),
            pl.col("ended_s").max().alias("end"),
            pl.len().cast(pl.Int64).alias("n"),
            pl.col("who").n_unique().alias("n_clients"),
        )
        .filter(pl.col("n_clients") >= FEWEST_CLIENTS)
        .sort("start", "prefix")
    )
    if piles.is_empty():
        return []
    all_rows = _located(rows, pl.col("is_lost"))
    n_prefixes = max(all_rows["prefix"].n_unique(), 1)
    found = [_tested(all_rows, pile, n_prefixes) for pile in piles.iter_rows(named=True)]
    return [incident for incident in found if incident is not None]


def _located(rows: pl.DataFrame, more: pl.Expr) -> pl.DataFrame:
    """Return `prefix`, `opened_s`, `ended_s` and one column more of the rows where these are known."""
    times = ((pl.col(f"{what}_at").dt.timestamp("ms") / 1000).alias(f"{what}_s") for what in ("opened", "ended"))
    return rows.select(PREFIX.alias("prefix"), *times, more).drop_nulls(["prefix", "opened_s", "ended_s"])


def _tested(rows: pl.DataFrame, pile: Mapping[str, Any], n_prefixes: int) -> NetworkIncident | None:
    """Keep a pile if the other networks did not lose as many in proportion."""
    prefix, start, end, n = pile["prefix"], pile["start"], pile["end"], pile["n"]
    open_then = rows.filter((pl.col("opened_s") <= end) & (pl.col("ended_s") >= start))
    mine = pl.col("prefix") == prefix
    alive, others = (open_then.filter(condition).height for condition in (mine, ~mine))
    elsewhere = open_then.filter(~mine & pl.col("is_lost") & pl.col("ended_s").is_between(start, end)).height
    if not others:
        return None
    p = log_tail(n, elsewhere, SLACK * alive / others)
    if p + np.log(n_prefixes) >= np.log(ALPHA):
        return None
    return NetworkIncident(prefix, start, end, n, pile["n_clients"], alive, elsewhere)


def add_network_incidents(facts: pl.DataFrame, incidents: Sequence[NetworkIncident]) -> pl.DataFrame:
    """Add `lost_network`: the prefix whose outage a lost connection belongs to (null: none)."""
    at = pl.col("ended_at").dt.timestamp("ms") / 1000
    network = pl.lit(None, dtype=pl.String)
    for incident in incidents:
        inside = LOST & (incident.prefix == PREFIX) & at.is_between(incident.start_s, incident.end_s)
        network = pl.when(inside.fill_null(value=False)).then(pl.lit(incident.prefix)).otherwise(network)
    return facts.with_columns(network.alias("lost_network"))
