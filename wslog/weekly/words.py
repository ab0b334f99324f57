"""Changes and causes as the sentences of a weekly report write them."""

from __future__ import annotations

from wslog.schema import Cause, Tier
from wslog.weekly_result import cause_of_key
from wslog.wording import WHO, decimal

CAUSES = {
    Cause.IDLE_TIMEOUT: "idle timeouts",
    Cause.LIFETIME_LIMIT: "lifetime limits",
    Cause.SERVER_RESTART: "server restarts",
    Cause.SERVER_ABORT: "server aborts",
    Cause.PROXY_RELOAD: "proxy reloads",
    Cause.PROXY_RESTART: "proxy restarts",
    Cause.NETWORK_LOSS: "network losses",
    Cause.CLIENT_SUSPENDED: "suspended clients",
    Cause.HEARTBEAT_TIMEOUT: "heartbeat timeouts",
    Cause.CLOSE_TIMEOUT: "close timeouts",
    Cause.PROTOCOL_ERROR: "protocol errors",
    Cause.HANDSHAKE_FAILED: "failed handshakes",
    Cause.CLIENT_LEFT: "clients that left",
    Cause.CLEAN_CLOSE: "clean closes",
    Cause.UNKNOWN: "drops of unknown cause",
}


def relative(now: float, before: float) -> str:
    """Write a change in percent, or as a factor where percent would be absurd."""
    if before <= 0:
        return "up from none" if now > 0 else "none in either"
    ratio = now / before
    return f"{decimal(ratio)} times as many" if ratio >= 3 else f"{(ratio - 1) * 100:+.0f} %".replace("-", "−")  # noqa: RUF001


def cause_words(key: str) -> str:
    """Write a cause, by its `cause_key`, as a plural with its owner: `idle timeouts (nginx)`."""
    cause, tier = cause_of_key(key)
    words = CAUSES[cause]
    owner = "" if tier is Tier.UNKNOWN else WHO[tier].removeprefix("the ")
    return f"{words} ({owner})" if owner and owner not in words else words
