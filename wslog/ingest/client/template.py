"""The lines of one shape as a regex that proves them, and as columns: the key to reading records by the block.

A line that matches a template is valid JSON with exactly these keys in this order, each with a value of its one type or
null, no escapes, and no number that is not read exactly. So polars may read it, and cannot read it otherwise than the
exact reader. A line that is any different does not match.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.ingest.client.fields import CONTAINERS, NAMES, plain_key
from wslog.ingest.client.shape import Path, Plan, Shape, plan_of, unfolded

_MOST_NAMES: Final = 6  # a name with more values in the sample is a text
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z_.:/ \-]{0,39}")
_KEY: Final = re.compile(r"[ !#-\[\]-~]{1,100}")
_WHOLE: Final = "-?[1-9][0-9]{0,17}|0"
_NUMBER: Final = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?"
_FLAG: Final = "true|false"
_TYPES: Final[Mapping[str, pl.DataType]] = {
    "text": pl.String(),
    "whole": pl.Int64(),
    "number": pl.Float64(),
    "flag": pl.Boolean(),
}

Types = dict[Path, str]  # of each value: text, whole, number, flag, list, empty (an object), null, or = and its JSON


class Unfit(Exception):  # noqa: N818 - it says what the records are
    """Records of this shape are left to the exact reader."""


class Template(Struct, frozen=True, kw_only=True):
    """Records of one shape.

    Attributes:
        regex: Matches their lines, for polars.
        plan: Where their values stand.
        types: What stands there.
    """

    regex: str
    plan: Plan
    types: Mapping[Path, str]

    @property
    def keys(self) -> set[str]:
        """The outermost keys."""
        return {path[0] for path in self.types}

    def dtype(self, path: Path) -> pl.DataType | None:
        """Return the type of the column at a path, None if nothing can be read there."""
        kind = self.types.get(path, "null")
        if kind.startswith("="):
            return pl.String() if isinstance(self.literal(path), str) else None
        return _TYPES.get(kind)

    def literal(self, path: Path) -> object:
        """Return the value that all these records have at a path, None if they differ."""
        kind = self.types.get(path, "null")
        return json.loads(kind[1:]) if kind.startswith("=") else None


def templates_of(lines: Sequence[str], records: Sequence[Mapping[str, object]]) -> list[Template]:
    """Return the templates of some lines, that of the most lines first; shapes that do not fit are left out.

    Args:
        lines: Without blanks around them.
        records: The same, read.
    """
    groups: dict[tuple[Shape, bool], list[Mapping[str, object]]] = {}
    for line, record in zip(lines, records, strict=True):
        read, shape = unfolded(record)
        if read is record and record:  # no JSON inside a string
            groups.setdefault((shape, line.isascii()), []).append(record)
    templates: list[Template] = []
    for (shape, is_ascii), alike in sorted(groups.items(), key=lambda group: -len(group[1])):
        try:
            templates += _templates(alike, plan_of(shape), is_ascii=is_ascii)
        except Unfit:
            continue
    return templates


def _templates(alike: Sequence[Mapping[str, object]], plan: Plan, *, is_ascii: bool) -> Iterator[Template]:
    """Make the templates of records of one shape: one for each name that an event has.

    Whole numbers and fractions are taken together, and then apart: one fraction may spoil what is a text elsewhere.
    """
    rows = [dict(_leaves(record)) for record in alike]
    signatures = [tuple((path, _type(value)) for path, value in row.items()) for row in rows]
    usual = dict(Counter(signatures).most_common(1)[0][0])
    first = alike[signatures.index(tuple(usual.items()))]
    mixed, others = _merged(usual, rows, mixes=True)
    yield from _named(first, mixed, others, plan, is_ascii=is_ascii)
    apart, others = _merged(usual, rows, mixes=False)
    if apart != mixed:
        yield from _named(first, apart, others, plan, is_ascii=is_ascii)


def _merged(usual: Types, rows: Sequence[dict[Path, object]], *, mixes: bool) -> tuple[Types, list[dict[Path, object]]]:
    """Return the types of all rows that agree with the usual ones, and those rows."""
    types, agreeing = usual, []
    for row in rows:
        both = {path: _either(types.get(path, ""), _type(value), mixes=mixes) for path, value in row.items()}
        if row.keys() == types.keys() and all(both.values()):
            types = both
            agreeing.append(row)
    return types, agreeing


def _named(
    first: Mapping[str, object], types: Types, rows: Sequence[dict[Path, object]], plan: Plan, *, is_ascii: bool
) -> Iterator[Template]:
    if any(types[path] == "list" and path[-1] == "data" and (*path[:-1], "type") in types for path in types):
        raise Unfit  # may be a Buffer, which is a text
    for names in _names(types, rows, plan):
        named = types | {path: "=" + json.dumps(name) for path, name in names.items()}
        regex = _object(first, (), named, is_ascii=is_ascii)
        yield Template(regex=f"{'(?-u)' if is_ascii else ''}^{regex}$", plan=plan, types=named)


def _leaves(record: Mapping[str, object], path: Path = ()) -> Iterator[tuple[Path, object]]:
    for key, value in record.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, (*path, key))
        else:
            yield (*path, key), value


def _type(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "flag"
    return {str: "text", int: "whole", float: "number", list: "list", dict: "empty"}[type(value)]


def _either(one: str, other: str, *, mixes: bool) -> str:
    """Return the type of values of two types, empty if there is none."""
    if one == other:
        return one
    if "null" in {one, other} and "empty" not in {one, other}:
        return other if one == "null" else one
    return "number" if mixes and {one, other} == {"whole", "number"} else ""


def _names(types: Types, rows: Sequence[Mapping[Path, object]], plan: Plan) -> list[dict[Path, object]]:
    """Return the combinations of names in *rows*, where they are few: they become part of the template."""
    few: list[Path] = []
    for path in dict.fromkeys(path for name in NAMES for path in plan.keys.get(name, ())):
        found = {row.get(path) for row in rows} if types.get(path) == "text" else set()
        if 0 < len(found) <= _MOST_NAMES and all(_NAME.fullmatch(str(name)) for name in found):
            few.append(path)
    distinct = {tuple(row[path] for path in few) for row in rows}
    return [dict(zip(few, names, strict=True)) for names in sorted(distinct, key=repr)]


def _object(record: Mapping[str, object], path: Path, types: Types, *, is_ascii: bool) -> str:
    """Return the regex of an object."""
    items = []
    for key, value in record.items():
        if not _KEY.fullmatch(key) or key.startswith("$"):  # an object that may stand for a value
            raise Unfit
        if isinstance(value, dict):
            item = _object(value, (*path, key), types, is_ascii=is_ascii)
        else:
            item = _value(types[*path, key], is_container=plain_key(key) in CONTAINERS, is_ascii=is_ascii)
        items.append(f'"{re.escape(key)}": ?{item}')
    return rf"\{{{', ?'.join(items)}\}}"


def _value(kind: str, *, is_container: bool, is_ascii: bool) -> str:
    """Return the regex of a value; a text in a container may be JSON, and is not read as such here."""
    if kind.startswith("="):
        return re.escape(kind[1:])
    letter = r"[ !#-\[\]-~]" if is_ascii else r'[^"\\\x00-\x1f]'
    first = r"[!#-\[\]-z|}~]" if is_ascii else r'[^"\\\x00-\x1f\s{]'
    text = f'"(?:{first}{letter}*)?"' if is_container else f'"{letter}*"'
    if kind == "list":
        item = f'(?:"{letter}*"|{_NUMBER}|{_FLAG}|null)'
        return rf"(?:\[(?:{item}(?:, ?{item})*)?\]|null)"
    return f"(?:{ {'text': text, 'whole': _WHOLE, 'number': _NUMBER, 'flag': _FLAG, 'null': 'null'}[kind] }|null)"
