"""Logs that are recognised and not read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.ingest.alb.access import ALB_ACCESS
from wslog.ingest.alb.access_json import ALB_JSON
from wslog.ingest.alb.connection import ALB_CONNECTION
from wslog.ingest.alb.health import ALB_HEALTH
from wslog.ingest.client.close import CLIENT_CLOSE
from wslog.ingest.format import Config, LogFormat
from wslog.ingest.kinds.foreign import FOREIGN, name_foreign
from wslog.ingest.nginx.access import NGINX_ACCESS
from wslog.ingest.nginx.error import NGINX_ERROR

OURS = (ALB_ACCESS, ALB_JSON, ALB_CONNECTION, ALB_HEALTH, CLIENT_CLOSE)
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")

SAMPLES = {
    "elb-classic": '2026-03-10T10:01:00.945958Z my-elb 192.0.2.1:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "GET http://h:80/ HTTP/1.1" "curl" - -',  # noqa: E501
    "nlb-tls": "tls 2.0 2026-03-10T10:01:00 net/my-nlb/c6e77e28c25b2234 g3d4b5e8bb8464cd 192.0.2.1:51341 10.0.0.1:443 5 2 98 246 - arn - ECDHE tlsv12 - h - - -",  # noqa: E501
    "elb-test-file": "Enable AccessLog for ELB: stage at 2026-03-10T10:00:00.000Z",
    "cloudfront": "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip",
    "haproxy": 'Mar 10 10:01:00 lb haproxy[14389]: 10.0.1.2:33317 [10/Mar/2026:10:01:00.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /index.html HTTP/1.1"',  # noqa: E501
    "apache-error": "[Tue Mar 10 10:01:00.123456 2026] [core:error] [pid 35708:tid 43] [client 72.15.99.187] File does not exist",  # noqa: E501
    "envoy-access": '[2026-03-10T10:01:00.001Z] "GET /ws HTTP/1.1" 101 - 0 512 60001 - "-" "Mozilla" "id" "h" "10.0.0.1:80"',  # noqa: E501
    "har": '{\n  "log": {\n    "version": "1.2",\n    "creator": {"name": "WebInspector"},\n    "entries": [',
    "chrome-netlog": '{"constants":{"activeFieldTrialGroups":[],"clientInfo":{}},\n"events": [',
    "otlp": '{"resourceLogs":[{"resource":{}}]}',
    "sentry-envelope": '{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","dsn":"https://e@s.io/1"}\n{"type":"event","length":41}\n{"message":"WebSocket closed"}',  # noqa: E501
    "datadog": '{"date":1773136860001,"view":{"url":"https://a"},"session_id":"x","code":1006}',
    "faro": '{"meta":{"sdk":{"name":"faro"},"page":{"url":"https://a"}},"events":[{"attributes":{"code":"1006"}}]}',
    "cloudwatch-rum": '{"RumEvents":[{"id":"1","type":"ws","details":"{}"}]}',
    "elasticsearch": '{"_index":"logs","_id":"1","_source":{"message":"hello"}}',
    "google-analytics": '{"event_name":"ws_close","event_params":[{"key":"code","value":{"int_value":"1006"}}]}',
    "journal-export": "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1773136860001000\n_HOSTNAME=web1\nMESSAGE=hello",
    "traefik-access": '{"ClientAddr":"192.0.2.1:5","DownstreamStatus":101,"Duration":60001}',
    "caddy-access": '{"level":"info","ts":1773136860.1,"logger":"http.log.access.log0","msg":"handled request","status":101}',  # noqa: E501
    "cloudtrail": '{"Records":[{"eventVersion":"1.08","userIdentity":{}}]}',
    "vpc-flow": "version account-id interface-id srcaddr dstaddr srcport dstport protocol",
    "prometheus": '# HELP ws_closes_total Closes by code.\n# TYPE ws_closes_total counter\nws_closes_total{code="1006"} 27',  # noqa: E501
}


def test_every_foreign_log_has_a_sample_here() -> None:
    """Each kind is told apart from the others by a sample, and says why it is skipped."""
    assert {foreign.name for foreign in FOREIGN} == set(SAMPLES)
    assert all(foreign.about and foreign.why for foreign in FOREIGN)


@pytest.mark.parametrize("name", SAMPLES)
def test_named_and_not_claimed(name: str) -> None:
    """A foreign log is named by exactly one entry and claimed by none of our formats."""
    lines = SAMPLES[name].split("\n")
    assert [foreign.name for foreign in FOREIGN if foreign.claims(lines)] == [name]
    assert not [ours.name for ours in OURS if ours.detect(lines, Config())]


@pytest.mark.parametrize("log_format", [*OURS, NGINX_ACCESS, NGINX_ERROR], ids=lambda f: f.about)
def test_ours_are_not_foreign(log_format: LogFormat) -> None:
    """No sample of a format that we read is taken for a foreign log."""
    for sample in log_format.samples:
        assert name_foreign([sample]) is None


@pytest.mark.parametrize("log_format", OURS, ids=lambda f: f.about)
def test_each_sample_has_one_claimant(log_format: LogFormat) -> None:
    """Each sample is parsed by its own format, and by no other of the ALB's, the client's or nginx's."""
    for sample in log_format.samples:
        claims = [f.name for f in (*OURS, NGINX_ACCESS, NGINX_ERROR) if f.detect([sample], Config())]
        assert claims == [log_format.name]


