"""Host, path and query of a column of URLs: `split_url`, the exact way, and `url_columns`, which cuts usual ones.

Reads `ws`, `wss`, `http` and `https` URLs, protocol-relative ones (`//host/path`) and plain paths (`/path?query`).
Text that is none of these gives nulls: a bare `socket.io/x` may be a host or a path, and guessing would join wrongly.
"""

from __future__ import annotations

from typing import Final

import polars as pl
from msgspec import Struct

# Scheme (optional), user info (dropped), host with an IPv6 address in its brackets.
_AUTHORITY: Final = r"^\s*(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//(?:[^/?#@\s]*@)?"
_HOST: Final = _AUTHORITY + r"(\[[^\]/?#\s]*\]|[^:/?#\s]*)"
_PATH_AFTER_HOST: Final = r"^\s*(?:[A-Za-z][A-Za-z0-9+.\-]*:)?//[^/?#]*(/[^?#]*)"
_PATH_ALONE: Final = r"^\s*(/(?:[^/?#][^?#]*)?)(?:[?#]|$)"
_USUAL: Final = r"^(?:http|ws)s?://[0-9A-Za-z._-]+(?::[0-9]*)?/[!-\"$-~]*$"
_QUERY: Final = r"^[^?#]*\?([^#]+)"


class UrlParts(Struct, frozen=True):
    """Three expressions: `host` (lower case, no port), `path` (no query), `query` (no `?`); null if absent."""

    host: pl.Expr
    path: pl.Expr
    query: pl.Expr


def url_columns(url: pl.Series) -> tuple[pl.Series, pl.Series, pl.Series]:
    """Return what `split_url` gives; URLs of the usual shape are cut, at a fifth of a capture's cost."""
    usual = url.str.contains(_USUAL).fill_null(value=False)
    words = url.str.splitn("/", 4).struct
    below = words.field("field_3").str.splitn("?", 2).struct
    cut = (
        words.field("field_2").str.splitn(":", 2).struct.field("field_0").str.to_lowercase(),
        "/" + below.field("field_0"),
        below.field("field_1").replace({"": None}),
    )
    if usual.all():
        return cut[0].alias("host"), cut[1].alias("path"), cut[2].alias("query")
    odd = split_url(pl.lit(url.zip_with(~usual, pl.Series([None], dtype=pl.String))))  # nulls cost nothing
    columns = pl.select(
        pl.when(usual).then(pl.lit(short)).otherwise(exact).alias(name)
        for name, short, exact in zip(("host", "path", "query"), cut, (odd.host, odd.path, odd.query), strict=True)
    )
    return columns["host"], columns["path"], columns["query"]


def split_url(url: pl.Expr) -> UrlParts:
    """Return the parts of a String column of URLs or paths; `https://host` has the path `/`."""
    host = url.str.extract(_HOST, 1).str.to_lowercase()
    has_authority = url.str.contains(_AUTHORITY)
    path = (
        pl.when(has_authority)
        .then(url.str.extract(_PATH_AFTER_HOST, 1).fill_null("/"))
        .otherwise(url.str.extract(_PATH_ALONE, 1))
    )
    is_url = has_authority | path.is_not_null()
    return UrlParts(
        host=pl.when(host.str.len_bytes() > 0).then(host),
        path=path.str.strip_chars_end(),
        query=pl.when(is_url).then(url.str.extract(_QUERY, 1)),
    )
