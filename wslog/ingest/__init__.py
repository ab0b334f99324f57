"""Events and coverage out of log files: the first room. Its doors are `read_events` and what it returns.

Each kind of line has an exact way, and most a fast one beside it: docs/architecture.md says which modules are which.
"""

from wslog.ingest.configuration import AS_FOUND, ReadOptions, parse_client_fields
from wslog.ingest.reader import Read, read_events

__all__ = ["AS_FOUND", "Read", "ReadOptions", "parse_client_fields", "read_events"]
