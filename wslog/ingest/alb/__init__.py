"""Logs and timers of AWS load balancers: access log as text and JSON, TLS connections, health checks."""
