"""One event for one happening: copies of a line in several logs of the same host are folded into one.

A team often writes one nginx request to several access logs (combined, timing, JSON) and one error to logs of two
levels; AWS may deliver an ALB line twice; a page may send a close record twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import polars as pl

from wslog.cellar import AS_IT_COMES, Cellar
from wslog.correlate.access_copies import find_copies
from wslog.correlate.numbering import may_be_twins
from wslog.correlate.places import PLACE, collected, placed, taken
from wslog.correlate.select import is_nginx_request
from wslog.schema import EVENTS, Tier, file_of, line_of

FILE, LINE = file_of("ref"), line_of("ref")
FEW: Final = ("at", "tier", "path", "client_ip", "connection_id")  # most rows are told apart by these
FILLED: Final = tuple(name for name in EVENTS if name not in {"ref", "format"})  # by a copy, where the richest is open


def fold_copies(events: pl.DataFrame, *, cellar: Cellar = AS_IT_COMES) -> pl.DataFrame:
    """Return `schema.EVENTS` rows with copies folded, in no order; the richest copy gives the `ref`."""
    copies = find_copies(events, placed(events, is_nginx_request()))
    if not copies.is_empty():
        events = cellar.lay_up(_folded(events, copies, cellar))
    return _drop_repeats(events, spared=is_nginx_request())


def _folded(events: pl.DataFrame, copies: pl.DataFrame, cellar: Cellar) -> Iterator[pl.DataFrame]:
    """Yield the events without *copies*, some at a time; what a line leaves open, its copies tell, the richer first."""
    kept = events.select(pl.row_index("place").cast(PLACE))
    kept = kept.join(copies, left_on="place", right_on="copy", how="anti", maintain_order="left")
    by_place = copies.group_by("place", maintain_order=True).agg("copy")
    kept = kept.join(by_place, on="place", how="left", maintain_order="left")
    n_most = int(by_place.select(pl.col("copy").list.len().max()).item())
    for some in cellar.slices(kept):
        rows = taken(events, some["place"]).pipe(collected)
        for nth in range(n_most):
            copy = some["copy"].list.get(nth, null_on_oob=True)
            if copy.is_not_null().any():
                told = taken(events.select(FILLED), copy).pipe(collected)
                rows = rows.with_columns(pl.coalesce(name, told[name]).alias(name) for name in FILLED)
        yield rows


def _drop_repeats(events: pl.DataFrame, *, spared: pl.Expr) -> pl.DataFrame:
    """Drop lines that say the same in another file, and close records sent twice.

    Two equal lines of one file are two happenings (a client's id makes them one); the n-th in one file is a copy of
    the n-th in another.

    Args:
        events: `schema.EVENTS`.
        spared: Rows that are kept whatever they say.
    """
    same = [name for name in EVENTS if name not in {"ref", "format"}]
    # Where no two are equal in these, as is usual, nothing wide needs to be compared.
    is_twin = may_be_twins(events.select(FEW)) & ~events.select(spared.fill_null(value=False)).to_series()
    if is_twin.any():
        doubtful = is_twin.arg_true()
        is_twin = is_twin.scatter(doubtful, may_be_twins(events.select(same)[doubtful]))
    if not is_twin.any():
        return events
    twins = events.with_row_index("place").filter(is_twin)
    has_own_id = pl.col("connection_id").is_not_null() & (pl.col("tier") == Tier.CLIENT)
    nth = pl.int_range(pl.len()).over([*same, "file"], order_by="line")
    ranked = twins.with_columns(FILE.alias("file"), LINE.alias("line")).with_columns(
        pl.when(has_own_id).then(0).otherwise(nth).alias("nth")
    )
    kept = ranked.sort("file", "line").unique([*same, "nth"], keep="first", maintain_order=True)
    places = pl.concat([(~is_twin).arg_true(), kept["place"]])
    return events if len(places) == events.height else events[places.sort()]
