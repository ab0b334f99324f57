"""Log lines typed by hand, as ingest hands them on: only what a test is about, the rest is usual."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from wslog.schema import EVENTS, EventKind, Tier, conform

START = dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC)


def at(seconds: float) -> dt.datetime:
    """An instant so many seconds after ten o'clock."""
    return START + dt.timedelta(seconds=seconds)


def client(ref: str, opened: float | None, closed: float, **more: Any) -> dict[str, Any]:
    """A client's close record."""
    lifetime = None if opened is None else closed - opened
    return {
        "tier": Tier.CLIENT, "format": "client-close", "event": EventKind.CLOSE, "ref": ref, "at": at(closed),
        "opened_at": None if opened is None else at(opened), "closed_at": at(closed), "lifetime_s": lifetime,
        "is_opened": opened is not None, "is_websocket": True, "path": "/ws", "session_id": "s1", "close_code": 1006,
        "created_at": at((closed if opened is None else opened) - 0.01),
    } | more  # fmt: skip


def nginx(ref: str, opened: float, closed: float, **more: Any) -> dict[str, Any]:
    """An nginx access line with `$msec` and `$request_time`."""
    return {
        "tier": Tier.NGINX, "format": "nginx-access", "event": EventKind.REQUEST, "ref": ref, "at": at(closed),
        "at_resolution_s": 0.001, "has_zone": True, "opened_at": at(opened), "closed_at": at(closed),
        "lifetime_s": closed - opened, "handshake_s": 0.0, "is_opened": True, "is_websocket": True, "status": 101,
        "method": "GET", "path": "/ws", "client_ip": "192.0.2.1",
    } | more  # fmt: skip


def combined(ref: str, closed: float, **more: Any) -> dict[str, Any]:
    """An nginx access line of the combined format: whole seconds, no duration."""
    whole = float(int(closed // 1))
    return nginx(ref, whole, whole, at_resolution_s=1.0, opened_at=None, lifetime_s=None, handshake_s=None) | more


def alb(ref: str, opened: float, closed: float, **more: Any) -> dict[str, Any]:
    """An ALB access line."""
    return {
        "tier": Tier.ALB, "format": "alb-access", "event": EventKind.REQUEST, "ref": ref, "at": at(closed),
        "at_resolution_s": 0.001, "has_zone": True, "opened_at": at(opened), "closed_at": at(closed),
        "lifetime_s": closed - opened, "handshake_s": 0.0, "is_opened": True, "is_websocket": True, "status": 101,
        "method": "GET", "path": "/ws", "client_ip": "203.0.113.1", "client_port": 50_000,
    } | more  # fmt: skip


def error(ref: str, when: float, **more: Any) -> dict[str, Any]:
    """An nginx error line about one upgraded connection."""
    return {
        "tier": Tier.NGINX, "format": "nginx-error", "event": EventKind.ERROR, "ref": ref, "at": at(when),
        "at_resolution_s": 1.0, "has_zone": False, "closed_at": at(when), "is_websocket": True, "path": "/ws",
        "client_ip": "192.0.2.1", "level": "info", "errno": 110, "action": "proxying upgraded connection",
        "message": "upstream timed out",
    } | more  # fmt: skip


def events(*lines: dict[str, Any]) -> pl.DataFrame:
    """`schema.EVENTS` of these lines."""
    return conform(pl.DataFrame(list(lines), infer_schema_length=None), EVENTS)
