"""Client close events: JSON lines from browsers' `onclose` handlers, our own record first.

Source: https://developer.mozilla.org/en-US/docs/Web/API/CloseEvent and RFC 6455 section 7.4.1
Clock:  each client's own; wrong by seconds to hours, so correlation estimates an offset per client.
Limits: 1006 hides the HTTP status and the errno; what a file's records leave out is listed per file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

import polars as pl

from wslog.ingest.client.block import Shapes, read_by_shape
from wslog.ingest.client.fields import SPANS, our_name, plain_key, words
from wslog.ingest.client.own import OWN_EVENTS, extras_tell_nothing, own_row
from wslog.ingest.client.record import NotARecord, Rules, kind_of, read_record
from wslog.ingest.client.shape import spread
from wslog.ingest.client.spans import LONGEST_S
from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.ingest.kinds.foreign import name_foreign
from wslog.ingest.rejects import reject_rows
from wslog.ingest.values import json_values as values
from wslog.ingest.values.url import split_url
from wslog.schema import INSTANT, EventKind, Format, LimitKind, Tier

_TIMES: Final = ("created", "opened", "closed", "last_sent", "last_received", "close_called", "hidden")
_TEXTS: Final = words(
    "event connection_id session_id url close_reason visibility user_agent client_ip trace_id request_id"
)
_RECORD: Final[dict[str, pl.DataType]] = {
    "line": pl.Int64(),
    **{name: pl.String() for name in _TEXTS},
    **{f"{name}_us": pl.Int64() for name in _TIMES},
    "close_code": pl.Int32(),
    "attempt": pl.Int32(),
    "at_resolution_s": pl.Float64(),
    **{name: pl.Boolean() for name in ("was_clean", "is_opened", "is_online", "is_persisted", "has_zone")},
}
_UNREADABLE: Final = 0.5
_NO_RECORDS: Final = pl.DataFrame(schema=_RECORD)
_FRAME: Final = ("", "[", "]")  # blank, or the ends of an array that stands one record a line
# Above this, a file's median `duration` is taken as milliseconds: an hour is a long median for a WebSocket in seconds.
_MS_ABOVE: Final = 3_600.0
# Keys of nginx's and other servers' JSON access logs; two of them make a record theirs, whatever else it holds.
_SERVER_KEYS: Final = frozenset(
    words(
        "requesttime remoteaddr upstreamaddr upstreamstatus requesturi bodybytessent bytessent requestmethod "
        "requestlength msec timelocal httpuseragent elbstatuscode targetstatuscode httpupgrade requestcreationtime "
        "upstreamresponsetime serverprotocol requestid"
    )
)


def _load_record(text: str) -> dict[str, object]:
    try:
        record = values.load(text)
    except ValueError:
        raise NotARecord("not valid JSON") from None
    if isinstance(record, list):
        raise NotARecord("a JSON array; one record a line is needed")
    if not isinstance(record, dict):
        raise NotARecord("not a JSON object")
    return record


def _row(line: int, text: str, rules: Rules) -> dict[str, object]:
    """Parse one line, the exact way: the oracle of `block.py`.

    polars' `str.json_decode` would not do: it joins the lines before it parses them, so that a torn line can swallow
    the next one. So lines are proven first, by the block, or read here.
    """
    if not rules.paths:
        try:
            return own_row(line, text, ignores_extra=rules.ignores_extra)
        except (ValueError, RecursionError):
            pass
    return {"line": line, **read_record(_load_record(text), rules)}


def _near_the_close(name: str) -> pl.Expr:
    """Keep a time within `LONGEST_S` of the close: a clock that was set in between says nothing about spans."""
    time_us, closed_us = pl.col(f"{name}_us"), pl.col("closed_us")
    is_far = (closed_us - time_us).abs() > LONGEST_S * 1_000_000
    return pl.when(~is_far.fill_null(value=False)).then(time_us).alias(f"{name}_us")


def _records(rows: Sequence[Mapping[str, object]], read: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return the records, of the exact reader and of columns, in the order of their lines."""
    frames = [_NO_RECORDS, *(frame.select(name for name in _RECORD if name in frame.columns) for frame in read)]
    if rows:
        frames.append(pl.DataFrame(rows, schema=_RECORD, strict=True))
    return pl.concat(frames, how="diagonal").sort("line") if read else frames[-1]


