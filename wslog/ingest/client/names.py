"""What the name of an event, or a text about one, tells: a close, a page going away, an opening, or something else."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from wslog.schema import EventKind

_ON: Final = r"(?:wss?|websockets?|socket|realtime|client)*(?:connection)?(?:on)?"
_CLOSE_NAME: Final = re.compile(_ON + r"(?:closed?|disconnect(?:ed|ion)?)(?:event)?")
_PAGEHIDE_NAME: Final = re.compile(_ON + r"pagehide")
_OPEN_NAME: Final = re.compile(_ON + r"(?:open(?:ed)?|connected)(?:event)?")
_OTHER_NAME: Final = re.compile(
    _ON
    + r"(?:open(?:ed)?|message|error|(?:re)?connect(?:ed|ing)?|ping|pong|heartbeat|sen[dt]|recv|received?)(?:event)?"
)
_CLOSE_TEXT: Final = re.compile(
    r"\b(?:wss?|web ?sockets?|sockets?)\b.{0,80}\b(?:closed?|disconnect)|\bonclose\b", re.I | re.S
)
# What SignalR writes: `WebSocket closed with status code: 1006 (no reason given).`
CODE_TEXT: Final = re.compile(r"\bweb ?socket closed with status code: (\d{4})(?: \((.*?)\.?\))?", re.I | re.S)
WS_WORD: Final = re.compile(r"wss?|websocket|socket", re.I)


@lru_cache(maxsize=4_096)
def kind_of_name(name: str) -> EventKind | None:
    """Say what the name of an event, or a text about one, tells."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    if _PAGEHIDE_NAME.fullmatch(plain):
        return EventKind.PAGEHIDE
    if _CLOSE_NAME.fullmatch(plain) or _CLOSE_TEXT.search(name):
        return EventKind.CLOSE
    if _OPEN_NAME.fullmatch(plain):
        return EventKind.OPEN
    return EventKind.NOTE if _OTHER_NAME.fullmatch(plain) else None
