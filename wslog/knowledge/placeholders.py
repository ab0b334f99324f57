"""A mend with what the logs say in place of its placeholders, safe to be pasted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from wslog.knowledge.mends import Mend

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
# So many values a title, and a text or a configuration, can name.
_TIMERS_IN_TITLE: Final = 3
_PATHS_IN_TITLE: Final = 2
_IN_TEXT: Final = 6
_MOST_UPSTREAMS: Final = 3


def ping_interval_s(timeout_s: float) -> float:
    """Return how often to send a heartbeat under an idle timeout: two of them fit in it, and never rarer than 25 s."""
    return min(MAX_PING_S, max(1.0, math.floor(0.45 * timeout_s)))


def fill(
    mend: Mend,
    *,
    timeout_s: float | None = None,
    path: str | None = None,
    timeouts_s: Sequence[float] = (),
    paths: Sequence[str] = (),
    ping_s: float | None = None,
    upstreams: Sequence[tuple[str, int | None]] = (),
) -> Mend:
    """Return a mend with its placeholders replaced, each once and from left to right.

    What is not known or not fit to be pasted into a configuration gets a stand-in. Braces that are no placeholder stay:
    nginx and JavaScript are full of them.

    Args:
        mend: The mend to fill.
        timeout_s: The timer that fired.
        path: Where, from the logs.
        timeouts_s: Several timers, for sentences; empty: *timeout_s*.
        paths: Several paths, for sentences; empty: *path*.
        ping_s: A heartbeat interval; None: it follows from *timeout_s*.
        upstreams: Application servers, each with how many drops it had; None for a lone one that had all.
    """
    if ping_s is None and timeout_s is not None and timeout_s > 0:
        ping_s = ping_interval_s(timeout_s)
    timers = [f"{shown} s" for shown in _distinct(_number(value) for value in timeouts_s or (timeout_s,))]
    places = _distinct(_pastable(value) for value in paths or (path,))
    one = {"timeout_s": _number(timeout_s), "ping_s": _number(ping_s), "path": _pastable(path), **_upstreams(upstreams)}

    def filled(words: str, *, most_timers: int, most_paths: int, nth: int = 0) -> str:
        listed = {
            "timeouts": _listed(timers, most=most_timers, rest="others"),
            "paths": _listed(places, most=most_paths, rest="{} more"),
        }
        return _PLACEHOLDER.sub(lambda found: (one | listed)[found[1]] or STAND_INS[found[1]][nth], words)

    return replace(
        mend,
        title=filled(mend.title, most_timers=_TIMERS_IN_TITLE, most_paths=_PATHS_IN_TITLE),
        text=filled(mend.text, most_timers=_IN_TEXT, most_paths=_IN_TEXT),
        config=filled(mend.config, most_timers=_IN_TEXT, most_paths=_IN_TEXT, nth=1),
    )


def _upstreams(pairs: Iterable[tuple[str, int | None]]) -> dict[str, str]:
    """Name application servers with their drops: all that a sentence can hold, and the first with how many more."""
    pairs = [(name, n) for name, n in pairs if _pastable(name)]
    if not pairs:
        return {"upstream": "", "upstreams": ""}
    first, n_first = pairs[0]
    head = first if n_first is None else f"{first} ({n_first} drop{'' if n_first == 1 else 's'})"
    names = [head, *(f"{name} ({n})" for name, n in pairs[1:_MOST_UPSTREAMS])]
    if rest := len(pairs) - len(names):
        names.append(f"{rest} more")
    more = f" and {len(pairs) - 1} more" if len(pairs) > 1 else ""
    return {"upstream": head + more, "upstreams": _listed(names, most=len(names), rest="")}


def _distinct(shown: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(value for value in shown if value))


def _listed(items: list[str], *, most: int, rest: str) -> str:
    """Join items as a sentence does; above *most* the last of them only say that there is a rest."""
    if len(items) > most:
        items = [*items[: most - 1], rest.format(len(items) - most + 1)]
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""


def _number(value: float | None) -> str:
    return f"{value:.10g}" if value is not None and math.isfinite(value) and value > 0 else ""


def _pastable(value: str | None) -> str:
    return value if value is not None and _PASTABLE.fullmatch(value) else ""
