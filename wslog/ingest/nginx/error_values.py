"""Requests, hosts and upstream addresses as nginx's error lines have them: those of the usual form are cut."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.ingest.nginx.fields import bare_host, request_columns, target_path, target_query
from wslog.ingest.nginx.fields_clean import LONGEST_HOST
from wslog.ingest.values.addresses import upstream_address
from wslog.ingest.values.usual import read_usual

USUAL_REQUEST: Final = "^[A-Za-z][A-Za-z0-9_-]* /[!-~]* HTTP/[0-9][.][0-9]$"
USUAL_HOST: Final = "^[a-z0-9][a-z0-9.-]*$"
# A port only after an address: `unix:` is no host, and what is connected to has an address.
USUAL_UPSTREAM: Final = "^https?://(?:[0-9A-Za-z_.-]+|[0-9.]+:[0-9]+)/"
_UPSTREAM: Final = r"^(?:\w+://)?(unix:[^:]+|[^/]+)"


def read_requests(request: pl.Series) -> list[pl.Series]:
    """Return `method`, `path` and `query` of request lines."""

    def cut(usual: pl.Expr) -> pl.Expr:
        words = usual.str.splitn(" ", 3).struct
        target = words.field("field_1").str.splitn("?", 2).struct
        return _request(words.field("field_0"), target.field("field_0"), target.field("field_1"))

    def exact(odd: pl.Expr) -> pl.Expr:
        method, target = request_columns(odd)
        return _request(method, target_path(target), target_query(target))

    return read_usual(request, USUAL_REQUEST, cut, exact).struct.unnest().get_columns()


def _request(method: pl.Expr, path: pl.Expr, query: pl.Expr) -> pl.Expr:
    return pl.struct(method.alias("method"), path.alias("path"), query.alias("query"))


def read_hosts(host: pl.Series) -> pl.Series:
    """Return hosts as `fields.bare_host` does."""
    return read_usual(host, USUAL_HOST, _not_longer, bare_host)


def read_upstreams(url: pl.Series) -> pl.Series:
    """Return the addresses in upstream URLs."""

    def cut(usual: pl.Expr) -> pl.Expr:
        return _not_longer(usual.str.splitn("/", 4).struct.field("field_2"))

    return read_usual(url, USUAL_UPSTREAM, cut, lambda odd: upstream_address(odd.str.extract(_UPSTREAM)))


def _not_longer(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.len_bytes() <= LONGEST_HOST).then(text)
