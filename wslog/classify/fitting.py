"""Which timers stand at a value: the configured ones there, else the known defaults."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wslog.knowledge.model import Setting, Timeout, TimerKind
from wslog.knowledge.tolerance import tolerance_s

IDLE_KINDS: Final = (TimerKind.IDLE_ANY, TimerKind.IDLE_C2S, TimerKind.IDLE_S2C)


def known_values(timeouts: Sequence[Timeout], settings: Sequence[Setting]) -> list[float]:
    """Return the values of known and of configured timers, each once, in order (s)."""
    return sorted({t.default_s for t in timeouts if t.default_s} | {s.value_s for s in settings})


def fitting(
    value_s: float, kinds: Sequence[TimerKind], timeouts: Sequence[Timeout], settings: Sequence[Setting]
) -> tuple[str, ...]:
    """Return ids of configured timers at a value, else of known defaults there."""

    def fits(x: float | None) -> bool:
        return x is not None and abs(x - value_s) <= tolerance_s(value_s)

    by_id = {t.id: t for t in timeouts}
    configured = sorted(
        {
            s.timeout_id
            for s in settings
            if fits(s.value_s) and (s.timeout_id not in by_id or by_id[s.timeout_id].kind in kinds)
        }
    )
    return tuple(configured or sorted(t.id for t in timeouts if t.kind in kinds and fits(t.default_s)))


def known_kinds(value_s: float, timeouts: Sequence[Timeout], settings: Sequence[Setting]) -> tuple[bool, bool]:
    """Tell whether idle timers, and whether lifetime limits, are known at a value.

    What is configured there comes first: a default is somebody else's then.
    """
    names = fitting(value_s, (*IDLE_KINDS, TimerKind.LIFETIME), timeouts, settings)
    kinds = {timer.kind for timer in timeouts if timer.id in names}
    return not kinds.isdisjoint(IDLE_KINDS), TimerKind.LIFETIME in kinds
