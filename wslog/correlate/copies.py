"""One event for one happening: copies of a line in several logs of the same host are folded into one.

A team often writes one nginx request to several access logs (combined, timing, JSON) and one error to logs of two
levels; AWS may deliver an ALB line twice; a page may send a close record twice.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.correlate.numbering import may_be_twins
from wslog.schema import EVENTS, EventKind, Tier, file_of, line_of

COPY_SHARE: Final = 0.8  # of the smaller log's lines that must be found in the other one
FILE, LINE = file_of("ref"), line_of("ref")
FEW: Final = ("at", "tier", "path", "client_ip", "connection_id")  # most rows are told apart by these
# What two access logs of one host have in common whatever their formats; a column counts only if both fill it.
REQUEST_KEY: Final = ("second", "method", "path", "query", "status", "client_ip", "user_agent", "body_bytes")
RICHNESS: Final = ("lifetime_s", "request_id", "connection_no", "upstream", "trace_id", "forwarded_for", "is_complete")


def fold_copies(events: pl.DataFrame) -> pl.DataFrame:
    """Return `schema.EVENTS` rows with copies folded, in no order; the richest copy gives the `ref`."""
    is_access = (pl.col("tier") == Tier.NGINX) & (pl.col("event") == EventKind.REQUEST)
    files = events.select("tier", "event", "ref").filter(is_access).select(FILE).to_series().n_unique()
    if files > 1:
        return pl.concat([_fold_access(events.filter(is_access)), _drop_repeats(events.filter(~is_access))])
    return _drop_repeats(events, spared=is_access)


def _drop_repeats(events: pl.DataFrame, *, spared: pl.Expr | None = None) -> pl.DataFrame:
    """Drop lines that say the same in another file, and close records sent twice.

    Two equal lines of one file are two happenings (a client's id makes them one); the n-th in one file is a copy of
    the n-th in another.

    Args:
        events: `schema.EVENTS`.
        spared: Rows that are kept whatever they say.
    """
    same = [name for name in EVENTS if name not in {"ref", "format"}]
    # Where no two are equal in these, as is usual, nothing wide needs to be compared.
    is_twin = may_be_twins(events.select(FEW))
    if spared is not None:
        is_twin = is_twin & ~events.select(spared.fill_null(value=False)).to_series()
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


def _fold_access(access: pl.DataFrame) -> pl.DataFrame:
    """Fold the access logs of one host into the richest of them."""
    keyed = access.with_columns(
        FILE.alias("file"), LINE.alias("line"), pl.col("at").dt.truncate("1s").alias("second")
    ).sort("file", "line")
    files = _richest_first(keyed)
    folded = None
    for file in files:
        lines = keyed.filter(pl.col("file") == file)
        folded = lines if folded is None else _fold_into(folded, lines)
    return access if folded is None else folded.select(access.columns)


def _richest_first(keyed: pl.DataFrame) -> list[str]:
    """Order the files by how much their lines tell."""
    filled = pl.sum_horizontal(pl.col(name).is_not_null().sum() for name in RICHNESS) / pl.len()
    fine = -pl.col("at_resolution_s").mean()
    ranked = keyed.group_by("file").agg(filled.alias("filled"), fine.alias("fine"))
    return ranked.sort(["filled", "fine", "file"], descending=[True, True, False])["file"].to_list()


def _fold_into(folded: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """Fold *lines* of one more file into *folded* if they are copies; else append them."""
    key = [name for name in REQUEST_KEY if _is_filled(folded, name) and _is_filled(lines, name)]
    nth = pl.int_range(pl.len()).over(key).alias("nth")
    have, more = folded.with_columns(nth), lines.with_columns(nth)
    pairs = have.with_row_index("row").join(more, on=[*key, "nth"], how="inner", nulls_equal=True, suffix="_copy")
    overlap = lines.filter(pl.col("second").is_between(folded["second"].min(), folded["second"].max()))
    if not pairs.height or pairs.height < COPY_SHARE * min(folded.height, max(overlap.height, 1)):
        return pl.concat([folded, lines])
    fill = [name for name in EVENTS if name not in {"ref", "format", *key}]
    merged = (
        have.with_row_index("row")
        .join(pairs.select("row", *(f"{name}_copy" for name in fill)), on="row", how="left", maintain_order="left")
        .with_columns(pl.coalesce(name, f"{name}_copy").alias(name) for name in fill)
        .select(folded.columns)
    )
    alone = more.join(have, on=[*key, "nth"], how="anti", nulls_equal=True).select(folded.columns)
    return pl.concat([merged, alone])


def _is_filled(lines: pl.DataFrame, name: str) -> bool:
    """Whether the log gives this at all; a query is null on most lines of any log, so it counts where any has one."""
    if name == "query":
        return lines[name].is_not_null().any()
    return 2 * lines[name].null_count() <= lines.height
