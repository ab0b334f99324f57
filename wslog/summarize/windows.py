"""The time that all tiers of an analysis cover, and instants as whole microseconds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from wslog.result import Window

EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND: Final = dt.timedelta(microseconds=1)


def add_shared_window(windows: Sequence[Window]) -> tuple[Window, ...]:
    """Append the window that every tier with lines covers: tier None, without times if they do not overlap."""
    own = tuple(window for window in windows if window.tier is not None)
    starts = [window.start for window in own if window.start and window.end]
    ends = [window.end for window in own if window.start and window.end]
    start, end = max(starts, default=None), min(ends, default=None)
    if start is None or end is None or start > end:
        start = end = None
    return (*own, Window(tier=None, start=start, end=end))


def shared_window(windows: Sequence[Window]) -> Window:
    """Return the shared one of windows that `add_shared_window` made."""
    return next(window for window in windows if window.tier is None)


def to_us(at: dt.datetime) -> int:
    """Return an instant as microseconds since the epoch, exactly."""
    return (at - EPOCH) // _MICROSECOND


def from_us(us: int) -> dt.datetime:
    """Return the instant, in UTC, that lies *us* microseconds after the epoch."""
    return EPOCH + dt.timedelta(microseconds=us)
