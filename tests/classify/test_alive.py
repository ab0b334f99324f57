"""How many were open when a burst began."""

from __future__ import annotations

import numpy as np

from wslog.classify.alive import alive_at


def test_rows_that_do_not_tell_when_they_opened_are_judged_by_those_that_do() -> None:
    """Half of what is known to have been open ended: half of all, whatever a log without durations lists later."""
    untold = [-np.inf] * 3
    opened = np.array([*untold, 10, 20, 30, 40, 50, *untold * 20, 10, 20, 30, 40, 50, 700])
    assert alive_at(opened, 600.0, 8) == 16


def test_where_hardly_any_row_tells_all_may_have_been_open() -> None:
    """A log without durations alone makes no burst the end of everything."""
    opened = np.array([-np.inf] * 30)
    assert alive_at(opened, 600.0, 8) == 30
