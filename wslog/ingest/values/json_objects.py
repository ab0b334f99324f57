"""Objects out of untrusted JSON, whatever stands where one is expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wslog.ingest.values.json_values import load

Record = dict[str, Any]
Whole = Mapping[str, Any]


def object_of(value: object) -> Record:
    """Return an object, also one that stands in a text; anything else is an empty one."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = load(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[Record]:
    """Return the objects of a list; there are none in anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def without_nothing(record: Record) -> Record:
    """Leave out what is null."""
    return {key: value for key, value in record.items() if value is not None}
