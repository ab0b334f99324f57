"""Pseudonyms in place of addresses, browsers and sessions, for reports that leave the house.

A pseudonym is a number in order of first appearance: the same in the same logs, and nothing to compute an address from.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from wslog.result import Coverage

PSEUDONYMS: Final = {"client_ip": "client", "user_agent": "agent", "session_id": "session"}
LEFT_OUT: Final = "(left out)"


def anonymize_connections(connections: pl.DataFrame) -> pl.DataFrame:
    """Replace what identifies people in `schema.CONNECTIONS` rows."""
    return connections.with_columns(_numbered(connections, column, word) for column, word in PSEUDONYMS.items())


def _numbered(connections: pl.DataFrame, column: str, word: str) -> pl.Series:
    order = connections[column].drop_nulls().unique(maintain_order=True)
    names = pl.Series([f"{word}-{i}" for i in range(1, order.len() + 1)], dtype=pl.String)
    return connections[column].replace_strict(order, names, default=None, return_dtype=pl.String).alias(column)


def anonymize_coverage(coverage: Coverage) -> Coverage:
    """Leave the text of rejected lines out: it may hold anything."""
    files = tuple(
        replace(file, rejects=tuple(replace(reject, text=LEFT_OUT) for reject in file.rejects))
        for file in coverage.files
    )
    return replace(coverage, files=files)
