"""A network that goes away is told by its clients' fate against that of all others."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from wslog.classify.networks import add_network_incidents, find_network_incidents

START = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)


def drops(network: str, n: int, *, early: bool, at_s: float = 600.0, who: str = "") -> pl.DataFrame:
    """Rows of `n` clients in one /24, ending a second apart."""
    ended = [START + dt.timedelta(seconds=at_s + k) for k in range(n)]
    return pl.DataFrame(
        {
            "client_ip": [f"{network}.{k + 1}" for k in range(n)],
            "session_id": [who or f"{network}-{k}" for k in range(n)],
            "ended_at": ended,
            "opened_at": [START] * n,
        },
        schema_overrides={"ended_at": pl.Datetime("us", "UTC"), "opened_at": pl.Datetime("us", "UTC")},
    ).with_columns(
        pl.lit(value=True).alias("is_client_drop"),
        pl.lit(None, dtype=pl.Int32).alias("burst"),
        pl.lit(value=early).alias("early"),
        pl.lit(value=False).alias("late"),
        pl.lit(value=True).alias("is_online"),
        pl.lit(0.0).alias("unanswered_s"),
        pl.lit(0.0).alias("idle_out_s"),
    )


def test_a_network_whose_clients_all_lost_contact_is_an_incident() -> None:
    """Twelve clients of one /24 give up while 60 of others go on: that network went away, as each of its rows says."""
    facts = pl.concat([drops("198.51.100", 12, early=True), drops("203.0.113", 60, early=False)])
    (incident,) = find_network_incidents(facts)
    assert (incident.prefix, incident.n, incident.n_clients) == ("198.51.100.0/24", 12, 12)
    marked = add_network_incidents(facts, [incident])
    assert marked["lost_network"].drop_nulls().to_list() == ["198.51.100.0/24"] * 12


def test_a_network_that_went_away_twice_has_two_incidents() -> None:
    """What it lost in between, alone, is of neither; each of its rows is in the one that it ended in."""
    early = drops("198.51.100", 12, early=True)
    alone = drops("198.51.100", 1, early=True, at_s=1800.0)
    late = drops("198.51.100", 9, early=True, at_s=3000.0)
    facts = pl.concat([late, alone, early, *(drops("203.0.113", 60, early=False, at_s=at) for at in (650.0, 3050.0))])
    incidents = find_network_incidents(facts)
    assert [(incident.prefix, incident.n) for incident in incidents] == [
        ("198.51.100.0/24", 12),
        ("198.51.100.0/24", 9),
    ]
    marked = add_network_incidents(facts, incidents)["lost_network"]
    assert marked.is_not_null().to_list() == [True] * 9 + [False] + [True] * 12 + [False] * 120


def test_what_was_open_then_is_counted_row_by_row() -> None:
    """As many as a look at each row finds, also where other networks lost some."""
    facts = pl.concat(
        [
            drops("198.51.100", 12, early=True), drops("203.0.113", 240, early=False, at_s=590.0),
            drops("192.0.2", 2, early=True, at_s=605.0), drops("192.0.2", 3, early=True, at_s=300.0),
        ]
    )  # fmt: skip
    (incident,) = find_network_incidents(facts)
    ended = facts["ended_at"].dt.timestamp("ms") / 1000
    is_open = (ended >= incident.start_s) & (facts["opened_at"].dt.timestamp("ms") / 1000 <= incident.end_s)
    is_mine = facts["client_ip"].str.starts_with("198.51.100.")
    elsewhere = is_open & ~is_mine & facts["early"] & (ended <= incident.end_s)
    assert incident.alive == (is_open & is_mine).sum() == 12
    assert incident.elsewhere == elsewhere.sum() == 2


@pytest.mark.parametrize("written", ["2001:db8::{:x}", "2001:DB8:0:{:x}::1", "2001:0db8:0000:0:0:0:0:{:x}"])
def test_an_ipv6_network_is_one_however_its_addresses_are_written(written: str) -> None:
    """Twelve clients of one /48 give up."""
    lost = drops("-", 12, early=True).with_columns(client_ip=pl.Series([written.format(k + 1) for k in range(12)]))
    facts = pl.concat([lost, drops("203.0.113", 60, early=False)])
    assert [incident.prefix for incident in find_network_incidents(facts)] == ["2001:db8:0::/48"]


def test_losses_everywhere_are_no_network_s() -> None:
    """When other networks lose as many in proportion, it is not the network."""
    facts = pl.concat([drops("198.51.100", 12, early=True), drops("203.0.113", 60, early=True)])
    assert find_network_incidents(facts) == []


def test_one_client_s_many_sockets_are_no_network() -> None:
    """Twelve sockets of one session are one client that lost contact."""
    facts = pl.concat([drops("198.51.100", 12, early=True, who="one"), drops("203.0.113", 60, early=False)])
    assert find_network_incidents(facts) == []


def test_without_addresses_nothing_is_said() -> None:
    """Pseudonyms and missing addresses belong to no network."""
    facts = drops("198.51.100", 12, early=True).with_columns(pl.lit("client-3").alias("client_ip"))
    assert find_network_incidents(facts) == []
