"""What the world's proxies, load balancers, servers and browsers do by default, and what to change about it.

Two files of data, `timeouts.toml` and `mends.toml`, and their loaders. No other room keeps numbers of its own.
"""

from __future__ import annotations

from wslog.knowledge.loader import load_timeouts, near
from wslog.knowledge.mends import Mend, load_mends, mends_for
from wslog.knowledge.model import Setting, Timeout, TimerKind
from wslog.knowledge.placeholders import fill, ping_interval_s
from wslog.knowledge.tolerance import tolerance_s

__all__ = [
    "Mend",
    "Setting",
    "Timeout",
    "TimerKind",
    "fill",
    "load_mends",
    "load_timeouts",
    "mends_for",
    "near",
    "ping_interval_s",
    "tolerance_s",
]
