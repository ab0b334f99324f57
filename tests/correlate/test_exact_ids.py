"""Ids that both sides carry settle a pair, whatever the clocks say."""

from __future__ import annotations

import polars as pl

from wslog.correlate.exact_ids import pair_by_id

CLIENTS = pl.DataFrame(
    {
        "request_id": ["a", "b", None, "twice", None],
        "trace_id": ["1-x", None, "1-y", None, None],
    }
)
SERVERS = pl.DataFrame(
    {
        "nginx_request_id": ["b", "a", "c", "twice", "twice"],
        "trace_id": [None, "1-x", "1-y", None, None],
    }
)


def test_an_id_pairs_across_both_tables() -> None:
    """Request ids and trace ids pair records with rows, each pair once."""
    record, row = pair_by_id(CLIENTS.lazy(), SERVERS.lazy())
    assert list(zip(record.tolist(), row.tolist(), strict=True)) == [(0, 1), (1, 0), (2, 2)]


def test_an_id_of_several_rows_settles_nothing() -> None:
    """An id that two lines carry is scored like any other evidence, not taken for certain."""
    record, _ = pair_by_id(CLIENTS.lazy(), SERVERS.lazy())
    assert 3 not in record.tolist()


def test_no_ids_no_pairs() -> None:
    """Logs without ids give no pairs and no error."""
    empty = CLIENTS.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in CLIENTS.columns)
    record, row = pair_by_id(empty.lazy(), SERVERS.lazy())
    assert len(record) == len(row) == 0
