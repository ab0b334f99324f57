"""Which connections an analysis is about."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest

from wslog.errors import InputError, OptionError
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


def test_hosts_have_no_case() -> None:
    """A name means the same host however it is written; a path does not."""
    assert kept(Selection(host_globs=("RT.Example.*",))) == "ad"
    with pytest.raises(InputError):
        kept(Selection(path_globs=("/WS/*",)))


@pytest.mark.parametrize(
    ("selection", "asked", "there_is"),
    [
        (Selection(path_globs=("/nope", "/ws")), "--path '/nope' or --path '/ws'", "/api, /ws/[feed], /ws/chat"),
        (Selection(path_globs=("/ws/(chat|.*)",)), "--path '/ws/(chat|.*)'", "/api, /ws/[feed], /ws/chat"),
        (Selection(host_globs=("other.*",)), "--host 'other.*'", "rt.example.com, rt2.example.com"),
        (Selection(since=at(30)), "--since 2026-03-10T09:30:00Z", "2026-03-10T09:00:00Z to 2026-03-10T09:20:00Z"),
        (Selection(until=at(0)), "--until 2026-03-10T09:00:00Z", "2026-03-10T09:00:00Z to 2026-03-10T09:20:00Z"),
        (
            Selection(since=at(10), path_globs=("/ws/c*",)),
            "--since 2026-03-10T09:10:00Z and --path '/ws/c*'",
            "/api, /ws/[feed], /ws/chat",
        ),
    ],
)
def test_choosing_nothing_is_an_error(selection: Selection, asked: str, there_is: str) -> None:
    """A report on no connections would read like good news: the error names the choice, and what there is to choose."""
    with pytest.raises(InputError) as caught:
        selection.apply(ROWS)
    assert caught.value.what == f"none of the 4 connections match {asked}"
    assert there_is in str(caught.value.mend)


def test_logs_without_connections_are_no_error() -> None:
    """Where there is nothing to choose from, the report says so."""
    assert Selection(path_globs=("/nope",)).apply(ROWS.clear()).is_empty()


@pytest.mark.parametrize("until", [at(9), at(10)])
def test_a_span_must_have_a_length(until: dt.datetime) -> None:
    """--until at or before --since chooses nothing."""
    with pytest.raises(OptionError, match="--until"):
        Selection(since=at(10), until=until)


@pytest.mark.parametrize("glob", ["", "[z-a]"])
def test_what_is_no_pattern_is_refused(glob: str) -> None:
    """An empty pattern, or a set that nothing can be in."""
    with pytest.raises(OptionError, match="is not a pattern"):
        Selection(host_globs=(glob,))
