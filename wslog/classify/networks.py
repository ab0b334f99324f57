"""Networks that went away: many clients of one prefix lost contact within the same minutes, and others did not.

The on/off test of spikes and bursts, across networks: connections of one /24 (IPv6: /48) that lost contact, against
those of all other networks in the same time, in proportion to what was open on either side, with a slack of 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.addresses import network_of
from wslog.classify.significance import log_tail
from wslog.schema import ScopeKind

FEWEST_CLIENTS: Final = 5
GAP_S: Final = 120.0  # a longer quiet ends an incident; pages give up and learn of it up to two minutes apart
UNANSWERED_S: Final = 5.0  # sent this long after the last answer, and waited as long for one
SLACK: Final = 3.0  # carriers differ in how often they lose people
ALPHA: Final = 0.01
SPAN: Final = {"prefix": pl.String(), "start_s": pl.Float64(), "end_s": pl.Float64()}

Floats = NDArray[np.float64]

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
    return _tested(_located(rows, pl.col("is_lost")), piles)


def _located(rows: pl.DataFrame, more: pl.Expr) -> pl.DataFrame:
    """Return `prefix`, `opened_s`, `ended_s` and one column more of the rows where these are known."""
    times = ((pl.col(f"{what}_at").dt.timestamp("ms") / 1000).alias(f"{what}_s") for what in ("opened", "ended"))
    return rows.select(PREFIX.alias("prefix"), *times, more).drop_nulls(["prefix", "opened_s", "ended_s"])


class _Open(NamedTuple):
    """When connections opened and when they ended (epoch seconds), each in order."""

    opened_s: Floats
    ended_s: Floats

    @classmethod
    def of(cls, rows: pl.DataFrame) -> _Open:
        """Put them in order; what ended before it opened, by two clocks, was open for a moment."""
        ended = rows.select(pl.max_horizontal("opened_s", "ended_s")).to_series()
        return cls(rows["opened_s"].sort().to_numpy(), ended.sort().to_numpy())

    def between(self, start_s: float, end_s: float) -> int:
        """Count those that were open at any moment of a span: opened by its end, and not ended before it began."""
        return int(np.searchsorted(self.opened_s, end_s, "right") - np.searchsorted(self.ended_s, start_s))


def _tested(rows: pl.DataFrame, piles: pl.DataFrame) -> list[NetworkIncident]:
    """Keep the piles of which the other networks did not lose as many in proportion.

    Args:
        rows: `prefix`, `opened_s`, `ended_s`, `is_lost` of all.
        piles: `prefix`, `start`, `end`, `n`, `n_clients`.
    """
    n_prefixes = rows["prefix"].n_unique()
    everywhere, lost = _Open.of(rows), rows.filter("is_lost")["ended_s"].sort().to_numpy()
    of_piles = rows.filter(pl.col("prefix").is_in(piles["prefix"].unique().implode()))
    inside = {prefix: _Open.of(some) for (prefix,), some in of_piles.partition_by("prefix", as_dict=True).items()}
    found: list[NetworkIncident] = []
    for prefix, start, end, n, n_clients in piles.select("prefix", "start", "end", "n", "n_clients").iter_rows():
        alive = inside[prefix].between(start, end)
        others = everywhere.between(start, end) - alive
        elsewhere = int(np.searchsorted(lost, end, "right") - np.searchsorted(lost, start)) - n
        if others and log_tail(n, elsewhere, SLACK * alive / others) + np.log(n_prefixes) < np.log(ALPHA):
            found.append(NetworkIncident(prefix, start, end, n, n_clients, alive, elsewhere))
    return found


def add_network_incidents(facts: pl.DataFrame, incidents: Sequence[NetworkIncident]) -> pl.DataFrame:
    """Add `lost_network`: the prefix whose outage a lost connection belongs to (null: none)."""
    spans = pl.DataFrame([one[:3] for one in incidents], schema=SPAN, orient="row").sort("start_s")
    rows = facts.select(LOST).to_series().arg_true() if incidents else pl.Series([], dtype=pl.UInt32)
    at = (pl.col("ended_at").dt.timestamp("ms") / 1000).alias("at_s")
    lost = facts.select("client_ip", "ended_at")[rows].select(rows.alias("row"), PREFIX.alias("prefix"), at)
    # Those of one network lie apart, so no other than the last that began by then can be its.
    inside = (
        lost.drop_nulls()
        .sort("at_s")
        .join_asof(spans, left_on="at_s", right_on="start_s", by="prefix", check_sortedness=False)
        .filter(pl.col("at_s") <= pl.col("end_s"))
    )
    network = pl.repeat(None, facts.height, dtype=pl.String, eager=True).scatter(inside["row"], inside["prefix"])
    return facts.with_columns(network.alias("lost_network"))
