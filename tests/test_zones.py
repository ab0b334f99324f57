"""Zones by name."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import polars as pl
import pytest

from wslog.errors import OptionError
from wslog.zones import zone_named


@pytest.mark.parametrize("name", ["Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires", "EST5EDT", "Asia/Calcutta"])
def test_a_zone_by_name(name: str) -> None:
    """IANA names are zones, old ones too; both clocks know what is one."""
    assert zone_named(name).key == name
    assert pl.Series([None], dtype=pl.Datetime(time_zone=name)).dt.convert_time_zone("UTC").len() == 1


@pytest.mark.parametrize("name", ["Berlin", "", "../etc/passwd", "Europe", "\0", "\udcff", "x" * 5000])
def test_no_zone_is_an_error(name: str) -> None:
    """Neither a typo nor a path nor a folder of zones is a zone; the error names the option."""
    with pytest.raises(OptionError, match="there is no time zone") as caught:
        zone_named(name, option="--tz")
    assert caught.value.where == "--tz"


def test_a_file_beside_the_database_is_no_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python takes any file there for a zone, such as `localtime` or `right/UTC`; polars fails at the first line."""
    zone = ZoneInfo("UTC")
    monkeypatch.setattr("wslog.zones.ZoneInfo", lambda _name: zone)
    with pytest.raises(OptionError, match="there is no time zone 'right/UTC'"):
        zone_named("right/UTC")
