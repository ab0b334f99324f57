"""Which events matter to WebSockets."""

from __future__ import annotations

import polars as pl
import pytest

from tests.ingest.oracle import of_concern
from wslog import schema
from wslog.ingest.concern import ENDPOINT, MAY_CONCERN, fingerprints, is_copy


def _events(*rows: dict[str, object]) -> pl.DataFrame:
    frame = pl.DataFrame([{"ref": f"a:{n}", "event": "request"} | row for n, row in enumerate(rows, 1)])
    return schema.conform(frame, schema.EVENTS)


OPENED = {"is_websocket": True, "path": "/ws/1"}


@pytest.mark.parametrize(
    ("row", "is_kept"),
    [
        ({"path": "/ws/2"}, True),
        ({"path": "/ws/2", "method": "GET"}, True),
        ({"path": "/ws/2", "method": "POST"}, False),
        ({"path": "/ws/2", "query": "EIO=4&transport=polling"}, False),
        ({"path": "/ws/2", "is_websocket": False}, False),
        ({"path": "/other"}, False),
        ({"path": None}, False),
        ({"event": "error", "path": "/ws/3"}, True),
        ({"event": "worker_exit"}, True),
        ({"event": "tls"}, True),
        ({"event": "note", "level": "notice"}, False),
        ({"event": "note", "level": "emerg"}, True),
    ],
)
def test_what_is_kept_beside_an_opened_websocket(row: dict[str, object], is_kept: bool) -> None:
    """Possible handshakes on its endpoint, and what happened below all connections."""
    kept = of_concern(_events(OPENED, row).filter(MAY_CONCERN))
    assert kept["ref"].to_list() == (["a:1", "a:2"] if is_kept else ["a:1"])


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("/ws/17", "/ws/18", True),
        ("/ws/17/4/", "/ws/3/9", True),
        ("/ws/8f14e45fceea167a", "/ws/c9f0f895fb98ab91", True),
        ("/ws/6ba7b810-9dad-11d1-80b4-00c04fd430c8", "/ws/00000000-0000-0000-0000-000000000000", True),
        ("/ws/chat", "/ws/docs", False),
        ("/v1/ws", "/v2/ws", False),
        ("/ws", "/", False),
    ],
)
def test_paths_that_differ_in_an_id_are_one_endpoint(one: str, other: str, is_same: bool) -> None:
    """Words tell endpoints apart, ids do not."""
    first, second = pl.DataFrame({"path": [one, other]}).select(ENDPOINT).to_series().to_list()
    assert (first == second) == is_same


def test_only_load_balancer_lines_are_copies() -> None:
    """Two equal nginx lines of one second may be two connections."""
    rows = [OPENED | {"tier": tier} for tier in ("alb", "alb", "nginx", "nginx")]
    lines = _events(*rows).with_columns(fingerprints(_events(*rows)))
    assert is_copy(lines).to_list() == [False, True, False, False]
    assert is_copy(lines[[3, 1, 0]]).to_list() == [False, False, True]
