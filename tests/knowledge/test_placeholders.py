"""Placeholders: what the logs say goes into sentences and configurations, and only what is harmless."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.knowledge import fill, load_mends, ping_interval_s

MENDS = load_mends()
BY_ID = {mend.id: mend for mend in MENDS}


def test_lists_in_a_title_are_cut() -> None:
    """A title names what one line can hold; the text names more."""
    timers, paths = (45.0, 30.0, 10.0, 75.0), ("/a", "/b", "/c")
    location = fill(BY_ID["nginx-websocket-location"], timeouts_s=timers, paths=paths)
    assert location.title == "Raise proxy_read_timeout on /a and 2 more from 45 s, 30 s and others to 86400 s."
    two = fill(BY_ID["nginx-websocket-location"], timeouts_s=timers[:2], paths=paths[:2])
    assert two.title == "Raise proxy_read_timeout on /a and /b from 45 s and 30 s to 86400 s."


def test_fill_replaces_placeholders_and_leaves_other_braces() -> None:
    """Values go in; nginx's and JavaScript's own braces stay."""
    filled = fill(BY_ID["nginx-websocket-location"], timeout_s=45.0, path="/live/")
    assert filled.config.startswith("# in the location that serves /live/\nproxy_read_timeout 86400s;")
    assert "location /YOUR_PATH/ {" in filled.config
    assert "from 45 s to 86400 s" in filled.title


def test_upstreams_are_named_with_their_drops() -> None:
    """A sentence names three at most; a lone one that had all drops needs no number; no sum is laid at one's door."""
    down, abort = BY_ID["handshake-502-app"], BY_ID["server-abort"]
    pairs = (("a:1", 244), ("b:2", 40), ("c:3", 16), ("d:4", 4))
    assert (
        fill(down, upstreams=pairs).title
        == "Start a:1 (244 drops), b:2 (40), c:3 (16) and 1 more before traffic comes."
    )
    assert "on a:1 (244 drops) and 3 more:" in fill(abort, upstreams=pairs).title
    assert fill(down, upstreams=[("a:1", None)]).title == "Start a:1 before traffic comes."
    assert fill(down, upstreams=[]).title == "Start the application before traffic comes."


def test_fill_works_out_the_heartbeat_from_the_timer() -> None:
    """A heartbeat fits twice under the timer that fired, unless one is given."""
    assert "every 20 s" in fill(BY_ID["heartbeat"], timeout_s=45).title
    assert "every 7 s" in fill(BY_ID["heartbeat"], timeout_s=45, ping_s=7).title
    assert "every 25 s" in fill(BY_ID["heartbeat"], timeout_s=None).title


@given(st.floats(min_value=2.5, max_value=1e6))
def test_two_heartbeats_fit_under_every_timer(timeout_s: float) -> None:
    """One lost ping does not end a connection."""
    assert 0 < 2 * ping_interval_s(timeout_s) < timeout_s


@pytest.mark.parametrize(
    "path",
    [
        "/ws; return 301 http://evil",
        "/a b",
        '/"',
        "/{",
        "/ws\n}",
        "/`id`",
        "/$(id)",
        "/\x1b[31m",
        "/'",
        "/#",
        "/\\",
        "",
    ],
)
def test_a_path_that_could_break_out_is_not_pasted(path: str) -> None:
    """Paths come from logs, which anyone can write to; a configuration to paste holds only harmless ones."""
    filled = fill(BY_ID["nginx-websocket-location"], path=path, upstreams=[("10.0.0.7:80; evil on", 4)])
    assert filled.config == fill(BY_ID["nginx-websocket-location"]).config


def test_a_value_is_not_filled_in_again() -> None:
    """A placeholder's name inside a value stays as it is, or the value is refused."""
    assert "{upstream}" not in fill(BY_ID["handshake-404"], path="{upstream}", upstreams=[("x", 1)]).instruction
    assert "serves the WebSocket path\n" in fill(BY_ID["nginx-websocket-location"], path="{ping_s}").config


def test_an_unknown_value_is_not_invented() -> None:
    """Without a timer or path the text names none."""
    text = "\n".join(fill(mend).instruction for mend in MENDS)
    assert "{" not in re.sub(r"`[^`]*`", "", text)
    assert "/ws" not in text
