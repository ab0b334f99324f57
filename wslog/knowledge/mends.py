"""What to change, cause by cause: instructions and lines to paste, read from `mends.toml`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from wslog.errors import KnowledgeError
from wslog.knowledge.loader import check_keys, choice, entry_id, read_tables, text
from wslog.schema import Cause, Tier

BUILT_IN: Final = Path(__file__).with_name("mends.toml")

# Placeholders, and what stands in the text and in the configuration for a value that is unknown or cannot be pasted.
STAND_INS: Final[Mapping[str, tuple[str, str]]] = {
    "timeout_s": ("N", "N"),
    "ping_s": ("25", "25"),
    "path": ("the WebSocket path", "/ws"),
    "timeouts": ("its present value", "N"),
    "paths": ("the WebSocket path", "the WebSocket path"),
    "upstream": ("the application", "YOUR_UPSTREAM"),
    "upstreams": ("the application", "YOUR_UPSTREAM"),
}
_PLACEHOLDER: Final = re.compile(r"\{(" + "|".join(STAND_INS) + r")\}")
# Paths and upstreams come out of logs: only what can neither end a directive nor quote its way out of one is pasted.
_PASTABLE: Final = re.compile(r"[A-Za-z0-9._~:/\[\]@%+=-]{1,200}")
MAX_PING_S: Final = 25.0
MAX_TITLE: Final = 110
# So many values a title and a text can name: (timers, paths).
_SHOWN: Final = {"title": (3, 2), "text": (6, 6)}
_MOST_UPSTREAMS: Final = 3
_LISTS: Final = frozenset({"timeouts", "paths", "upstream", "upstreams"})


class Mend(Struct, frozen=True, kw_only=True):
    """One thing to change.

    Attributes:
        id: Unique, kebab-case, never reused.
        causes: The causes it speaks to; empty for mends that only make the next analysis better.
        tier: The tier at fault that it is for; None: any.
        title: A complete short instruction, one sentence of at most `MAX_TITLE` characters when filled.
        text: Why, and what else to do, in one to three sentences. Both may hold placeholders, see `fill`.
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


def ping_interval_s(timeout_s: float) -> float:
    """Return how often to send a heartbeat under an idle timeout: two of them fit in it, and never rarer than 25 s."""
    return min(MAX_PING_S, max(1.0, math.floor(0.45 * timeout_s)))


def fill(mend: Mend, **values: object) -> Mend:
    """Return a mend with its placeholders replaced, each once and from left to right.

    Args:
        mend: The mend to fill.
        values: `timeout_s` the timer that fired, `ping_s` a heartbeat interval (left out: it follows from `timeout_s`),
            `path` from the logs; for sentences about several, the lists `timeouts` and `paths` (left out: `timeout_s`
            and `path`); `upstreams` as pairs of an address and how many drops it had, None for a lone one that had
            all. What is None, missing or not fit to be pasted into a configuration gets a stand-in. Braces that are
            no placeholder stay: nginx and JavaScript are full of them.

    Raises:
        TypeError: If a name is no placeholder.
    """
    if unknown := sorted(set(values) - (set(STAND_INS) - {"upstream"})):
        raise TypeError(f"no such placeholder: {unknown[0]}")
    timeout_s = values.get("timeout_s")
    if values.get("ping_s") is None and isinstance(timeout_s, int | float) and timeout_s > 0:
        values["ping_s"] = ping_interval_s(timeout_s)
    values.setdefault("timeouts", () if timeout_s is None else (timeout_s,))
    values.setdefault("paths", () if values.get("path") is None else (values["path"],))
    known = {name: _pastable(values.get(name)) for name in STAND_INS if name not in _LISTS}
    known |= _upstreams(values.get("upstreams"))
    listed = {**known, "paths": _listed(_each(values["paths"]), most=_SHOWN["text"][1], rest="{} more")}
    return replace(
        mend,
        title=_fill_words(mend.title, known, values, part="title"),
        text=_fill_words(mend.text, known, values, part="text"),
        config=_PLACEHOLDER.sub(lambda found: listed.get(found[1]) or STAND_INS[found[1]][1], mend.config),
    )


def _fill_words(words: str, known: Mapping[str, str], values: Mapping[str, object], *, part: str) -> str:
    """Fill a sentence in; lists in a title are cut to what one line can hold."""
    most_timers, most_paths = _SHOWN[part]
    timers = [f"{shown} s" for shown in _each(values["timeouts"])]
    here = {
        **known,
        "timeouts": _listed(timers, most=most_timers, rest="others"),
        "paths": _listed(_each(values["paths"]), most=most_paths, rest="{} more"),
    }
    return _PLACEHOLDER.sub(lambda found: here[found[1]] or STAND_INS[found[1]][0], words)


def _upstreams(values: object) -> dict[str, str]:
    """Name application servers with their drops: all that a sentence can hold, and the first with how many more."""
    pairs = [(shown, n) for name, n in values if (shown := _pastable(name))] if isinstance(values, list | tuple) else []
    if not pairs:
        return {"upstream": "", "upstreams": ""}
    first, n_first = pairs[0]
    head = first if n_first is None else f"{first} ({n_first} drop{'' if n_first == 1 else 's'})"
    names = [head, *(f"{name} ({n})" for name, n in pairs[1:_MOST_UPSTREAMS])]
    if rest := len(pairs) - len(names):
        names.append(f"{rest} more")
    more = f" and {len(pairs) - 1} more" if len(pairs) > 1 else ""
    return {"upstream": head + more, "upstreams": _listed(names, most=len(names), rest="")}


def _each(values: object) -> list[str]:
    """Return what of a list can be shown, each value once, in its order."""
    shown = (_pastable(value) for value in values) if isinstance(values, list | tuple) else ()
    return list(dict.fromkeys(value for value in shown if value))


def _listed(items: list[str], *, most: int, rest: str) -> str:
    """Join items as a sentence does; above *most* the last of them only say that there is a rest."""
    if len(items) > most:
        kept = items[: most - 1]
        items = [*kept, rest.format(len(items) - len(kept))]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def _pastable(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:.10g}" if math.isfinite(value) and value > 0 else ""
    shown = "" if value is None else str(value)
    return shown if _PASTABLE.fullmatch(shown) else ""


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
