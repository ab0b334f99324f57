"""ALB and nginx lines reduced to what their pairing compares: words as numbers, the same on both sides."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.correlate.numbering import number_met
from wslog.correlate.places import collected

COMPARABLE: Final = ("query", "user_agent", "host")
# X-Forwarded-For ends with the address that the load balancer added.
LAST_FORWARDED: Final = pl.col("forwarded_for").str.extract(r"([^,\s]+)\s*$")
NODE: Final = pl.col("ref").str.extract(r"_(\d+\.\d+\.\d+\.\d+)_[^_/]*$")
# Texts that are compared: the name of the number, the ALB's text, nginx's.
TEXTS: Final = (
    *((name, pl.col(name), pl.col(name)) for name in ("path", *COMPARABLE)),
    ("address", pl.col("client_ip"), LAST_FORWARDED),
    ("node", NODE, pl.col("client_ip")),
)


def reduced(alb: pl.LazyFrame, nginx: pl.LazyFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Reduce both sides, text by text.

    Args:
        alb: ALB access events with `alb_row`.
        nginx: nginx access events with `row`.

    Returns:
        The ALB's `alb_row`, `alb_at`, `alb_s`, `status`, `bytes_out`; nginx's `row`, `closed_at`, `lifetime_s`,
        `at_resolution_s`, `status`, `body_bytes`; both with numbers: `path`, `query`, `user_agent`, `host`, `address`
        (of the client; nginx: as it was forwarded) and `node` (the ALB's; nginx: the peer that it speaks with).
    """
    sides = [
        alb.select("alb_row", "status", "bytes_out", alb_at="closed_at", alb_s="lifetime_s").pipe(collected),
        nginx.select("row", "status", "body_bytes", "closed_at", "lifetime_s", "at_resolution_s").pipe(collected),
    ]
    for name, *texts in TEXTS:
        words = [
            of.select(text.alias(name)).pipe(collected).to_series()
            for of, text in zip((alb, nginx), texts, strict=True)
        ]
        numbers = _numbered(*words)
        sides = [of.with_columns(number) for of, number in zip(sides, numbers, strict=True)]
    return sides[0], sides[1]


def words_of_both(alb_side: pl.DataFrame, nginx_side: pl.DataFrame) -> list[str]:
    """Name what must be equal: what both sides print."""
    both = [name for name in COMPARABLE if all(of[name].is_not_null().any() for of in (alb_side, nginx_side))]
    return ["path", "status", *both]


def _numbered(ours: pl.Series, theirs: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Number equal texts alike; null for none."""
    met = pl.Series(ours.name, number_met(pl.concat([ours, theirs])), dtype=pl.Int64).cast(pl.Int32)
    met = met.set(met < 0, None)
    return met.head(len(ours)), met.tail(len(theirs))
