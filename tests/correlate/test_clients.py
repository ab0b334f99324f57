"""Client records as one row per connection."""

import polars as pl
import pytest

from tests.correlate.lines import at, client, events
from wslog.correlate.clients import join_client_records
from wslog.schema import EventKind


def _joined(lines: pl.DataFrame) -> pl.DataFrame:
    return join_client_records(lines).told().collect()


def test_pagehide_and_close_are_one_connection():
    """The close speaks; that the page went into the cache before is kept."""
    hide = client("c:1", 0, 30, connection_id="c1", event=EventKind.PAGEHIDE, close_code=None, is_persisted=True)
    rows = _joined(events(hide, client("c:2", 0, 90, connection_id="c1", created_at=hide["created_at"])))
    assert rows.select("client_ref", "close_code", "has_close", "is_persisted").row(0) == (
        "c:2", 1006, True, True
    )  # fmt: skip
    assert rows.height == 1


def test_a_pagehide_alone_has_no_close():
    """A page that only said goodbye is a row without a close."""
    rows = _joined(events(client("c:1", 0, 30, event=EventKind.PAGEHIDE, connection_id="c1")))
    assert rows["has_close"].to_list() == [False]


def test_connection_numbers_that_restart_are_told_apart():
    """A page that counts its connections from 1 again has made new ones."""
    first = client("c:1", 0, 30, connection_id="1")
    second = client("c:2", 100, 130, connection_id="1")
    other = client("c:3", 0, 30, connection_id="1", session_id="s2")
    assert _joined(events(first, second, other)).height == 3


def test_records_without_ids_stay_apart_unless_a_session_repeats_itself():
    """Equal records of one session are copies; of nobody in particular they may be two clients."""
    named = [client(f"c:{i}", 0, 30) for i in (1, 2)]
    nameless = [client(f"c:{i}", 0, 30, session_id=None, client_ip="192.0.2.1") for i in (3, 4)]
    assert _joined(events(*named, *nameless)).height == 3


def test_idle_counts_from_the_last_message_and_else_from_the_open():
    """Silence runs from the last message; a connection without any has been silent since it opened."""
    talked = client("c:1", 0, 60, last_sent_at=at(20), last_received_at=at(15), session_id="a")
    silent = client("c:2", 0, 61, session_id="b")
    rows = _joined(events(talked, silent)).sort("client_ref")
    assert rows.select("idle_s", "idle_in_s", "idle_out_s").rows() == [(40.0, 45.0, 40.0), (61.0, 61.0, 61.0)]


def test_idle_is_unknown_where_the_log_never_tells_of_messages():
    """Without message times in the log, silence is not known, not zero."""
    assert _joined(events(client("c:1", 0, 60)))["idle_s"].to_list() == [None]


def test_a_file_that_never_tells_of_messages_does_not_show_silence():
    """Another collector's records beside it say nothing of this one's; of a few records it is no wonder."""
    told = client("told:1", 0, 60, last_sent_at=at(20), session_id="a")
    mute = [client(f"mute:{n}", n, n + 60, session_id=f"m{n}") for n in range(20)]
    few = [client(f"few:{n}", n, n + 60, session_id=f"f{n}") for n in range(3)]
    rows = _joined(events(told, *mute, *few))
    idle = rows.group_by(pl.col("client_ref").str.split(":").list.first()).agg(pl.col("idle_s").unique())
    assert dict(idle.rows()) == {"told": [40.0], "mute": [None], "few": [60.0]}


@pytest.mark.parametrize(
    ("one", "other", "is_shared"),
    [
        ({"session_id": "s9"}, {"session_id": "s9", "client_ip": "192.0.2.7"}, True),
        ({"session_id": "s9", "client_ip": "192.0.2.7"}, {"session_id": "s8", "client_ip": "192.0.2.7"}, False),
        ({"client_ip": "192.0.2.7", "user_agent": "ua"}, {"client_ip": "192.0.2.7", "user_agent": "ua"}, True),
        ({"client_ip": "192.0.2.7", "user_agent": "ua"}, {"client_ip": "192.0.2.7", "user_agent": "ub"}, False),
    ],
)
def test_who_shares_a_clock(one, other, is_shared):
    """A session has one clock; else an address and browser."""
    records = [{"session_id": None} | one, {"session_id": None} | other]
    rows = _joined(events(*(client(f"c:{i}", i, i + 60, **more) for i, more in enumerate(records))))
    assert (rows["clock"][0] == rows["clock"][1]) == is_shared
    assert rows["clock"][0] == rows["client"][0]


def test_of_nobody_known_nobody_shares_the_clock():
    """Without session and address a record has no clock that others could share."""
    assert _joined(events(client("c:1", 0, 60, session_id=None)))["clock"].to_list() == [None]
