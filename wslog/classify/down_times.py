"""When nginx was down, by what its error log says of its life."""

from __future__ import annotations

import datetime as dt

import polars as pl

from wslog.schema import EventKind


def down_times(lifecycle: pl.DataFrame) -> list[tuple[dt.datetime, dt.datetime, str]]:
    """Return when nginx was down: from a stop to the next start (start, end, `file:line` of the stop)."""
    moments = lifecycle.filter(pl.col("event").is_in([EventKind.STOP, EventKind.START])).sort("at", "ref")
    spans: list[tuple[dt.datetime, dt.datetime, str]] = []
    stopped: tuple[dt.datetime, str] | None = None
    for event, at, ref in moments.select("event", "at", "ref").iter_rows():
        if event == EventKind.STOP and stopped is None:
            stopped = (at, ref)
        elif event == EventKind.START and stopped is not None:
            spans.append((stopped[0], at + dt.timedelta(seconds=1), stopped[1]))
            stopped = None
    return spans
