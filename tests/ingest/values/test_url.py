"""Splitting URLs into host, path and query."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.ingest.values.url import split_url, url_columns


def split(url: str | None) -> tuple[str | None, str | None, str | None]:
    parts = split_url(pl.col("url"))
    row = pl.DataFrame({"url": [url]}, schema={"url": pl.String}).select(
        parts.host.alias("host"), parts.path.alias("path"), parts.query.alias("query")
    )
    host, path, query = row.row(0)
    return host, path, query


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://RT.Example.com/ws/chat?room=7#top", ("rt.example.com", "/ws/chat", "room=7")),
        ("https://rt.example.com:443/", ("rt.example.com", "/", None)),
        ("ws://127.0.0.1:18080", ("127.0.0.1", "/", None)),
        ("ws://host?x=1", ("host", "/", "x=1")),
        ("wss://user:secret@host:8443/a", ("host", "/a", None)),
        ("http://[2001:db8::7]:80/ws", ("[2001:db8::7]", "/ws", None)),
        ("//host/ws", ("host", "/ws", None)),
        ("/ws/chat?next=https://other/x?y", (None, "/ws/chat", "next=https://other/x?y")),
        ("/", (None, "/", None)),
        ("/ws?", (None, "/ws", None)),
        ("socket.io/?EIO=4", (None, None, None)),
        ("-", (None, None, None)),
        ("", (None, None, None)),
        (None, (None, None, None)),
    ],
)
def test_parts(url: str | None, expected: tuple[str | None, str | None, str | None]) -> None:
    """Host is lower case without port or user, path has no query, and text that is no URL gives nothing."""
    assert split(url) == expected


@settings(deadline=None, max_examples=100)
@given(st.text())
def test_any_text(url: str) -> None:
    """Whatever stands in a log, a path begins with a slash and has no question mark."""
    _, path, _ = split(url)
    assert path is None or (path.startswith("/") and "?" not in path)


_PIECES = (
    "http://",
    "wss://",
    "//",
    "/",
    "host",
    "RT.example.com",
    ":443",
    ":",
    "?",
    "#",
    "@",
    "[::1]",
    " ",
    "a=b",
    "ü",
    "-",
    "",
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.lists(st.sampled_from(_PIECES), max_size=7).map("".join) | st.text() | st.none(), max_size=6))
def test_cutting_gives_what_the_regexes_give(urls: list[str | None]) -> None:
    """Usual and odd URLs side by side."""
    column = pl.Series("url", urls, dtype=pl.String)
    cut = [tuple(row) for row in zip(*(part.to_list() for part in url_columns(column)), strict=True)]
    assert cut == [split(url) for url in urls]
