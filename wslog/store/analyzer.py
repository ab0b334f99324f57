"""How a door analyzes: straight through the pipeline, or through a history store."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
from collections.abc import Callable, Iterator
from pathlib import Path

from wslog import pipeline
from wslog.store.outcomes import analyze_into
from wslog.store.store import Store

Analyzer = Callable[..., pipeline.Outcome]
"""Takes what `pipeline.analyze` takes."""


@contextlib.contextmanager
def open_analyzer(store: str | Path | None, *, zone: str | None = None, now: dt.datetime) -> Iterator[Analyzer]:
    """Yield `pipeline.analyze`, or what does the same and appends to the history in the folder *store*.

    Args:
        store: The folder; made if it is not there. None: keep nothing.
        zone: Whose Mondays bound a new store's weeks; None: UTC.
        now: The present, for what is kept how long.

    Raises:
        OptionError: If the store is of another zone.
        StoreError: If it cannot be used.
    """
    if store is None:
        yield pipeline.analyze
        return
    with Store(store, create=True, zone=zone) as history:
        yield functools.partial(analyze_into, history, now=now)
