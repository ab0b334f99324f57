"""What was open when a burst began and outlived it: what a restart would have taken along."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import polars as pl

from wslog.classify.bursts import RawBurst
from wslog.classify.closes import Closes
from wslog.classify.facts import share_of
from wslog.classify.significance import log_tail
from wslog.schema import ScopeKind, split_scope

TOGETHER_S: Final = 1.0  # what ends this near one another ended together: stamps of whole seconds, two workers
CLIENT_CLOCKS_S: Final = 5.0  # the same where only clients tell when, whose clocks scatter by some seconds
FEW: Final = 3  # fewer open elsewhere say nothing
ONE_SHARE: Final = 0.9  # of a burst's connections, for it to be of one proxy, one client or one address
CHANCE: Final = 0.01  # that what took a part of one path took no more of the others by chance


def in_scope(scope: str) -> pl.Expr:
    """Whether a connection is of a burst's scope."""
    kind, name = split_scope(scope)
    if kind in {ScopeKind.UPSTREAM, ScopeKind.PATH, ScopeKind.PROXY}:
        return pl.col(kind.value) == name
    if kind is ScopeKind.NO_NGINX_LINE:
        return pl.col("no_nginx_line")
    return pl.lit(value=True)


class Survivors(NamedTuple):
    """What was open when a burst began and outlived it.

    Attributes:
        n_elsewhere: How many were open outside of the burst's scope.
        n_lost_elsewhere: How many of them ended with it.
        is_of_one_proxy: All that ended came through one proxy, and what came through others lived on.
        is_of_one_client: The same of a client's address.
    """

    n_elsewhere: int
    n_lost_elsewhere: int
    is_of_one_proxy: bool
    is_of_one_client: bool

    @classmethod
    def of(cls, burst: RawBurst, inside: pl.DataFrame, closes: Closes) -> Survivors:
        """Look for them."""
        is_told = share_of(inside, pl.col("nginx_closed_at").is_not_null() | pl.col("has_alb")) >= 0.5
        within_s = TOGETHER_S if is_told else CLIENT_CLOCKS_S
        until_s = burst.end_s + within_s
        # What does not tell when it opened counts where it ended with the burst: it was open.
        was_open = closes.open_at(burst.start_s, since_s=burst.start_s - within_s, else_until_s=until_s)
        is_its, is_then = in_scope(burst.scope), pl.col("closed_s") <= until_s
        n_elsewhere, n_lost = was_open.select(
            (~is_its).sum().alias("n"), (~is_its & is_then).sum().alias("n_lost")
        ).row(0)
        spared = was_open.filter(is_its & ~is_then)

        def is_of_one(name: str) -> bool:
            ended = inside[name].drop_nulls()
            if len(ended) < FEW or commonest(ended) < ONE_SHARE:
                return False
            return int((spared[name] != ended.mode().sort()[0]).sum()) >= FEW

        return cls(n_elsewhere, n_lost, is_of_one("proxy"), is_of_one("client_ip"))

    @property
    def lost_elsewhere(self) -> float:
        """Part of what was open outside of the scope that ended together with it; 0: too little to say."""
        return self.n_lost_elsewhere / self.n_elsewhere if self.n_elsewhere >= FEW else 0.0

    def are_untouched(self, killed_share: float) -> bool:
        """Whether what took this part of a scope would hardly have left as many of the others alone by chance."""
        took = min(killed_share, 1 - CHANCE)
        n_spared = self.n_elsewhere - self.n_lost_elsewhere
        return log_tail(n_spared, self.n_lost_elsewhere, (1 - took) / took) <= math.log(CHANCE)


def commonest(values: pl.Series) -> float:
    """Return the part that is the commonest value; 0 of none."""
    n = values.value_counts()["count"].max()
    return n / len(values) if isinstance(n, int) else 0.0
