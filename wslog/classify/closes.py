"""The closes that may be part of a burst, in order of time: what is wide about some is taken when it is asked for."""

from __future__ import annotations

import math
from typing import Final, Literal

import numpy as np
import polars as pl
from msgspec import Struct
from numpy.typing import NDArray

from wslog.cellar import lying_between
from wslog.classify.facts import OPENED

Floats = NDArray[np.float64]

# nginx's own timers make echoes of whatever synchronised their clients; they are explained without a burst.
IS_TOLD: Final = OPENED & ~pl.col("nginx_timed_out") & (~pl.col("is_pagehide_only").fill_null(value=False))
HEARD: Final = (
    "upstream", "path", "no_nginx_line", "is_unclaimed", "nginx_is_complete", "close_code", "has_client",
    "nginx_closed_at", "nginx_peer_ip", "has_alb", "proxy", "client_ip",
)  # fmt: skip


def epoch(column: str) -> pl.Expr:
    """Return a moment in seconds since 1970."""
    return pl.col(column).dt.timestamp("ms") / 1000


class Closes(Struct, frozen=True, eq=False):
    """Opened connections in order of their close.

    Attributes:
        facts: `HEARD` of all connections.
        order: The places of these among them.
        closed_s, opened_s: When they closed and opened (epoch seconds; NaN: nobody tells).
        first_opened_s: When the first opened of each and those after it (NaN: none of them tells).
    """

    facts: pl.DataFrame
    order: pl.Series
    closed_s: Floats
    opened_s: Floats
    first_opened_s: Floats

    @classmethod
    def of(cls, facts: pl.DataFrame) -> Closes:
        """Put them in order.

        Args:
            facts: `HEARD`, `ended_at`, `opened_at`, and what `IS_TOLD` reads.
        """
        closed_s = facts.select(pl.when(IS_TOLD).then(epoch("ended_at"))).to_series()
        opened_s = facts.select(epoch("opened_at")).to_series()
        order = closed_s.arg_sort(nulls_last=True).head(closed_s.count())
        closed, opened = closed_s[order].to_numpy(), opened_s[order].to_numpy()
        first_opened = np.fmin.accumulate(opened[::-1])[::-1]
        return cls(facts.select(HEARD), order, closed, opened, first_opened)

    def told(self, *columns: pl.Expr) -> pl.DataFrame:
        """Return `closed_s`, `opened_s` and expressions over `facts`, of all."""
        times = pl.DataFrame({"closed_s": self.closed_s, "opened_s": pl.Series(self.opened_s, nan_to_null=True)})
        return pl.concat([times, *(self.facts.select(one)[self.order] for one in columns)], how="horizontal")

    def within(self, first_s: float, last_s: float) -> pl.DataFrame:
        """Return `HEARD`, `closed_s`, `opened_s` of those that closed from one moment to another."""
        return self._at(np.arange(self._place(first_s, "left"), self._place(last_s, "right")))

    def open_at(self, moment_s: float, *, since_s: float, else_until_s: float = -math.inf) -> pl.DataFrame:
        """Return the same of those that closed since a moment and had opened before another.

        What does not tell when it opened is among them if it closed by a third one.
        """
        first = self._place(since_s, "left")
        after = max(int(np.searchsorted(self.first_opened_s, moment_s)), self._place(else_until_s, "right"))
        opened, closed = self.opened_s[first:after], self.closed_s[first:after]
        was_open = np.where(np.isnan(opened), closed <= else_until_s, opened < moment_s)
        return self._at(first + np.flatnonzero(was_open))

    def _place(self, moment_s: float, side: Literal["left", "right"]) -> int:
        return int(np.searchsorted(self.closed_s, moment_s, side=side))

    def _at(self, places: NDArray[np.int64]) -> pl.DataFrame:
        times = pl.DataFrame({name: getattr(self, name)[places] for name in ("closed_s", "opened_s")}, nan_to_null=True)
        some, among = lying_between(self.facts, self.order[pl.Series(places)])
        return pl.concat([some[among], times], how="horizontal")
