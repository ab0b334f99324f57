"""The ids of the timers that wslog reasons about by name; all others it knows only as data.

Each is an entry of `timeouts.toml`; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wslog.schema import Tier

NGINX_READ: Final = "nginx-proxy-read-timeout"
ALB_IDLE: Final = "aws-alb-idle"

OWN_TIMER: Final[Mapping[Tier, str]] = {Tier.NGINX: NGINX_READ, Tier.ALB: ALB_IDLE}
"""The timer that each tier of ours ends silent WebSockets with, whatever value its owner gave it."""

NGINX_LOCATION_TIMERS: Final[Mapping[str, str]] = {
    "proxy_read_timeout": NGINX_READ,
    "proxy_send_timeout": "nginx-proxy-send-timeout",
    "send_timeout": "nginx-send-timeout",
    "proxy_connect_timeout": "nginx-proxy-connect-timeout",
}
"""Directives of nginx that a location may set or inherit."""

NGINX_SHUTDOWN_DIRECTIVE: Final = "worker_shutdown_timeout"
NGINX_SHUTDOWN: Final = "nginx-worker-shutdown-timeout"

ALB_ATTRIBUTES: Final[Mapping[str, str]] = {
    "idle_timeout.timeout_seconds": ALB_IDLE,
    "client_keep_alive.seconds": "aws-alb-client-keep-alive",
    "deregistration_delay.timeout_seconds": "aws-alb-deregistration-delay",
}
"""Attributes of load balancers and target groups that are timers."""
