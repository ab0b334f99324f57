"""The one list of log formats: detection, help texts and tests all read it. The first wins a tie."""

from __future__ import annotations

from typing import Final

from wslog.ingest.alb_access import ALB_ACCESS
from wslog.ingest.alb_connection import ALB_CONNECTION
from wslog.ingest.alb_health import ALB_HEALTH
from wslog.ingest.alb_json import ALB_JSON
from wslog.ingest.client_close import CLIENT_CLOSE
from wslog.ingest.format import LogFormat
from wslog.ingest.nginx_access import NGINX_ACCESS
from wslog.ingest.nginx_error import NGINX_ERROR
from wslog.ingest.nginx_json import NGINX_JSON

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
