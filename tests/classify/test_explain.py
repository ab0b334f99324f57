"""The whole room: joined rows in, the published table, clusters and bursts out."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.classify.rows import joined, lifecycle
from wslog.cellar import AS_IT_COMES, Cellar
from wslog.classify import Explained, explain_closes
from wslog.knowledge import load_timeouts
from wslog.schema import CONNECTIONS, INSTANT, Cause, Tier, dtypes

TIMEOUTS = load_timeouts()
TIMED_OUT: dict[str, Any] = {
    "error_ref": "error.log:1", "error_level": "info", "error_errno": 110, "error_message": "upstream timed out",
    "error_action": "proxying upgraded connection",
}  # fmt: skip
SERVER_ONLY: dict[str, Any] = {
    "has_client": False, "client_ref": None, "close_code": None, "was_clean": None, "idle_s": None, "idle_in_s": None,
    "idle_out_s": None, "client_lag_s": None, "client_skew_s": None, "visibility": None, "is_online": None,
}  # fmt: skip


def explain(*rows: dict[str, Any], cellar: Cellar = AS_IT_COMES) -> Explained:
    return explain_joined(joined(*rows), cellar=cellar)


def explain_joined(connections: pl.DataFrame, *, cellar: Cellar = AS_IT_COMES) -> Explained:
    return explain_closes(
        connections, lifecycle=lifecycle(), levels=frozenset({"info"}), settings=(), timeouts=TIMEOUTS, cellar=cellar
    )


def only(*rows: dict[str, Any]) -> dict[str, Any]:
    return explain(*rows).connections.row(0, named=True)


def test_the_table_is_the_published_one() -> None:
    """Every row comes out once, with the columns and types of `schema.CONNECTIONS`, in order of close."""
    table = explain(
        {"ended": 900.0, "connection_id": "b"}, {"ended": 100.0, "connection_id": "a"}, SERVER_ONLY
    ).connections
    assert dict(table.schema) == dtypes(CONNECTIONS)
    assert table.height == 3
    assert table["closed_at"].is_sorted()


def test_nothing_in_nothing_out() -> None:
    """No connections: an empty table of the same columns, no clusters, no bursts."""
    found = explain_joined(joined({}).clear())
    assert dict(found.connections.schema) == dtypes(CONNECTIONS)
    assert (found.connections.height, found.clusters, found.bursts) == (0, (), ())


@pytest.mark.parametrize(
    ("row", "is_drop"),
    [
        ({}, True),
        ({"is_opened": False, "lifetime_s": None, "idle_s": None}, True),  # a failed handshake is 1006, too
        ({"close_code": 1001}, False),
        ({"close_code": 4000}, False),
        ({"close_code": None, "is_pagehide_only": True}, False),
        (SERVER_ONLY | TIMED_OUT, True),
        (SERVER_ONLY, False),
        (SERVER_ONLY | TIMED_OUT | {"maybe_client": 0.7}, False),  # some client record tells it already
    ],
)
def test_what_counts_as_a_drop(row: dict[str, Any], is_drop: bool) -> None:
    """The client said 1006; or no client record exists and the servers' logs show an abnormal end."""
    assert only(row)["is_drop"] is is_drop


@pytest.mark.parametrize("code", [1000, 1001, 1005, 1008, 1011, 1012, 3000, 4999])
def test_a_goodbye_is_a_clean_close(code: int) -> None:
    """Any code of a close frame but those of a bad frame: clean, nobody's fault."""
    row = only({"close_code": code, "was_clean": True})
    assert (row["cause"], row["tier"], row["evidence"]) == (
        "clean_close",
        "unknown",
        [f"client.jsonl:1: close code {code}"],
    )


@pytest.mark.parametrize(("was_clean", "tier"), [(True, "client"), (None, "client"), (False, "unknown")])
def test_a_bad_frame_is_its_sender_s(was_clean: bool | None, tier: str) -> None:
    """1002, 1007, 1009 come from the side that could not read the frame; a library's own word blames nobody."""
    for code in (1002, 1007, 1009):
        row = only({"close_code": code, "was_clean": was_clean})
        assert (row["cause"], row["tier"], row["is_drop"]) == ("protocol_error", tier, False)


