"""What an nginx configuration says about logs and timers: log formats, and the timers of proxied locations.

Source: https://nginx.org/en/docs/http/ngx_http_proxy_module.html, ngx_core_module.html, ngx_http_log_module.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from wslog.ingest.nginx.conf_tree import ConfTree, Directive, read_conf
from wslog.knowledge.model import Setting
from wslog.knowledge.own_timers import NGINX_LOCATION_TIMERS, NGINX_SHUTDOWN, NGINX_SHUTDOWN_DIRECTIVE

__all__ = [
    "ConfTree",
    "is_nginx_conf",
    "log_formats",
    "read_conf",
    "seconds_of",
    "timers",
]

DEFAULT_S: Final = 60.0  # of each timer of a location; it inherits from http to server to location, the innermost wins
_UNITS: Final = {
    "ms": 0.001,
    "": 1.0,
    "s": 1.0,
    "m": 60.0,
    "h": 3_600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "M": 2_592_000.0,
    "y": 31_536_000.0,
}
_TIME: Final = re.compile(r"(?:\d+(?:ms|[smhdwMy])?\s*)+")
_KNOWN: Final = frozenset(
    [
        f"{word}_timeout"
        for word in ("proxy_read", "proxy_send", "send", "proxy_connect", "keepalive", "worker_shutdown")
    ]
    + ["http", "server", "events", "stream", "upstream", "location", "map", "proxy_pass", "log_format", "access_log"]
    + ["error_log", "worker_processes", "include", "listen", "server_name", "load_module", "proxy_set_header", "user"]
)
_DIRECTIVE: Final = re.compile(r"[a-z][a-z0-9_]*")
_PEEK: Final = 200_000  # characters looked at to recognise a configuration


def is_nginx_conf(text: str) -> bool:
    """Tell an nginx configuration (or a part of one, or `nginx -T`) from any other text, by content."""
    head = text[:_PEEK]
    if "# configuration file " in head:
        return True
    if "\x00" in head or not re.search(r"[;{]", head):
        return False
    first = next(
        (line.strip() for line in head.splitlines() if line.strip() and not line.lstrip("\ufeff #").startswith("#")), ""
    )
    if not re.match(r"\ufeff?[a-z][a-z0-9_]*[\s;{]|\ufeff?#|[a-z][a-z0-9_]*$", first):
        return False
    top = read_conf({"": head}).root.block or ()
    odd = sum(1 for directive in top if not _DIRECTIVE.fullmatch(directive.name))
    return odd == 0 and any(directive.name in _KNOWN for directive in top)


def seconds_of(text: str) -> float | None:
    """Read nginx's time syntax (`75s`, `1m 30s`, `500ms`, a bare number is seconds); None: it is not one."""
    if not _TIME.fullmatch(text.strip()):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhdwMy]?)", text))


def log_formats(tree: ConfTree) -> dict[str, str]:
    """Return the `log_format` texts by name, pieces joined, `escape=…` kept in front."""
    found: dict[str, str] = {}
    for directive in tree.walk():
        if directive.name == "log_format" and len(directive.args) > 1:
            name, *pieces = directive.args
            escape = f"{pieces.pop(0)} " if pieces[0].startswith("escape=") else ""
            found.setdefault(name, escape + "".join(pieces))
    return found


class _Scope(Struct, frozen=True):
    """What a block has inherited: the timers that hold in it and the server it is in."""

    hosts: tuple[str, ...] = ("",)
    values: tuple[tuple[str, Directive], ...] = ()

    def within(self, block: Directive) -> _Scope:
        """Return the scope inside *block*."""
        values = dict(self.values)
        hosts = self.hosts
        for inner in block.block or ():
            if inner.name in NGINX_LOCATION_TIMERS and inner.args:
                values[inner.name] = inner
            elif inner.name == "server_name" and block.name == "server":
                hosts = tuple(name.lower() for name in inner.args if name not in ("_", "")) or ("",)
        return replace(self, hosts=hosts, values=tuple(values.items()))


def timers(tree: ConfTree) -> tuple[Setting, ...]:
    """Return the timers that can end a WebSocket, with the values in force.

    One Setting for each timer, server name and location with a `proxy_pass`, defaults included (their `ref` is the
    location's own); `worker_shutdown_timeout` only where it is set. `scope` is the location as written
    (`/ws/`, `~ ^/live`), `host` the server name, empty if it has none.
    """
    found = [
        Setting(timeout_id=NGINX_SHUTDOWN, value_s=value, scope="", host="", ref=directive.ref)
        for directive in tree.root.block or ()
        if directive.name == NGINX_SHUTDOWN_DIRECTIVE
        and directive.args
        and (value := seconds_of(directive.args[0])) is not None
    ]
    return (*found, *_location_timers(tree.root, _Scope()))


def _location_timers(block: Directive, scope: _Scope) -> Iterator[Setting]:
    inside = scope.within(block)
    if block.name == "location" and _is_proxied(block):
        set_here = dict(inside.values)
        for name, timeout_id in NGINX_LOCATION_TIMERS.items():
            directive = set_here.get(name)
            value = seconds_of(directive.args[0]) if directive else None
            ref = directive.ref if directive and value is not None else block.ref
            for host in inside.hosts:
                yield Setting(
                    timeout_id=timeout_id,
                    value_s=DEFAULT_S if value is None else value,
                    scope=" ".join(block.args),
                    host=host,
                    ref=ref,
                )
    for inner in block.block or ():
        if inner.block is not None:
            yield from _location_timers(inner, inside)


def _is_proxied(location: Directive) -> bool:
    """Tell whether a location passes requests on itself; `proxy_pass` may stand in an `if` but is not inherited."""
    return any(inner.name == "proxy_pass" for inner in location.walk(skip=frozenset({"location"})))
