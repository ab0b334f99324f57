"""Hand-typed rows of `schema.JOINED` and of nginx's life, for tests of one module each."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import numpy as np
import polars as pl

from wslog.classify.facts import look_around, tell_facts
from wslog.classify.learnt import Learnt
from wslog.classify.owners import Owners
from wslog.knowledge.model import Setting
from wslog.schema import EVENTS, JOINED, conform, dtypes

START: Final = dt.datetime(2026, 3, 10, 9, 0, tzinfo=dt.UTC)
# A 1006 drop that client and nginx saw alike, ten minutes in; tests change what they are about.
DROP: Final[dict[str, Any]] = {
    "connection_id": "c", "host": "rt.example.com", "path": "/ws/chat", "is_opened": True, "close_code": 1006,
    "was_clean": False, "has_client": True, "is_pagehide_only": False, "maybe_client": 0.0, "lifetime_s": 300.0,
    "idle_s": 7.0, "idle_in_s": 7.0, "idle_out_s": 8.0, "client_lag_s": 0.01, "client_skew_s": 0.0,
    "client_ref": "client.jsonl:1", "nginx_ref": "access.log:1", "nginx_status": 101, "visibility": "visible",
    "is_online": True,
}  # fmt: skip


def at(second: float) -> dt.datetime:
    """Return an instant of the log."""
    return START + dt.timedelta(seconds=second)


def joined(*rows: dict[str, Any], ended: float = 600.0) -> pl.DataFrame:
    """Return `schema.JOINED` rows: `DROP` with each row's own values; `ended` may be one of them, in seconds."""
    full = []
    for row in rows:
        values = DROP | {"ended": ended} | row
        end = values.pop("ended")
        seen = {"closed_at": at(end), "opened_at": at(end - (values["lifetime_s"] or 0.0))}
        if values.get("idle_s") is not None:
            seen["last_message_at"] = at(end - values["idle_s"])
        if values["nginx_ref"]:
            seen |= {"nginx_closed_at": at(end), "server_closed_at": at(end), "server_lifetime_s": values["lifetime_s"]}
        if values.get("alb_ref"):
            seen |= {"alb_closed_at": at(end), "server_closed_at": at(end), "server_lifetime_s": values["lifetime_s"]}
        full.append(seen | values)
    return conform(pl.DataFrame(full, schema=dtypes(JOINED), orient="row"), JOINED)


def lifecycle(*events: tuple[str, float, str]) -> pl.DataFrame:
    """Return rows of nginx's life: event, second, message."""
    rows = [
        {"event": event, "at": at(second), "message": message, "ref": f"error.log:{line}", "tier": "nginx"}
        for line, (event, second, message) in enumerate(events, start=1)
    ]
    return conform(pl.DataFrame(rows, schema=dtypes(EVENTS)), EVENTS)


def told(
    *rows: dict[str, Any], levels: frozenset[str] = frozenset(), settings: tuple[Setting, ...] = ()
) -> pl.DataFrame:
    """Return the rows with the facts that they tell."""
    frame = joined(*rows)
    return frame.with_columns(**tell_facts(look_around(frame), levels=levels, settings=settings))


def facts(*rows: dict[str, Any], levels: frozenset[str] = frozenset(), **more: Any) -> pl.DataFrame:
    """Return the rows with all that the scorecard looks at; `more` overrides columns of all rows."""
    frame = joined(*rows)
    by_name = tell_facts(look_around(frame), levels=levels, settings=())
    return (
        Learnt(
            by_name,
            drops=(),
            spikes=(),
            members=(),
            late_timers=(),
            ends=np.zeros(0),
            owners=Owners(),
            talks={},
            incidents=(),
        )
        .add_to(frame)
        .with_columns(pl.lit(value, dtype=frame.schema.get(name, None)).alias(name) for name, value in more.items())
    )
