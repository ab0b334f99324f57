"""A timer as wslog knows it, and a timer as a configuration file sets it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from wslog.schema import Tier


class TimerKind(StrEnum):
    """What resets a timer."""

    IDLE_ANY = "idle-any"  # bytes in either direction
    IDLE_S2C = "idle-s2c"  # only bytes from server to client
    IDLE_C2S = "idle-c2s"  # only bytes from client to server
    LIFETIME = "lifetime"  # nothing: it counts from the open
    PING_TIMEOUT = "ping-timeout"  # the answer to a heartbeat
    DRAIN = "drain"  # nothing: it counts from a reload, deploy or deregistration
    HANDSHAKE = "handshake"  # it can only end what never opened
    CLOSE_WAIT = "close-wait"  # nothing: it counts from a call of close()
    STALL = "stall"  # progress of a blocked write
    KEEPALIVE = "keepalive"  # between HTTP requests: never ends a live WebSocket


_SHORT: Final[Mapping[TimerKind, str]] = {
    TimerKind.LIFETIME: "lifetime limit",
    TimerKind.PING_TIMEOUT: "heartbeat timeout",
}


class Timeout(Struct, frozen=True, kw_only=True):
    """One timer of the world's proxies, load balancers, servers and clients.

    Attributes:
        id: Unique, kebab-case, never reused (`nginx-proxy-read-timeout`).
        product: Who has it (`nginx`, `AWS ALB`).
        tier: The tier it acts in; `network` for NATs and firewalls.
        setting: The name to look for in its configuration; empty where there is none.
        default_s: Its default in seconds; None where it is off or undocumented.
        kind: What resets it.
        resets_on: The same in words.
        closes: How it ends the connection, and the code the client sees.
        trace: What it leaves in which log.
        mend: What to change, as an instruction.
        source: Where the number comes from.
        checked: When that was last looked up.
        is_verified: False: from memory or hearsay; reports say so.
        example: A log line or observation that it explains; empty only where `is_verified` is false.
    """

    id: str
    product: str
    tier: Tier
    setting: str
    default_s: float | None
    kind: TimerKind
    resets_on: str
    closes: str
    trace: str
    mend: str
    source: str
    checked: dt.date
    is_verified: bool
    example: str = ""

    @property
    def short_setting(self) -> str:
        """The setting where it is one word, which a label or a sentence can hold; else what kind of timer it is."""
        is_word = self.setting and not set(self.setting) & set(" .,+")
        return self.setting if is_word else _SHORT.get(self.kind, "idle timeout")


class Setting(Struct, frozen=True, kw_only=True):
    """One timer as a configuration file among the inputs sets it.

    Attributes:
        timeout_id: The knowledge entry it sets (`nginx-proxy-read-timeout`).
        value_s: Its value in seconds.
        scope: The nginx location, or the load balancer's name; empty: everywhere.
        host: The nginx server_name, if any.
        ref: `file:line`.
    """

    timeout_id: str
    value_s: float
    scope: str
    host: str
    ref: str
