"""Small deliveries of logs: what clients and nginx wrote of a few connections on given days."""

from __future__ import annotations

import datetime as dt
import json
import random
from dataclasses import dataclass
from pathlib import Path

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
NOW = dt.datetime(2026, 12, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Connection:
    """One connection as both ends log it; `silent`: nginx ended it after 45 s without a message."""

    number: int
    opened: dt.datetime
    closed: dt.datetime
    is_silent: bool


def connections_of(
    start: dt.datetime, n: int, *, seed: int = 0, hours: float = 10.0, silent: float = 1 / 3
) -> list[Connection]:
    """Make connections that open from *start* on, within some hours; the share *silent* of them falls silent."""
    rng = random.Random(f"{start}{seed}")
    made = []
    for i in range(n):
        opened = start + dt.timedelta(seconds=round(rng.uniform(0, hours * 3600), 3))
        is_silent = int((i + 1) * silent) > int(i * silent)
        lifetime = rng.uniform(45.5, 300) if is_silent else rng.uniform(5, 400)
        number = int(start.timestamp()) * 1000 + seed * 500 + i
        made.append(Connection(number, opened, opened + dt.timedelta(seconds=round(lifetime, 3)), is_silent))
    return sorted(made, key=lambda one: one.closed)


def client_lines(connections: list[Connection]) -> str:
    """Return the clients' close records."""
    return "".join(_record(one) + "\n" for one in connections)


def access_lines(connections: list[Connection]) -> str:
    """Return nginx's access log, with times to the millisecond."""
    return "".join(_request(one) + "\n" for one in connections)


def write_day(folder: Path, day: dt.datetime, n: int = 60, *, seed: int = 0, silent: float = 1 / 3) -> list[Connection]:
    """Write one day's client records and access lines into *folder*, named by the day."""
    made = connections_of(day, n, seed=seed, silent=silent)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"client-{day:%m%d}-{seed}.jsonl").write_text(client_lines(made))
    (folder / f"access-{day:%m%d}-{seed}.log").write_text(access_lines(made))
    return made


def _ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)


def _record(one: Connection) -> str:
    last = one.closed - dt.timedelta(seconds=45 if one.is_silent else 1)
    return json.dumps({
        "event": "ws_close", "connId": f"c{one.number}", "sessionId": f"s{one.number}",
        "url": f"wss://rt.example.com/ws/chat?c={one.number}", "code": 1006 if one.is_silent else 1000, "reason": "",
        "wasClean": not one.is_silent, "createdAt": _ms(one.opened) - 5, "openedAt": _ms(one.opened),
        "lastSentAt": _ms(last), "lastRecvAt": _ms(last), "closedAt": _ms(one.closed), "visibilityState": "visible",
        "onLine": True, "attempt": 0, "userAgent": AGENT,
    })  # fmt: skip


def _request(one: Connection) -> str:
    lifetime = (one.closed - one.opened).total_seconds()
    address = f"203.0.{one.number % 200}.{one.number % 250}"
    return (
        f'{address} - - [{one.closed:%d/%b/%Y:%H:%M:%S} +0000] "GET /ws/chat?c={one.number} HTTP/1.1" 101 512 "-" '
        f'"{AGENT}" rt={lifetime:.3f} msec={one.closed.timestamp():.3f}'
    )
