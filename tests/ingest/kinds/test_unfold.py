"""Records in documents, batches, tables and services' exports are read as if they stood one a line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from wslog.ingest import Read, ReadOptions, read_events
from wslog.ingest.files import documents
from wslog.ingest.files.blocks import MAX_LINE_BYTES

CLOSES: list[dict[str, Any]] = [
    {
        "timestamp": f"2026-03-10T10:0{n}:00.250Z",
        "type": "ws_close",
        "url": f"wss://rt.example.com/ws/{n}?token=x",
        "code": code,
        "reason": reason,
        "wasClean": code != 1006,
        "duration_ms": 60_000 + n,
    }
    for n, (code, reason) in enumerate([(1006, ""), (1000, 'a "quoted", bye'), (1001, "gone\n\U0001f600"), (1006, "")])
]
ACCESS = [
    f'203.0.113.{n} - - [10/Mar/2026:10:0{n}:00 +0000] "GET /ws/{n} HTTP/1.1" 101 4 "-" "Mozilla/5.0 (X11)" {n}.5'
    for n in range(1, 5)
]
CLOSE_COLUMNS = ["at", "path", "close_code", "close_reason", "was_clean", "lifetime_s"]
ACCESS_COLUMNS = ["at", "path", "status", "client_ip", "lifetime_s"]


def _read(folder: Path, data: str | bytes) -> Read:
    (folder / "file").write_bytes(data.encode() if isinstance(data, str) else data)
    read = read_events([folder / "file"], must_be_useful=False)
    (file,) = read.coverage.files
    assert file.lines == file.events + file.ignored + file.rejected
    return read


def _lines(values: list[Any]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def _table(rows: list[Mapping[str, Any]], delimiter: str = ",") -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _fields(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in {"timestamp", "type"}}


def _otlp(record: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {str: "stringValue", int: "intValue", bool: "boolValue"}
    pairs = [{"key": f"ws.{key}", "value": {kinds[type(value)]: value}} for key, value in _fields(record).items()]
    at = pl.Series([record["timestamp"]]).str.to_datetime(time_zone="UTC").dt.epoch("ns").item()
    body = {"stringValue": "websocket closed"}
    record = {"timeUnixNano": str(at), "body": body, "attributes": pairs}
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"logRecords": [record]}]}]}


def _each(make: Callable[[str, dict[str, Any], dict[str, Any]], Any]) -> list[Any]:
    """Return what is made of the time, the whole and the other fields of each close."""
    return [make(record["timestamp"], record, _fields(record)) for record in CLOSES]


def _elastic(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"_index": "x", "_id": "1", "_source": record}


SENTRY = {"event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "platform": "javascript", "sdk": {"name": "browser"}}
FARO = {"sdk": {"name": "faro"}, "app": {"name": "web"}, "page": {"url": "https://app.example.com/room"}}
CLOSED = {"message": "WebSocket closed"}
SENTRY_EVENTS = _each(lambda at, _, fields: SENTRY | CLOSED | {"timestamp": at, "extra": fields})
SENTRY_CRUMBS = _each(lambda at, _, fields: CLOSED | {"timestamp": at, "data": fields})
DATADOG = {"view": {"url": "https://app.example.com/room"}, "status": "error", "session_id": "s", "ddtags": ""}
CLOSE_SHAPES: dict[str, str | bytes] = {
    "an array on one line": json.dumps(CLOSES),
    "an array on many lines": json.dumps(CLOSES, indent=2),
    "an array with leading commas": "[" + "\n,".join(map(json.dumps, CLOSES)) + "]",
    "a large object": json.dumps({"total": 4, "records": CLOSES, "links": {"next": None}}),
    "objects on many lines": "\n".join(json.dumps(record, indent=4) for record in CLOSES),
    "objects without anything between": "".join(map(json.dumps, CLOSES)),
    "batches, one a line": _lines([CLOSES[:2], CLOSES[2:]]),
    "batches in objects": _lines([{"sentAt": 1, "events": CLOSES[:3]}, {"sentAt": 1, "events": CLOSES[3:]}]),
    "UTF-16": _lines(CLOSES).encode("utf-16"),
    "a compressed array": gzip.compress(json.dumps(CLOSES).encode()),
    "CSV": _table(CLOSES),
    "TSV": _table(CLOSES, "\t"),
    "semicolons": _table(CLOSES, ";"),
    "logfmt": "".join(" ".join(f"{k}={json.dumps(v)}" for k, v in record.items()) + "\n" for record in CLOSES),
    "Elasticsearch hits": json.dumps({"took": 1, "hits": {"hits": list(map(_elastic, CLOSES))}}),
    "Elasticsearch hits, one a line": _lines(list(map(_elastic, CLOSES))),
    "Google Cloud": _lines(
        _each(lambda at, _, fields: {"insertId": "1", "timestamp": at, "jsonPayload": fields | {"type": "ws_close"}})
    ),
    "CloudWatch Logs": json.dumps({"events": _each(lambda _at, record, _: {"message": json.dumps(record)})}, indent=4),
    "Logs Insights": json.dumps(
        {"results": _each(lambda _at, record, _: [{"field": "@message", "value": json.dumps(record)}])}
    ),
    "Loki": json.dumps(
        {
            "data": {
                "result": [
                    {"stream": {}, "values": _each(lambda _at, record, _: ["1795363178056", json.dumps(record)])},
                ]
            }
        }
    ),
    "Splunk": _lines(_each(lambda _at, record, _: {"preview": False, "result": {"_raw": json.dumps(record)}})),
    "OTLP": _lines([_otlp(record) for record in CLOSES]),
    "Sentry events": _lines(SENTRY_EVENTS),
    "Sentry breadcrumbs": _lines([SENTRY | {"breadcrumbs": [crumb]} for crumb in SENTRY_CRUMBS]),
    "Sentry envelopes": "".join(
        _lines([{"event_id": "1", "sent_at": "x"}, {"type": "event"}, event]) for event in SENTRY_EVENTS
    ),
    "Datadog logs": _lines(_each(lambda at, record, _: DATADOG | {"date": at, "ws": record})),
    "a Datadog export": json.dumps(
        {
            "data": _each(
                lambda at, _, fields: {"type": "log", "attributes": {"timestamp": at, "attributes": {"ws": fields}}}
            )
        }
    ),
    "Faro events": _lines(
        _each(
            lambda at, _, fields: {
                "meta": FARO,
                "events": [{"name": "ws_close", "timestamp": at, "attributes": fields}],
            }
        )
    ),
    "Faro logs": _lines(
        _each(lambda at, _, fields: {"meta": FARO, "logs": [CLOSED | {"timestamp": at, "context": fields}]})
    ),
    "CloudWatch RUM": json.dumps(
        {"RumEvents": _each(lambda at, _, fields: {"type": "ws_close", "timestamp": at, "details": json.dumps(fields)})}
    ),
    "CloudWatch RUM in its log group": _lines(
        _each(lambda at, _, fields: {"event_type": "ws_close", "event_timestamp": at, "event_details": fields})
    ),
    "Application Insights": _lines(
        _each(lambda at, _, fields: {"time": at, "data": {"baseData": {"name": "ws_close", "properties": fields}}})
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", CLOSE_SHAPES)
def test_closes_in_any_shape(tmp_path: Path, shape: str) -> None:
    """The same closes come out as when they stand one a line, and nothing is rejected."""
    wanted = _read(tmp_path, _lines(CLOSES)).events.select(CLOSE_COLUMNS)
    read = _read(tmp_path, CLOSE_SHAPES[shape])
    (file,) = read.coverage.files
    assert (file.format, file.rejected) == ("client-close", 0)
    found = read.events.select(CLOSE_COLUMNS).with_columns(
        pl.col("close_reason").fill_null("")
    )  # CSV has no empty text
    assert found.equals(wanted)


SERVER_SHAPES: dict[str, Callable[[list[str]], str]] = {
    "CloudWatch Logs": lambda lines: json.dumps({"events": [{"message": line} for line in lines]}, indent=4),
    "Logs Insights": lambda lines: json.dumps({"results": [[{"field": "@message", "value": line}] for line in lines]}),
    "Loki": lambda lines: json.dumps(
        {"data": {"result": [{"stream": {}, "values": [["1795363178056000000", line] for line in lines]}]}}
    ),
    "Elasticsearch": lambda lines: _lines([{"_id": "1", "_source": {"event": {"original": line}}} for line in lines]),
    "Google Cloud": lambda lines: json.dumps([{"insertId": "1", "textPayload": line} for line in lines], indent=2),
    "Splunk": lambda lines: _table([{"_raw": line, "_time": "2026-03-10T10:00:00.000+00:00"} for line in lines]),
    "Azure": lambda lines: _lines([{"TimeGenerated": "2026-03-10T10:00:00Z", "LogEntry": line} for line in lines]),
    "journald's bytes": lambda lines: _lines([{"MESSAGE": list(line.encode())} for line in lines]),
    "an array of lines": lambda lines: json.dumps([line + "\n" for line in lines]),
    "OTLP": lambda lines: _lines(
        [{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": line}} for line in lines]}]}]}]
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SERVER_SHAPES)
def test_server_lines_in_exports(tmp_path: Path, shape: str) -> None:
    """Lines of nginx come out of services' exports as they went in."""
    wanted = _read(tmp_path, "\n".join(ACCESS)).events.select(ACCESS_COLUMNS)
    read = _read(tmp_path, SERVER_SHAPES[shape](ACCESS))
    assert [file.format for file in read.coverage.files] == ["nginx-access"]
    assert read.events.select(ACCESS_COLUMNS).equals(wanted)


