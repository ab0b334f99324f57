"""What to change: every cause has a mend, expected fixes are reachable, and what is pasted is safe and complete."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import crossplane
import pytest

from wslog.errors import KnowledgeError
from wslog.ingest import read_events
from wslog.knowledge import Mend, fill, load_mends, load_timeouts, mends_for
from wslog.knowledge.mends import MAX_TITLE, read_mends
from wslog.schema import Cause, Tier

MENDS = load_mends()
BY_ID = {mend.id: mend for mend in MENDS}
NOT_MENDED = {Cause.CLEAN_CLOSE, Cause.UNKNOWN}


@pytest.mark.parametrize("cause", [cause for cause in Cause if cause not in NOT_MENDED])
def test_every_cause_has_a_mend(cause: Cause) -> None:
    """Whatever wslog says was the cause, it also says what to change, even with no tier named."""
    assert any(not mend.is_observability for mend in mends_for(MENDS, cause))


FIRST = [
    (Cause.IDLE_TIMEOUT, Tier.NGINX, {}, "nginx-websocket-location"),
    (Cause.IDLE_TIMEOUT, Tier.NGINX, {"timeout_ids": ["ingress-nginx-proxy-read-timeout"]}, "ingress-nginx-timeouts"),
    (Cause.IDLE_TIMEOUT, Tier.ALB, {}, "alb-idle-timeout"),
    (Cause.IDLE_TIMEOUT, Tier.APP, {}, "app-idle-timeout"),
    (Cause.IDLE_TIMEOUT, Tier.NETWORK, {}, "other-proxy-idle-timeout"),
    (Cause.IDLE_TIMEOUT, Tier.UNKNOWN, {}, "idle-timeout-every-tier"),
    (Cause.IDLE_TIMEOUT, None, {}, "heartbeat"),
    (Cause.LIFETIME_LIMIT, Tier.NETWORK, {}, "lifetime-renew"),
    (Cause.LIFETIME_LIMIT, Tier.APP, {}, "lifetime-app"),
    (Cause.SERVER_RESTART, Tier.APP, {}, "graceful-shutdown"),
    (Cause.SERVER_RESTART, Tier.ALB, {}, "alb-deregister-late"),
    (Cause.SERVER_ABORT, Tier.APP, {}, "server-abort"),
    (Cause.PROXY_RELOAD, Tier.NGINX, {}, "worker-shutdown-timeout"),
    (Cause.PROXY_RELOAD, Tier.NGINX, {"timeout_ids": ["ingress-nginx-worker-shutdown"]}, "ingress-nginx-reloads"),
    (Cause.PROXY_RESTART, Tier.NGINX, {}, "nginx-quit-not-stop"),
    (Cause.PROXY_RESTART, Tier.NGINX, {"evidence": ["e.log:7: worker 31 exited on signal 9"]}, "nginx-worker-crash"),
    (Cause.NETWORK_LOSS, Tier.NETWORK, {}, "heartbeat"),
    (Cause.CLIENT_SUSPENDED, Tier.CLIENT, {}, "reconnect-when-visible"),
    (Cause.HEARTBEAT_TIMEOUT, Tier.APP, {}, "server-stall"),
    (Cause.HEARTBEAT_TIMEOUT, Tier.CLIENT, {}, "heartbeat-patience"),
    (Cause.CLOSE_TIMEOUT, Tier.UNKNOWN, {}, "close-timeout"),
    (Cause.CLOSE_TIMEOUT, Tier.APP, {}, "close-timeout-server"),
    (Cause.PROTOCOL_ERROR, Tier.APP, {}, "protocol-error-server"),
    (Cause.PROTOCOL_ERROR, Tier.CLIENT, {}, "protocol-error-client"),
    (Cause.CLIENT_LEFT, Tier.CLIENT, {}, "pagehide-close"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 502}, "handshake-502-app"),
    (Cause.HANDSHAKE_FAILED, Tier.NGINX, {"status": 502}, "handshake-502-nginx"),
    (Cause.HANDSHAKE_FAILED, Tier.ALB, {"status": 502}, "handshake-502-alb"),
    (Cause.HANDSHAKE_FAILED, Tier.ALB, {"status": 503}, "handshake-503-alb"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 503}, "handshake-503-app"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 504}, "handshake-504"),
    (Cause.HANDSHAKE_FAILED, Tier.NGINX, {"status": 403}, "handshake-403"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 404}, "handshake-404"),
    (Cause.HANDSHAKE_FAILED, Tier.NGINX, {"status": 426}, "handshake-400-426"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 400}, "handshake-400-426"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 401}, "handshake-401"),
    (Cause.HANDSHAKE_FAILED, Tier.CLIENT, {"status": 499}, "handshake-408-499"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 429}, "handshake-429"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 500}, "handshake-500"),
    (Cause.HANDSHAKE_FAILED, Tier.NETWORK, {}, "handshake-unreachable"),
    (Cause.HANDSHAKE_FAILED, Tier.APP, {"status": 418}, "backoff-with-jitter"),
]


@pytest.mark.parametrize(("cause", "tier", "told", "first"), FIRST)
def test_the_most_specific_mend_comes_first(cause: Cause, tier: Tier | None, told: dict[str, Any], first: str) -> None:
    """That of the tier at fault, its status, timer or log line; an odd status still gets the general advice."""
    assert mends_for(MENDS, cause, tier=tier, **told)[0].id == first


def test_every_mend_is_first_for_somebody() -> None:
    """No mend is in the file that nobody would be told to try first."""
    assert {first for *_, first in FIRST} == {mend.id for mend in MENDS if mend.causes}


def test_no_status_gets_no_mend_for_a_status() -> None:
    """Without a status nothing is said that only holds for one."""
    assert all(not mend.statuses for mend in mends_for(MENDS, Cause.HANDSHAKE_FAILED))


def test_a_mend_for_a_timer_needs_that_timer() -> None:
    """The ingress annotation is advised only where ingress-nginx may be at work."""
    plain_nginx = mends_for(MENDS, Cause.IDLE_TIMEOUT, tier=Tier.NGINX, timeout_ids=["nginx-proxy-read-timeout"])
    assert "ingress-nginx-timeouts" not in {mend.id for mend in plain_nginx}


def test_timers_that_mends_name_exist() -> None:
    """No mend waits for a timer that the knowledge base does not have."""
    known = {timeout.id for timeout in load_timeouts()}
    assert {key for mend in MENDS for key in mend.timeout_ids} <= known


def advised(cause: Cause, tier: Tier) -> str:
    return "\n".join(f"{mend.instruction}\n{mend.config}" for mend in mends_for(MENDS, cause, tier=tier))


@pytest.mark.parametrize(
    ("cause", "tier", "words"),
    [
        # proxy timeout: heartbeat on both sides, and the location block
        (Cause.IDLE_TIMEOUT, Tier.NGINX, ("setInterval", "ws.ping()", "terminate()", '"type":"pong"')),
        (
            Cause.IDLE_TIMEOUT,
            Tier.NGINX,
            (
                "proxy_http_version 1.1;",
                "proxy_set_header Upgrade $http_upgrade;",
                'proxy_set_header Connection "upgrade";',
                "proxy_read_timeout 86400s;",
                "proxy_send_timeout 86400s;",
            ),
        ),
        # load balancer idle timeout
        (Cause.IDLE_TIMEOUT, Tier.ALB, ("modify-load-balancer-attributes", "idle_timeout.timeout_seconds", "ping")),
        # server restart or crash: a close code, and backoff with a cap and jitter
        (Cause.SERVER_RESTART, Tier.APP, ("SIGTERM", "1012", "1001", "Math.min(30000", "Math.random()", "jitter")),
        # network interruptions
        (Cause.NETWORK_LOSS, Tier.NETWORK, ("'online'", "Math.min(30000")),
        # hidden pages
        (Cause.CLIENT_SUSPENDED, Tier.CLIENT, ("visibilitychange", "document.hidden", "pageshow", "connect()")),
    ],
)
def test_the_known_causes_of_1006_lead_to_their_known_fixes(cause: Cause, tier: Tier, words: tuple[str, ...]) -> None:
    """Proxy and load balancer timeouts, restarts, networks and hidden tabs each lead to the fix that users look for."""
    text = advised(cause, tier)
    assert [word for word in words if word not in text] == []


def test_observability_mends_prevent_nothing() -> None:
    """What only makes the next answer better claims no cause, so no report counts drops that it would prevent."""
    assert {mend.id for mend in MENDS if mend.is_observability} == {mend.id for mend in MENDS if not mend.causes}


def test_texts_are_instructions_with_an_end() -> None:
    """Every text is whole sentences, in every state of knowledge about the connection."""
    for mend in MENDS:
        bare = fill(mend).instruction
        assert bare[0].isupper() or bare.startswith(("nginx ", "ingress-nginx ")), mend.id
        assert bare.endswith("."), mend.id


TYPICAL = {
    "timeouts_s": (45.0, 30.0, 10.0, 75.0),
    "paths": ("/ws/chat/", "/live/chat", "/quick/chat"),
    "timeout_s": 45.0,
    "path": "/ws/chat/",
    "upstreams": (("127.0.0.1:9001", 244), ("127.0.0.1:9003", 40), ("127.0.0.1:9009", 16), ("127.0.0.1:9011", 4)),
    "ping_s": 13,
}


@pytest.mark.parametrize("mend", MENDS, ids=lambda mend: mend.id)
@pytest.mark.parametrize("values", [TYPICAL, {}], ids=["filled", "bare"])
def test_a_title_is_a_short_instruction(mend: Mend, values: dict[str, Any]) -> None:
    """Filled or bare, a title fits one line, is one sentence, and is what a text cut at its first full stop shows."""
    filled = fill(mend, **values)
    assert len(filled.title) <= MAX_TITLE
    assert filled.title.endswith(".")
    assert ". " not in filled.title
    assert filled.instruction.split(". ")[0] + "." == filled.title


def test_a_mend_for_evidence_needs_its_words_and_takes_the_others_place() -> None:
    """A log line that says what happened decides between two mends."""
    line = "error.log:7: worker process 31 exited on signal 9"
    told = {mend.id for mend in mends_for(MENDS, Cause.PROXY_RESTART, tier=Tier.NGINX, evidence=[line])}
    bare = {mend.id for mend in mends_for(MENDS, Cause.PROXY_RESTART, tier=Tier.NGINX)}
    assert "nginx-quit-not-stop" not in told
    assert "nginx-worker-crash" not in bare


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("nginx-websocket-location", "http {{ server {{ location /ws/ {{\n{}\n}} }} }}"),
        ("handshake-400-426", "http {{ server {{ location /ws/ {{\n{}\n}} }} }}"),
        ("log-nginx-error-info", "http {{ server {{\n{}\n}} }}"),
        ("log-nginx-format", "http {{\n{}\n}}"),
        ("handshake-502-app", "http {{\n{}\n}}"),
        ("handshake-500", "{}"),
        ("worker-shutdown-timeout", "{}"),
        ("log-nginx-process-life", "{}"),
    ],
)
def test_nginx_lines_parse(tmp_path: Path, key: str, place: str) -> None:
    """What is to be pasted into nginx.conf is nginx configuration where it says it belongs, also after filling."""
    path = tmp_path / "nginx.conf"
    path.write_text(place.format(fill(BY_ID[key], timeout_s=45, path="/ws/").config), encoding="utf-8")
    assert crossplane.parse(str(path), strict=True)["errors"] == []


def test_lines_of_the_advised_log_format_are_read_whole(tmp_path: Path) -> None:
    """A log written as advised gives wslog the end, the lifetime, the connection, the completion and the trace id."""
    values = {
        "msec": "1795366188.288",
        "time_iso8601": "2026-11-22T16:49:48+00:00",
        "pid": "311",
        "connection": "3360",
        "request": "GET /ws/docs HTTP/1.1",
        "status": "101",
        "request_time": "83.876",
        "request_completion": "OK",
        "http_upgrade": "websocket",
        "remote_addr": "10.0.1.5",
        "upstream_addr": "10.0.0.11:9004",
        "http_x_amzn_trace_id": "Root=1-6b031cfb-543bca50c2c10f7464c4f012",
    }
    body = "".join(re.findall(r"^ +'(.*)';?$", BY_ID["log-nginx-format"].config, re.MULTILINE))
    line = re.sub(r"\$(\w+)", lambda found: values.get(found[1], ""), body)
    assert json.loads(line)["connection"] == "3360"
    (tmp_path / "ws-access.log").write_text(line + "\n", encoding="utf-8")
    (event,) = read_events([str(tmp_path)]).events.to_dicts()
    assert event["closed_at"].timestamp() == pytest.approx(1795366188.288)
    assert event["lifetime_s"] == pytest.approx(83.876)
    assert (event["connection_no"], event["pid"], event["is_complete"]) == (3360, 311, True)
    assert (event["trace_id"], event["upstream"]) == ("1-6b031cfb-543bca50c2c10f7464c4f012", "10.0.0.11:9004")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ('[[mend]]\nid = "a"\ncauses = ["bad_luck"]\ntitle = "X."\ntext = "Y."', "`causes` cannot be 'bad_luck'"),
        ('[[mend]]\nid = "a"\ncauses = "idle_timeout"\ntitle = "X."\ntext = "Y."', "`causes` must be a list of texts"),
        ('[[mend]]\nid = "a"\ncauses = []\ntitle = "X."\ntext = "Y."', "it speaks to no cause"),
        ('[[mend]]\nid = "a"\ncauses = ["unknown"]\ntitle = "X."', "the key `text` is missing"),
        (
            '[[mend]]\nid = "a"\ncauses = ["unknown"]\ntitle = "X."\ntext = "Y."\nstatuses = ["502"]',
            "`statuses` must be a list of numbers",
        ),
        ('[[mend]]\nid = "a"\ncauses = ["unknown"]\ntitle = "X."\ntext = "Y."\ntier = "cdn"', "`tier` cannot be 'cdn'"),
    ],
)
def test_a_broken_mend_says_what_and_where(tmp_path: Path, text: str, what: str) -> None:
    """The file of mends is read as strictly as that of timers."""
    path = tmp_path / "mends.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        read_mends(path)
    assert (caught.value.what, caught.value.where) == (what, f"{path}: a")


def test_mends_can_be_compared_and_hashed() -> None:
    """Callers merge equal mends, so they are values."""
    assert len({*MENDS, *load_mends()}) == len(MENDS)
    assert isinstance(MENDS[0], Mend)
