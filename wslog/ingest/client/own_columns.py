"""Our own client records of one template, read by the column: what `own.own_row` gives for each of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from wslog.ingest.client import converters
from wslog.ingest.client.decoder import Decoder
from wslog.ingest.client.fields import ATTEMPTS, CLOSE_CODES
from wslog.ingest.client.own import OWN_EVENTS, OWN_KEYS
from wslog.ingest.client.template import Template, Unfit
from wslog.schema import EventKind

_TEXT: Final = frozenset({"text", "null"})
_FLAG: Final = frozenset({"flag", "null"})
_WHOLE: Final = frozenset({"whole", "null"})
_NUMBER: Final = frozenset({"whole", "number", "null"})
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
    """How our own records of one template are read.

    Attributes:
        template: Theirs.
    """

    is_note: Final = False

    def __init__(self, template: Template) -> None:
        """Check the types.

        Raises:
            Unfit: If one of these records may be another's by its types.
        """
        self.template = template
        if any(
            template.types.get((key,), "object") not in types for key, types in _TYPES.items() if key in template.keys
        ):
            raise Unfit
        is_close = template.literal(("event",)) == "ws_close"
        self._decoder = Decoder(template)
        read = {key for key in _TYPES if template.dtype((key,)) is not None}
        value, converted = self._decoder.value, self._decoder.converted
        wholes = (("close_code", "code", CLOSE_CODES), ("attempt", "attempt", ATTEMPTS))
        sight = value(("visibilityState",)) if "visibilityState" in read else pl.lit("visible")
        self._fields = [
            *(converters.own_us(value((key,))).alias(ours) for ours, key in _TIMES.items() if key in read),
            *(value((key,)).alias(ours) for ours, key in _AS_THEY_ARE.items() if key in read),
            *(converted((key,), converters.wholes(*span)).alias(ours) for ours, key, span in wholes if key in read),
            *(converted((key,), converters.addresses).alias("client_ip") for key in read & {"clientIp"}),
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
        """Read lines that match the template, as `columns.Columns` does."""
        return self._decoder.read(lines).select("line", *self._fields).with_columns(self._derived)


def is_ours(template: Template, *, ignores_extra: bool) -> bool:
    """Whether a template's records are read by `own_row`.

    Raises:
        Unfit: If that is not known of all of them.
    """
    if not {"event", "closedAt"} <= template.keys or not (ignores_extra or template.keys <= OWN_KEYS):
        return False
    if template.dtype(("event",)) == pl.String and template.literal(("event",)) is None:
        raise Unfit
    return template.literal(("event",)) in OWN_EVENTS
