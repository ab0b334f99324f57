"""Events and coverage out of log files: the first room. Its doors are `read_events` and what it returns.

Each kind of line has an exact way, and most a fast one beside it: docs/architecture.md says which modules are which.
"""

from wslog.ingest.configuration import parse_client_fields
from wslog.ingest.reader import Progress, Read, read_events

__all__ = ["Progress", "Read", "parse_client_fields", "read_events"]
