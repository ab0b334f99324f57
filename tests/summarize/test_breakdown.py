from __future__ import annotations

import polars as pl
import pytest

from wslog.result import Group
from wslog.schema import Cause
from wslog.summarize.breakdown import NETWORK, USER_AGENT_FAMILY, break_down
from wslog.summarize.drops import in_order

KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {KHTML} Chrome/156.0.0.0 Safari/537.36"
AGENTS = {
    CHROME: "Chrome",
    CHROME.replace("Chrome/", "HeadlessChrome/"): "Chrome",
    CHROME + " Edg/156.0.0.0": "Edge",
    CHROME.replace("Windows NT 10.0; Win64; x64", "Linux; Android 15; Pixel 9"): "Android",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {KHTML} Version/18.1 Safari/605.1.15": "Safari",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {KHTML} CriOS/131.0 Safari/604.1": "iOS",
    "python-websockets/17.4": "other",
    "": None,
    None: None,
}
NETWORKS = {
    "203.0.113.7": "203.0.113.0/24",
    "::ffff:203.0.113.7": "203.0.113.0/24",
    "2001:db8:12:3::1": "2001:db8:12::/48",
    "2001:DB8::1": "2001:db8:0::/48",
    "2001:0db8:0000:0001:0:0:0:1": "2001:db8:0::/48",
    "::1": "0:0:0::/48",
    "999.1.1.1": None,
    "client-7f3a": None,
    "unix:": None,
    "": None,
    None: None,
}


@pytest.mark.parametrize("agent", AGENTS)
def test_user_agents_fall_into_few_families(agent):
    """Edge and Chrome are not Safari, and every browser on iOS is iOS."""
    frame = pl.DataFrame({"user_agent": [agent]}, schema={"user_agent": pl.String})
    assert frame.select(USER_AGENT_FAMILY).item() == AGENTS[agent]


@pytest.mark.parametrize("address", NETWORKS)
def test_addresses_become_networks_and_pseudonyms_none(address):
    """/24 and /48, however the address is written; what is no address has no network."""
    frame = pl.DataFrame({"client_ip": [address]}, schema={"client_ip": pl.String})
    assert frame.select(NETWORK).item() == NETWORKS[address]


def test_groups_carry_totals_and_their_top_cause(table):
    """Most drops first; the top cause is of the drops, the first by name in a tie."""
    connections = table(
        {"path": "/a", "lifetime_s": 1800.0, "cause": "network_loss"},
        {"path": "/b", "lifetime_s": 1800.0, "cause": "network_loss"},
        {"path": "/b", "lifetime_s": 1800.0, "cause": "idle_timeout"},
        {"path": "/c", "lifetime_s": 9.0, "is_drop": False, "is_opened": False},
        {"path": None},
    )
    by = break_down(in_order(connections))
    assert by.path == (
        Group(value="/b", attempts=2, opened=2, drops=2, connection_hours=1.0, top_cause=Cause.IDLE_TIMEOUT),
        Group(value="/a", attempts=1, opened=1, drops=1, connection_hours=0.5, top_cause=Cause.NETWORK_LOSS),
        Group(value="/c", attempts=1, opened=0, drops=0, connection_hours=0.0, top_cause=None),
    )
    assert by.host == ()


def test_ten_groups_at_most(table):
    """The report shows the largest; ties in order of name, so that same logs give same bytes."""
    by = break_down(in_order(table(*({"host": f"h{nth:02}"} for nth in reversed(range(12))))))
    assert [group.value for group in by.host] == [f"h{nth:02}" for nth in range(10)]


def test_hostile_values_stay_as_they_are(table):
    """Renderers escape; here a path is data."""
    hostile = "/<script>|`\x1b[31m\u202e"
    assert break_down(in_order(table({"path": hostile}))).path[0].value == hostile
