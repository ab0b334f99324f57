"""Addresses that keep to their own grammar; what does not is null, since a damaged value is worse than none.

Source: RFC 3986 section 3.2.2 (hosts), https://nginx.org/en/docs/http/ngx_http_upstream_module.html#server
"""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.addresses import IPV4

_IPV6: Final = rf"(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:[0-9A-Fa-f]{{0,4}}|{IPV4})(?:%[0-9A-Za-z]{{1,16}})?"
CLIENT: Final = rf"^(?:{IPV4}|{_IPV6}|unix:[!-~]{{0,108}})$"
UPSTREAM: Final = r"^(?:unix:[!-~]{1,108}|[0-9A-Za-z_.:%\[\]-]{1,255})$"


def client_address(text: pl.Expr) -> pl.Expr:
    """Keep an IP address, or nginx's `unix:`."""
    return pl.when(text.str.contains(CLIENT)).then(text)


def upstream_address(text: pl.Expr) -> pl.Expr:
    """Keep `host:port`, a Unix socket, or the name of an upstream group."""
    return pl.when(text.str.contains(UPSTREAM)).then(text)