def _with_url(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `host`, `path` and `query`: of each distinct URL, since they are few."""
    url = split_url(pl.col("url"))
    parts = (url.host.alias("host"), url.path.alias("path"), url.query.alias("query"))
    distinct = frame.select(pl.col("url").drop_nulls().unique()).with_columns(parts)
    return frame.join(distinct, on="url", how="left", maintain_order="left")


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    frame = _with_url(frame).with_columns(_near_the_close(name) for name in _TIMES if name != "closed")
    instants = [pl.col(f"{name}_us").cast(INSTANT).alias(f"{name}_at") for name in _TIMES]
    # Rounded: polars divides one row and many rows differently in the last bit, and blocks must not show.
    lifetime_s = ((pl.col("closed_us") - pl.col("opened_us")) / 1e6).round(6)
    handshake_s = ((pl.col("opened_us") - pl.col("created_us")) / 1e6).round(6)
    return frame.select(
        *("line", "event"),
        pl.coalesce("closed_us", pl.when(pl.col("event") == EventKind.OPEN.value).then("opened_us"))
        .cast(INSTANT)
        .alias("at"),
        *("at_resolution_s", "has_zone"),
        *instants,
        pl.when(lifetime_s >= 0).then(lifetime_s).alias("lifetime_s"),
        pl.when(handshake_s >= 0).then(handshake_s).alias("handshake_s"),
        "is_opened",
        (pl.col("event") != EventKind.NOTE.value).alias("is_websocket"),
        *("host", "path", "query"),
        *("client_ip", "user_agent", "close_code", "close_reason", "was_clean", "session_id", "connection_id"),
        *("visibility", "is_online", "is_persisted", "attempt", "trace_id", "request_id"),
    )


def parse_records(block: pl.DataFrame, rules: Rules, shapes: Shapes | None = None) -> Parsed:
    """Parse a block of JSON lines; records of other kinds become events of no concern (`is_websocket` false).

    Args:
        block: `line` and `text`.
        rules: How to read the records of this file.
        shapes: Those of its records; None: the exact reader reads every line.
    """
    lines = block.select("line", "text")
    by_shape = read_by_shape(lines, shapes) if shapes else None
    rows: list[dict[str, object]] = []
    rejects: list[tuple[int, str, str]] = []
    for line, raw in (by_shape.left if by_shape else lines).iter_rows():
        text = (raw or "").strip().removesuffix(",")
        if text in _FRAME or text.startswith("#"):
            continue
        try:
            rows.append(_row(line, text, rules))
        except NotARecord as reason:
            rejects.append((line, str(reason), raw))
    records = _records(rows, by_shape.records if by_shape else ())
    return Parsed(events=_events(records), rejects=reject_rows(sorted(rejects)))


def _rules(config: Config, records: Sequence[Mapping[str, object]]) -> Rules:
    paths = {our_name(ours): theirs for ours, theirs in config.client_fields.items()}
    zone_name = config.zone_of(Format.CLIENT_CLOSE)
    from statistics import median  # drags in fractions and decimal

    bare = [name for names in SPANS.values() for name, unit in names.items() if unit is None]
    spans = [
        span
        for found in map(spread, records)
        for name in bare
        for value in found.get(name, ())
        if (span := values.number(value)) is not None
    ]
    is_seconds = bool(spans) and median(spans) <= _MS_ABOVE
    return Rules(
        paths=paths,
        zone=ZoneInfo(zone_name) if zone_name else None,
        span_unit_s=1.0 if is_seconds else 1e-3,
        ignores_extra=extras_tell_nothing(records),
    )


def _limits(events: pl.DataFrame) -> tuple[str, ...]:
    """Say what the records of this file leave out, judged by its sample."""

    def lacks(*columns: str) -> bool:
        return all(events[column].null_count() == len(events) for column in columns)

    closes = events.filter(pl.col("event") == EventKind.CLOSE.value)
    has_opens = closes.height < events.filter(pl.col("event") != EventKind.PAGEHIDE.value).height
    no_code = closes["close_code"].null_count()
    no_time = events["at"].null_count()
    no_opening = closes.filter(pl.col("is_opened") & pl.col("opened_at").is_null()).height
    found = {
        "no last-message times: idle duration unknown": lacks("last_sent_at", "last_received_at"),
        "no openedAt: a failed handshake cannot be told from a drop": lacks("is_opened") and not has_opens,
        "no openedAt and no duration: how long a connection lived is not known": lacks("opened_at"),
        f"no code in {no_code} of {len(closes)} records looked at: log {{code, reason, wasClean}} instead of the event "
        "itself": no_code > 0,
        f"no usable time in {no_time} of {len(events)} records looked at: name theirs with --client-field "
        "closed_at=THEIRS": no_time > 0,
        f"no usable opening time in {no_opening} of {len(closes)} records looked at: none, or years from the close": 0
        < no_opening
        < len(closes),
        "no connection id: joined by path and time only": lacks("connection_id"),
        "no session id: reconnects of one client cannot be followed": lacks("session_id"),
        "no url: the path and host of a connection are not known": lacks("path"),
    }
    return tuple(limit for limit, applies in found.items() if applies)


def _is_server_record(record: Mapping[str, object]) -> bool:
    return len(_SERVER_KEYS & {plain_key(key) for key in record}) >= 2


def _json_objects(sample: Sequence[str]) -> dict[str, dict[str, object]]:
    """Return the sample's lines that hold an object of nobody else's log."""
    objects: dict[str, dict[str, object]] = {}
    for text in sample:
        try:
            record = _load_record(text.strip().removesuffix(","))
        except NotARecord:
            continue
        if not _is_server_record(record):
            objects[text] = record
    return objects


def _detect(sample: Sequence[str], config: Config) -> LineParser | None:
    lines = [text for text in sample if text.strip() not in _FRAME]
    if not any(text.lstrip().startswith("{") for text in lines) or name_foreign(sample):
        return None
    objects = _json_objects(lines)
    rules = _rules(config, list(objects.values()))
    kinds = {kind_of(record, rules) for record in objects.values() if record}
    if not kinds & {EventKind.CLOSE, EventKind.PAGEHIDE}:
        return None
    ours = [text for text in lines if text in objects]
    parsed = parse_records(pl.DataFrame({"line": range(1, len(ours) + 1), "text": ours}), rules)
    closes = parsed.events.filter("is_websocket")
    limits = _limits(closes)
    shapes = Shapes(rules)
    is_own = all(record.get("event") in OWN_EVENTS for record in objects.values())
    is_zoned = closes["has_zone"].fill_null(value=True).all()
    return LineParser(
        why="JSON lines: wslog's own client record" if is_own else "JSON lines of WebSocket close events",
        # Closes of which none can be read are ours all the same: each says why it is rejected.
        score=(len(parsed.events) or _UNREADABLE * len(ours)) / len(lines),
        parse=lambda block: parse_records(block, rules, shapes),
        clock="each client's own" if is_zoned else f"each client's own; names no zone, read as {rules.zone or 'UTC'}",
        limits=limits,
        mendable=dict.fromkeys(limits, LimitKind.CLIENT_FIELDS),
    )


_OWN: Final = (
    '{"event":"ws_close","connId":"a7bd41","sessionId":"bz74","url":"wss://rt.example.com/ws/chat?room=7","code":1006,'
    '"reason":"","wasClean":false,"createdAt":1773136799620,"openedAt":1773136799637,"lastSentAt":null,'
    '"lastRecvAt":1773136800000,"closedAt":1773136860001,"closeCalledAt":null,"hiddenAt":null,'
    '"visibilityState":"visible","onLine":true,"attempt":0,"userAgent":"Mozilla/5.0"}'
)
CLIENT_CLOSE: Final = LogFormat(
    name=Format.CLIENT_CLOSE,
    tier=Tier.CLIENT,
    about="client close events: JSON lines from onclose handlers",
    source="https://developer.mozilla.org/en-US/docs/Web/API/CloseEvent",
    samples=(
        _OWN,
        '{"event":"pagehide","connId":"a7bd42","sessionId":"bz74","url":"wss://rt.example.com/ws","createdAt":null,'
        '"openedAt":null,"closedAt":1773136860001,"persisted":true}',
        '{"ts":"2026-03-10T10:01:00.001Z","code":"1006","was_clean":"false","url":"wss://rt.example.com"}',
        '{"level":30,"time":1773136860001,"msg":"ws close","event":{"code":1001,"reason":{"type":"Buffer","data":[]}}}',
        '{"time":1773136860,"event":{"isTrusted":true}}',
        '{"isTrusted":true}',
        '{"level":"info","message":"{\\"closeCode\\":1006,\\"durationMs\\":60001}","timestamp":"2026-03-10T10:01:00Z"}',
    ),
    detect=_detect,
)
