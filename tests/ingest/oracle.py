"""Which events are kept, told with all of them at hand: what reading in parts is held against."""

from __future__ import annotations

import polars as pl

from wslog.ingest.concern import endpoints_of, is_of_concern


def of_concern(events: pl.DataFrame) -> pl.DataFrame:
    return events.filter(is_of_concern(events, endpoints_of(events)))
