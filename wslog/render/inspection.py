"""What each input file is, as text: format, clock, the account of its lines, what it can and cannot prove."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Final

from wslog.render.escape import plain
from wslog.result import Coverage, FileCoverage, Reject
from wslog.schema import Format, Tier
from wslog.wording import count, counted, span

SHOWN_REJECTS: Final = 3
REJECT_WIDTH: Final = 80
WIDTH: Final = 110
INDENT: Final = "  "

# What lines of a tier can prove at best; a file's limits say what its own lines lack.
PROVES: Final[Mapping[Tier, str]] = {
    Tier.CLIENT: "the close codes, and how long each connection was silent before",
    Tier.ALB: "when the load balancer's connections opened and closed, and which handshakes failed",
    Tier.NGINX: "how connections ended at nginx",
}
PROVES_BY_FORMAT: Final[Mapping[str, str]] = {
    Format.NGINX_ACCESS: "which connections nginx carried, when they closed, and which handshakes failed",
    Format.NGINX_ERROR: "which side broke a connection, which timer fired, and when nginx reloaded or stopped",
    Format.ALB_CONNECTION: "which clients failed at TLS before any request",
    Format.ALB_HEALTH: "when a target was unhealthy",
}


def render_inspection(coverage: Coverage) -> str:
    """Return one block of lines per file, then the lines of all files together."""
    said: dict[tuple[str, ...], str] = {}
    blocks = []
    for file in coverage.files:
        blocks.append("\n".join(_block(file, said)))
        if file.limits:
            said.setdefault(file.limits, file.path)
    return "\n\n".join([*blocks, _sum(coverage)]) + "\n"


def _block(file: FileCoverage, said: Mapping[tuple[str, ...], str]) -> list[str]:
    packed = f" ({file.compression})" if file.compression else ""
    lines = [plain(file.path) + packed, *_row("", f"{file.format}: {file.why}")]
    if file.lines:
        lines += _row("", _account(file))
    for reject in file.rejects[:SHOWN_REJECTS]:
        lines.append(f"{INDENT * 2}{_reject(file, reject)}")
    if file.rejected > SHOWN_REJECTS:
        lines.append(f"{INDENT * 2}… and {counted(file.rejected - SHOWN_REJECTS, 'more line')} rejected")
    if file.first_at is not None:
        lines += _row("times: ", span(file.first_at, file.last_at))
    if file.clock:
        lines += _row("clock: ", file.clock)
    if file.events and file.tier is not None:
        lines += _row("shows: ", PROVES_BY_FORMAT.get(file.format, PROVES.get(file.tier, "")))
    if file.limits in said:
        lines += _row("limits: ", f"as for {said[file.limits]}")
    else:
        for limit in file.limits:
            lines += _row("limits: ", limit)
    return lines


def _row(label: str, text: str) -> list[str]:
    indent = INDENT + " " * len(label)
    return textwrap.wrap(
        plain(text),
        WIDTH,
        initial_indent=INDENT + label,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _account(account: FileCoverage) -> str:
    return (
        f"{counted(account.lines, 'line')}: {counted(account.events, 'event')}, "
        f"{count(account.ignored)} ignored, {count(account.rejected)} rejected"
    )


def _reject(file: FileCoverage, reject: Reject) -> str:
    text = plain(reject.text)
    shown = text if len(text) <= REJECT_WIDTH else f"{text[: REJECT_WIDTH - 1]}…"
    return f"{plain(file.path)}:{reject.line}: {plain(reject.reason)}: {shown}"


def _sum(coverage: Coverage) -> str:
    n_unknown = sum(file.tier is None and file.format == Format.UNKNOWN for file in coverage.files)
    text = (
        f"{counted(len(coverage.files), 'file')}, {counted(coverage.lines, 'line')}: "
        f"{counted(coverage.events, 'event')}, {count(coverage.ignored)} ignored, {count(coverage.rejected)} rejected"
    )
    if n_unknown:
        text += f"; {counted(n_unknown, 'file')} not recognised"
    if coverage.no_code:
        text += f"; {counted(coverage.no_code, 'close record')} lost the close code"
    return text
