"""One JSON object of a client log → one close record, a pagehide, something of no concern, or a reason to reject it.

This is the exact way, and so what `columns.py` must come to for columns of records.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from wslog.ingest.client.fields import ALIASES, ATTEMPTS, CLOSE_CODES, NAMES, SPANS, at_path
from wslog.ingest.client.names import CODE_TEXT, WS_WORD, kind_of_name
from wslog.ingest.client.shape import Path, Plan, plan_of, unfolded, value_at
from wslog.ingest.client.spans import span_of
from wslog.ingest.values import json_values as values
from wslog.schema import EventKind

T = TypeVar("T")

TRACE_ROOT: Final = r"(?i)(?:^|Root=)(1-[0-9a-f]{8}-[0-9a-f]{24})"
SURE_CODES: Final = tuple(name for name in ALIASES["close_code"] if name not in {"code", "statuscode"})


class Rules(Struct, frozen=True, kw_only=True):
    """How to read the records of one file.

    Attributes:
        paths: Our field → their dotted path, from `--client-field`; it wins over the alias tables.
        zone: Zone of times that name none; None: read as UTC.
        span_unit_s: Seconds in one of a span whose key names no unit (`duration`).
        ignores_extra: Keys that our own record does not have are of no concern in this file.
    """

    paths: Mapping[str, str] = field(default_factory=dict)
    zone: ZoneInfo | None = None
    span_unit_s: float = 1e-3
    ignores_extra: bool = False

    def unit_s(self, ours: str, name: str) -> float:
        """Return the seconds in one of a span: *ours* is its field, *name* their key or path."""
        if ours in self.paths:
            units = (u for names in SPANS.values() for n, u in names.items() if name.lower().endswith(n))
            return next(units, None) or self.span_unit_s
        return SPANS[ours][name] or self.span_unit_s


class NotARecord(Exception):  # noqa: N818 - it says what the line is
    """The line cannot become an event; the message says why."""


class _Reader(Struct, frozen=True):
    """A record's values by our names."""

    record: Mapping[str, object]
    read: Mapping[str, object]  # the same with the JSON in its strings read
    plan: Plan
    rules: Rules

    def places(self, ours: str) -> Iterator[tuple[str, object]]:
        """Yield their key and what may be the value, the likeliest first."""
        if ours in self.rules.paths:
            path = self.rules.paths[ours]
            yield path, at_path(self.record, path)
            return
        for key, where in self.plan.ours.get(ours, ()):
            yield key, self.read[where[0]] if len(where) == 1 else value_at(self.read, where)

    def closing_times(self) -> Iterator[object]:
        """Return what may be the time of the close; around JSON inside a text stands its collector's time."""
        if "closed_at" in self.rules.paths or self.read is self.record:
            return (value for _, value in self.places("closed_at"))
        places = [where for _, where in self.plan.ours.get("closed_at", ())]
        return (value_at(self.read, where) for where in sorted(places, key=self._is_in_text, reverse=True))

    def _is_in_text(self, where: Path) -> bool:
        value: object = self.record
        for key in where[:-1]:
            value = value.get(key) if isinstance(value, Mapping) else None
        return not isinstance(value, Mapping)

    def under(self, key: str) -> list[object]:
        """Return all values under a plain key."""
        return [value_at(self.read, where) for where in self.plan.keys.get(key, ())]

    def first(self, ours: str, convert: Callable[[object], T | None]) -> T | None:
        """Return the first candidate that converts."""
        for _, value in self.places(ours):
            if (got := convert(value)) is not None:
                return got
        return None

    def us(self, ours: str) -> int | None:
        """Return an instant in microseconds; one that cannot be used counts as absent."""
        for _, value in self.places(ours):
            got = values.instant(value, self.rules.zone)
            if isinstance(got, values.Instant):
                return got.us
        return None

    def span_s(self, ours: str) -> float | None:
        """Return a span of time in seconds."""
        for name, value in self.places(ours):
            if (got := span_of(value, self.rules.unit_s(ours, name))) is not None:
                return got
        return None


def _reader(record: Mapping[str, object], rules: Rules) -> _Reader:
    read, shape = unfolded(record)
    return _Reader(record, read, plan_of(shape), rules)


def _code(value: object) -> int | None:
    return values.whole(value, *CLOSE_CODES)


def _root_of_trace(value: object) -> str | None:
    """Return the Root part of an X-Amzn-Trace-Id."""
    found = re.search(TRACE_ROOT, values.text(value) or "")
    return found[1] if found else None


def address(value: object) -> str | None:
    """Return an IP address in its usual form, without brackets, or None."""
    text = (values.text(value) or "").strip().strip("[]").removeprefix("::ffff:")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _names(reader: _Reader) -> list[str]:
    if "event" in reader.rules.paths:
        return [values.text(at_path(reader.record, reader.rules.paths["event"])) or ""]
    return [value for name in NAMES for value in reader.under(name) if isinstance(value, str)]


def kind_of(record: Mapping[str, object], rules: Rules) -> EventKind:
    """Say whether a record is a close, a pagehide or (`NOTE`) something else."""
    return _kind(_reader(record, rules))


def _kind(reader: _Reader) -> EventKind:
    if not reader.record:
        return EventKind.CLOSE  # what JSON.stringify makes of the `ws` package's CloseEvent
    names = _names(reader)
    kinds = {kind_of_name(name) for name in names}
    if EventKind.PAGEHIDE in kinds or EventKind.CLOSE in kinds:
        return EventKind.PAGEHIDE if EventKind.PAGEHIDE in kinds else EventKind.CLOSE
    if EventKind.OPEN in kinds and reader.first("connection_id", values.text) is not None:
        return EventKind.OPEN
    if EventKind.OPEN in kinds or EventKind.NOTE in kinds:
        return EventKind.NOTE
    return EventKind.CLOSE if _holds_a_close(reader, names) else EventKind.NOTE


