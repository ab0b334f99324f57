"""When lines with whole-second stamps were really written: their order in the file says more than the stamp.

nginx writes a line when a connection ends, so lines stand in order of close (up to the workers' interleaving). The k-th
of m lines between two known moments lies at about k/(m+1) of the way, with the spread of an order statistic,
gap·√(u(1-u)/(m+2)). Known moments are the bounds of the second and the closes that the load balancer tells of lines
that are surely paired.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.correlate.numbering import number_met, number_rows
from wslog.schema import file_of, line_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

COARSE_STEP_S: Final = 0.5
INTERLEAVING_S: Final = 0.05
BOX: Final = 1.73  # half of a box whose standard deviation is 1


class LineOrder:
    """The lines of access logs in their order; asked again when more closes are known."""

    def __init__(self, nginx: pl.DataFrame) -> None:
        """Put lines in order.

        Args:
            nginx: Access events with `row`, `ref`, `closed_at`, `at_resolution_s`.
        """
        self._lines = nginx.select("row", "closed_at", pl.col("at_resolution_s").fill_null(1.0).alias("step_s"))
        self._is_fine = not self._lines.select((pl.col("step_s") > COARSE_STEP_S).any()).item()
        if self._is_fine:
            return
        places = nginx.select(file_of("ref").alias("file"), line_of("ref").alias("line"))
        placed = pl.arg_sort_by("file", "line", maintain_order=True)
        order = places.select(placed).to_series().to_numpy()
        closed = nginx["closed_at"].dt.timestamp("us").fill_null(-1).to_numpy()
        second, _ = number_rows(number_met(places["file"])[order], closed[order])
        # Lines of one second of one file side by side, in order of line.
        together = np.argsort(second, kind="stable")
        self._order, second = order[together], second[together]
        self._begins = np.append(True, second[1:] != second[:-1]) if len(second) else np.zeros(0, dtype=np.bool_)

    def ends(self, known: pl.DataFrame | None = None) -> pl.DataFrame:
        """Return `row`, `ended_at`, the middle of what a line's close may mean, and `ended_half_s`, half of that.

        Args:
            known: `row`, `known_at`: closes known better, on nginx's clock.
        """
        half = pl.col("step_s") / 2
        if self._is_fine:
            return self._lines.select("row", _after(half).alias("ended_at"), half.alias("ended_half_s"))
        into = pl.lit(None, dtype=pl.Float64)
        lines = self._lines
        if known is not None:
            lines = lines.join(known, on="row", how="left", maintain_order="left")
            late = (pl.col("known_at") - pl.col("closed_at")).dt.total_microseconds() / 1e6
            into = late.clip(0.0, pl.col("step_s"))
        step_s = lines["step_s"].to_numpy()
        into_s = lines.select(into.cast(pl.Float64).fill_null(float("nan"))).to_series()
        middle, spread = np.empty(len(step_s)), np.empty(len(step_s))
        into_s = np.broadcast_to(into_s.to_numpy(), len(step_s))[self._order]
        middle[self._order], spread[self._order] = _between(into_s, step_s[self._order], self._begins)
        is_coarse = step_s > COARSE_STEP_S
        found = {
            "middle": np.where(is_coarse, middle, step_s / 2),
            "ended_half_s": np.where(is_coarse, np.minimum(spread, step_s / 2), step_s / 2),
        }
        lines = lines.with_columns(pl.Series(name, of) for name, of in found.items())
        return lines.select("row", _after(pl.col("middle")).alias("ended_at"), "ended_half_s")


def _between(into: Floats, step: Floats, begins: Flags) -> tuple[Floats, Floats]:
    """Place lines evenly between the moments that are known: how far into its second each is, and half of the doubt.

    Args:
        into: Per line, how far into its second its close is known to be (s); NaN: not known.
        step: Per line, the length of its second (s).
        begins: Marks the first line of each second.
    """
    place, is_known = np.arange(len(into)), ~np.isnan(into)
    # A stretch begins with a known line, or with the second; it ends before the next.
    first = np.flatnonzero(begins | is_known)
    stretch = np.cumsum(begins | is_known) - 1
    after = np.append(first[1:], len(into))
    low = np.where(is_known[first], into[first], 0.0)[stretch]
    ends_known = np.append(is_known[first[1:]] & ~begins[first[1:]], False)[: len(first)]
    high = np.where(ends_known[stretch], np.append(into, np.nan)[after][stretch], step)
    n_unknown = (after - first - is_known[first])[stretch]
    u = (place - first[stretch] + 1 - is_known[first][stretch]) / (n_unknown + 1)
    gap = np.abs(high - low)
    doubt = BOX * (gap * np.sqrt(u * (1 - u) / (n_unknown + 2))) + INTERLEAVING_S
    return np.where(is_known, into, low + (high - low) * u), np.where(is_known, INTERLEAVING_S, doubt)


def _after(seconds: pl.Expr) -> pl.Expr:
    return pl.col("closed_at") + pl.duration(microseconds=(seconds * 1e6).round().cast(pl.Int64))
