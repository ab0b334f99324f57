"""The weekly report as JSON bytes, and the JSON Schema of that file; both come from the types in `weekly_result`."""

from __future__ import annotations

from typing import Any, Final

from wslog.weekly_result import REPORT_VERSION, WeeklyReport

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def dump_weekly(report: WeeklyReport) -> bytes:
    """Return *report* as indented UTF-8 JSON with a final newline; the same report gives the same bytes."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(report, order="deterministic"), indent=2) + b"\n"


def weekly_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `weekly.json`."""
    import msgspec

    return {
        "$schema": _DIALECT,
        "title": "wslog weekly report",
        "description": f"Schema version {REPORT_VERSION} of the weekly.json that wslog writes.",
        **msgspec.json.schema(WeeklyReport),
    }
