"""AWS ALB health-check log: one line per check of a target, told by the kinds of its tokens.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-health-check-logs.html
Clock:  UTC, named in the line.
Limits: the order of the fields is not confirmed, so each token is taken for what it looks like.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.ingest.rejects import reject_rows
from wslog.ingest.values.json_values import Instant, instant
from wslog.schema import INSTANT, EventKind, Format, Tier

_TYPES: Final = frozenset({"http", "https", "h2", "grpc", "grpcs", "tcp", "tls"})
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_TARGET: Final = re.compile(
    r"\[?[0-9a-fA-F]*[:.][0-9a-fA-F:.]*\]?:\d{1,5}|\d+\.\d+\.\d+\.\d+|i-[0-9a-f]+(?::\d+)?|lambda\S*"
)
_STATUS: Final = re.compile(r"[1-5]\d\d")
_RESULT: Final = frozenset({"PASS", "FAIL"})
_REASON: Final = re.compile(r"[A-Z][A-Za-z]+(?:\.?[A-Z][A-Za-z]+)+|[A-Z][a-z]+")
_EVENTS: Final[dict[str, pl.DataType]] = {
    "line": pl.Int64(),
    "at": INSTANT,
    "upstream": pl.String(),
    "status": pl.Int32(),
    "is_websocket": pl.Boolean(),
    "message": pl.String(),
}
_NOT_OURS: Final = "not an ALB health-check log line"


def _row(line: int, text: str) -> dict[str, object] | str:
    """Return one check's event, or why there is none."""
    tokens = text.replace('"', "").split()
    result = next((token for token in tokens if token in _RESULT), None)
    time = next((token for token in tokens if _TIME.fullmatch(token)), None)
    if result is None or time is None or not 5 <= len(tokens) <= 16 or not _TYPES & set(tokens[:2]):
        return _NOT_OURS
    at = instant(time)
    if not isinstance(at, Instant):
        return at or _NOT_OURS
    rest = tokens[tokens.index(result) + 1 :]
    reason = next((token for token in rest if _REASON.fullmatch(token)), None)
    status = next((token for token in rest if _STATUS.fullmatch(token)), None)
    return {
        "line": line,
        "at": at.us,
        "upstream": next((token for token in tokens if _TARGET.fullmatch(token)), None),
        "status": int(status) if status else None,
        "is_websocket": False if result == "PASS" else None,
        "message": f"{result} {reason}" if reason else result,
    }


def parse_checks(block: pl.DataFrame) -> Parsed:
    """Parse a block of lines; `message` is PASS or FAIL with its reason, `upstream` the target."""
    rows: list[dict[str, object]] = []
    rejects: list[tuple[int, str, str]] = []
    for line, text in block.select("line", "text").iter_rows():
        if not (text or "").strip() or text.startswith("#"):
            continue
        row = _row(line, text)
        if isinstance(row, str):
            rejects.append((line, row, text))
        else:
            rows.append(row)
    events = pl.DataFrame(rows, schema=_EVENTS | {"at": pl.Int64()}).with_columns(
        pl.col("at").cast(INSTANT),
        event=pl.lit(EventKind.HEALTH.value),
        at_resolution_s=pl.lit(1e-6),
        has_zone=pl.lit(value=True),
    )
    return Parsed(events=events, rejects=reject_rows(rejects))


def _detect(sample: Sequence[str], config: Config) -> LineParser | None:  # noqa: ARG001
    lines = [text for text in sample if text.strip()]
    found = sum(1 for number, text in enumerate(lines) if not isinstance(_row(number, text), str))
    if not found:
        return None
    return LineParser(
        why="ALB health-check log lines",
        score=found / len(lines),
        parse=parse_checks,
        clock="UTC; when the check ended",
        limits=("it shows when a target was unhealthy, not which connections that cost",),
    )


ALB_HEALTH: Final = LogFormat(
    name=Format.ALB_HEALTH,
    tier=Tier.ALB,
    about="AWS Application Load Balancer health-check log",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-health-check-logs.html",
    samples=(
        "http 2026-03-10T10:01:00.186641Z 0.0021 10.0.1.192:8010 chat-targets PASS 200 -",
        'https 2026-03-10T10:01:00Z - 10.0.1.192:8010 chat-targets FAIL - "TargetTimeout"',
    ),
    detect=_detect,
)
