"""A time zone by its IANA name, if both clocks that wslog reckons with know it: Python's and polars'."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from wslog.errors import OptionError


def zone_named(name: str, *, option: str = "--tz") -> ZoneInfo:
    """Return the zone of that name.

    Files beside the database that Python takes for zones, such as `localtime` or `right/UTC`, are none: polars has the
    database built in, and no file.

    Args:
        name: As the user wrote it.
        option: Where, for the error.

    Raises:
        OptionError: If there is none.
    """
    try:
        zone = ZoneInfo(name)
        pl.Series([], dtype=pl.Datetime(time_zone=name))
    except (ZoneInfoNotFoundError, ValueError, OSError, pl.exceptions.ComputeError):
        raise OptionError(
            f"there is no time zone {name!r}", where=option, mend="Write an IANA name such as Europe/Berlin."
        ) from None
    return zone