@pytest.mark.parametrize(
    "line",
    [
        '{"event_id":"u1","type":"close","code":1006,"wasClean":false}',
        '{"date":1773136860001,"view":"board","session_id":"x","event":"ws_close","code":1006}',
        '{"meta":{"browser":"x"},"events":3,"event":"ws_close","code":1006}',
    ],
)
def test_home_made_records_are_not_foreign(line: str) -> None:
    """A team's own close records that share a key or two with a vendor's are ours."""
    assert name_foreign([line] * 3) is None
    assert CLIENT_CLOSE.detect([line] * 3, Config()) is not None


def test_browsers_own_exports_come_later() -> None:
    """The reason for skipping a browser's export says that a later version reads it; services' are looked through."""
    later = {foreign.name for foreign in FOREIGN if "later version" in foreign.why}
    assert later == {"har", "chrome-netlog"}
    looked_through = {foreign.name for foreign in FOREIGN if foreign.holds_records}
    services = {"otlp", "sentry-envelope", "datadog", "faro", "cloudwatch-rum", "elasticsearch", "google-analytics"}
    assert looked_through == services


@settings(deadline=None, max_examples=100)
@given(
    st.lists(
        st.one_of(
            st.text(), st.sampled_from(list(SAMPLES.values())), st.dictionaries(st.text(), st.text()).map(json.dumps)
        ),
        max_size=4,
    )
)
def test_any_text(lines: list[str]) -> None:
    """Naming never raises, and blank files have no name."""
    found = name_foreign(lines)
    assert found is None or any(line.strip() for line in lines)


@recorded
@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("mitmproxy/successful_log.har", "har"),
        ("mitmproxy/insomnia.har", "har"),
        ("opentelemetry-proto/logs.json", "otlp"),
        ("nginx-captured/run-b/access.combined.log", None),
        ("nginx-captured/run-c-ws/error.info.log", None),
        ("nginx-captured/run-c-ws/access.json.log", None),
        ("aws-docs/alb-examples.log", None),
        ("../lab/logs/nginx/error-info.log", None),
        ("../lab/logs/nginx/access-json.log", None),
        ("../lab/logs/client/clients-1.jsonl", None),
    ],
)
def test_published_files(path: str, name: str | None) -> None:
    """Real files are named right, and ours are not named."""
    lines = [line for line in (SHARED / "formats" / path).read_text(errors="replace").splitlines() if line.strip()]
    found = name_foreign(lines[:200])
    assert (found and found.name) == name