def _holds_a_close(reader: _Reader, names: list[str]) -> bool:
    """Whether a record without a telling name has what only a close record has."""
    if reader.first("was_clean", values.flag) is not None or "istrusted" in reader.plan.keys:
        return True
    if any(_code(value) is not None for name in SURE_CODES for value in reader.under(name)):
        return True
    if reader.first("close_code", _code) is None:
        return False
    if "close_code" in reader.rules.paths:
        return True
    url = reader.first("url", values.text) or ""
    has_hint = url.startswith(("ws:", "wss:")) or "reason" in reader.plan.keys or any(map(WS_WORD.search, names))
    return has_hint or not (set(NAMES) & set(reader.plan.keys))


def _url(reader: _Reader) -> str | None:
    """The WebSocket's URL rather than the page's, where a record has both."""
    urls = [text for _, value in reader.places("url") if (text := values.text(value))]
    return next((url for url in urls if url.startswith(("ws:", "wss:"))), urls[0] if urls else None)


def _closed(reader: _Reader) -> values.Instant | None:
    problem = None
    for value in reader.closing_times():
        got = values.instant(value, reader.rules.zone)
        if isinstance(got, values.Instant):
            return got
        problem = problem or got
    if problem is not None:
        raise NotARecord(problem)
    return None


def _code_and_reason(reader: _Reader) -> dict[str, object]:
    code, reason = reader.first("close_code", _code), reader.first("close_reason", values.text)
    if code is None and (told := next(filter(None, map(CODE_TEXT.search, _names(reader))), None)):
        code, reason = _code(told[1]), reason or told[2]
    return {"close_code": code, "close_reason": reason}


def _visibility(reader: _Reader) -> str | None:
    word = reader.first("visibility", values.text)
    if word is not None and word.lower() in {"visible", "hidden"}:
        return word.lower()
    hidden = reader.first("is_hidden", values.flag)
    return None if hidden is None else "hidden" if hidden else "visible"


def _opening(reader: _Reader, created_us: int | None, closed_us: int | None) -> tuple[int | None, bool | None]:
    """Return when it opened and whether it did, from a time, a flag, a time to open, or how long it was open."""
    opened_us = reader.us("opened_at")
    is_opened = reader.first("is_opened", values.flag)
    if is_opened is False:
        return None, False
    after_s = reader.span_s("open_after")
    duration_s = reader.span_s("duration")
    if opened_us is None and created_us is not None and after_s is not None:
        opened_us = created_us + round(after_s * 1e6)
    elif opened_us is None and closed_us is not None and duration_s is not None:
        return closed_us - round(duration_s * 1e6), is_opened  # the record may count from the constructor
    if opened_us is not None:
        return opened_us, True
    if is_opened is None and any(name in reader.plan.keys for name in ALIASES["opened_at"]):
        return None, False  # the key is there and holds no time
    return None, is_opened


def read_record(record: Mapping[str, object], rules: Rules) -> dict[str, object]:
    """Return a record's values by our names; times in microseconds as `*_us`.

    Raises:
        NotARecord: If its time cannot be used.
    """
    reader = _reader(record, rules)
    kind = _kind(reader)
    if kind is EventKind.NOTE:
        return {"event": kind.value}
    closed = _closed(reader)
    created_us = reader.us("created_at")
    duration_s = reader.span_s("duration")
    closed_us = closed.us if closed else None
    if closed_us is None and duration_s is not None and (opened_us := reader.us("opened_at")) is not None:
        closed_us = opened_us + round(duration_s * 1e6)
    opened_us, is_opened = _opening(reader, created_us, closed_us)
    if kind is EventKind.OPEN:
        opened_us, closed_us, is_opened = closed_us, None, True
    received_us, sent_us = reader.us("last_received_at"), reader.us("last_sent_at")
    if received_us is None and sent_us is None:
        # Either direction: there is no column for that, and only the later of the two counts for idleness.
        idle_s = reader.span_s("idle")
        received_us = reader.us("last_activity_at")
        if received_us is None and idle_s is not None and closed_us is not None:
            received_us = closed_us - round(idle_s * 1e6)
    return {
        "event": kind.value,
        "connection_id": reader.first("connection_id", values.text),
        "session_id": reader.first("session_id", values.text),
        "trace_id": reader.first("trace_id", _root_of_trace),
        "request_id": reader.first("request_id", values.text),
        "url": _url(reader),
        **_code_and_reason(reader),
        "was_clean": reader.first("was_clean", values.flag),
        "created_us": created_us,
        "opened_us": opened_us,
        "is_opened": is_opened,
        "closed_us": closed_us,
        "at_resolution_s": closed.resolution_s if closed else None,
        "has_zone": closed.has_zone if closed else None,
        "last_sent_us": sent_us,
        "last_received_us": received_us,
        "close_called_us": reader.us("close_called_at"),
        "hidden_us": reader.us("hidden_at"),
        "visibility": _visibility(reader),
        "is_online": reader.first("is_online", values.flag),
        "is_persisted": reader.first("is_persisted", values.flag),
        "attempt": reader.first("attempt", lambda value: values.whole(value, *ATTEMPTS)),
        "user_agent": reader.first("user_agent", values.text),
        "client_ip": reader.first("client_ip", address),
    }