def test_numbers_count_records(tmp_path: Path) -> None:
    """In a document the number behind the colon is the record's; in a table it is the line that the row begins on."""
    assert _read(tmp_path, json.dumps(CLOSES)).events["ref"].to_list() == ["file:1", "file:2", "file:3", "file:4"]
    read = _read(tmp_path, _table(CLOSES))
    assert read.events["ref"].to_list() == ["file:2", "file:3", "file:4", "file:6"]
    assert [file.lines for file in read.coverage.files] == [6]


def test_what_is_reported_twice_is_one_close(tmp_path: Path) -> None:
    """Sentry sends the last hundred breadcrumbs with every event."""
    events = [SENTRY | {"breadcrumbs": {"values": SENTRY_CRUMBS[: n + 1]}, "message": f"error {n}"} for n in range(4)]
    assert _read(tmp_path, _lines(events)).events["close_code"].to_list() == [1006, 1000, 1001, 1006]


def test_datadog_resources(tmp_path: Path) -> None:
    """A RUM resource of a WebSocket has its own times; one that merely was open when the session ended is no close."""
    socket = {"close_code": 1006, "close_reason": "", "was_clean": False, "handshake_succeeded": True}
    times = {"start_time": 1773136800000, "end_time": 1773136860500}
    resource = {"type": "websocket", "url": "wss://rt.example.com/ws", "duration": 60_500_000_000}
    closed = {"websocket": {**socket, **times, "tracking_end_reason": "close"}}
    ended = {"websocket": {**times, "tracking_end_reason": "session_end"}}
    events = [{"_dd": {}, "type": "resource", "resource": resource | end} for end in (closed, ended)]
    read = _read(tmp_path, _lines(events)).events
    assert read.select("close_code", "was_clean", "is_opened", "lifetime_s", "path").rows() == [
        (1006, False, True, 60.5, "/ws")
    ]


