"""A record that carries a log line, with the line where an envelope has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from wslog.ingest.values.json_objects import Record, Whole, without_nothing

_DEEPEST: Final = 3
_TIMES: Final = ("timestamp", "@timestamp", "time", "_time", "date", "timegenerated", "__realtime_timestamp", "ts")
_LINES: Final = frozenset((
    "message", "@message", "msg", "log", "line", "_raw", "textpayload", "full_message", "short_message",
    "logentry", "logmessage", "original", "body", "text",
))  # fmt: skip


def with_line(record: Record) -> Record:
    """Return a record that carries a log line with the line as `message`, wherever and whatever it is called there."""
    line = max(_lines_in(record), key=len, default="")
    if not line or record.get("message") == line:
        return record
    at = next((str(value) for name in _TIMES for key, value in record.items() if key.lower() == name), None)
    return record | without_nothing({"message": line, "timestamp": at})


def _lines_in(record: Whole, depth: int = 0) -> Iterator[str]:
    for key, value in record.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _lines_in(value, depth + 1)
        elif key.lower() not in _LINES:
            continue
        elif isinstance(value, str):
            yield value.removesuffix("\n")
        elif isinstance(value, list) and all(isinstance(byte, int) and 0 <= byte < 256 for byte in value):
            yield bytes(value).decode("utf-8", "replace")  # how journalctl prints what is no UTF-8 or has escapes
