"""Pseudonyms: the same person stays the same, and nobody can tell who."""

from __future__ import annotations

import datetime as dt

import polars as pl

from wslog.privacy import LEFT_OUT, anonymize_connections, anonymize_coverage, anonymize_networks
from wslog.result import Burst, Coverage, FileCoverage, Reject
from wslog.schema import CONNECTIONS, Cause, Tier, conform


def connections() -> pl.DataFrame:
    return conform(
        pl.DataFrame(
            {
                "client_ip": ["203.0.113.9", "203.0.113.7", None, "203.0.113.9"],
                "user_agent": ["Mozilla/5.0 Firefox/143.0", None, "curl/8.5", "Mozilla/5.0 Firefox/143.0"],
                "session_id": ["anna@example.com", "ben", "ben", None],
                "path": ["/ws", "/ws", "/ws", "/ws"],
                "connection_id": ["dora@example.com", "c2", "c3", "client.jsonl:9"],
                "close_reason": ["bye Emil", None, "", "x"],
            }
        ),
        CONNECTIONS,
    )


def test_the_same_stays_the_same() -> None:
    """Equal values get one pseudonym, different ones two, null stays null, and the rest of the table is untouched."""
    hidden = anonymize_connections(connections())
    assert hidden["client_ip"].to_list() == ["client-1", "client-2", None, "client-1"]
    assert hidden["session_id"].to_list() == ["session-1", "session-2", "session-2", None]
    agents = hidden["user_agent"].to_list()
    assert agents[0] == agents[3] != agents[2]
    assert agents[1] is None
    assert hidden["connection_id"].to_list() == [f"connection-{n}" for n in (1, 2, 3, 4)]
    assert hidden["close_reason"].null_count() == hidden.height
    people = ["client_ip", "user_agent", "session_id", "connection_id", "close_reason"]
    assert hidden.drop(people).equals(connections().drop(people))
    assert hidden.schema == connections().schema


def test_nothing_of_the_original_is_left() -> None:
    """No pseudonym holds an address, a version or a name."""
    text = anonymize_connections(connections()).write_ndjson()
    assert not any(word in text for word in ("203.0", "anna", "dora", "Emil", "ben", "Mozilla", "143", "8.5"))


def test_connections_keep_their_order() -> None:
    """Sorted by their pseudonyms, connections stand as they did: ties in time are settled alike."""
    many = conform(pl.DataFrame({"connection_id": [f"id{n:03}" for n in range(120)]}), CONNECTIONS)
    hidden = anonymize_connections(many)["connection_id"]
    assert hidden.sort().equals(hidden)
    assert hidden.n_unique() == 120


def test_however_a_table_lies_its_pseudonyms_are_the_same() -> None:
    """In pieces or whole: numbered from the first row on, each value once."""
    ips = [f"10.0.{n % 7}.{n % 83}" for n in range(1000)]
    whole = conform(pl.DataFrame({"client_ip": [None, *ips]}), CONNECTIONS)
    wanted = [None, *(f"client-{1 + list(dict.fromkeys(ips)).index(ip)}" for ip in ips)]
    for table in (whole, pl.concat([whole[n : n + 13] for n in range(0, whole.height, 13)], rechunk=False)):
        assert anonymize_connections(table)["client_ip"].to_list() == wanted


def test_an_empty_table_stays_one() -> None:
    """No rows, and columns without any value, need no special care."""
    assert anonymize_connections(connections().clear()).is_empty()
    nobody = connections().with_columns(pl.lit(None, pl.String).alias("client_ip"))
    assert anonymize_connections(nobody)["client_ip"].null_count() == nobody.height


def test_rejected_text_is_left_out() -> None:
    """A line that did not parse may hold anything: its number and reason stay, its text goes."""
    file = FileCoverage(
        path="a.log", format="nginx-access", why="", tier=None, compression="", lines=1, events=0, ignored=0,
        rejected=1, rejects=(Reject(line=1, reason="no status", text="203.0.113.9 secret"),), first_at=None,
        last_at=None, clock="", limits=(),
    )  # fmt: skip
    (hidden,) = anonymize_coverage(Coverage(files=(file,), no_code=3)).files
    assert hidden.rejects == (Reject(line=1, reason="no status", text=LEFT_OUT),)
    assert (hidden.path, hidden.rejected) == ("a.log", 1)


def burst(scope: str, evidence: str) -> Burst:
    return Burst(
        at=dt.datetime(2026, 3, 10, tzinfo=dt.UTC), until=dt.datetime(2026, 3, 10, tzinfo=dt.UTC), n=9, scope=scope,
        killed_share=None, cause=Cause.NETWORK_LOSS, tier=Tier.NETWORK, evidence=(evidence,),
    )  # fmt: skip


def test_the_network_of_clients_is_as_good_as_an_address() -> None:
    """It goes from bursts and from what is said of connections, the same one alike; servers stay."""
    lost = "many clients of its network ({}) lost contact at that time"
    texts = [lost.format("203.0.113.0/24"), lost.format("2001:db8:7::/48"), "upstream 10.0.0.7:9002 ended"]
    table = connections().with_columns(pl.Series("evidence", [texts] * 4))
    bursts = [
        burst("network 203.0.113.0/24", "9 clients in 203.0.113.0/24 lost contact"),
        burst("network 2001:db8:7::/48", "9 clients in 2001:db8:7::/48 lost contact"),
        burst("upstream 10.0.0.7:9002", "9 connections ended within 3 ms (upstream 10.0.0.7:9002)"),
    ]
    hidden, told = anonymize_networks(table, bursts)
    assert [one.scope for one in told] == ["network net-2", "network net-1", "upstream 10.0.0.7:9002"]
    assert told[0].evidence == ("9 clients in net-2 lost contact",)
    assert hidden["evidence"][0].to_list() == [lost.format("net-2"), lost.format("net-1"), texts[2]]
    assert told[2] == bursts[2]
    assert anonymize_networks(table, bursts[2:])[0].equals(table)
