"""The one list of log formats: detection, help texts and tests all read it. The first wins a tie."""

from __future__ import annotations

from typing import Final

from wslog.ingest.alb_access import ALB_ACCESS
from wslog.ingest.format import LogFormat
from wslog.ingest.nginx_access import NGINX_ACCESS
from wslog.ingest.nginx_error import NGINX_ERROR
from wslog.ingest.nginx_json import NGINX_JSON

FORMATS: Final[tuple[LogFormat, ...]] = (ALB_ACCESS, NGINX_ERROR, NGINX_JSON, NGINX_ACCESS)
