"""Pseudonyms in place of addresses, browsers, sessions and connection ids, for reports that leave the house.

A pseudonym is a number in order of first appearance: the same in the same logs, and nothing to compute an address from.
A user agent keeps its family (`agent-3 (Firefox)`), which tells nothing about a person and something about drops.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from wslog.result import Coverage
from wslog.summarize.breakdown import USER_AGENT_FAMILY

LEFT_OUT: Final = "(left out)"


def anonymize_connections(connections: pl.DataFrame) -> pl.DataFrame:
    """Replace what identifies people in `schema.CONNECTIONS` rows; close reasons may say anything and become null."""
    family = pl.format(" ({})", USER_AGENT_FAMILY).fill_null("")
    return connections.with_columns(
        _numbered("client_ip", "client"),
        _numbered("session_id", "session"),
        _numbered("user_agent", "agent") + family,
        _numbered("connection_id", "connection", width=len(str(connections.height))),
        pl.lit(None, pl.String).alias("close_reason"),
    )


def _numbered(column: str, word: str, *, width: int = 1) -> pl.Expr:
    """Number the distinct values of a column in order of first appearance; null stays null.

    Args:
        column: The column.
        word: What the numbers count.
        width: Digits to fill up to with zeros: then sorting by the text keeps the order of appearance.
    """
    value = pl.col(column)
    first_seen = value.is_first_distinct() & value.is_not_null()
    number = first_seen.cum_sum().filter(first_seen).cast(pl.String).str.zfill(width)
    return value.replace_strict(
        value.filter(first_seen), pl.format(f"{word}-{{}}", number), default=None, return_dtype=pl.String
    ).alias(column)


def anonymize_coverage(coverage: Coverage) -> Coverage:
    """Leave the text of rejected lines out: it may hold anything."""
    files = tuple(
        replace(file, rejects=tuple(replace(reject, text=LEFT_OUT) for reject in file.rejects))
        for file in coverage.files
    )
    return replace(coverage, files=files)
