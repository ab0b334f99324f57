"""Where the values of one template's records stand: the exact reader's search, done once for all of them."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.ingest.client.fields import NAMES, SPANS
from wslog.ingest.client.names import CODE_TEXT
from wslog.ingest.client.record import SURE_CODES, Rules
from wslog.ingest.client.shape import Path
from wslog.ingest.client.template import Template, Unfit

TEXTS: Final = ("connection_id", "session_id", "request_id", "close_reason", "visibility", "user_agent")
FLAGS: Final = ("was_clean", "is_online", "is_persisted", "is_opened", "is_hidden")
TIMES: Final = (
    "created_at", "opened_at", "last_sent_at", "last_received_at", "last_activity_at", "close_called_at", "hidden_at",
)  # fmt: skip
_FIELDS: Final = (
    *(*TEXTS, *FLAGS, *TIMES, *SPANS),
    *("url", "closed_at", "trace_id", "close_code", "attempt", "client_ip"),
)


class Places:
    """Places by our names, the likeliest first, without those where nothing can be read.

    Attributes:
        template: Of the records.
        rules: How to read them.
        of: Our field → their key (or path) and where it stands.
        sure_codes: Where a close code stands that nothing else is called.
        known_names: The names of the event that all records have.
        open_names: Where names stand that differ.
    """

    def __init__(self, template: Template, rules: Rules) -> None:
        """Find them.

        Raises:
            Unfit: If these records are left to the exact reader.
        """
        self.template, self.rules = template, rules
        self.of = {ours: self._of(ours) for ours in _FIELDS}
        texts = ("trace_id", "url", *TEXTS)
        if any(template.dtype(path) == pl.Float64 for ours in texts for _, path in self.of[ours]):
            raise Unfit  # Python's way to write a number
        self.sure_codes = [path for name in SURE_CODES for path in self._readable(name)]
        names = self._names()
        self.known_names = [name for path in names if isinstance(name := template.literal(path), str)]
        self.open_names = [path for path in names if template.literal(path) is None]
        if any(map(CODE_TEXT.search, self.known_names)):
            raise Unfit  # the code stands in a text

    def has_key(self, *names: str) -> bool:
        """Whether the records have any of these plain keys."""
        return any(name in self.template.plan.keys for name in names)

    def _readable(self, name: str) -> list[Path]:
        return [path for path in self.template.plan.keys.get(name, ()) if self.template.dtype(path) is not None]

    def _of(self, ours: str) -> list[tuple[str, Path]]:
        if ours in self.rules.paths:
            places = [(self.rules.paths[ours], self._at_path(self.rules.paths[ours]))]
        else:
            places = list(self.template.plan.ours.get(ours, ()))
        return [(name, path) for name, path in places if self.template.dtype(path) is not None]

    def _at_path(self, theirs: str) -> Path:
        """Return where a dotted path leads; somewhere without a `dtype` if nowhere."""
        types = self.template.types
        if theirs in self.template.keys:
            return (theirs,)
        path = tuple(theirs.split("."))
        if any(types.get(path[:depth]) == "list" for depth in range(1, len(path))):
            raise Unfit
        return path

    def _names(self) -> list[Path]:
        """Return where texts stand that may say what happened."""
        if "event" not in self.rules.paths:
            found = dict.fromkeys(path for name in NAMES for path in self._readable(name))
            return [path for path in found if self.template.dtype(path) == pl.String]
        path = self._at_path(self.rules.paths["event"])
        if self.template.dtype(path) not in {pl.String, None}:
            raise Unfit
        return [path] if self.template.dtype(path) == pl.String else []
