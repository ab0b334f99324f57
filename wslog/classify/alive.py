"""How many connections were open when a burst began."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEWEST: Final = 5  # of a burst that tell when they opened, for their share to stand for all


def alive_at(opened: Floats, start: float, n: int) -> int:
    """Return how many were open.

    A log without durations lists what closed later, open by then or not: where enough others tell, their share stands
    for all.

    Args:
        opened: When those opened that closed in the burst or later, in order of close; -inf: not told.
        start: When the burst began.
        n: How many closed in it.
    """
    told, is_open = np.isfinite(opened), opened < start
    n_told = int(told[:n].sum())
    return int(is_open.sum()) if n_told < FEWEST else round(n * int((is_open & told).sum()) / n_told)
