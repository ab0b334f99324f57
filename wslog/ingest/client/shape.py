"""Where a record's values stand, found out once for all records of one shape.

The records of a file have a handful of shapes (which keys, nested how). The search through aliases and containers is
done on the shape; a record then costs one look-up a field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from msgspec import Struct

from wslog.ingest.client.fields import CONTAINERS, FIELDS_OF, inner, plain_key

Shape = tuple["str | tuple[str, Shape]", ...]  # keys in order; with what is below them where the value is an object
Path = tuple[str, ...]

_MAX_DEPTH: Final = 5
_MAX_KEYS: Final = 2_000
_INNER_DEPTH: Final = 3  # JSON inside strings is looked for down to here


class Plan(Struct, frozen=True):
    """Where values stand in the records of one shape.

    Attributes:
        keys: Plain key → where, the outermost first.
        ours: Our field → (plain key, where), the surest name first.
    """

    keys: Mapping[str, tuple[Path, ...]]
    ours: Mapping[str, tuple[tuple[str, Path], ...]]


def value_at(record: Mapping[str, object], path: Path) -> object:
    """Return the value at a path that exists."""
    value: object = record
    for key in path:
        value = value[key]  # type: ignore[index]  # the plan was made from a record of this shape
    return value


def unfolded(record: Mapping[str, object], depth: int = 0) -> tuple[Mapping[str, object], Shape]:
    """Return a record with the JSON that stands inside its strings read, and its shape."""
    read = record
    shape: list[str | tuple[str, Shape]] = []
    for key, value in record.items():
        below = value
        if type(value) is str and (value[:1] == "{" or value[:1].isspace()):
            below = inner(value) if depth < _INNER_DEPTH and plain_key(key) in CONTAINERS else value
        if isinstance(below, dict) and depth < _MAX_DEPTH - 1:
            below, shape_below = unfolded(below, depth + 1)
            shape.append((key, shape_below))
        else:
            shape.append(key)
        if below is not value:
            read = {**read, key: below}
    return read, tuple(shape)


@lru_cache(maxsize=512)
def plan_of(shape: Shape) -> Plan:
    """Find every value of a shape under its plain keys."""
    keys: dict[str, list[Path]] = {}
    for n_keys, (plain, path) in enumerate(_places(shape)):
        if n_keys >= _MAX_KEYS:
            break
        for name in plain:
            keys.setdefault(name, []).append(path)
    ours: dict[str, list[tuple[int, str, Path]]] = {}
    for name, paths in keys.items():
        for field, rank in FIELDS_OF.get(name, ()):
            ours.setdefault(field, []).extend((rank, name, path) for path in paths)
    ranked = {field: sorted(places, key=lambda place: place[0]) for field, places in ours.items()}
    return Plan(
        {name: tuple(paths) for name, paths in keys.items()},
        {field: tuple((name, path) for _, name, path in places) for field, places in ranked.items()},
    )


def _places(shape: Shape) -> Iterator[tuple[tuple[str, ...], Path]]:
    """Yield the plain names of every value and where it stands, level by level."""
    level: list[tuple[str, bool, Path, Shape]] = [("", True, (), shape)]
    while level:
        below: list[tuple[str, bool, Path, Shape]] = []
        for prefix, is_open, path, items in level:
            for item in items:
                raw_key = item if isinstance(item, str) else item[0]
                key = plain_key(raw_key)
                own = (key,) if is_open or not prefix else ()
                yield (*own, prefix + key) if prefix else own, (*path, raw_key)
                if not isinstance(item, str):
                    below.append((key, is_open and key in CONTAINERS, (*path, raw_key), item[1]))
        level = below


def spread(record: Mapping[str, object]) -> dict[str, list[object]]:
    """Return every value of a record under its plain keys, the outermost first."""
    read, shape = unfolded(record)
    return {key: [value_at(read, path) for path in paths] for key, paths in plan_of(shape).keys.items()}
