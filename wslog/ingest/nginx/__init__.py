"""Logs and configuration of nginx: access log as text and JSON, its `log_format`, error log, `nginx.conf`."""
