"""A small incident, written as logs: silent connections that nginx ends after 45 s, some clean ones, one refused."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Final

START: Final = dt.datetime(2026, 3, 10, 9, 0, tzinfo=dt.UTC)
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
N_SILENT: Final = 40
N_CLEAN: Final = 20
N_REFUSED: Final = 4


def write_incident(folder: Path) -> Path:
    """Write `client.jsonl`, `access.log` and `error.log` into *folder* and return it."""
    clients, access, errors = [], [], []
    for number in range(N_SILENT):
        opened = START + dt.timedelta(seconds=7 * number)
        closed = opened + dt.timedelta(seconds=45)
        clients.append(_record(number, opened, closed, code=1006, path="/ws/chat"))
        access.append(_request(number, opened, closed, status=101, path="/ws/chat"))
        errors.append(_timed_out(number, closed, path="/ws/chat"))
    for number in range(N_SILENT, N_SILENT + N_CLEAN):
        opened = START + dt.timedelta(seconds=11 * (number - N_SILENT))
        closed = opened + dt.timedelta(seconds=20 + number)
        clients.append(_record(number, opened, closed, code=1000, path="/feed"))
        access.append(_request(number, opened, closed, status=101, path="/feed"))
    for number in range(N_SILENT + N_CLEAN, N_SILENT + N_CLEAN + N_REFUSED):
        at = START + dt.timedelta(seconds=60 + number)
        clients.append(_record(number, None, at, code=1006, path="/feed"))
        access.append(_request(number, at, at, status=403, path="/feed"))
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("client.jsonl", clients), ("access.log", access), ("error.log", errors)):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def address(number: int) -> str:
    """Return the address of one client."""
    return f"203.0.113.{number + 1}"


def _ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)


def _record(number: int, opened: dt.datetime | None, closed: dt.datetime, *, code: int, path: str) -> str:
    quiet_since = None if opened is None else _ms(opened) if code == 1006 else _ms(closed) - 1000
    record = {
        "event": "ws_close", "connId": f"c{number}", "sessionId": f"sess{number}x",
        "url": f"wss://rt.example.com{_target(number, path)}",
        "code": code, "reason": "", "wasClean": code != 1006, "createdAt": _ms(opened or closed) - 5,
        "openedAt": None if opened is None else _ms(opened), "lastSentAt": quiet_since, "lastRecvAt": quiet_since,
        "closedAt": _ms(closed), "visibilityState": "visible", "onLine": True, "attempt": 0, "userAgent": AGENT,
    }  # fmt: skip
    return json.dumps(record)


def _request(number: int, opened: dt.datetime, closed: dt.datetime, *, status: int, path: str) -> str:
    seconds = (closed - opened).total_seconds()
    return (
        f"{address(number)} [{closed:%Y-%m-%dT%H:%M:%S}+00:00] msec={closed.timestamp():.3f} conn={number} "
        f'host=rt.example.com "GET {_target(number, path)} HTTP/1.1" status={status} bytes=300 body=20 '
        f'rt={seconds:.3f} ua=127.0.0.1:9001 us={status} upgrade="websocket" agent="{AGENT}"'
    )


def _timed_out(number: int, at: dt.datetime, *, path: str) -> str:
    target = _target(number, path)
    return (
        f"{at:%Y/%m/%d %H:%M:%S} [info] 31#31: *{number} upstream timed out (110: Connection timed out) while proxying "
        f'upgraded connection, client: {address(number)}, server: rt.example.com, request: "GET {target} HTTP/1.1", '
        f'upstream: "http://127.0.0.1:9001{target}", host: "rt.example.com"'
    )


def _target(number: int, path: str) -> str:
    return f"{path}?sid=sess{number}x"
