"""How often a heartbeat has to come: under the timers that end most silences, the exceptional ones named apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from wslog.knowledge import ping_interval_s
from wslog.schema import Cause
from wslog.summarize.groups import DropGroup

# Timers shorter than the rest by this factor, that end at most this share of the silences between them, are better
# raised than followed: one odd path would make all clients send three times as often.
MUCH_SHORTER: Final = 2.0
FEW: Final = 0.2


class Heartbeat(Struct, frozen=True, kw_only=True):
    """An interval, and the timers that are too short for it.

    Attributes:
        ping_s: None: no timer is known.
        too_short_s: Timers that it does not help against, in rising order.
    """

    ping_s: float | None
    too_short_s: tuple[float, ...]

    def helps(self, group: DropGroup) -> bool:
        """Return whether the heartbeat keeps a group's timer from running out; a timer of unknown length counts."""
        return group.timeout_s not in self.too_short_s


def choose_heartbeat(groups: Sequence[DropGroup]) -> Heartbeat:
    """Choose an interval that fits twice under the timers of most silent drops.

    Args:
        groups: Drops by cause, tier and timer.
    """
    ended: dict[float, int] = {}
    for group in groups:
        if group.cause is Cause.IDLE_TIMEOUT and group.timeout_s is not None:
            ended[group.timeout_s] = ended.get(group.timeout_s, 0) + group.n
    timers = sorted(ended)
    if not timers:
        return Heartbeat(ping_s=None, too_short_s=())
    skipped, n_skipped = 0, 0
    for nth, timer_s in enumerate(timers[:-1], start=1):
        n_skipped += ended[timer_s]
        if n_skipped > FEW * sum(ended.values()):
            break
        if timers[nth] >= MUCH_SHORTER * timer_s and ping_interval_s(timers[nth]) > ping_interval_s(timer_s):
            skipped = nth
    return Heartbeat(ping_s=ping_interval_s(timers[skipped]), too_short_s=tuple(timers[:skipped]))
