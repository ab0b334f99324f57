"""What these logs could show at all: which tiers have lines, and how much of the drops was left undecided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.knowledge import Setting
from wslog.result import Clock, Coverage, Totals, Window
from wslog.schema import Cause, Format, LimitKind, Tier
from wslog.summarize.drops import IS_OPENED
from wslog.summarize.groups import DropGroup
from wslog.summarize.rows import Rows

SERVERS: Final = ("nginx_access_ref", "nginx_error_ref", "alb_ref")


class Facts(Struct, frozen=True, kw_only=True):
    """What limits are judged by. Shares are of all drops unless said otherwise.

    Attributes:
        tiers: Those with at least one line read.
        has_error_log: An nginx error log was among the inputs.
        has_info: One of them shows lines of level info.
        tied: Tiers whose timers are candidates for drops with no decided tier.
        tied_share: Ended by a timer of no decided tier, though known timers fit.
        ends_not_known: Connections that opened and are no drops, though no log says how they ended.
        no_status_share: Handshakes that failed with no status in any log.
        n_undecided: Drops of unknown cause or tier.
        no_idle_share: Of the drops that had opened and have a client record: silence not known.
        no_lifetime_share: Of the drops that had opened: age not known.
        no_session_share: Of the drops that have a client record: without a session.
        unmatched_share: Of the drops that had opened and have a client record: no server line found.
        outside_share: Closed outside the time that all tiers cover.
    """

    coverage: Coverage
    clocks: tuple[Clock, ...]
    shared: Window
    settings: tuple[Setting, ...]
    n_drops: int
    n_by_cause: Mapping[Cause, int]
    tiers: frozenset[Tier]
    has_error_log: bool
    has_info: bool
    tied: frozenset[Tier]
    tied_share: float
    ends_not_known: int
    no_status_share: float
    n_undecided: int
    no_idle_share: float
    no_lifetime_share: float
    no_session_share: float
    unmatched_share: float
    outside_share: float

    def share(self, cause: Cause) -> float:
        """Return a cause's share of all drops."""
        return self.n_by_cause.get(cause, 0) / self.n_drops if self.n_drops else 0.0


def gather_facts(
    groups: Sequence[DropGroup],
    drops: Rows,
    *,
    coverage: Coverage,
    clocks: Sequence[Clock],
    shared: Window,
    settings: Sequence[Setting],
    totals: Totals,
) -> Facts:
    """Gather what limits are judged by.

    Args:
        groups: Drops by cause, tier and timer.
        drops: As `drops_in` returns them.
        coverage: What was read.
        clocks: Skew of each tier.
        shared: The window that all tiers cover.
        settings: Timers found in configuration.
        totals: Of the same analysis.
    """
    told = drops.take(
        "closed_at", "opened_at", "is_opened", "lifetime_s", "idle_s",
        has_client=pl.col("client_ref").is_not_null(), has_session=pl.col("session_id").is_not_null(),
        has_server=pl.any_horizontal(pl.col(SERVERS).is_not_null()),
    )  # fmt: skip
    opened = told.filter(IS_OPENED)
    from_clients = opened.filter("has_client")
    errors = [file for file in coverage.files if file.format == Format.NGINX_ERROR and file.lines > 0]
    outside = ~pl.col("closed_at").is_between(pl.lit(shared.start), pl.lit(shared.end))
    return Facts(
        coverage=coverage,
        clocks=tuple(clocks),
        shared=shared,
        settings=tuple(settings),
        n_drops=drops.height,
        n_by_cause=_n_by_cause(groups),
        tiers=frozenset(file.tier for file in coverage.files if file.tier is not None and file.events > 0),
        has_error_log=bool(errors),
        has_info=any(LimitKind.INFO_LEVEL not in file.mendable.values() for file in errors),
        tied=_tied(groups),
        tied_share=sum(group.share for group in groups if group.tier is Tier.UNKNOWN and group.timeout_ids),
        ends_not_known=totals.ends_not_known,
        no_status_share=sum(group.share for group in groups if group.statuses[:1] == (None,)),
        n_undecided=sum(group.n for group in groups if group.cause is Cause.UNKNOWN or group.tier is Tier.UNKNOWN),
        no_idle_share=_share(from_clients, pl.col("idle_s").is_null()),
        no_lifetime_share=_share(opened, pl.col("lifetime_s").is_null()),
        no_session_share=_share(told.filter("has_client"), ~pl.col("has_session")),
        unmatched_share=_share(from_clients, ~pl.col("has_server")),
        outside_share=_share(told, outside) if shared.start is not None else 0.0,
    )


def _n_by_cause(groups: Sequence[DropGroup]) -> dict[Cause, int]:
    n_by_cause: dict[Cause, int] = {}
    for group in groups:
        n_by_cause[group.cause] = n_by_cause.get(group.cause, 0) + group.n
    return n_by_cause


def _tied(groups: Sequence[DropGroup]) -> frozenset[Tier]:
    """Return the tiers whose timers may be what ended drops of no decided tier."""
    return frozenset(timeout.tier for group in groups if group.tier is Tier.UNKNOWN for timeout in group.candidates)


def _share(frame: pl.DataFrame, condition: pl.Expr) -> float:
    """Return the share of rows for which *condition* holds; 0 without rows, null counts as no."""
    return int(frame.select(condition.fill_null(value=False).sum()).item()) / frame.height if frame.height else 0.0
