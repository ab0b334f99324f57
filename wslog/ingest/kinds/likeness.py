"""What a text in no known format looks like, for whoever wonders why it was not read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from wslog.ingest.values.json_values import load

LOOK_LINES: Final = 50
LONGEST: Final = 20_000
MOSTLY: Final = 0.6
JSON_LINES: Final = (
    "JSON lines without close events or requests; if they are close records, name their keys with --client-field"
)
JSON_DOCUMENT: Final = (
    "a JSON document without close events or requests; if it holds close records, name their keys with --client-field"
)
CLOSES: Final = "free text about WebSocket closes; log {code, reason, wasClean} of each as JSON, CSV or logfmt"
TABLE: Final = (
    "a CSV table without close events or requests; if its rows are closes, name their columns with --client-field"
)
# (what it is, the form of its first line or empty, the form of most of its lines, how many that is)
_FORMS: Final = (
    ("XML or HTML", r"\s*<(?:[?!]|[A-Za-z])", r"", 0.0),
    ("a script", r"#!", r"", 0.0),
    ("TOML or INI settings", r"", r"\[\[?[\w.\"' -]+\]\]?\s*$|[\w.\"'-]+\s*=\s*\S|[#;]| +[\"']|[\]}],?$", 0.8),
    ("Markdown", r"#{1,4} \S|---$", r"#{1,6} |[-*>|] |```|\d+\. |[A-Z`*\[].*|\s+\S", 0.6),
    ("YAML", r"", r"\s*(?:- )?[\w.\"'/-]+:(?: \S.*)?$|\s*- \S|---$|\s*#", 0.9),
)
_COMMAS: Final = 2
_CLOSE: Final = re.compile(r"web ?socket.{0,200}\b(?:closed|disconnected)\b.{0,80}\b[1-4]\d{3}\b", re.I)
_SOME: Final = 0.2


def likeness(lines: Sequence[str]) -> str:
    """Return what a file with these first lines looks like; empty: like nothing in particular."""
    full = [line[:LONGEST] for line in lines if line.strip()][:LOOK_LINES]
    if not full:
        return ""
    if full[0].lstrip()[0] in "{[":
        n_records = sum(map(_is_record, full))
        if n_records >= MOSTLY * len(full):
            return JSON_LINES
        if not re.match(r"\[[^\]{},]*\]", full[0]):  # else a section of settings, or a time
            return JSON_DOCUMENT
    if sum(bool(_CLOSE.search(line)) for line in full) >= _SOME * len(full):
        return CLOSES
    for name, first, form, share in _FORMS:
        if re.match(first, full[0]) and sum(1 for line in full if re.match(form, line)) >= share * len(full):
            return name
    counts = {line.count(",") for line in full}
    return (
        TABLE
        if len(full) > 1
        and re.match(r'["\w@$]*[A-Za-z]', full[0].partition(",")[0])
        and len(counts) == 1
        and min(counts) >= _COMMAS
        else ""
    )


def _is_record(line: str) -> bool:
    try:
        return isinstance(load(line), dict)
    except ValueError:
        return False
