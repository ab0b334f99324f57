"""What monitoring services wrap around an event of a client, taken off: one flat record each, its own names kept.

Sources: https://develop.sentry.dev/sdk/data-model/event-payloads/ · https://docs.datadoghq.com/real_user_monitoring/ ·
https://grafana.com/docs/grafana-cloud/monitor-applications/frontend-observability/ ·
https://docs.aws.amazon.com/cloudwatchrum/latest/APIReference/

What belongs to the page and not to the WebSocket (its URL, the severity of a line) is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from wslog.ingest.kinds.typed_pairs import google_analytics_records, is_google_analytics, is_otlp, otlp_records
from wslog.ingest.values.json_objects import Record, Whole, object_of, objects_of, without_nothing


def _sentry(whole: Whole) -> Iterator[Record]:
    """Yield the breadcrumbs and the event itself."""
    trail = whole.get("breadcrumbs")
    user, headers = object_of(whole.get("user")), object_of(object_of(whole.get("request")).get("headers"))
    about = {"sessionId": user.get("id"), "clientIp": user.get("ip_address"), "userAgent": headers.get("User-Agent")}
    for crumb in objects_of(trail if isinstance(trail, list) else object_of(trail).get("values")):
        named = {"message": crumb.get("message") or crumb.get("category"), "timestamp": crumb.get("timestamp")}
        yield without_nothing({**about, **named, **object_of(crumb.get("data"))})
    extra, tags, contexts = (object_of(whole.get(name)) for name in ("extra", "tags", "contexts"))
    text = whole.get("message") or object_of(whole.get("logentry")).get("formatted")
    own = {"message": text, "timestamp": whole.get("timestamp")}
    told = {key: value for context in contexts.values() for key, value in object_of(context).items() if key in _TOLD}
    if text or told or extra or "breadcrumbs" not in whole:
        yield without_nothing({**about, **own, **tags, **told, **extra})


_TOLD: Final = frozenset({"code", "reason", "wasClean", "was_clean", "closeCode", "close_code", "closeReason", "url"})


def _is_sentry(whole: Whole) -> bool:
    return "event_id" in whole and not {"platform", "sdk", "breadcrumbs", "extra"}.isdisjoint(whole)


def _datadog(whole: Whole) -> Iterator[Record]:
    """Yield a browser log or a RUM event."""
    inner = object_of(whole.get("attributes"))
    event = {**whole, **inner, **object_of(inner.get("attributes"))}
    about = {
        "sessionId": event.get("session_id") or object_of(event.get("session")).get("id"),
        "clientIp": object_of(object_of(event.get("network")).get("client")).get("ip"),
        "userAgent": object_of(event.get("http")).get("useragent"),
        "timestamp": event.get("date") or event.get("timestamp"),
    }
    resource = object_of(event.get("resource"))
    socket = object_of(resource.get("websocket"))
    if socket:
        ends = {"openedAt": socket.get("start_time"), "closedAt": socket.get("end_time"), "url": resource.get("url")}
        opened = {"opened": socket.get("handshake_succeeded")}
        name = "session_end" if socket.get("tracking_end_reason") == "session_end" else "close"
        yield without_nothing({**about, "timestamp": None, **opened, **ends, "type": name, **socket})
        return
    action = object_of(object_of(event.get("action")).get("target")).get("name") or object_of(event.get("error")).get(
        "message"
    )
    named = {"message": event.get("message"), "name": action}
    context = {**object_of(event.get("context")), **object_of(event.get("usr"))} if "view" in event else event
    own = {key: value for key, value in {**event, **context}.items() if key not in _DATADOG_OWN}
    yield without_nothing({**own, **about, **named})


_DATADOG_OWN: Final = frozenset((
    "view", "status", "type", "date", "timestamp", "tags", "ddtags", "ddsource", "service", "source", "_dd",
    "application", "session", "session_id", "usr", "device", "os", "connectivity", "display", "action",
    "resource", "error", "context", "attributes", "network", "http", "id", "_id", "name", "email", "geo",
    "version",
))  # fmt: skip


def _is_datadog(whole: Whole) -> bool:
    return "_dd" in whole or "ddtags" in whole or ("attributes" in whole and whole.get("type") == "log") or (
        "date" in whole and isinstance(whole.get("view"), dict)
    )  # fmt: skip


def _faro(whole: Whole) -> Iterator[Record]:
    """Yield the events, logs and exceptions of a payload."""
    meta = object_of(whole.get("meta"))
    about = {
        "sessionId": object_of(meta.get("session")).get("id"),
        "userAgent": object_of(meta.get("browser")).get("userAgent"),
    }
    for kind, told in (("events", "attributes"), ("logs", "context"), ("exceptions", "context")):
        for item in objects_of(whole.get(kind)):
            named = {"name": item.get("name"), "message": item.get("message") or item.get("value")}
            yield without_nothing({**about, **named, "timestamp": item.get("timestamp"), **object_of(item.get(told))})


def _is_faro(whole: Whole) -> bool:
    return isinstance(whole.get("meta"), dict) and any(
        isinstance(whole.get(kind), list) for kind in ("events", "logs", "exceptions", "measurements")
    )


def _cloudwatch_rum(whole: Whole) -> Iterator[Record]:
    """Yield the events of a PutRumEvents call, or one as RUM writes it to CloudWatch Logs."""
    user = object_of(whole.get("UserDetails") or whole.get("user_details"))
    about = {"sessionId": user.get("sessionId") or user.get("userId")}
    for event in objects_of(whole.get("RumEvents")) or [dict(whole)]:
        named = {"type": event.get("type") or event.get("event_type")}
        named |= {"timestamp": event.get("timestamp") or event.get("event_timestamp")}
        yield without_nothing({**about, **named, **object_of(event.get("details") or event.get("event_details"))})


def _is_cloudwatch_rum(whole: Whole) -> bool:
    return isinstance(whole.get("RumEvents"), list) or {"event_timestamp", "event_details"} <= whole.keys()


def _elastic(whole: Whole) -> Iterator[Record]:
    yield object_of(whole.get("_source"))


def _is_elastic(whole: Whole) -> bool:
    return isinstance(whole.get("_source"), dict) and not {"_index", "_id"}.isdisjoint(whole)


def _google_cloud(whole: Whole) -> Iterator[Record]:
    yield without_nothing({"timestamp": whole.get("timestamp"), "message": whole.get("textPayload")}) | object_of(
        whole.get("jsonPayload")
    )


def _is_google_cloud(whole: Whole) -> bool:
    return bool({"insertId", "logName", "resource"} & whole.keys() and {"textPayload", "jsonPayload"} & whole.keys())


def _splunk(whole: Whole) -> Iterator[Record]:
    yield object_of(whole.get("result"))


def _is_splunk(whole: Whole) -> bool:
    return isinstance(whole.get("result"), dict) and bool({"preview", "offset", "lastrow"} & whole.keys())


def _app_insights(whole: Whole) -> Iterator[Record]:
    tags, base = object_of(whole.get("tags")), object_of(object_of(whole.get("data")).get("baseData"))
    about = {"sessionId": tags.get("ai.session.id"), "timestamp": whole.get("time"), "name": base.get("name")}
    yield without_nothing({**about, "message": base.get("message")}) | {
        **object_of(base.get("properties")), **object_of(base.get("measurements")),
    }  # fmt: skip


def _is_app_insights(whole: Whole) -> bool:
    return isinstance(object_of(whole.get("data")).get("baseData"), dict)


def _sentry_header(_whole: Whole) -> Iterator[Record]:
    """Yield nothing: an envelope's header, and an item's, are about what follows."""
    return iter(())


def _is_sentry_header(whole: Whole) -> bool:
    return bool(whole) and (
        whole.keys() <= {"event_id", "sent_at", "dsn", "sdk", "trace"}
        or (whole.get("type") in _SENTRY_ITEMS and whole.keys() <= {"type", "length", "content_type", "item_count"})
    )


_SENTRY_ITEMS: Final = frozenset(
    ("event", "transaction", "session", "sessions", "log", "span", "profile", "client_report")
)


# Name, whether an object is one, its records. The first that claims an object has it.
_SERVICES: Final[tuple[tuple[str, Callable[[Whole], bool], Callable[[Whole], Iterator[Record]]], ...]] = (
    ("an OpenTelemetry export", is_otlp, otlp_records),
    ("Grafana Faro payloads", _is_faro, _faro),
    ("CloudWatch RUM events", _is_cloudwatch_rum, _cloudwatch_rum),
    ("Sentry events", _is_sentry_header, _sentry_header),
    ("Sentry events", _is_sentry, _sentry),
    ("Datadog events", _is_datadog, _datadog),
    ("Elasticsearch hits", _is_elastic, _elastic),
    ("a Google Cloud export", _is_google_cloud, _google_cloud),
    ("Splunk results", _is_splunk, _splunk),
    ("Application Insights telemetry", _is_app_insights, _app_insights),
    ("a Google Analytics export", is_google_analytics, google_analytics_records),
)


def records_of_service(whole: Whole) -> tuple[str, list[Record]] | None:
    """Return which service an object comes from, and the flat records in it; None: from none of them."""
    for name, claims, records in _SERVICES:
        if claims(whole):
            return name, list(records(whole))
    return None
