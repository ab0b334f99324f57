"""Known timers as a text table, as details of a few, and as JSON.

A team's own file is untrusted text too: it is written out letter by letter, and no line of the table exceeds the width.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Final

from msgspec.structs import asdict

from wslog.knowledge import Timeout
from wslog.render.escape import plain

WIDTH: Final = 100
UNVERIFIED: Final = "?"
_NO_DEFAULT: Final = "-"
_GAP: Final = "  "
_HEADS: Final = ("ID", "DEFAULT", "KIND", "TIER", "PRODUCT, SETTING")


def render_timeout_table(timeouts: Sequence[Timeout], *, width: int = WIDTH) -> str:
    """Return one row per timer, in the order given, and a legend for the marks that occur.

    Args:
        timeouts: The timers to show; none gives a sentence saying so.
        width: The longest line, in characters; the last column wraps, and is never narrower than 20.
    """
    if not timeouts:
        return "No known timer fits.\n"
    rows = [(plain(t.id), _default(t), t.kind.value, t.tier.value) for t in timeouts]
    widths = [max(len(head), *(len(row[i]) for row in rows)) for i, head in enumerate(_HEADS[:-1])]
    room = max(20, width - sum(widths) - len(_GAP) * len(widths))
    lines = [_line(_HEADS[:-1], _HEADS[-1], widths)]
    for timeout, row in zip(timeouts, rows, strict=True):
        first, *more = _wrap(_what(timeout), room) or [""]
        lines.append(_line(row, first, widths))
        lines.extend(_line(("",) * len(widths), part, widths) for part in more)
    return "\n".join([*lines, "", *_legend(timeouts)]) + "\n"


def render_timeout_details(timeouts: Sequence[Timeout], *, width: int = WIDTH) -> str:
    """Return everything known about each timer, one paragraph of labelled lines per timer."""
    return "\n".join(_details(timeout, width) for timeout in timeouts)


def render_timeouts_json(timeouts: Sequence[Timeout]) -> str:
    """Return a JSON list with every field of every timer, ASCII only; dates in ISO form, no default as null."""
    return json.dumps([asdict(timeout) for timeout in timeouts], indent=2, default=str) + "\n"


def _default(timeout: Timeout) -> str:
    shown = _NO_DEFAULT if timeout.default_s is None else f"{timeout.default_s:.10g} s"
    return shown if timeout.is_verified else f"{shown} {UNVERIFIED}"


def _what(timeout: Timeout) -> str:
    return plain(", ".join(part for part in (timeout.product, timeout.setting) if part))


def _line(cells: Sequence[str], last: str, widths: Sequence[int]) -> str:
    return _GAP.join([*(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)), last]).rstrip()


def _legend(timeouts: Sequence[Timeout]) -> list[str]:
    n = len(timeouts)
    legend = [f"{n} timer{'' if n == 1 else 's'}."]
    if any(timeout.default_s is None for timeout in timeouts):
        legend.append(f"{_NO_DEFAULT}  off by default, or no documented number")
    if any(not timeout.is_verified for timeout in timeouts):
        legend.append(f"{UNVERIFIED}  not verified: the number, or what resets it, is from memory or hearsay")
    return legend


def _details(timeout: Timeout, width: int) -> str:
    checked = timeout.checked.isoformat()
    labelled = {
        "default": _default(timeout).removesuffix(f" {UNVERIFIED}"),
        "kind": f"{timeout.kind.value}, tier {timeout.tier.value}",
        "setting": timeout.setting,
        "resets on": timeout.resets_on,
        "closes": timeout.closes,
        "trace": timeout.trace,
        "mend": timeout.mend,
        "example": timeout.example,
        "source": timeout.source,
        "checked": checked if timeout.is_verified else f"{checked}, not verified",
    }
    head = plain(f"{timeout.id}: {timeout.product}" if timeout.product else timeout.id)
    lines = [*_wrap(head, width)]
    for label, value in labelled.items():
        if value:
            lines.extend(_wrap(plain(value), width, label=f"  {label:<10} "))
    return "\n".join(lines) + "\n"


def _wrap(text: str, width: int, *, label: str = "") -> list[str]:
    # Long log lines break anywhere rather than run out of the column.
    return textwrap.wrap(text, width, initial_indent=label, subsequent_indent=" " * len(label), break_on_hyphens=False)
