"""The ALB's JSON access log, connection log and health-check log."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.ingest.alb.access_json import ALB_JSON, parse_objects
from wslog.ingest.alb.connection import ALB_CONNECTION
from wslog.ingest.alb.health import ALB_HEALTH
from wslog.ingest.format import Config, LogFormat, Parsed

OTHERS = (ALB_JSON, ALB_CONNECTION, ALB_HEALTH)


def parse(log_format: LogFormat, *lines: str) -> Parsed:
    parser = log_format.detect(log_format.samples, Config())
    assert parser is not None
    assert parser.score == 1.0
    schema = {"line": pl.Int64, "text": pl.String}
    return parser.parse(pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema=schema))


def test_json_has_the_values_of_the_text_form() -> None:
    """An entry as a JSON object gives the event that the text form gives."""
    event = parse(ALB_JSON, ALB_JSON.samples[0]).events.row(0, named=True)
    assert event["lifetime_s"] == pytest.approx(60.003641, abs=1e-9)
    assert event["at"] == dt.datetime(2026, 3, 10, 10, 1, 0, 186641, tzinfo=dt.UTC)
    assert (event["client_ip"], event["client_port"], event["upstream"]) == ("203.0.113.7", 40914, "10.0.1.192:8010")
    assert (event["status"], event["upstream_status"], event["path"]) == (101, 101, "/ws/chat")
    assert event["trace_id"] == "1-69aff000-23a8c76965a2ef7629b185e3"


@pytest.mark.parametrize("time", [1773136860186, 1773136860.186, "1773136860186", "2026-03-10T10:01:00.186+00:00"])
def test_json_times(time: object) -> None:
    """Times of a JSON entry may be epochs or ISO texts."""
    record = json.loads(ALB_JSON.samples[0]) | {"time": time}
    event = parse(ALB_JSON, json.dumps(record)).events.row(0, named=True)
    assert event["at"] == dt.datetime(2026, 3, 10, 10, 1, 0, 186000, tzinfo=dt.UTC)


def test_json_rejects_say_why() -> None:
    """Torn JSON, other objects and unusable times are rejected with their reason."""
    record = json.loads(ALB_JSON.samples[0])
    parsed = parse(ALB_JSON, ALB_JSON.samples[0][:-9], '{"a":1}', json.dumps(record | {"time": "soon"}), "")
    assert parsed.rejects["reason"].to_list() == [
        "not valid JSON",
        "not an ALB access log entry",
        "field 2 (time) is not a time",
    ]


def test_json_of_nginx_is_not_claimed() -> None:
    """An nginx access log in JSON has a status too, and is not the ALB's."""
    line = '{"time":"2026-03-10T10:01:00+00:00","status":101,"remote_addr":"203.0.113.7","request_time":60.0,"request":"GET / HTTP/1.1"}'  # noqa: E501
    assert ALB_JSON.detect([line], Config()) is None


def test_a_failed_tls_handshake_says_so() -> None:
    """A failed TLS handshake may have been a WebSocket's; a good one is of no concern."""
    events = parse(ALB_CONNECTION, *ALB_CONNECTION.samples).events
    assert events["is_websocket"].to_list() == [False, None, None]
    assert events["message"].to_list() == [None, "Failed:ClientCertUntrusted", "TLS handshake failed"]
    assert events["handshake_s"].to_list() == [0.024, None, None]
    assert events["client_ip"].to_list() == ["203.0.113.7", "203.0.113.7", "2001:db8::7"]
    assert events["conn_trace_id"].n_unique() == 1


def test_health_names_target_and_result() -> None:
    """A health check says which target, PASS or FAIL, and why, in whatever order the fields stand."""
    shuffled = "http 2026-03-10T10:01:00Z chat-targets 10.0.1.192:8010 0.5 FAIL 503 ResponseCodeMismatch"
    events = parse(ALB_HEALTH, *ALB_HEALTH.samples, shuffled).events
    assert events["message"].to_list() == ["PASS", "FAIL TargetTimeout", "FAIL ResponseCodeMismatch"]
    assert events["status"].to_list() == [200, None, 503]
    assert set(events["upstream"]) == {"10.0.1.192:8010"}


@pytest.mark.parametrize("log_format", OTHERS, ids=lambda f: f.about)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_text(log_format: LogFormat, data: st.DataObject) -> None:
    """Arbitrary lines, and ours cut anywhere, never raise; each is an event, a reject or ignored, once."""
    sample = st.sampled_from(log_format.samples)
    cut = st.builds(lambda text, n: text[:n], sample, st.integers(0, 300))
    lines = data.draw(st.lists(st.one_of(st.text(), cut, sample), max_size=6))
    parsed = parse(log_format, *lines)
    seen = parsed.events["line"].to_list() + parsed.rejects["line"].to_list()
    assert len(seen) == len(set(seen))
    assert set(seen) >= {
        n for n, text in enumerate(lines, 1) if text.strip() and text.strip() not in "[],#" and text[0] != "#"
    }
    log_format.detect(lines, Config())


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["time", "elb_status_code", "target_status_code", "client:port", "request", "trace_id", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
            lambda v: st.lists(v) | st.dictionaries(st.text(), v),
            max_leaves=4,
        ),
    )
)
def test_any_json(record: dict[str, object]) -> None:
    """Whatever a JSON object holds, it is an event or a reject."""
    parsed = parse_objects(pl.DataFrame({"line": [1], "text": [json.dumps(record)]}))
    assert len(parsed.events) + len(parsed.rejects) == 1
