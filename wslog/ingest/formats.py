"""The one list of log formats: detection, help texts and tests all read it. The first wins a tie."""

from __future__ import annotations

from typing import Final

from wslog.ingest.alb.access import ALB_ACCESS
from wslog.ingest.alb.access_json import ALB_JSON
from wslog.ingest.alb.connection import ALB_CONNECTION
from wslog.ingest.alb.health import ALB_HEALTH
from wslog.ingest.client.close import CLIENT_CLOSE
from wslog.ingest.format import LogFormat
from wslog.ingest.nginx.access import NGINX_ACCESS
from wslog.ingest.nginx.access_json import NGINX_JSON
from wslog.ingest.nginx.error import NGINX_ERROR

FORMATS: Final[tuple[LogFormat, ...]] = (
    CLIENT_CLOSE,
    ALB_ACCESS,
    ALB_CONNECTION,
    ALB_HEALTH,
    ALB_JSON,
    NGINX_ERROR,
    NGINX_JSON,
    NGINX_ACCESS,  # last: it may guess the layout of lines that nothing else claims
)
