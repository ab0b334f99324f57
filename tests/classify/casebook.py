"""Cases of `cases/*.toml` as logs: small tables become the very lines that clients, nginx and the ALB write.

A case is a `promise`, groups of connections, nginx notices, other files, and what must be said of each group:

    [[connections]]
    name = "silent"                                      # members are silent-0, silent-1, …
    n = 24
    opened = { from = 0, step = 11 }                     # seconds after the log's start; member k: from + k * step
    lifetime_s = { from = 80, step = 37.3, within = 90 } # from + (k * step) modulo within
    path = "/ws/chat"
    client = { code = 1006, sent_s = 60, received_s = 61 }   # seconds before its own close; left out: never
    nginx = {}                                           # a tier that is not named wrote no line
    error = "[info] upstream timed out (110: Connection timed out) while proxying upgraded connection"
    alb = {}

    [[expect]]
    name = "silent"
    cause = "idle_timeout"
    tier = "nginx"

Every number of a connection may be such a rule; nothing is random. `ended` (a moment) may stand for `lifetime_s`;
`never_opened` says that the handshake failed. `client` also takes `late_s` (how much later than the servers it
noticed), `skew_s`, `hidden`, `offline`, `close_called_s`, `pagehide` (the only record), `pagehide_s` (one that long
before), `persisted`, `reason`. An expectation's `rests_on` names tiers without whose log it must not be surer. `decide`
says why a case fails that only a decision can mend.
"""

from __future__ import annotations

import datetime as dt
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

CASES: Final = Path(__file__).parent / "cases"
START: Final = dt.datetime(2026, 3, 10, 9, 0, tzinfo=dt.UTC)
HOST: Final = "rt.example.com"
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0"
REQUEST_S: Final = 0.004  # the request reaches nginx this long before the client sees its open
HEADER_S: Final = 0.003  # and this much of it is the app's answer
NOTICED_S: Final = 0.003  # a client whose path is up notices this much later than the servers
FILES: Final = {"client": "client.jsonl", "nginx": "access.log", "alb": "alb.log", "error": "error.log"}
REF_COLUMNS: Final = {"client": "client_ref", "nginx": "nginx_access_ref", "alb": "alb_ref"}

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One file of `cases/`."""

    name: str
    promise: str
    connections: tuple[Table, ...]
    notices: tuple[Table, ...]
    files: Mapping[str, str]
    expect: tuple[Table, ...]
    bursts: tuple[str, ...] | None
    clusters: tuple[str, ...] | None
    decide: str


@dataclass(slots=True)
class Written:
    """A case on disk.

    Attributes:
        refs: Per member (`silent-3`) and tier, the `file:line` of its last line.
    """

    folder: Path
    refs: dict[str, dict[str, str]] = field(default_factory=dict)

    def members(self, name: str) -> list[str]:
        """Names of a group's members."""
        return [member for member in self.refs if member.rpartition("-")[0] == name]


def load_cases() -> list[Case]:
    """Read every case, in order of name."""
    return [_case(path) for path in sorted(CASES.glob("*.toml"))]


def _case(path: Path) -> Case:
    raw = tomllib.loads(path.read_text("utf-8"))
    strange = set(raw) - {"promise", "connections", "notices", "files", "expect", "bursts", "clusters", "decide"}
    if strange:
        raise ValueError(f"{path.name}: no such key: {sorted(strange)}")
    listed = {key: tuple(raw[key]) if key in raw else None for key in ("bursts", "clusters")}
    return Case(
        name=path.stem,
        promise=raw["promise"],
        connections=tuple(raw.get("connections", ())),
        notices=tuple(raw.get("notices", ())),
        files=raw.get("files", {}),
        expect=tuple(raw.get("expect", ())),
        decide=raw.get("decide", ""),
        **listed,
    )


def write_case(case: Case, folder: Path) -> Written:
    """Write the logs of *case* into *folder*, each log in order of time."""
    written = Written(folder)
    lines: dict[str, list[tuple[float, str, str]]] = {tier: [] for tier in FILES}
    number = 0
    for group in case.connections:
        for k in range(group.get("n", 1)):
            number += 1
            member = f"{group['name']}-{k}"
            written.refs[member] = {}
            for tier, at, line in _Member(group, k, number).lines():
                lines[tier].append((at, member, line))
    for notice in case.notices:
        lines["error"].append((notice["at"], "", f"{_error_stamp(notice['at'])} {notice['line']}"))
    for tier, entries in lines.items():
        if not entries:
            continue
        entries.sort(key=lambda entry: (entry[0], entry[1]))
        (folder / FILES[tier]).write_text("".join(f"{line}\n" for _, _, line in entries))
        for place, (_, member, _) in enumerate(entries, start=1):
            if member:
                written.refs[member][tier] = f"{FILES[tier]}:{place}"
    for name, text in case.files.items():
        (folder / name).write_text(text)
    return written


