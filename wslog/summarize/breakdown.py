"""Which paths, hosts, upstreams, browsers and networks drop most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from wslog.addresses import network_of
from wslog.result import Breakdown, Group
from wslog.schema import Cause
from wslog.summarize.drops import HOURS, IS_DROP, IS_OPENED
from wslog.summarize.rows import Rows

TOP: Final = 10
COUNTED: Final = ("is_opened", "opened_at", "is_drop", "lifetime_s", "cause")

_AGENT: Final = pl.col("user_agent")
_PSEUDONYM: Final = r"^agent-[0-9]+ \((\w+)\)$"
# Order matters: every browser on iOS is Safari inside, and Edge and Chrome both say Chrome and Safari.
USER_AGENT_FAMILY: Final = (
    pl.when(_AGENT.is_null() | (_AGENT.str.len_bytes() == 0))
    .then(None)
    .when(_AGENT.str.contains(_PSEUDONYM))
    .then(_AGENT.str.extract(_PSEUDONYM))
    .when(_AGENT.str.contains(r"\b(?:iPhone|iPad|iPod)\b"))
    .then(pl.lit("iOS"))
    .when(_AGENT.str.contains("Android", literal=True))
    .then(pl.lit("Android"))
    .when(_AGENT.str.contains(r"\bEdge?/"))
    .then(pl.lit("Edge"))
    .when(_AGENT.str.contains("Firefox/", literal=True))
    .then(pl.lit("Firefox"))
    .when(_AGENT.str.contains(r"(?:Chrome|Chromium)/"))
    .then(pl.lit("Chrome"))
    .when(_AGENT.str.contains(r"Version/\S+ .*Safari/"))
    .then(pl.lit("Safari"))
    .otherwise(pl.lit("other"))
)

NETWORK: Final = network_of(pl.col("client_ip"))
DIMENSIONS: Final[Mapping[str, tuple[str, pl.Expr]]] = {
    "path": ("path", pl.col("path")),
    "host": ("host", pl.col("host")),
    "upstream": ("upstream", pl.col("upstream")),
    "user_agent": ("user_agent", USER_AGENT_FAMILY),
    "network": ("client_ip", NETWORK),
}
"""Per dimension the column that it is made of, and how."""


def break_down(connections: Rows) -> Breakdown:
    """Count connections along each dimension: the `TOP` values with most drops, then most attempts."""
    if not connections.height:
        return Breakdown(path=(), host=(), upstream=(), user_agent=(), network=())
    return Breakdown(**{name: _groups(connections, *dimension) for name, dimension in DIMENSIONS.items()})


def _groups(connections: Rows, column: str, value: pl.Expr) -> tuple[Group, ...]:
    """Count one dimension; rows without a value belong to no group.

    Args:
        connections: `schema.CONNECTIONS`, in `ORDER`.
        column: What the dimension is made of.
        value: How.
    """
    texts = connections.table[column]
    if texts.null_count() == texts.len():
        return ()  # most logs name no host
    values = each_once(texts, value)
    valued = connections.take(*COUNTED, value=values).drop_nulls("value")
    counted = (
        valued.group_by("value")
        .agg(attempts=pl.len(), opened=IS_OPENED.sum(), drops=IS_DROP.sum(), hours=HOURS)
        .sort("drops", "attempts", "value", descending=[True, True, False])
        .head(TOP)
    )
    top_causes = (
        valued.select("value", "cause", "is_drop")
        .filter(IS_DROP)
        .join(counted, on="value", how="semi")
        .group_by("value", pl.col("cause").fill_null(Cause.UNKNOWN.value))
        .len("n")
        .sort("n", "cause", descending=[True, False])
        .unique("value", keep="first", maintain_order=True)
        .select("value", "cause")
    )
    joined = counted.join(top_causes, on="value", how="left", maintain_order="left")
    return tuple(
        Group(
            value=row["value"],
            attempts=row["attempts"],
            opened=row["opened"],
            drops=row["drops"],
            connection_hours=float(row["hours"] or 0.0),
            top_cause=None if row["cause"] is None else Cause(row["cause"]),
        )
        for row in joined.iter_rows(named=True)
    )


def each_once(texts: pl.Series, value: pl.Expr) -> pl.Series:
    """Return the *value* of each text, made once of equal ones, as a category: a number by which to group."""
    numbers = texts.cast(pl.Categorical(pl.Categories.random())).to_physical()
    firsts = numbers.arg_unique()
    kinds = texts[firsts[numbers[firsts].arg_sort(nulls_last=True)]].to_frame()
    values = kinds.select(value).to_series().cast(pl.Categorical(pl.Categories.random()))
    return values.gather(numbers)
