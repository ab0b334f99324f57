"""The client record of our own collector script, read by type: the fast way, and a strict one.

Source: `wslog setup client`; the record's fields are a published contract.
Clock:  the client's own, ms since the epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec
import polars as pl

from wslog.ingest import client_values as columns
from wslog.ingest.client_fields import CONTAINERS, FIELDS_OF, NAMES, plain_key
from wslog.ingest.client_reading import Reading
from wslog.ingest.client_record import NotARecord, address
from wslog.ingest.client_template import Template, Unfit
from wslog.ingest.json_values import FIRST_US, LAST_US, OUT_OF_RANGE
from wslog.schema import EventKind

EVENTS: Final = ("ws_close", "pagehide")


class _Fields(msgspec.Struct, gc=False):
    """What the script writes; a line with other types takes the slow way."""

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
_TEXT: Final = frozenset({"text", "null"})
_FLAG: Final = frozenset({"flag", "null"})
_WHOLE: Final = frozenset({"whole", "null"})
_NUMBER: Final = frozenset({"whole", "number", "null"})
_OWN_KEYS: Final = frozenset(_Fields.__struct_fields__)


def _ms_to_us(ms: float | None) -> int | None:
    """Our own times are in ms, whatever their size; one that no clock of our days shows is dropped."""
    if ms is None or not FIRST_US <= ms * 1_000 < LAST_US:
        return None
    return round(ms * 1_000)


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
    return _row(line, (_any_keys if ignores_extra else _own_keys).decode(text))


def extras_tell_nothing(records: Sequence[Mapping[str, object]]) -> bool:
    """Whether our records among *records* have keys of others, all of no concern (a collector's `@timestamp`, say)."""
    ours = [record for record in records if record.get("event") in EVENTS and "closedAt" in record]
    extras = {plain_key(key) for record in ours for key in record.keys() - _OWN_KEYS}
    fields = {field for key in extras for field, _ in FIELDS_OF.get(key, ())} - {"closed_at"}  # ours is always there
    return bool(extras) and not fields and not extras & (NAMES | CONTAINERS)


_TIMES: Final = {
    "created_us": "createdAt",
    "opened_us": "openedAt",
    "closed_us": "closedAt",
    "last_sent_us": "lastSentAt",
    "last_received_us": "lastRecvAt",
    "close_called_us": "closeCalledAt",
    "hidden_us": "hiddenAt",
}
_AS_THEY_ARE: Final = {
    "connection_id": "connId",
    "session_id": "sessionId",
    "url": "url",
    "close_reason": "reason",
    "was_clean": "wasClean",
    "visibility": "visibilityState",
    "is_online": "onLine",
    "user_agent": "userAgent",
    "is_persisted": "persisted",
}
_TYPES: Final[Mapping[str, frozenset[str]]] = {
    **dict.fromkeys(("connId", "sessionId", "url", "reason", "visibilityState", "userAgent", "clientIp"), _TEXT),
    **dict.fromkeys(("wasClean", "onLine", "persisted"), _FLAG),
    **dict.fromkeys(("code", "attempt"), _WHOLE),
    **dict.fromkeys(_TIMES.values(), _NUMBER),
}


class OwnColumns:
    """How our own records of one template are read."""

    is_note: Final = False

    def __init__(self, template: Template) -> None:
        """Check the types.

        Raises:
            Unfit: If one of these records may be another's by its types.
        """
        self._template = template
        if any(
            template.types.get((key,), "object") not in types for key, types in _TYPES.items() if key in template.keys
        ):
            raise Unfit
        is_close = template.literal(("event",)) == "ws_close"
        self._reading = Reading(template)
        read = {key for key in _TYPES if template.dtype((key,)) is not None}
        value, converted = self._reading.value, self._reading.converted
        wholes = (("close_code", "code", 1000, 4999), ("attempt", "attempt", 0, 1_000_000))
        sight = value(("visibilityState",)) if "visibilityState" in read else pl.lit("visible")
        self._fields = [
            *(columns.own_us(value((key,))).alias(ours) for ours, key in _TIMES.items() if key in read),
            *(value((key,)).alias(ours) for ours, key in _AS_THEY_ARE.items() if key in read),
            *(converted((k,), columns.wholes(low, high)).alias(ours) for ours, k, low, high in wholes if k in read),
            *(converted((key,), columns.addresses).alias("client_ip") for key in read & {"clientIp"}),
            pl.lit((EventKind.CLOSE if is_close else EventKind.PAGEHIDE).value).alias("event"),
            pl.lit(0.001).alias("at_resolution_s"),
            pl.lit(value=True).alias("has_zone"),
            (~sight.is_in(["visible", "hidden"])).fill_null(value=False).alias("is_odd"),
            *(pl.lit(None, pl.Int64).alias(ours) for ours in ("opened_us", "closed_us") if _TIMES[ours] not in read),
        ]
        has_key = "openedAt" in template.keys
        is_opened = pl.col("opened_us").is_not_null() if has_key else pl.lit(None, pl.Boolean)
        is_left = pl.col("closed_us").is_null() | pl.col("is_odd")
        self._derived = [is_opened.alias("is_opened"), is_left.alias("is_left")]

    def read(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Read lines that match the template, as `client_columns.Columns` does."""
        return self._reading.read(lines).select("line", *self._fields).with_columns(self._derived)


def is_ours(template: Template, *, ignores_extra: bool) -> bool:
    """Whether a template's records are read by `own_row`.

    Raises:
        Unfit: If that is not known of all of them.
    """
    if not {"event", "closedAt"} <= template.keys or not (ignores_extra or template.keys <= _OWN_KEYS):
        return False
    if template.dtype(("event",)) == pl.String and template.literal(("event",)) is None:
        raise Unfit
    return template.literal(("event",)) in EVENTS


def _row(line: int, own: _Fields) -> dict[str, object]:
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
        "close_code": own.code if own.code is not None and 1000 <= own.code <= 4999 else None,
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
        "attempt": own.attempt if own.attempt is not None and 0 <= own.attempt <= 1_000_000 else None,
        "user_agent": own.userAgent,
        "client_ip": address(own.clientIp) if own.clientIp else None,
        "is_persisted": own.persisted,
        "at_resolution_s": 0.001,
        "has_zone": True,
    }