class _Member:
    """One connection of a group and its lines."""

    def __init__(self, group: Table, k: int, number: int) -> None:
        self.group, self.k, self.number = group, k, number
        self.opened = self._of(group["opened"])
        ended = self._of(group["ended"]) if "ended" in group else self.opened + self._of(group["lifetime_s"])
        self.ended = ended
        self.target = f"{group['path']}?sid=s{number:05d}"
        self.address = f"203.0.{113 + number // 250}.{number % 250 + 1}"
        self.trace = f"Root=1-69afdd{number % 100:02d}-{number:024x}"
        self.never = group.get("never_opened", False)

    def _of(self, rule: float | Table) -> float:
        """A number, or its rule: from + k * step, modulo within."""
        if isinstance(rule, int | float):
            return float(rule)
        moved = self.k * float(rule["step"])
        return float(rule["from"]) + (moved % float(rule["within"]) if "within" in rule else moved)

    def lines(self) -> list[tuple[str, float, str]]:
        """Its lines: tier, second of the log, text."""
        group = self.group
        found: list[tuple[str, float, str]] = []
        if "client" in group:
            found += self._client(group["client"])
        if "nginx" in group:
            found.append(("nginx", self.ended, self._nginx(group["nginx"])))
        if "error" in group:
            found.append(("error", self.ended, self._error(group["error"])))
        if "alb" in group:
            found.append(("alb", self.ended, self._alb(group["alb"])))
        return found

    def _client(self, said: Table) -> list[tuple[str, float, str]]:
        skew = self._of(said.get("skew_s", 0.0))
        closed = self.ended + self._of(said.get("late_s", NOTICED_S)) + skew
        opened = None if self.never else self.opened + skew
        ago = {name: self._of(said[name]) for name in said if name.endswith("_s") and name not in {"skew_s", "late_s"}}

        def before(name: str) -> int | None:
            return _ms(closed - ago[name]) if name in ago else None

        record = {
            "event": "ws_close", "connId": f"{self.group['name']}-{self.k}", "sessionId": f"s{self.number:05d}",
            "url": f"wss://{self.group.get('host', HOST)}{self.target}", "code": said.get("code", 1006),
            "reason": said.get("reason", ""), "wasClean": said.get("code", 1006) != 1006,
            "createdAt": _ms((self.opened if self.never else self.opened - 0.005) + skew),
            "openedAt": None if opened is None else _ms(opened),
            "lastSentAt": before("sent_s"), "lastRecvAt": before("received_s"), "closedAt": _ms(closed),
            "closeCalledAt": before("close_called_s"),
            "visibilityState": "hidden" if said.get("hidden") else "visible", "onLine": not said.get("offline", False),
            "attempt": said.get("attempt", 0), "userAgent": AGENT,
        }  # fmt: skip
        nothing = {"code": None, "reason": None, "wasClean": None}
        hidden = record | nothing | {"event": "pagehide", "persisted": said.get("persisted", False)}
        if said.get("pagehide"):
            return [("client", closed, json.dumps(hidden))]
        close = ("client", closed, json.dumps(record))
        if "pagehide_s" not in said:
            return [close]
        hidden["closedAt"] = before("pagehide_s")
        return [("client", closed - ago["pagehide_s"], json.dumps(hidden)), close]

    def _nginx(self, said: Table) -> str:
        status = said.get("status", 101)
        answered = said.get("upstream_status", status)
        upstream = self.group.get("upstream", "127.0.0.1:9001") if answered != "-" else "-"
        took = self.ended - self.opened + (0.0 if self.never else REQUEST_S)
        peer = "198.18.1.21" if "alb" in self.group else self.address
        trace = self.trace if "alb" in self.group else "-"
        # Many layouts leave $request_completion out: `completion = false`.
        completion = "" if said.get("completion") is False else f'completion="{said.get("completion", "OK")}" '
        return (
            f"{peer}:40000 [{_instant(self.ended):%Y-%m-%dT%H:%M:%S}+00:00] msec={START.timestamp() + self.ended:.3f} "
            f"conn={self.number} pid={said.get('pid', 31)} host={self.group.get('host', HOST)} "
            f'"GET {self.target} HTTP/1.1" status={status} bytes=300 body=20 rt={took:.3f} '
            f"uht={HEADER_S if answered != '-' else '-'} urt={took:.3f} upstream={upstream} us={answered} "
            f'{completion}upgrade="websocket" trace="{trace}" agent="{AGENT}"'
        )

    def _error(self, said: str) -> str:
        level, _, message = said.partition(" ")
        upstream = self.group.get("upstream", "127.0.0.1:9001")
        return (
            f"{_error_stamp(self.ended)} {level} 31#31: *{self.number} {message}, client: {self.address}, "
            f'server: {HOST}, request: "GET {self.target} HTTP/1.1", upstream: "http://{upstream}{self.target}", '
            f'host: "{self.group.get("host", HOST)}"'
        )

    def _alb(self, said: Table) -> str:
        status, target = said.get("status", 101), said.get("target", "10.0.0.5:8080")
        target_status = said.get("target_status", status)
        times = "0.001 0.004 0.000" if target != "-" else "-1 -1 -1"
        began = _instant(self.opened - (0.0 if self.never else REQUEST_S + 0.001))
        url = f"https://{self.group.get('host', HOST)}:443{self.target}"
        arn = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/web/943f017f100becff"
        return (
            f"{'wss' if status == 101 else 'https'} {_iso(_instant(self.ended))} app/web/8c1f2ab3d4e5f607 "
            f"{self.address}:40000 {target} {times} {status} {target_status} 621 382 "
            f'"GET {url} HTTP/1.1" "{AGENT}" TLS_AES_128_GCM_SHA256 TLSv1.3 {arn} "{self.trace}" "{HOST}" '
            f'"arn:aws:acm:us-east-2:123456789012:certificate/1" 0 {_iso(began)} "forward" "-" "-" "{target}" '
            f'"{target_status}" "-" "-" TID_{self.number:032x} "-" "-" "-"'
        )


def _instant(second: float) -> dt.datetime:
    return START + dt.timedelta(seconds=second)


def _iso(at: dt.datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}Z"


def _ms(second: float) -> int:
    return round(_instant(second).timestamp() * 1000)


def _error_stamp(second: float) -> str:
    return f"{_instant(second):%Y/%m/%d %H:%M:%S}"


def tiers_of(case: Case) -> Sequence[str]:
    """Tiers that wrote anything in *case*; `error`: nginx's error log."""
    said = {tier for group in case.connections for tier in FILES if tier in group}
    return sorted(said | ({"error"} if case.notices else set()))
