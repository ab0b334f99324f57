"""How far a value read off closes may lie from the timer that made it."""

from __future__ import annotations

from typing import Final

NEAR_S: Final = 0.35
"""At least this far, in seconds.

nginx moves a timer only if it changes by more than 300 ms (NGX_TIMER_LAZY_DELAY in src/event/ngx_event_timer.h), so an
idle close may come that early; the rest is for a network's and an event loop's delay.
"""

NEAR_SHARE: Final = 0.01
"""Or this part of the value: what the handshake and clocks that drift add to long timers."""


def tolerance_s(value_s: float) -> float:
    """Return how far, either way, a timer may lie from a value seen or configured: 1 % of it, at least 0.35 s."""
    return max(NEAR_S, NEAR_SHARE * abs(value_s))
