"""Pairs that an id settles: a request or trace id that the client's record and a server's line both carry."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from wslog.correlate.places import collected
from wslog.correlate.sides import Ints

# Columns that hold the same id, the client's and the servers'.
IDS: Final = (("request_id", "nginx_request_id"), ("trace_id", "trace_id"))


def pair_by_id(clients: pl.LazyFrame, servers: pl.LazyFrame) -> tuple[Ints, Ints]:
    """Pair records with rows by id.

    An id that several records or several rows carry is not exact: they are scored like any other.

    Args:
        clients: What `clients.Clients` tell.
        servers: What `servers.Servers` tell.

    Returns:
        Row numbers of the two tables, one entry per pair; none twice.
    """
    found = [_pairs(clients, servers, ours, theirs) for ours, theirs in IDS]
    pairs = pl.concat(found).unique("record", keep="first", maintain_order=True)
    pairs = pairs.unique("row", keep="first", maintain_order=True).sort("record")
    return pairs["record"].to_numpy().astype(np.int64), pairs["row"].to_numpy().astype(np.int64)


def _pairs(clients: pl.LazyFrame, servers: pl.LazyFrame, ours: str, theirs: str) -> pl.DataFrame:
    left = clients.select(pl.col(ours).alias("id")).with_row_index("record").drop_nulls("id")
    right = servers.select(pl.col(theirs).alias("id")).with_row_index("row").drop_nulls("id")
    pairs = left.pipe(collected).join(right.pipe(collected), on="id", how="inner").select("record", "row")
    return pairs.filter(pl.col("record").is_unique() & pl.col("row").is_unique()).sort("record")
