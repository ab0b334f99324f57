"""Values out of untrusted JSON: objects, instants, booleans, whole numbers and text, or None; never an exception.

Everything may be a string (`"1006"`, `"false"`), a time may be in s, ms, µs or ns, a number may be 1e400.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from email.utils import parsedate_to_datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

FIRST_US: Final = 946_684_800_000_000  # 2000-01-01
LAST_US: Final = 4_102_444_800_000_000  # 2100-01-01
OUT_OF_RANGE: Final = "time out of range"
NOT_A_TIME: Final = "a time that cannot be read"

_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_ISO: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))? ?(Z|UTC|GMT|[+-]\d\d:?\d\d|[+-]\d\d)?"
)
_DATE_TO_STRING: Final = re.compile(r"\w{3} (\w{3} \d\d \d{4} \d\d:\d\d:\d\d) GMT([+-]\d{4})")
# The unit of an epoch follows from its size: below the bound one of it is so many microseconds. To multiply by, since a
# division is not the same to the last bit in every library.
UNITS: Final = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (math.inf, 1e-3))
RESOLUTIONS_S: Final = {1e6: 1.0, 1e3: 1e-3, 1.0: 1e-6, 1e-3: 1e-6}
TOO_SMALL: Final = 1e8  # no epoch of our days: a DOM timeStamp (ms since the page opened), zero, a counter
TOO_BIG: Final = 1e22
_BSON: Final = frozenset({"$date", "$numberLong"})  # how MongoDB's extended JSON writes a time
TRUE: Final = frozenset({"true", "1", "yes", "y", "on"})
FALSE: Final = frozenset({"false", "0", "no", "n", "off"})


class Instant(Struct, frozen=True):
    """A time: microseconds since the epoch, how fine it was written, and whether it named its zone."""

    us: int
    resolution_s: float
    has_zone: bool


def load(text: str) -> object:
    """Read one JSON value.

    Raises:
        ValueError: If it is not JSON, or nested beyond reason.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        pass
    try:
        return json.loads(text)  # also reads NaN, 1e400 and lone surrogates
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def number(value: object) -> float | None:
    """Return a finite number, also out of a string; booleans are none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) < 64 and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, int):
        return float(value) if abs(value) < 10**18 * 1_000 else None
    return value if isinstance(value, float) and math.isfinite(value) else None


def whole(value: object, low: int, high: int) -> int | None:
    """Return a whole number within [low, high], also out of a string or a float without fraction."""
    found = number(value)
    if found is None or found != math.floor(found) or not low <= found <= high:
        return None
    return int(found)


def flag(value: object) -> bool | None:
    """Return a boolean; `"false"`, `"0"` and 0 are false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip().lower() if isinstance(value, str) else ""
    return True if word in TRUE else False if word in FALSE else None


def text(value: object) -> str | None:
    """Return text (lone surrogates as U+FFFD), a number as text, a Node Buffer's bytes decoded; anything else: None."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else None
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else None
    if isinstance(value, dict) and value.get("type") == "Buffer" and isinstance(value.get("data"), list):
        return _buffer(value["data"])
    return None


def _buffer(data: list[object]) -> str | None:
    if all(isinstance(byte, int) and 0 <= byte <= 255 for byte in data):
        return bytes(byte for byte in data if isinstance(byte, int)).decode("utf-8", errors="replace")
    return None


def _from_number(value: float) -> Instant | str | None:
    if abs(value) < TOO_SMALL:
        return None
    if abs(value) >= TOO_BIG:
        return OUT_OF_RANGE
    unit_us = next(unit for bound, unit in UNITS if abs(value) < bound)
    us = round(value * unit_us)
    if not FIRST_US <= us < LAST_US:
        return OUT_OF_RANGE
    is_fraction = unit_us == 1e6 and value != math.floor(value)
    return Instant(us, 0.001 if is_fraction else RESOLUTIONS_S[unit_us], has_zone=True)


def _from_text(value: str, zone: ZoneInfo | None) -> Instant | str | None:
    has_zone, digits, coarse_s = True, "", 1.0
    try:
        if found := _ISO.fullmatch(value):
            day, clock, digits, offset = found[1], found[2], found[3] or "", found[4]
            has_zone = offset is not None
            coarse_s = 1.0 if clock.count(":") == 2 else 60.0
            clock = f"{day}T{clock}.{digits[:6].ljust(6, '0')}" if coarse_s == 1.0 else f"{day}T{clock}"
            moment = dt.datetime.fromisoformat(clock + ("Z" if offset in {"UTC", "GMT"} else offset or ""))
        elif found := _DATE_TO_STRING.match(value):
            moment = dt.datetime.strptime(f"{found[1]} {found[2]}", "%b %d %Y %H:%M:%S %z")
        else:
            moment = parsedate_to_datetime(value)
            has_zone = moment.tzinfo is not None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone or dt.UTC)
        us = (moment - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(microseconds=1)
    except (ValueError, TypeError, OverflowError, IndexError):
        return NOT_A_TIME
    if not FIRST_US <= us < LAST_US:
        return OUT_OF_RANGE
    return Instant(us, 10.0 ** -min(len(digits), 6) if digits else coarse_s, has_zone=has_zone)


def instant(value: object, zone: ZoneInfo | None = None) -> Instant | str | None:
    """Read a time: an epoch in s, ms, µs or ns (by its size, also as a string), ISO 8601, or the forms of `Date`.

    Args:
        value: Anything.
        zone: The zone of texts that name none; None reads them as UTC.

    Returns:
        The instant; the reason as text if it is a time that cannot be used; None if it is no time at all.
    """
    while isinstance(value, dict) and len(value) == 1 and not _BSON.isdisjoint(value):
        value = next(iter(value.values()))
    found = number(value)
    if found is not None:
        return _from_number(found)
    if isinstance(value, float) or (isinstance(value, int) and not isinstance(value, bool)):
        return OUT_OF_RANGE  # NaN, infinity, or hundreds of digits
    if not isinstance(value, str) or value.strip() in {"", "-", "null", "undefined"}:
        return None
    return _from_text(value.strip()[:64], zone)
