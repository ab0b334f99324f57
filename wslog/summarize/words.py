"""Numbers, instants and owners as the sentences of a report write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from wslog.schema import Tier

WHO: Final[dict[Tier, str]] = {
    Tier.CLIENT: "the client",
    Tier.NETWORK: "the network",
    Tier.ALB: "the ALB",
    Tier.NGINX: "nginx",
    Tier.APP: "the application",
    Tier.UNKNOWN: "something",
}


def count(n: int, noun: str = "") -> str:
    """Write a count in groups of three, with its noun in the right number: `1 socket`, `3 402 sockets`."""
    if not noun:
        return f"{n:,}".replace(",", "\u00a0")
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def percent(share: float) -> str:
    """Write a share of 0 to 1 as whole percent, never rounding something to nothing nor nearly all to all."""
    if 0 < share < 0.01:
        return "under 1 %"
    if 0.99 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def seconds(value_s: float) -> str:
    """Write a duration in seconds, without decimals that say nothing: `60 s`, `1.5 s`, `86400 s`."""
    if value_s >= 100 or value_s == round(value_s):
        return f"{value_s:.0f} s"
    return f"{value_s:.2f}".rstrip("0").rstrip(".") + " s"


def clock(at: dt.datetime, *, with_date: bool) -> str:
    """Write an instant (UTC) for a sentence, to the second."""
    return at.strftime("%Y-%m-%d %H:%M:%S UTC" if with_date else "%H:%M:%S UTC")


def enumerate_words(words: Sequence[str], *, last: str = "and") -> str:
    """Join words as a sentence does: `a`, `a and b`, `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def sentence(text: str) -> str:
    """Return *text* with a capital first letter, except `nginx`, which has none."""
    return text if text.startswith("nginx") else text[:1].upper() + text[1:]
