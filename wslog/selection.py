"""Which connections an analysis is about: a span of time, paths and hosts."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to keep; empty parts keep everything.

    Attributes:
        since, until: Ended at or after, and before (instants with zone).
        path_globs, host_globs: Shell patterns; one must match.
    """

    since: dt.datetime | None = None
    until: dt.datetime | None = None
    path_globs: tuple[str, ...] = ()
    host_globs: tuple[str, ...] = ()

    def apply(self, connections: pl.DataFrame) -> pl.DataFrame:
        """Return the rows to keep. What has no end time, path or host cannot be judged and goes."""
        keep = pl.lit(value=True)
        if self.since is not None:
            keep = keep & (pl.col("closed_at") >= self.since)
        if self.until is not None:
            keep = keep & (pl.col("closed_at") < self.until)
        for column, globs in (("path", self.path_globs), ("host", self.host_globs)):
            if globs:
                keep = keep & _matches(column, globs)
        return connections.filter(keep)


def _matches(column: str, globs: Sequence[str]) -> pl.Expr:
    # fnmatch writes Python's regex; its \Z (3.14: \z) and atomic groups mean nothing to Rust's engine.
    patterns = [_rust_regex(glob) for glob in globs]
    return pl.col(column).str.contains(f"^(?:{'|'.join(patterns)})$").fill_null(value=False)


def _rust_regex(glob: str) -> str:
    translated = fnmatch.translate(glob)
    inner = translated.removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
    return inner.replace("(?>", "(?:")
