"""The client record of our own collector script, read by type, one by one: the exact way of `own_columns.py`.

Source: docs/formats.md; the record's fields are a published contract.
Clock:  the client's own, ms since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from wslog.ingest.client.fields import ATTEMPTS, CLOSE_CODES, CONTAINERS, FIELDS_OF, NAMES, plain_key
from wslog.ingest.client.record import NotARecord, address
from wslog.ingest.values.json_values import FIRST_US, LAST_US, OUT_OF_RANGE
from wslog.schema import EventKind

OWN_EVENTS: Final = ("ws_close", "pagehide")


class _Fields(msgspec.Struct, gc=False):
    """What the script writes; a line with other types is left to `record.py`."""

    event: Literal["ws_close", "pagehide"]
    closedAt: float  # noqa: N815 - the record's own names
    connId: str | None = None  # noqa: N815
    sessionId: str | None = None  # noqa: N815
    url: str | None = None
    code: int | None = None
    reason: str | None = None
    wasClean: bool | None = None  # noqa: N815
    createdAt: float | None = None  # noqa: N815
    openedAt: float | msgspec.UnsetType | None = msgspec.UNSET  # noqa: N815
    lastSentAt: float | None = None  # noqa: N815
    lastRecvAt: float | None = None  # noqa: N815
    closeCalledAt: float | None = None  # noqa: N815
    hiddenAt: float | None = None  # noqa: N815
    visibilityState: Literal["visible", "hidden"] | None = None  # noqa: N815
    onLine: bool | None = None  # noqa: N815
    attempt: int | None = None
    userAgent: str | None = None  # noqa: N815
    persisted: bool | None = None
    clientIp: str | None = None  # noqa: N815


class _Strict(_Fields, forbid_unknown_fields=True, gc=False):
    """The same, and no other key."""


_any_keys: Final = msgspec.json.Decoder(_Fields)
_own_keys: Final = msgspec.json.Decoder(_Strict)
OWN_KEYS: Final = frozenset(_Fields.__struct_fields__)


def _ms_to_us(ms: float | None) -> int | None:
    """Our own times are in ms, whatever their size; one that no clock of our days shows is dropped."""
    if ms is None or not FIRST_US <= ms * 1_000 < LAST_US:
        return None
    return round(ms * 1_000)


def _within(span: tuple[int, int], found: int | None) -> int | None:
    return found if found is not None and span[0] <= found <= span[1] else None


def own_row(line: int, text: str, *, ignores_extra: bool) -> dict[str, object]:
    """Read one line; times in microseconds as `*_us`.

    Args:
        line: Its number.
        text: The line.
        ignores_extra: Read it although it has keys that are not ours.

    Raises:
        ValueError: If it is not our record, or not JSON; `RecursionError` if it is nested beyond reason.
        NotARecord: If it is, and its time cannot be used.
    """
    own = (_any_keys if ignores_extra else _own_keys).decode(text)
    closed_us = _ms_to_us(own.closedAt)
    if closed_us is None:
        raise NotARecord(OUT_OF_RANGE)
    has_opened = own.openedAt is not msgspec.UNSET
    opened_us = _ms_to_us(own.openedAt) if isinstance(own.openedAt, float) else None
    return {
        "line": line,
        "event": (EventKind.CLOSE if own.event == "ws_close" else EventKind.PAGEHIDE).value,
        "connection_id": own.connId,
        "session_id": own.sessionId,
        "url": own.url,
        "close_code": _within(CLOSE_CODES, own.code),
        "close_reason": own.reason,
        "was_clean": own.wasClean,
        "created_us": _ms_to_us(own.createdAt),
        "opened_us": opened_us,
        "closed_us": closed_us,
        "is_opened": opened_us is not None if has_opened else None,
        "last_sent_us": _ms_to_us(own.lastSentAt),
        "last_received_us": _ms_to_us(own.lastRecvAt),
        "close_called_us": _ms_to_us(own.closeCalledAt),
        "hidden_us": _ms_to_us(own.hiddenAt),
        "visibility": own.visibilityState,
        "is_online": own.onLine,
        "attempt": _within(ATTEMPTS, own.attempt),
        "user_agent": own.userAgent,
        "client_ip": address(own.clientIp) if own.clientIp else None,
        "is_persisted": own.persisted,
        "at_resolution_s": 0.001,
        "has_zone": True,
    }


def extras_tell_nothing(records: Sequence[Mapping[str, object]]) -> bool:
    """Whether our records among *records* have keys of others, all of no concern (a collector's `@timestamp`, say)."""
    ours = [record for record in records if record.get("event") in OWN_EVENTS and "closedAt" in record]
    extras = {plain_key(key) for record in ours for key in record.keys() - OWN_KEYS}
    fields = {field for key in extras for field, _ in FIELDS_OF.get(key, ())} - {"closed_at"}  # ours is always there
    return bool(extras) and not fields and not extras & (NAMES | CONTAINERS)
