"""Timers read from TOML: the built-in file, with a team's own file laid over it.

The form is strict, because a misspelt key in a file of one's own would otherwise be a timer that silently never fits.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

from wslog.errors import KnowledgeError
from wslog.knowledge.model import Timeout, TimerKind
from wslog.knowledge.tolerance import tolerance_s
from wslog.schema import Tier

BUILT_IN: Final = Path(__file__).with_name("timeouts.toml")

REQUIRED: Final = ("id", "tier", "kind", "resets_on", "mend", "source", "checked")
OPTIONAL: Final = ("product", "setting", "default_s", "closes", "trace", "is_verified", "example")
KIND_ALIASES: Final = {"idle": TimerKind.IDLE_ANY}  # what most people mean by it

_ID: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_TOML_LINE: Final = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_Choice = TypeVar("_Choice", bound=StrEnum)


def load_timeouts(path: Path | None = None) -> tuple[Timeout, ...]:
    """Return every known timer, sorted by id.

    Args:
        path: A team's own file in the same form: its entries are added, and one with an id of ours replaces ours.

    Raises:
        KnowledgeError: If the file cannot be read or an entry breaks the form; `where` is `file: id`.
    """
    known = {timeout.id: timeout for timeout in _built_in()}
    if path is not None:
        known |= {timeout.id: timeout for timeout in _read(path)}
    return tuple(known[key] for key in sorted(known))


def near(timeouts: Iterable[Timeout], seconds: float) -> tuple[Timeout, ...]:
    """Return the timers whose default lies within `tolerance_s` of a value, the nearest first.

    Args:
        timeouts: The timers to look through; those without a default are never near.
        seconds: The value, as observed or configured.
    """
    # Rounded, so that 60.35 - 60 is not beyond 0.35 by a rounding error of floats.
    apart = [(round(abs(t.default_s - seconds), 9), t) for t in timeouts if t.default_s is not None]
    ranked = sorted(apart, key=lambda pair: (pair[0], pair[1].id))
    return tuple(timeout for gap, timeout in ranked if gap <= tolerance_s(seconds))


def read_tables(path: Path, name: str) -> list[dict[str, Any]]:
    """Return the `[[name]]` tables of a TOML file.

    Raises:
        KnowledgeError: If the file cannot be read, is not TOML, or holds anything but such tables.
    """
    form = f"write one [[{name}]] table per entry"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise KnowledgeError(
            f"cannot be read ({error.strerror})", where=str(path), mend="Check the path and its permissions."
        ) from error
    except UnicodeDecodeError as error:
        raise KnowledgeError("is not UTF-8 text", where=str(path), mend="Save it as UTF-8.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        where, what = str(path), str(error)
        if found := _TOML_LINE.search(what):
            where, what = f"{path}:{found[1]}", what[: found.start()]
        raise KnowledgeError(f"is not valid TOML: {what}", where=where, mend=f"Mend that line; {form}.") from error
    if extra := sorted(set(document) - {name}):
        raise KnowledgeError(f"has the unknown top-level key `{extra[0]}`", where=str(path), mend=f"Remove it; {form}.")
    tables = document.get(name)
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise KnowledgeError(f"holds no [[{name}]] entry", where=str(path), mend=f"In this file, {form}.")
    return tables


def check_keys(entry: Mapping[str, Any], *, required: Iterable[str], optional: Iterable[str], where: str) -> None:
    """Raise a KnowledgeError if an entry lacks a required key or has one that the form does not know."""
    required, allowed = tuple(required), (*required, *optional)
    for key in entry:
        if key not in allowed:
            from difflib import get_close_matches

            close = get_close_matches(key, allowed, n=1)
            mend = f"Did you mean `{close[0]}`?" if close else f"Known keys: {', '.join(allowed)}."
            raise KnowledgeError(f"unknown key `{key}`", where=where, mend=mend)
    for key in required:
        if key not in entry:
            raise KnowledgeError(f"the key `{key}` is missing", where=where, mend=f"Add `{key} = …`.")


def text(entry: Mapping[str, Any], key: str, *, where: str, is_required: bool = False) -> str:
    """Return an entry's text without outer blanks, or empty if it has none.

    Raises:
        KnowledgeError: If the value is no text, or empty where it must not be.
    """
    value = entry.get(key, "")
    if not isinstance(value, str):
        raise KnowledgeError(f"`{key}` must be text, not {value!r}", where=where, mend="Put it in quotes.")
    if is_required and not value.strip():
        raise KnowledgeError(f"`{key}` is empty", where=where, mend="Say it in a few words.")
    return value.strip()


def choice(kind: type[_Choice], value: object, *, key: str, where: str) -> _Choice:
    """Return the member of a closed set that a value names.

    Raises:
        KnowledgeError: If it names none.
    """
    try:
        return kind(str(value))
    except ValueError as error:
        names = ", ".join(member.value for member in kind)
        raise KnowledgeError(f"`{key}` cannot be {value!r}", where=where, mend=f"Use one of: {names}.") from error


def entry_id(entry: Mapping[str, Any], *, nth: int, path: Path, seen: Iterable[str]) -> str:
    """Return an entry's id: kebab-case, and not in *seen*.

    Raises:
        KnowledgeError: If it is missing, malformed or taken; `where` counts the entries from 1.
    """
    value = entry.get("id")
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise KnowledgeError(
            f"the id {value!r} is not kebab-case" if value is not None else "the key `id` is missing",
            where=f"{path}: entry {nth}",
            mend='Use lower-case letters, digits and single hyphens, e.g. id = "our-gateway-idle".',
        )
    if value in seen:
        raise KnowledgeError("this id is used twice", where=f"{path}: {value}", mend="Rename or remove one of them.")
    return value


@cache
def _built_in() -> tuple[Timeout, ...]:
    return _read(BUILT_IN)


def _read(path: Path) -> tuple[Timeout, ...]:
    found: dict[str, Timeout] = {}
    for nth, entry in enumerate(read_tables(path, "timeout"), start=1):
        key = entry_id(entry, nth=nth, path=path, seen=found)
        found[key] = _timeout(entry, where=f"{path}: {key}")
    return tuple(found.values())


def _timeout(entry: Mapping[str, Any], *, where: str) -> Timeout:
    check_keys(entry, required=REQUIRED, optional=OPTIONAL, where=where)
    example = text(entry, "example", where=where)
    is_verified = entry.get("is_verified", bool(example))
    if not isinstance(is_verified, bool):
        raise KnowledgeError(f"`is_verified` cannot be {is_verified!r}", where=where, mend="Use true or false.")
    if is_verified and not example:
        raise KnowledgeError(
            "it is marked verified and has no example",
            where=where,
            mend="Add a log line or observation that it explains, or set is_verified = false.",
        )
    kind = entry["kind"]
    if not (isinstance(kind, str) and kind in KIND_ALIASES):
        kind = choice(TimerKind, kind, key="kind", where=where)
    return Timeout(
        id=entry["id"],
        product=text(entry, "product", where=where),
        tier=choice(Tier, entry["tier"], key="tier", where=where),
        setting=text(entry, "setting", where=where),
        default_s=_seconds(entry.get("default_s"), where=where),
        kind=KIND_ALIASES.get(kind, kind),
        resets_on=text(entry, "resets_on", where=where, is_required=True),
        closes=text(entry, "closes", where=where),
        trace=text(entry, "trace", where=where),
        mend=text(entry, "mend", where=where, is_required=True),
        source=text(entry, "source", where=where, is_required=True),
        checked=_day(entry["checked"], where=where),
        is_verified=is_verified,
        example=example,
    )


def _seconds(value: object, *, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise KnowledgeError(
            f"`default_s` cannot be {value!r}",
            where=where,
            mend="Give seconds as a number above 0, or leave the key out if the timer is off by default.",
        )
    return float(value)


def _day(value: object, *, where: str) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise KnowledgeError(
            f"`checked` cannot be {value!r}", where=where, mend="Give a date without quotes: checked = 2026-11-22."
        )
    return value
