"""The time that all tiers of an analysis cover, and instants as whole microseconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from wslog.result import Window

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


def shared_window(windows: Sequence[Window]) -> Window:
    """Return the time that every tier with lines covers: tier None, without times if theirs do not overlap."""
    spans = [(window.start, window.end) for window in windows if window.start and window.end]
    start, end = max((start for start, _ in spans), default=None), min((end for _, end in spans), default=None)
    if start is None or end is None or start > end:
        start = end = None
    return Window(tier=None, start=start, end=end)


def to_us(at: dt.datetime) -> int:
    """Return an instant as microseconds since the epoch, exactly."""
    return (at - EPOCH) // _MICROSECOND


def from_us(us: int) -> dt.datetime:
    """Return the instant, in UTC, that lies *us* microseconds after the epoch."""
    return EPOCH + dt.timedelta(microseconds=us)
