"""Addresses out of damaged lines."""

from __future__ import annotations

import polars as pl
import pytest

from wslog.ingest.nginx.fields import events_from_read, read_variables
from wslog.ingest.values.addresses import client_address, upstream_address


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        ("203.0.113.7", True),
        ("2001:db8::7", True),
        ("::1", True),
        ("::ffff:203.0.113.7", True),
        ("fe80::1%eth0", True),
        ("unix:", True),
        ("203.0.113.700", False),
        ("203.0.113", False),
        ("\0\0203.0.113.7", False),
        ("203.0.113.7" + "x" * 200, False),
        ("\ufffd03.0.113.7", False),
    ],
)
def test_a_client_is_an_address(text: str, *, is_kept: bool) -> None:
    """What is no address is null: it must not be counted as one more client."""
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(client_address(pl.col("text"))).item() == (text if is_kept else None)


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        ("10.0.0.7:9000", True),
        ("[2001:db8::7]:9000", True),
        ("app.internal:9000", True),
        ("app_servers", True),
        ("unix:/run/app.sock", True),
        ("10.0.0.7:9000 x", False),
        ("10.0.0.7" + "x" * 200_000 + ":9000", False),
        ("10.0.\x000.7:9000", False),
    ],
)
def test_an_upstream_is_an_address_or_a_group(text: str, *, is_kept: bool) -> None:
    """What is neither is null."""
    frame = pl.DataFrame({"text": [text]})
    assert frame.select(upstream_address(pl.col("text"))).item() == (text if is_kept else None)


def test_damaged_numbers_are_no_numbers() -> None:
    """A number with something inside is not cut or added up to another, nor is a connection centuries long."""
    raw = {
        "line": [1, 2],
        "time_iso8601": ["2026-03-10T10:01:00+00:00"] * 2,
        "status": ["10\x001", "101"],
        "request_time": ["60.0", "99999999999.000"],
        "upstream_response_time": ["60.0xx42", "60.000"],
        "connection": ["6x7", "67"],
    }
    events = events_from_read(read_variables(pl.DataFrame(raw)))
    assert events["status"].to_list() == [None, 101]
    assert events["connection_no"].to_list() == [None, 67]
    assert events["opened_at"].null_count() == 1
    assert events["opened_at"].to_list()[1] is None
