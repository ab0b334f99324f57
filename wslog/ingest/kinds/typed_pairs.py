"""Flat records out of exports whose values stand in lists of `{key, value: {intValue: …}}`.

Sources: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding · https://support.google.com/analytics/answer/7029846
"""

from __future__ import annotations

from collections.abc import Iterator

from wslog.ingest.values.json_objects import Record, Whole, object_of, objects_of, without_nothing


def _otlp_value(value: object) -> object:
    """Return what an OTLP `AnyValue` holds."""
    for kind, inner in object_of(value).items():
        plain = kind.replace("_", "").lower()
        if plain == "kvlistvalue":
            return _otlp_pairs(object_of(inner).get("values"))
        if plain == "arrayvalue":
            return [_otlp_value(item) for item in objects_of(object_of(inner).get("values"))]
        return inner
    return None


def _otlp_pairs(pairs: object) -> Record:
    return {str(pair.get("key")): _otlp_value(pair.get("value")) for pair in objects_of(pairs)}


def _either(whole: Whole, camel: str) -> object:
    """Return the value of a key in camel case, or in the snake case of some exporters."""
    snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in camel)
    return whole[camel] if camel in whole else whole.get(snake)


def otlp_records(whole: Whole) -> Iterator[Record]:
    """Yield the log records of a batch."""
    for resource in objects_of(_either(whole, "resourceLogs")):
        about = _otlp_pairs(object_of(resource.get("resource")).get("attributes"))
        known = {"hostname": about.get("host.name"), "sessionId": about.get("session.id")}
        known |= {"userAgent": about.get("user_agent.original")}
        for scope in objects_of(_either(resource, "scopeLogs")):
            for record in objects_of(_either(scope, "logRecords")):
                yield without_nothing(known | _otlp_record(record))


def _otlp_record(record: Whole) -> Record:
    attributes = _otlp_pairs(record.get("attributes"))
    body = _otlp_value(record.get("body"))
    told = body if isinstance(body, dict) else {"message": body}
    url, name = attributes.pop("url.full", None), _either(record, "eventName")
    own = {"timestamp": _either(record, "timeUnixNano") or _either(record, "observedTimeUnixNano"), "name": name}
    # `ws.code` and the like: the namespace in front says nothing more.
    plain = {key.rpartition(".")[2]: value for key, value in attributes.items()}
    return without_nothing({"url": url, **told, **plain, **own})


def is_otlp(whole: Whole) -> bool:
    """Whether an object is a batch of log records."""
    return bool(objects_of(_either(whole, "resourceLogs")))


def google_analytics_records(whole: Whole) -> Iterator[Record]:
    """Yield an event of the BigQuery export: its values stand in a list of `{key, value: {int_value: …}}`."""
    own = {"event": whole.get("event_name"), "timestamp": whole.get("event_timestamp")}
    yield without_nothing({**own, "sessionId": whole.get("user_pseudo_id"), **_otlp_pairs(whole.get("event_params"))})


def is_google_analytics(whole: Whole) -> bool:
    """Whether an object is an event of that export."""
    return "event_name" in whole and bool(objects_of(whole.get("event_params")))
