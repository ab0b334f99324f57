"""Which events are which: the selections that several steps of the join start from."""

from __future__ import annotations

import polars as pl

from wslog.schema import EventKind, Tier


def is_nginx_request() -> pl.Expr:
    """Select nginx access lines."""
    return (pl.col("tier") == Tier.NGINX) & (pl.col("event") == EventKind.REQUEST)


def is_nginx_error() -> pl.Expr:
    """Select nginx error lines about one connection."""
    return (pl.col("tier") == Tier.NGINX) & (pl.col("event") == EventKind.ERROR)


def is_alb_request() -> pl.Expr:
    """Select ALB access lines."""
    return (pl.col("tier") == Tier.ALB) & (pl.col("event") == EventKind.REQUEST)


def is_client_close() -> pl.Expr:
    """Select the clients' close records."""
    return (pl.col("tier") == Tier.CLIENT) & (pl.col("event") == EventKind.CLOSE)
