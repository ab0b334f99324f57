"""The same ALB access log as JSON objects, the way CloudWatch Logs and Firehose deliver it.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
Clock:  UTC with microseconds, named in the entry.
Limits: those of the text form.

Key names differ between deliveries (`request_line`, `request`, `request_verb` and `request_url`): aliases are accepted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from wslog.ingest.alb.access_fields import CLOCK, LIMITS, RAW, to_events
from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.ingest.values import json_values as values
from wslog.schema import Format, Tier

# Our raw field → their keys without `_`, `:`, `-` and case.
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "type": ("type", "requesttype"),
    "time": ("time", "timestamp", "responsetime"),
    "client": ("clientport", "client", "clientaddr", "clientaddress"),
    "client_ip": ("clientip", "ipaddress", "clienthost"),
    "target": ("targetport", "target", "targetaddr", "targetaddress", "targetipport"),
    "target_ip": ("targetip", "targethost"),
    "request_s": ("requestprocessingtime",),
    "target_s": ("targetprocessingtime",),
    "response_s": ("responseprocessingtime",),
    "status": ("elbstatuscode",),
    "target_status": ("targetstatuscode",),
    "received": ("receivedbytes",),
    "sent": ("sentbytes",),
    "request": ("request", "requestline"),
    "verb": ("requestverb", "requestmethod", "method"),
    "url": ("requesturl", "requesturi", "url"),
    "user_agent": ("useragent",),
    "trace": ("traceid",),
    "creation": ("requestcreationtime",),
    "actions": ("actionsexecuted",),
    "error_reason": ("errorreason", "lambdaerrorreason"),
    "conn_trace": ("conntraceid", "connectiontraceid", "traceabilityid"),
}
_FIELD_OF: Final = {key: field for field, keys in _ALIASES.items() for key in keys}
_STRIPPED: Final = str.maketrans("", "", "_:- .")


def _fields(record: Mapping[str, object]) -> dict[str, object]:
    """Return a record's values by our raw names; the first key of a field wins."""
    found: dict[str, object] = {}
    for key, value in record.items():
        field = _FIELD_OF.get(key.translate(_STRIPPED).lower())
        if field is not None:
            found.setdefault(field, value)
    return found


def _is_entry(record: Mapping[str, object]) -> bool:
    fields = _fields(record)
    return "status" in fields and bool({"creation", "target_s", "target_status"} & fields.keys())


def _time(value: object) -> str | None:
    """Return a time as the text form of the log writes it; one that cannot be read stays as it is and is rejected."""
    got = values.instant(value)
    if isinstance(got, values.Instant):
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=got.us)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return values.text(value)


def _address(whole: object, ip: object) -> str | None:
    """Return `ip:port` from one key, or from two."""
    one, host = values.text(whole), values.text(ip)
    if host and one and one.isdecimal():
        return f"{host}:{one}"
    return one or (f"{host}:-" if host and host != "-" else host)


def _row(line: int, text: str) -> dict[str, object]:
    base: dict[str, object] = {"line": line, "text": text, "fault": None}
    try:
        record = values.load(text)
    except ValueError:
        return base | {"fault": "not valid JSON"}
    if not isinstance(record, dict) or not _is_entry(record):
        return base | {"fault": "not an ALB access log entry"}
    fields = _fields(record)
    row = {name: values.text(fields.get(name)) for name in RAW}
    row["time"], row["creation"] = _time(fields.get("time")), _time(fields.get("creation"))
    row["client"] = _address(fields.get("client"), fields.get("client_ip"))
    row["target"] = _address(fields.get("target"), fields.get("target_ip"))
    row["status"] = row["status"] or "-"
    if row["request"] is None and "url" in fields:
        row["request"] = f"{values.text(fields.get('verb')) or '-'} {values.text(fields['url']) or '-'}"
    return base | row


def parse_objects(block: pl.DataFrame) -> Parsed:
    """Parse a block of JSON lines."""
    rows = [
        _row(line, text)
        for line, raw in block.select("line", "text").iter_rows()
        if (text := (raw or "").strip().removesuffix(",")) not in {"", "[", "]"}
    ]
    names = ("line", "text", "fault", *RAW)
    schema: dict[str, pl.DataType] = {name: pl.String() for name in names} | {"line": pl.Int64()}
    return to_events(pl.DataFrame(rows, schema=schema), needs_creation=False)


def _detect(sample: Sequence[str], config: Config) -> LineParser | None:  # noqa: ARG001
    lines = [text for text in sample if text.strip()]
    if not any("status" in text and text.lstrip().startswith("{") for text in lines):
        return None
    parsed = parse_objects(pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}))
    if parsed.events.is_empty():
        return None
    return LineParser(
        why="JSON objects with an ALB access log's fields",
        score=len(parsed.events) / len(lines),
        parse=parse_objects,
        clock=CLOCK,
        limits=LIMITS,
    )


ALB_JSON: Final = LogFormat(
    name=Format.ALB_ACCESS,
    tier=Tier.ALB,
    about="AWS Application Load Balancer access log as JSON (CloudWatch Logs, Firehose)",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    samples=(
        '{"type":"wss","time":"2026-03-10T10:01:00.186641Z","elb":"app/stage/50dc6c495c0c9188","client_ip":"203.0.113.7",'
        '"client_port":"40914","target_ip":"10.0.1.192","target_port":8010,"request_processing_time":0.001,'
        '"target_processing_time":0.003,"response_processing_time":0,"elb_status_code":101,"target_status_code":"101",'
        '"request_line":"GET https://rt.example.com:443/ws/chat HTTP/1.1","user_agent":"-",'
        '"request_creation_time":"2026-03-10T10:00:00.183Z","trace_id":"Self=1-6-7;Root=1-69aff000-23a8c76965a2ef7629b185e3"}',
        '{"type":"http","time":"2026-03-10T10:01:00.1Z","client:port":"203.0.113.7:40914","target:port":"-",'
        '"target_processing_time":"-1","elb_status_code":"502","target_status_code":"-","request_verb":"GET",'
        '"request_url":"http://rt.example.com:80/ws/chat"}',
    ),
    detect=_detect,
)
