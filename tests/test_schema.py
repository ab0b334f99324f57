"""What bursts share, as kind and name."""

from __future__ import annotations

import pytest

from wslog.schema import ScopeKind, split_scope


@pytest.mark.parametrize(
    ("scope", "parts"),
    [
        ("all", (ScopeKind.ALL, "")),
        ("no nginx line", (ScopeKind.NO_NGINX_LINE, "")),
        ("upstream 10.0.0.7:9002", (ScopeKind.UPSTREAM, "10.0.0.7:9002")),
        ("path /ws/a b", (ScopeKind.PATH, "/ws/a b")),
        ("proxy a/access.log", (ScopeKind.PROXY, "a/access.log")),
        ("network 198.51.100.0/24", (ScopeKind.NETWORK, "198.51.100.0/24")),
        ("all of it", (None, "all of it")),
        ("upstream", (None, "upstream")),
        ("", (None, "")),
    ],
)
def test_a_scope_is_a_kind_and_a_name(scope: str, parts: tuple[ScopeKind | None, str]) -> None:
    """Names keep their blanks, and what a later version or a hand writes is of no kind."""
    assert split_scope(scope) == parts
