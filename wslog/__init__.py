"""wslog: who closed these WebSockets with 1006, how do we know, and what do we change?

In Python: `wslog.analyze("logs/")`, `wslog.load("analysis.json")`, `wslog.read_events("logs/nginx/")`,
`wslog.Store("history/")`.
Importing wslog is cheap: polars and the rest come with the first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from wslog.errors import WslogError
    from wslog.notebook import Analysis, Store, analyze, load, read_events

__all__ = ["Analysis", "Store", "WslogError", "__version__", "analyze", "load", "read_events"]


def __getattr__(name: str) -> Any:
    if name in {"Analysis", "Store", "analyze", "load", "read_events"}:
        from wslog import notebook

        return getattr(notebook, name)
    if name == "WslogError":
        from wslog.errors import WslogError

        return WslogError
    raise AttributeError(f"module 'wslog' has no attribute {name!r}")
