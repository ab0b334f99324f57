"""Values of nginx's error lines: those of the usual form are cut, and as the regexes capture them."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

from wslog.ingest.nginx.error_lines import read_fields
from wslog.ingest.nginx.error_values import _UPSTREAM, read_hosts, read_requests, read_upstreams
from wslog.ingest.nginx.fields import bare_host, request_columns, target_path, target_query
from wslog.ingest.values.addresses import upstream_address

_PARTS = (
    "GET",
    "get",
    "-",
    " ",
    "  ",
    "/",
    "/ws",
    "//x",
    "?",
    "a=1",
    "#",
    "http://",
    "HTTP/1.1",
    "HTTP/2",
    "é",
    "_",
    "x" * 130,
)
_HOSTS = ("rt.example.com", "RT", ":443", "_", "[::1]", "-", ".", "10.0.0.7", " ", "x" * 130)
_URLS = ("http://", "https://", "ftp://", "unix:", "/run/a.sock:", "10.0.0.7:9000", "/ws", "app", ":", "/", "x" * 130)


def texts(parts: tuple[str, ...]) -> st.SearchStrategy[list[str | None]]:
    """Return columns of texts made of parts."""
    return st.lists(
        st.lists(st.sampled_from(parts), max_size=6).map("".join) | st.none() | st.text(max_size=4), max_size=6
    )


@settings(deadline=None, max_examples=150)
@given(texts(_PARTS), texts(_HOSTS), texts(_URLS))
def test_values_are_cut_as_the_regexes_capture_them(
    requests: list[str | None], hosts: list[str | None], urls: list[str | None]
) -> None:
    """Usual and odd ones side by side."""
    request, host, url = (pl.Series("x", values, dtype=pl.String) for values in (requests, hosts, urls))
    method, target = request_columns(pl.lit(request))
    exact = pl.select(method.alias("method"), target_path(target).alias("path"), target_query(target).alias("query"))
    for found, expected in zip(read_requests(request), exact.get_columns(), strict=True):
        assert_series_equal(found, expected)
    assert_series_equal(read_hosts(host), pl.select(bare_host(pl.lit(host))).to_series(), check_names=False)
    upstreams = pl.select(upstream_address(pl.lit(url).str.extract(_UPSTREAM))).to_series()
    assert_series_equal(read_upstreams(url), upstreams, check_names=False)


def test_what_begins_like_a_socket_is_none_of_the_usual_upstreams() -> None:
    """A colon follows a socket's path; where damage took it away, all the rest is the socket's, as the regex has it."""
    urls = pl.Series(["http://unix:8080/ws", "http://unix:/run/a.sock:/ws", "http://10.0.0.7:8080/ws", "http://app/ws"])
    assert read_upstreams(urls).to_list() == ["unix:8080/ws", "unix:/run/a.sock", "10.0.0.7:8080", "app"]


_ACTION = r"(?s)^(.*) while ([a-zA-Z][\w ,./()-]{1,100})$"  # what `read_fields` says in two steps
_WORDS = (" while ", "a", "ab", "5", " ", "é", "?", "x" * 98, "(x)", ", client: ::1")


@settings(deadline=None, max_examples=150)
@given(st.lists(st.lists(st.sampled_from(_WORDS), max_size=7).map("".join), min_size=1, max_size=6))
def test_what_nginx_was_doing_is_no_longer_than_a_hundred_characters(tails: list[str]) -> None:
    """However often ` while ` stands in a line, and however much follows."""
    lines = [f"2026/03/10 10:01:00 [error] 31#31: *57 {tail}" for tail in tails]
    frame = pl.DataFrame({"line": range(len(lines)), "text": lines}, schema={"line": pl.Int64, "text": pl.String})
    whole = (
        frame["text"].str.slice(len("2026/03/10 10:01:00 [error] 31#31: *57 ")).str.replace("(?s), client: ::1 *$", "")
    )
    fields = read_fields(frame).filter(pl.col("client").is_null())
    kept = whole.gather(fields["line"]).str.strip_chars_end()
    assert fields["action"].to_list() == kept.str.extract(_ACTION, 2).to_list()
