"""Pseudonyms in place of addresses, their networks, browsers, sessions and connection ids: reports can leave the house.

A pseudonym is a number in order of first appearance: the same in the same logs, and nothing to compute an address from.
A user agent keeps its family (`agent-3 (Firefox)`), which tells nothing about a person and something about drops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec.structs import replace

from wslog.result import Burst, Coverage
from wslog.schema import ScopeKind
from wslog.summarize.breakdown import USER_AGENT_FAMILY

LEFT_OUT: Final = "(left out)"


def anonymize_connections(connections: pl.DataFrame) -> pl.DataFrame:
    """Replace what identifies people in `schema.CONNECTIONS` rows; close reasons may say anything and become null."""
    number = pl.col("number").cast(pl.String)
    pseudonyms = {
        "client_ip": pl.format("client-{}", number),
        "session_id": pl.format("session-{}", number),
        "user_agent": pl.format("agent-{}", number) + pl.format(" ({})", USER_AGENT_FAMILY).fill_null(""),
        # Sorted by the text, connections keep their order.
        "connection_id": pl.format("connection-{}", number.str.zfill(len(str(connections.height)))),
    }
    for column, pseudonym in pseudonyms.items():  # one by one: to number texts takes much room
        numbered = connections.select(column, number=_numbered(connections[column]))
        connections = connections.with_columns(numbered.select(pseudonym.alias(column)).to_series())
    return connections.with_columns(pl.lit(None, pl.String).alias("close_reason"))


def _numbered(texts: pl.Series) -> pl.Series:
    """Number the distinct texts from 1 in order of first appearance, as categories are; null stays null."""
    return texts.cast(pl.Categorical(pl.Categories.random())).to_physical() + 1


def anonymize_networks(connections: pl.DataFrame, bursts: Sequence[Burst]) -> tuple[pl.DataFrame, tuple[Burst, ...]]:
    """Replace the networks of clients that lost contact together, in bursts and in what is said of connections.

    A /48 of IPv6 is what one site has: it is as good as an address.
    """
    of_networks = sorted((b for b in bursts if b.scope_kind is ScopeKind.NETWORK), key=lambda b: (b.at, b.scope))
    found = list(dict.fromkeys(burst.scope_value for burst in of_networks))
    if not found:
        return connections, tuple(bursts)
    names = [f"net-{number}" for number in range(1, len(found) + 1)]

    def renamed(burst: Burst) -> Burst:
        scope, *evidence = pl.Series([burst.scope, *burst.evidence]).str.replace_many(found, names, leftmost=True)
        return replace(burst, scope=scope, evidence=tuple(evidence))

    evidence = pl.col("evidence").list.eval(pl.element().str.replace_many(found, names, leftmost=True))
    return connections.with_columns(evidence), tuple(renamed(burst) for burst in bursts)


def anonymize_coverage(coverage: Coverage) -> Coverage:
    """Leave the text of rejected lines out: it may hold anything."""
    files = tuple(
        replace(file, rejects=tuple(replace(reject, text=LEFT_OUT) for reject in file.rejects))
        for file in coverage.files
    )
    return replace(coverage, files=files)
