"""Which events matter to WebSockets, and which of them stand in the logs twice."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.schema import EventKind, Tier

# Kept whatever the request: what happened to the processes and to TLS below all connections.
_LIFE: Final = tuple(
    kind.value
    for kind in EventKind
    if kind
    not in {
        EventKind.OPEN,
        EventKind.CLOSE,
        EventKind.PAGEHIDE,
        EventKind.REQUEST,
        EventKind.ERROR,
        EventKind.NOTE,
    }
)
_PLACE: Final = ("ref", "file_no", "line")
TOLD_BY: Final = ["event", "level", "is_websocket", "path", "method", "query"]
_GRAVE: Final = ("emerg", "alert", "crit")

IS_LIFE: Final = (
    pl.col("event").is_in(_LIFE) | ((pl.col("event") == EventKind.NOTE.value) & pl.col("level").is_in(_GRAVE))
).fill_null(value=False)

# A handshake is a GET (RFC 6455 section 4.1; RFC 8441: CONNECT). Long polling shares a path with its WebSocket.
IS_CANDIDATE: Final = (
    pl.col("is_websocket").is_null()
    & pl.col("path").is_not_null()
    & pl.col("method").is_in(["GET", "CONNECT"]).fill_null(value=True)
    & ~pl.col("query").str.contains("transport=polling", literal=True).fill_null(value=False)
)
MAY_CONCERN: Final = pl.col("is_websocket").fill_null(value=False) | IS_LIFE | IS_CANDIDATE
"""Decided line by line: what is left out by this is of no concern whatever the other files hold."""

# Paths that differ only in an id are one endpoint: a refused /ws/8f14e45f is a sibling of the /ws/c9f0f895 that opened.
_ID: Final = r"/(?:\d+|[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{27}|[^/]{20,})(?P<end>/|$)"
ENDPOINT: Final = (
    pl.col("path")
    .str.to_lowercase()
    .str.replace_all(_ID, "/*${end}")
    .str.replace_all(_ID, "/*${end}")  # again: two ids in a row share a slash
    .str.strip_suffix("/")
)


def is_of_concern(events: pl.DataFrame, endpoints: pl.Series) -> pl.Series:
    """Tell sure WebSockets, process life, and requests that may be failed handshakes on a WebSocket's path.

    Args:
        events: The columns `TOLD_BY`.
        endpoints: Of sure WebSockets in all files.
    """
    is_known = (pl.col("is_websocket").fill_null(value=False) | IS_LIFE).alias("is_known")
    # The endpoint of a path is dear, so only those are looked at that it decides on.
    path = pl.when(~is_known & IS_CANDIDATE).then("path").alias("path")
    is_sibling = ENDPOINT.is_in(endpoints.implode()).fill_null(value=False)
    return events[TOLD_BY].select(is_known, path).select(pl.col("is_known") | is_sibling).to_series()


def endpoints_of(events: pl.DataFrame) -> pl.Series:
    """Return the endpoints of sure WebSockets."""
    is_websocket = pl.col("is_websocket").fill_null(value=False)
    paths = events[["path", "is_websocket"]].filter(is_websocket).select(pl.col("path").drop_nulls().unique())
    return paths.select(ENDPOINT.unique()).to_series()


def has_alb(events: pl.DataFrame) -> bool:
    """Whether any line is a load balancer's."""
    return bool((events["tier"] == Tier.ALB.value).any())


def fingerprints(events: pl.DataFrame) -> pl.Series:
    """Return one number for all that a load balancer's line says, and null for other tiers' lines."""
    hashes = events.drop(*_PLACE, strict=False).hash_rows()
    return events.select(pl.when(pl.col("tier") == Tier.ALB.value).then(hashes).alias("fingerprint")).to_series()


def is_copy(lines: pl.DataFrame) -> pl.Series:
    """Tell which load balancer lines were delivered twice; the first is none.

    Args:
        lines: `at` and `fingerprint`, in the order in which the first is to be kept. Of two different lines of the same
            microsecond one in 10^19 pairs would have the same fingerprint.

    AWS delivers log files at least once; a line's microseconds and ids tell it from every other line.
    """
    ordered = lines["fingerprint"].drop_nulls().sort()
    met_twice = ordered.filter(ordered == ordered.shift()).unique()  # hardly any, so few lines are compared
    alike = lines.select("at", "fingerprint", pl.row_index("nth")).filter(
        pl.col("fingerprint").is_in(met_twice.implode())
    )
    copies = alike.filter(~pl.struct("at", "fingerprint").is_first_distinct())["nth"]
    return pl.Series("is_copy", [False], pl.Boolean).new_from_index(0, lines.height).scatter(copies, values=True)
