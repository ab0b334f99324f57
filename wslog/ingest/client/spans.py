"""Spans of time in seconds, out of a number whose unit is known or a text that names its own."""

from __future__ import annotations

import re
from typing import Final

from wslog.ingest.values import json_values as values

LONGEST_S: Final = 10 * 365 * 86_400.0
_UNITS: Final = {"ms": 1e-3, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3_600.0}
_PART: Final = r"(\d+(?:\.\d+)?) ?(ms|sec|s|min|m|h)"
_TEXT: Final = re.compile(rf"(?:{_PART} ?)+")
_CLOCK: Final = re.compile(r"(?:(\d{1,5}):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")


def span_of(value: object, unit_s: float) -> float | None:
    """Return a span of time in seconds: a number of *unit_s*, `1m 22.5s`, or `0:01:22.5`."""
    text = value.strip()[:40] if isinstance(value, str) else ""
    if _TEXT.fullmatch(text):
        got: float | None = sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
    elif clock := _CLOCK.fullmatch(text):
        got = float(clock[1] or 0) * 3_600 + float(clock[2]) * 60 + float(clock[3])
    else:
        found = values.number(value)
        got = None if found is None else found * unit_s
    return got if got is not None and 0 <= got <= LONGEST_S else None
