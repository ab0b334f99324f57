"""All files' events put together: those of concern, each once, in order of file and line; and counted.

What decides (places, paths, fingerprints) is narrow and compared across all files. The rows themselves are gathered
some at a time, and what a file gave goes with its last row: so the events are never in memory twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl

from wslog import schema
from wslog.cellar import Cellar
from wslog.ingest.accounts import with_copies, with_events
from wslog.ingest.alike import Alike
from wslog.ingest.concern import TOLD_BY, endpoints_of, fingerprints, has_alb, is_copy, is_of_concern
from wslog.ingest.reading import EVENTS, PLACE, PLACED, having
from wslog.result import FileCoverage

FILE, LINE = map(pl.col, PLACE)
IS_NEXT: Final = ((FILE.shift() < FILE) | ((FILE.shift() == FILE) & (LINE.shift() <= LINE))).fill_null(value=True)


def settled(
    parts: list[pl.DataFrame],
    accounts: Mapping[int, FileCoverage],
    shown: Sequence[str],
    *,
    all_lines: bool,
    cellar: Cellar,
) -> tuple[pl.DataFrame, list[FileCoverage]]:
    """Put all files' events together, decide which are of concern now that all paths are known, and count them.

    Args:
        parts: What the files gave: `file_no`, `line` and those columns of `PLACED` that have values. They are taken
            out of the list.
        accounts: The files, by number.
        shown: What each file is called, by number.
        all_lines: All events are of concern.
        cellar: Where the events wait.

    Returns:
        `schema.EVENTS`, and the accounts in order.
    """
    kept = _of_concern(parts, all_lines=all_lines)
    if not kept.select(IS_NEXT.all()).item():
        kept = kept.sort(*PLACE, maintain_order=True)
    copies = is_copy(kept)
    unique = kept.filter(~copies) if copies.any() else kept
    files = with_events(with_copies(accounts, kept, unique), unique)
    rows = unique.select(*PLACE, "part", "row")
    del kept, copies, unique
    events = cellar.lay_up(_in_order(parts, rows, pl.Series(shown, dtype=pl.String), cellar))
    return events, [files[number] for number in sorted(files)]


def _of_concern(parts: Sequence[pl.DataFrame], *, all_lines: bool) -> pl.DataFrame:
    """Return where events of concern stand (`file_no`, `line`; `part`, `row`), and what tells copies."""
    nothing = pl.DataFrame(schema=PLACED)
    endpoints = pl.concat([endpoints_of(having(part, ["path", "is_websocket"])) for part in (nothing, *parts)])
    found = []
    for nth, part in enumerate((*parts, nothing)):
        places = part.select(*PLACE, pl.lit(nth, pl.UInt32).alias("part"), pl.row_index("row"))
        told = fingerprints(having(part, EVENTS)) if has_alb(part) else pl.lit(None, pl.UInt64).alias("fingerprint")
        marked = places.with_columns(having(part, ["at"]).to_series(), told)
        found.append(marked if all_lines else marked.filter(is_of_concern(having(part, TOLD_BY), endpoints.unique())))
    return pl.concat(found)


def _in_order(
    parts: list[pl.DataFrame], rows: pl.DataFrame, shown: pl.Series, cellar: Cellar
) -> Iterator[pl.DataFrame]:
    """Yield the events at *rows*, some at a time; a part goes with its last row."""
    n_left = dict(rows.group_by("part").len().rows())
    alike = Alike(cellar.slice_rows)
    for some in cellar.slices(rows.with_row_index("nth")):
        taken, order = [pl.DataFrame(schema=PLACED)], [some["nth"].clear()]
        for (part,), places in some.group_by("part", maintain_order=True):
            taken.append(parts[part][places["row"]])
            order.append(places["nth"])
            n_left[part] -= places.height
            if not n_left[part]:
                parts[part] = parts[part].clear()
        together, nth = pl.concat(taken, how="diagonal", rechunk=True), pl.concat(order)
        yield _as_events(together if nth.is_sorted() else together[nth.arg_sort()], shown, alike)
    parts.clear()


def _as_events(placed: pl.DataFrame, shown: pl.Series, alike: Alike) -> pl.DataFrame:
    """Return `schema.EVENTS`."""
    ref = pl.concat_str(shown.gather(placed["file_no"]), pl.lit(":"), pl.col("line").cast(pl.String)).alias("ref")
    events = placed.with_columns(placed.select(ref).to_series())
    return pl.DataFrame([alike.shared(events[name]) for name in schema.EVENTS])