def test_a_page_that_went_away_left() -> None:
    """A pagehide alone: the client left; into the back/forward cache: it is suspended."""
    gone = {"close_code": None, "is_pagehide_only": True}
    assert only(gone)["cause"] == Cause.CLIENT_LEFT
    assert only(gone | {"is_persisted": True})["cause"] == Cause.CLIENT_SUSPENDED


def test_a_verdict_is_never_bare() -> None:
    """Every cause but unknown has evidence, a tier, and a confidence in 0 to 1; unknown blames nobody."""
    rows = [
        {}, TIMED_OUT, {"close_code": 1000}, {"client_lag_s": -30.0, "is_online": False}, {"is_persisted": True},
        {"is_opened": False, "lifetime_s": None, "idle_s": None, "nginx_status": 502}, SERVER_ONLY,
        SERVER_ONLY | TIMED_OUT,
    ]  # fmt: skip
    table = explain(*({**row, "ended": 100.0 * k} for k, row in enumerate(rows))).connections
    told = table.filter(pl.col("cause") != Cause.UNKNOWN)
    assert told.height >= 6
    assert told["evidence"].list.len().min() >= 1
    assert table["confidence"].is_between(0, 1).all()
    assert set(table.filter(pl.col("cause") == Cause.UNKNOWN)["tier"]) == {Tier.UNKNOWN}
    assert set(table["cause"]) <= {cause.value for cause in Cause}


def test_a_timer_s_value_stands_only_with_a_timer() -> None:
    """`timeout_s` and `timeout_id` are null unless the cause is a timer."""
    drops = [{**TIMED_OUT, "ended": 100.0 + 17.3 * k, "lifetime_s": 70.0 + 3.1 * k, "idle_s": 60.0} for k in range(12)]
    table = explain(*drops, {"close_code": 1000, "ended": 50.0}).connections
    timers = table.filter(pl.col("cause") == Cause.IDLE_TIMEOUT)
    assert timers["timeout_s"].to_list() == [60.0] * 12
    assert timers["timeout_id"].list.join(",").unique().to_list() == ["nginx-proxy-read-timeout"]
    rest = table.filter(pl.col("cause") != Cause.IDLE_TIMEOUT)
    assert rest["timeout_s"].null_count() == rest["timeout_id"].null_count() == rest.height == 1


TIED: list[dict[str, Any]] = [
    {**TIMED_OUT, "ended": 100.0 + 17.3 * (k // 5), "connection_id": f"c{97 * k % 41:02d}", "idle_s": 60.0}
    for k in range(40)
]


@pytest.mark.parametrize("slice_rows", [1, 3, 7, 40, 100])
@pytest.mark.parametrize("room_bytes", [None, 0])
def test_the_order_of_rows_does_not_matter(slice_rows: int, room_bytes: int | None) -> None:
    """The same connections in another order: the same table, in order of close and id, also where many ended at once.

    So it is however few are explained at a time.
    """
    first = explain(*TIED).connections
    assert first.equals(first.sort("closed_at", "connection_id"))
    with Cellar(room_bytes=room_bytes, slice_rows=slice_rows) as cellar:
        for rows in (TIED, TIED[::-1], TIED[1::2] + TIED[::2]):
            assert_frame_equal(explain(*rows, cellar=cellar).connections, first, check_exact=True)


def test_connections_whose_end_is_not_known_come_last() -> None:
    """They have no place in time, and are told all the same."""
    unended = joined(*TIED[:9]).with_columns(pl.lit(None, dtype=INSTANT).alias("closed_at"))
    mixed = pl.concat([unended.head(5), joined(*TIED), unended.tail(4)])
    for slice_rows in (1, 6, 42, 1000):
        found = explain_joined(mixed, cellar=Cellar(slice_rows=slice_rows)).connections
        assert found["closed_at"].null_count() == found["closed_at"].tail(9).null_count() == 9
        assert found.equals(found.sort("closed_at", "connection_id", nulls_last=True, maintain_order=True))
