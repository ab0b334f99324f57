"""The built-in timers: every entry is complete, honest about what was checked, and shows what it explains."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from pathlib import Path

import pytest

from wslog.ingest import ReadOptions, read_events
from wslog.knowledge import Timeout, TimerKind, load_timeouts, loader
from wslog.schema import Tier

TIMEOUTS = load_timeouts()
BY_ID = {timeout.id: timeout for timeout in TIMEOUTS}


@pytest.mark.parametrize("timeout", TIMEOUTS, ids=lambda timeout: timeout.id)
def test_every_entry_is_complete(timeout: Timeout) -> None:
    """Every timer says who has it, what resets it, how it ends a connection, its trace, its mend and its source."""
    for part in (timeout.product, timeout.resets_on, timeout.closes, timeout.trace, timeout.mend, timeout.source):
        assert part
    assert timeout.mend.endswith(".")
    assert dt.date(2026, 1, 1) <= timeout.checked
    assert timeout.example or not timeout.is_verified


def test_every_entry_spells_out_whether_it_was_verified() -> None:
    """No built-in entry leaves `is_verified` or `product` to a default."""
    entries = tomllib.loads(loader.BUILT_IN.read_text(encoding="utf-8"))["timeout"]
    assert [entry["id"] for entry in entries if not {"is_verified", "product", "checked"} <= set(entry)] == []
    assert len(entries) == len(TIMEOUTS)


@pytest.mark.parametrize(
    ("key", "default_s", "kind", "tier"),
    [
        ("nginx-proxy-read-timeout", 60, TimerKind.IDLE_ANY, Tier.NGINX),
        ("aws-alb-idle", 60, TimerKind.IDLE_ANY, Tier.ALB),
        ("nginx-worker-shutdown-timeout", None, TimerKind.DRAIN, Tier.NGINX),
        ("ingress-nginx-worker-shutdown", 240, TimerKind.DRAIN, Tier.NGINX),
        ("gcp-backend-timeout", 30, TimerKind.LIFETIME, Tier.NETWORK),
        ("aws-cloudfront-ws-idle", 600, TimerKind.IDLE_S2C, Tier.NETWORK),
        ("phoenix-cowboy-idle", 60, TimerKind.IDLE_C2S, Tier.APP),
        ("cloudflare-edge-idle", None, TimerKind.IDLE_ANY, Tier.NETWORK),
        ("nginx-keepalive-timeout", 75, TimerKind.KEEPALIVE, Tier.NGINX),
        ("chromium-close-wait", 60, TimerKind.CLOSE_WAIT, Tier.CLIENT),
        ("python-websockets-ping", 40, TimerKind.PING_TIMEOUT, Tier.APP),
    ],
)
def test_facts_that_verdicts_lean_on(key: str, default_s: float | None, kind: TimerKind, tier: Tier) -> None:
    """The timers that decide most verdicts keep their number, kind and tier."""
    timeout = BY_ID[key]
    assert (timeout.default_s, timeout.kind, timeout.tier) == (default_s, kind, tier)


@pytest.mark.parametrize(
    ("key", "short"),
    [
        ("nginx-proxy-read-timeout", "proxy_read_timeout"),
        ("aws-alb-idle", "idle timeout"),
        ("gcp-backend-timeout", "lifetime limit"),
        ("python-websockets-ping", "heartbeat timeout"),
    ],
)
def test_a_setting_of_several_words_is_told_by_its_kind(key: str, short: str) -> None:
    """A chart's label has no room for more, and a limit on age must not be called an idle timeout."""
    assert BY_ID[key].short_setting == short


def test_what_only_sends_or_keeps_http_alive_is_no_candidate_for_a_drop() -> None:
    """A timer whose own text says that it ends nothing is of the kind that never ends a live WebSocket."""
    wrong = [t.id for t in TIMEOUTS if "ends nothing" in t.closes and t.kind is not TimerKind.KEEPALIVE]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("error.log", r"\d{4}/\d\d/\d\d [\d:]{8} \[\w+\] \d+#\d+: \*"),
        ("alb.log", r"wss? \d{4}-"),
        ("client.jsonl", r'\{"event":"ws_close"'),
    ],
)
def test_examples_that_look_like_log_lines_are_log_lines(tmp_path: Path, name: str, shape: str) -> None:
    """Examples in the shape of an nginx error, ALB or client line parse as such; only gRPC is of no concern."""
    lines = [t.example for t in TIMEOUTS if re.match(shape, t.example)]
    assert len(lines) >= 2
    (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    (file,) = read_events([str(tmp_path)], ReadOptions(tz=("UTC",))).coverage.files
    n_grpc = sum("grpc" in line for line in lines)
    assert (file.rejected, file.ignored, file.events) == (0, n_grpc, len(lines) - n_grpc)
