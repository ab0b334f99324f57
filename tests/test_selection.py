"""Which connections an analysis is about."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from wslog.schema import JOINED, conform
from wslog.selection import Selection


def at(minute: int) -> dt.datetime:
    return dt.datetime(2026, 3, 10, 9, minute, tzinfo=dt.UTC)


ROWS = conform(
    pl.DataFrame(
        {
            "connection_id": ["a", "b", "c", "d"],
            "closed_at": [at(0), at(10), at(20), None],
            "path": ["/ws/chat", "/ws/[feed]", "/api", None],
            "host": ["rt.example.com", "rt2.example.com", None, "rt.example.com"],
        }
    ),
    JOINED,
)


def kept(selection: Selection) -> str:
    return "".join(selection.apply(ROWS)["connection_id"])


def test_nothing_asked_keeps_everything() -> None:
    """Without options every row stays, those without a time included."""
    assert kept(Selection()) == "abcd"


def test_since_is_included_and_until_is_not() -> None:
    """[since, until): two reports side by side count no connection twice; what has no end cannot be placed."""
    assert kept(Selection(since=at(10))) == "bc"
    assert kept(Selection(until=at(10))) == "a"
    assert kept(Selection(since=at(0), until=at(20))) == "ab"


@pytest.mark.parametrize(
    ("globs", "expected"),
    [
        (("/ws/*",), "ab"),
        (("/ws/ch?t",), "a"),
        (("/ws/c*t",), "a"),
        (("*[dt]", "/api"), "ac"),
        (("/ws/[[]feed]",), "b"),
        (("/ws/[!c]*",), "b"),
        (("*a*p*i*",), "c"),
        (("/ws",), ""),
        (("/ws/(chat|.*)",), ""),
        (("*",), "abc"),
    ],
)
def test_paths_are_shell_patterns(globs: tuple[str, ...], expected: str) -> None:
    """Stars, sets and question marks mean what they mean in a shell, the rest stands for itself; one must match."""
    assert kept(Selection(path_globs=globs)) == expected


def test_path_and_host_must_both_match() -> None:
    """Different options narrow; what has no host is not on that host."""
    assert kept(Selection(host_globs=("rt.*",))) == "ad"
    assert kept(Selection(path_globs=("/ws/*",), host_globs=("rt2.*",))) == "b"
