"""Small hand-typed tables and pieces of a document, so that each test shows only what it is about."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from wslog.knowledge import Timeout, TimerKind
from wslog.result import Burst, Cluster, Coverage, Document, FileCoverage
from wslog.schema import CONNECTIONS, Cause, Tier, dtypes
from wslog.summarize import summarize

NOON = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)

FORMATS = {Tier.CLIENT: "client-close", Tier.NGINX: "nginx-access", Tier.ALB: "alb-access"}

NGINX = Timeout(
    id="nginx-proxy-read-timeout",
    product="nginx",
    tier=Tier.NGINX,
    setting="proxy_read_timeout",
    default_s=60.0,
    kind=TimerKind.IDLE_ANY,
    resets_on="bytes either way",
    closes="FIN",
    trace="an info line",
    mend="Raise it.",
    source="nginx.org",
    checked=dt.date(2026, 11, 22),
    is_verified=True,
    example="a line",
)
ALB = Timeout(
    id="aws-alb-idle",
    product="AWS ALB",
    tier=Tier.ALB,
    setting="idle_timeout.timeout_seconds",
    default_s=60.0,
    kind=TimerKind.IDLE_ANY,
    resets_on="bytes either way",
    closes="FIN",
    trace="none",
    mend="Raise it.",
    source="docs.aws.amazon.com",
    checked=dt.date(2026, 11, 22),
    is_verified=True,
    example="a line",
)


@pytest.fixture
def timeouts() -> dict[str, Timeout]:
    return {timeout.id: timeout for timeout in (NGINX, ALB)}


@pytest.fixture
def at() -> Callable[[float], dt.datetime]:
    """Seconds after noon → instant."""
    return lambda after_s: NOON + dt.timedelta(seconds=after_s)


@pytest.fixture
def table(at: Callable[[float], dt.datetime]) -> Callable[..., pl.DataFrame]:
    """Rows as keywords → `schema.CONNECTIONS`.

    `closed` and `opened` are seconds after noon; a row is a drop that opened unless it says otherwise.
    """

    def make(*rows: dict[str, Any]) -> pl.DataFrame:
        records = []
        for nth, row in enumerate(rows):
            record: dict[str, Any] = {"connection_id": f"c{nth:04}", "is_drop": True, "is_opened": True, **row}
            for short, name in (("opened", "opened_at"), ("closed", "closed_at")):
                if short in record:
                    record[name] = at(record.pop(short))
            records.append(record)
        return (
            pl.DataFrame(records, schema=dtypes(CONNECTIONS)) if records else pl.DataFrame(schema=dtypes(CONNECTIONS))
        )

    return make


@pytest.fixture
def idle_by_nginx() -> dict[str, Any]:
    return {
        "cause": Cause.IDLE_TIMEOUT.value,
        "tier": Tier.NGINX.value,
        "timeout_s": 60.0,
        "timeout_id": ["nginx-proxy-read-timeout"],
        "confidence": 0.9,
    }


@pytest.fixture
def burst(at: Callable[[float], dt.datetime]) -> Callable[..., Burst]:
    def make(after_s: float, **changes: Any) -> Burst:
        values: dict[str, Any] = {
            "at": at(after_s),
            "until": at(after_s + 1),
            "n": 40,
            "scope": "upstream 10.0.0.7:9002",
            "killed_share": 0.98,
            "cause": Cause.SERVER_RESTART,
            "tier": Tier.APP,
            "evidence": (),
        }
        return Burst(**(values | changes))

    return make


@pytest.fixture
def cluster() -> Cluster:
    return Cluster(
        id=1,
        axis="idle_s",
        center_s=59.98,
        width_s=0.3,
        timeout_s=60.0,
        n=3,
        share=1.0,
        share_low=0.4,
        share_high=1.0,
        p_value=1e-40,
        timeout_ids=("nginx-proxy-read-timeout",),
    )


@pytest.fixture
def file() -> Callable[..., FileCoverage]:
    def make(path: str, tier: Tier | None, **changes: Any) -> FileCoverage:
        values: dict[str, Any] = {
            "format": "unknown" if tier is None else FORMATS[tier],
            "why": "",
            "compression": "",
            "lines": 100,
            "events": 100,
            "ignored": 0,
            "rejected": 0,
            "rejects": (),
            "first_at": None,
            "last_at": None,
            "clock": "",
            "limits": tuple(changes.get("mendable", ())),
        }
        return FileCoverage(path=path, tier=tier, **(values | changes))

    return make


@pytest.fixture
def document(timeouts: dict[str, Timeout]) -> Callable[..., Document]:
    """A frame and what else matters → the whole document."""

    def make(connections: pl.DataFrame, **changes: Any) -> Document:
        values: dict[str, Any] = {
            "clusters": (),
            "bursts": (),
            "clocks": (),
            "coverage": Coverage(files=()),
            "windows": (),
            "settings": (),
            "timeouts": tuple(timeouts.values()),
            "wslog_version": "0",
        }
        return summarize(connections, **(values | changes))

    return make
