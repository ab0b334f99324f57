"""Client records and server rows reduced to what matching compares, as arrays.

Times are seconds since a common epoch near the data; unknown ones NaN, unknown words -1.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl
from msgspec import Struct
from numpy.typing import NDArray

from wslog.correlate.numbering import number_met, number_rows, number_words
from wslog.correlate.places import collected

Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]
Flags = NDArray[np.bool_]

WORDS: Final = ("path", "host", "query", "user_agent", "client_ip")
FINE_S: Final = 0.05
COMPARABLE: Final = 0.2  # part of the clients' values that must occur at the servers before differences mean anything
ADDRESS_KNOWN: Final = 0.5  # part of the clients' addresses that must occur there before only equal ones are compared


class Side(Struct, frozen=True):
    """One side of the match, an entry per row.

    Attributes:
        block: Only rows of one block are compared: path, outcome, and query and address where both sides log them.
        anchor: The open, or the failure of what never opened, by the row's own clock (s).
        end: The close (s).
        lifetime: Open to close (s).
        half: Half of what a coarse anchor may mean (s).
        end_half: The same of the close (s).
        host: Number of the host name.
        agent: Number of the user agent.
        address: Number of the client's address.
        route: 1: through the load balancer, 0: past it, -1: not known.
    """

    block: Ints
    anchor: Floats
    end: Floats
    lifetime: Floats
    half: Floats
    end_half: Floats
    host: Ints
    agent: Ints
    address: Ints
    route: Ints


def make_sides(clients: pl.LazyFrame, servers: pl.LazyFrame) -> tuple[Side, Side, Ints]:
    """Reduce both tables, column by column.

    Args:
        clients: What `clients.Clients` tell.
        servers: What `servers.Servers` tell.

    Returns:
        Both sides, and per client record the number of its clock (-1: its own).
    """
    parts = _client_part(clients, servers), _server_part(servers)
    words, shared = {}, {}
    for name in WORDS:
        ours, theirs = (part.select(name).pipe(collected).to_series() for part in parts)
        words[name] = number_words(ours, theirs)
        if name in {"query", "user_agent", "client_ip"}:
            shared[name] = _share_known(ours, *words[name])
        del ours, theirs
    left, right = (part.drop(WORDS).pipe(collected) for part in parts)
    keys = ["path", "opened"] + (["query"] if shared["query"] >= COMPARABLE else [])
    keys += ["client_ip"] if shared["client_ip"] >= ADDRESS_KNOWN else []
    words["opened"] = left["opened"].cast(pl.Int64).to_numpy(), right["opened"].cast(pl.Int64).to_numpy()
    block, _ = number_rows(*(np.concatenate(words[key]) for key in keys))
    blocks = block[: left.height], block[left.height :]
    if shared["user_agent"] < COMPARABLE:
        words["user_agent"] = np.full(left.height, -1, dtype=np.int32), words["user_agent"][1]
    epoch = _epoch(left, right)
    sides = [
        _arrays(frame, epoch, blocks[n], {k: v[n] for k, v in words.items()}) for n, frame in enumerate((left, right))
    ]
    return sides[0], sides[1], number_met(clients.select("clock").pipe(collected).to_series())


def _client_part(clients: pl.LazyFrame, servers: pl.LazyFrame) -> pl.LazyFrame:
    opened = pl.col("is_opened").fill_null(pl.col("opened_at").is_not_null())
    # Some collectors report whole seconds; then the open that is computed from them is as coarse.
    is_whole = (pl.col("lifetime_s") == pl.col("lifetime_s").round()) & opened
    half = pl.when(is_whole).then(0.55).otherwise(0.0)
    # Hosts that the ALB serves are not reached past it, and the other way round.
    by_alb = servers.select("alb_ref", "host").filter(pl.col("alb_ref").is_not_null()).select(pl.col("host").unique())
    hosts = by_alb.pipe(collected).to_series().drop_nulls().to_list()
    is_via_alb = pl.col("host").is_in(hosts) if hosts else pl.lit(None, dtype=pl.Boolean)
    return clients.select(
        "path", "host", "client_ip", "user_agent", pl.col("query").fill_null(""), opened.alias("opened"),
        pl.when(opened).then("opened_at").otherwise("closed_at").alias("anchor_at"),
        pl.col("closed_at").alias("end_at"),
        pl.when(opened).then("lifetime_s").alias("lifetime_s"),
        half.fill_null(0.0).alias("half"), pl.lit(0.0).alias("end_half"), is_via_alb.alias("is_via_alb"),
    )  # fmt: skip


def _server_part(servers: pl.LazyFrame) -> pl.LazyFrame:
    opened = pl.col("is_opened").fill_null(value=False)
    fields = {name: pl.coalesce(f"nginx_{name}", f"alb_{name}") for name in ("opened_at", "lifetime_s", "handshake_s")}
    # Of two tiers the finer clock tells the close.
    by_alb = (pl.col("nginx_ended_half_s").fill_null(1.0) > FINE_S) & pl.col("alb_closed_at").is_not_null()
    end = pl.when(by_alb).then("alb_closed_at").otherwise("nginx_ended_at")
    half = pl.when(by_alb).then(0.0005).otherwise(pl.col("nginx_ended_half_s")).fill_null(0.5)
    handshake = pl.duration(microseconds=(fields["handshake_s"].fill_null(0.0) * 1e6).round().cast(pl.Int64))
    return servers.select(
        "path", "host", "client_ip", "user_agent", pl.col("query").fill_null(""), opened.alias("opened"),
        pl.when(opened).then(fields["opened_at"] + handshake).otherwise(end).alias("anchor_at"),
        end.alias("end_at"),
        pl.when(opened).then(fields["lifetime_s"] - fields["handshake_s"].fill_null(0.0)).alias("lifetime_s"),
        pl.when(opened).then(0.0).otherwise(half).alias("half"),
        half.alias("end_half"), "is_via_alb",
    )  # fmt: skip


def _share_known(values: pl.Series, ours: Ints, theirs: Ints) -> float:
    """How many of the clients' values, by their numbers, the servers logged as they are."""
    asked = ours[(values.is_not_null() & (values != "")).fill_null(value=False).to_numpy()]
    return float(np.isin(asked, theirs).sum()) / max(len(asked), 1)


def _epoch(left: pl.DataFrame, right: pl.DataFrame) -> int:
    """Microseconds since 1970 of a moment in the middle of the servers' rows."""
    middle = right["end_at"].drop_nulls().median() if right["end_at"].count() else None
    middle = middle or left["end_at"].median()
    return int(pl.Series([middle]).cast(pl.Datetime("us", "UTC")).dt.timestamp("us")[0] or 0)


def _arrays(frame: pl.DataFrame, epoch: int, block: Ints, words: dict[str, Ints]) -> Side:
    def seconds(name: str) -> Floats:
        return frame.select((pl.col(name).dt.timestamp("us") - epoch) / 1e6).to_series().to_numpy().astype(np.float64)

    def number(name: str) -> Floats:
        values = frame[name].cast(pl.Float64).to_numpy().astype(np.float64)
        is_one = len(values) > 0 and bool((values == values[0]).all())
        return np.broadcast_to(values[:1].copy(), values.shape) if is_one else values

    return Side(
        block.astype(np.int32), seconds("anchor_at"), seconds("end_at"), number("lifetime_s"), number("half"),
        number("end_half"), words["host"], words["user_agent"], words["client_ip"],
        frame["is_via_alb"].cast(pl.Int8).fill_null(-1).to_numpy(),
    )  # fmt: skip
