"""Which connections ended in which burst."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

import numpy as np
import polars as pl

from wslog.classify.closes import epoch
from wslog.classify.facts import OPENED
from wslog.classify.mass_drops import MassDrop
from wslog.schema import ScopeKind, split_scope

MARGIN_S: Final = 0.3  # what ended this near to a burst ended in it
NAMED: Final = (ScopeKind.UPSTREAM, ScopeKind.PATH, ScopeKind.PROXY)
HEARD: Final = (*(kind.value for kind in NAMED), "no_nginx_line", "nginx_timed_out", "is_opened", "lifetime_s")
SCOPE: Final = {"kind": pl.String, "name": pl.String}


def add_burst(facts: pl.DataFrame, drops: Sequence[MassDrop]) -> pl.DataFrame:
    """Add `burst` (index into *drops*, the first that fits; null: none) and `burst_kind` to the rows that ended in one.

    Args:
        facts: `HEARD` and `ended_at`.
        drops: Bursts.
    """
    near = _near(facts.select(epoch("ended_at")).to_series(), drops)
    scopes = pl.DataFrame([split_scope(drop.raw.scope) for drop in drops], schema=SCOPE, orient="row")
    held = pl.concat([facts.select(HEARD)[near["row"]], scopes[near["burst"]]], how="horizontal")
    inside = near.filter(held.select(_ended_in_it()).to_series()).group_by("row").agg(pl.col("burst").min())
    burst = pl.repeat(None, facts.height, dtype=pl.Int32, eager=True).scatter(inside["row"], inside["burst"])
    kinds = pl.Series([drop.kind.value for drop in drops], dtype=pl.String)
    found = (burst.alias("burst"), kinds.gather(burst).alias("burst_kind"))
    return facts.with_columns(_in_pieces_of(facts, column) for column in found)


def _ended_in_it() -> pl.Expr:
    """Whether a connection that ended near a burst, of `kind` and `name`, is of its scope and may have ended in it."""
    is_named = pl.coalesce(pl.when(pl.col("kind") == kind).then(pl.col(kind) == pl.col("name")) for kind in NAMED)
    is_of_others = (
        pl.when(pl.col("kind") == ScopeKind.NO_NGINX_LINE).then("no_nginx_line").otherwise(pl.lit(value=True))
    )
    is_its = pl.when(pl.col("kind").is_in(NAMED)).then(is_named).otherwise(is_of_others)
    return is_its.fill_null(value=False) & OPENED & ~pl.col("nginx_timed_out")


def _near(at: pl.Series, drops: Sequence[MassDrop]) -> pl.DataFrame:
    """Find `row`, `burst` of all rows that ended within reach of a burst, of whatever scope; most are near none."""
    order = at.arg_sort(nulls_last=True)
    moments = at[order].drop_nulls().to_numpy()
    first = np.searchsorted(moments, [drop.raw.start_s - MARGIN_S for drop in drops], side="left")
    after = np.searchsorted(moments, [drop.raw.end_s + MARGIN_S for drop in drops], side="right")
    n_rows = after - first
    burst = np.repeat(np.arange(len(drops)), n_rows)
    place = np.arange(len(burst)) + np.repeat(first - (np.cumsum(n_rows) - n_rows), n_rows)
    return pl.DataFrame({"row": order[place], "burst": pl.Series(burst, dtype=pl.Int32)})


def _in_pieces_of(table: pl.DataFrame, column: pl.Series) -> pl.Series:
    """Cut a column as a table is: where pieces differ, polars copies a whole table to look at some of its columns."""
    n_rows = table.to_series().chunk_lengths() if table.width else []
    starts = accumulate(n_rows, initial=0)
    return pl.concat([column.slice(start, n) for start, n in zip(starts, n_rows, strict=False)] or [column])
