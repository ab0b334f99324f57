"""What to change, cause by cause: instructions and lines to paste, read from `mends.toml`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from wslog.errors import KnowledgeError
from wslog.knowledge.loader import check_keys, choice, entry_id, read_tables, text
from wslog.schema import Cause, Tier

BUILT_IN: Final = Path(__file__).with_name("mends.toml")
MAX_TITLE: Final = 110


class Mend(Struct, frozen=True, kw_only=True):
    """One thing to change.

    Attributes:
        id: Unique, kebab-case, never reused.
        causes: The causes it speaks to; empty for mends that only make the next analysis better.
        tier: The tier at fault that it is for; None: any.
        title: A complete short instruction, one sentence of at most `MAX_TITLE` characters when filled.
        text: Why, and what else to do, in one to three sentences. Both may hold placeholders.
        config: The lines to paste; empty: none. May hold placeholders.
        is_observability: It prevents nothing but makes the next answer better.
        statuses: HTTP statuses of a failed handshake that it is for; empty: any.
        timeout_ids: Timers of the knowledge base that it is for; empty: any.
        evidence: Words that a finding's evidence must have for it; empty: none.
        replaces: Id of a more general mend that it stands in for; empty: none.
    """

    id: str
    causes: tuple[Cause, ...]
    tier: Tier | None
    title: str
    text: str
    config: str
    is_observability: bool
    statuses: tuple[int, ...] = ()
    timeout_ids: tuple[str, ...] = ()
    evidence: str = ""
    replaces: str = ""

    @property
    def instruction(self) -> str:
        """Title and text as `Advice.text` holds them: the first sentence alone is a complete instruction."""
        return f"{self.title} {self.text}"


@cache
def load_mends() -> tuple[Mend, ...]:
    """Return every mend, in the order of the file: the first of a cause is the one to try first.

    Raises:
        KnowledgeError: If the file breaks its own form.
    """
    return read_mends(BUILT_IN)


def read_mends(path: Path) -> tuple[Mend, ...]:
    """Return the mends of one file, in its order.

    Raises:
        KnowledgeError: If the file cannot be read or an entry breaks the form; `where` is `file: id`.
    """
    found: dict[str, Mend] = {}
    for nth, entry in enumerate(read_tables(path, "mend"), start=1):
        key = entry_id(entry, nth=nth, path=path, seen=found)
        found[key] = _mend(entry, where=f"{path}: {key}")
    return tuple(found.values())


def mends_for(
    mends: Iterable[Mend],
    cause: Cause,
    *,
    tier: Tier | None = None,
    status: int | None = None,
    timeout_ids: Iterable[str] = (),
    evidence: Iterable[str] = (),
) -> tuple[Mend, ...]:
    """Return the mends that speak to a cause, the most specific first, then in the order given.

    A mend for other tiers, statuses or timers than the ones named is left out. Tier None or `unknown`: the fault may
    lie anywhere, so mends of every tier count; a mend for statuses, timers or evidence needs one of them named.
    """
    timers = set(timeout_ids)
    lines = tuple(evidence)
    is_open = tier is None or tier is Tier.UNKNOWN
    fitting = [
        mend
        for mend in mends
        if cause in mend.causes
        and (is_open or mend.tier in {None, tier})
        and (not mend.statuses or status in mend.statuses)
        and (not mend.timeout_ids or timers & set(mend.timeout_ids))
        and (not mend.evidence or any(mend.evidence in line for line in lines))
    ]
    replaced = {mend.replaces for mend in fitting}
    fitting = [mend for mend in fitting if mend.id not in replaced]
    # Sorting is stable: what is equally specific stays in the order given.
    return tuple(sorted(fitting, key=lambda m: (not (m.statuses or m.timeout_ids), tier is None or m.tier is not tier)))


def _mend(entry: Mapping[str, Any], *, where: str) -> Mend:
    check_keys(
        entry,
        required=("id", "causes", "title", "text"),
        optional=("tier", "config", "is_observability", "statuses", "timeout_ids", "evidence", "replaces"),
        where=where,
    )
    causes = tuple(choice(Cause, name, key="causes", where=where) for name in _many(entry, "causes", str, where=where))
    is_observability = entry.get("is_observability", False)
    if not isinstance(is_observability, bool):
        raise KnowledgeError(
            f"`is_observability` cannot be {is_observability!r}", where=where, mend="Use true or false."
        )
    if not causes and not is_observability:
        raise KnowledgeError("it speaks to no cause", where=where, mend="Name at least one in `causes`.")
    tier = entry.get("tier")
    return Mend(
        id=entry["id"],
        causes=causes,
        tier=None if tier is None else choice(Tier, tier, key="tier", where=where),
        title=text(entry, "title", where=where, is_required=True),
        text=text(entry, "text", where=where, is_required=True),
        config=text(entry, "config", where=where),
        is_observability=is_observability,
        statuses=tuple(_many(entry, "statuses", int, where=where)),
        timeout_ids=tuple(_many(entry, "timeout_ids", str, where=where)),
        evidence=text(entry, "evidence", where=where),
        replaces=text(entry, "replaces", where=where),
    )


def _many(entry: Mapping[str, Any], key: str, kind: type, *, where: str) -> list[Any]:
    values = entry.get(key, [])
    if not isinstance(values, list) or not all(type(value) is kind for value in values):
        noun = "numbers" if kind is int else "texts"
        raise KnowledgeError(f"`{key}` must be a list of {noun}", where=where, mend=f"Write {key} = [ … ].")
    return values