@pytest.mark.parametrize(
    "data",
    [
        json.dumps({"name": "x", "dependencies": {"ws": "8"}, "files": [{"a": 1}]}, indent=2),
        '{"compilerOptions":{"strict":true}}',
        "a,b\n1,2\n3,4\n",
        _lines([{"level": "info", "n": n} for n in range(9)]),
        "[" * 1_000,
    ],
)
def test_other_documents_stay_unknown(tmp_path: Path, data: str) -> None:
    """Taking a file apart does not make a log of it."""
    (file,) = _read(tmp_path, data).coverage.files
    assert (file.format, file.events, file.rejected) == ("unknown", 0, 0)


def test_too_large_a_document_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with what helps, and nothing of it is read."""
    monkeypatch.setattr(documents, "MAX_BYTES", 100)
    (file,) = _read(tmp_path, json.dumps(CLOSES)).coverage.files
    assert file.format == "unknown"
    assert "jq -c" in file.why


def test_a_torn_document_counts_its_rest(tmp_path: Path) -> None:
    """The records before the tear are read, and what is torn is rejected."""
    (file,) = _read(tmp_path, json.dumps(CLOSES)[:-30]).coverage.files
    assert (file.lines, file.events, file.rejected) == (4, 3, 1)


def test_too_long_a_record_is_rejected(tmp_path: Path) -> None:
    """As a line that long is; those around it keep their numbers."""
    long = CLOSES[0] | {"reason": "x" * (MAX_LINE_BYTES + 1)}
    read = _read(tmp_path, json.dumps([CLOSES[0], long, CLOSES[1]]))
    (file,) = read.coverage.files
    assert read.events["ref"].to_list() == ["file:1", "file:3"]
    assert [(reject.line, len(reject.text)) for reject in file.rejects] == [(2, 200)]


def test_all_of_a_long_document_is_read(tmp_path: Path) -> None:
    """What stands beyond the records by which it was recognised, too."""
    file = _read(tmp_path, json.dumps(CLOSES * 3_000)).coverage.files[0]
    assert (file.lines, file.events) == (12_000, 12_000)


@pytest.mark.parametrize(
    "data",
    [
        "when,nr,where\n2026-03-10T10:01:00Z,1006,wss://h/p\n2026-03-10T10:02:00Z,1006,wss://h/p\n",
        json.dumps([{"when": f"2026-03-10T10:0{n}:00Z", "nr": 1006, "where": "wss://h/p"} for n in (1, 2)], indent=1),
    ],
)
def test_names_of_their_own(tmp_path: Path, data: str) -> None:
    """`--client-field` names the columns of a table and the keys in a document."""
    (tmp_path / "file").write_text(data)
    assert read_events([tmp_path], must_be_useful=False).events.is_empty()
    fields = {"closed_at": "when", "close_code": "nr", "url": "where"}
    events = read_events([tmp_path], ReadOptions(client_fields=fields)).events
    assert events.select("close_code", "path").rows() == [(1006, "/p")] * 2
    assert events["at"].null_count() == 0
