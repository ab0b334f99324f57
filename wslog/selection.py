"""Which connections an analysis is about: a span of time, paths and hosts."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.errors import InputError, OptionError

MOST_NAMED: Final = 8
MOST_SHOWN: Final = 80  # letters of a path, which may be as long as a log line


class Selection(Struct, frozen=True, kw_only=True):
    """What to keep; empty parts keep everything.

    Attributes:
        since, until: Ended at or after, and before (instants with zone).
        path_globs, host_globs: Shell patterns; one must match. Hosts match in upper and lower case alike.

    Raises:
        OptionError: If the span ends before it begins, or a pattern is none.
    """

    since: dt.datetime | None = None
    until: dt.datetime | None = None
    path_globs: tuple[str, ...] = ()
    host_globs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.since is not None and self.until is not None and self.since >= self.until:
            raise OptionError(
                f"{_instant(self.until)} is not after --since, {_instant(self.since)}",
                where="--until", mend="Write the earlier moment after --since and the later one after --until.",
            )  # fmt: skip
        for option, globs in (("--path", self.path_globs), ("--host", self.host_globs)):
            for glob in globs:
                _check(glob, option)

    def apply(self, connections: pl.DataFrame) -> pl.DataFrame:
        """Return the rows to keep. What has no end time, path or host cannot be judged and goes.

        Raises:
            InputError: If there are connections, and none is to be kept: a report on nothing would read like good news.
        """
        keep = pl.lit(value=True)
        if self.since is not None:
            keep = keep & (pl.col("closed_at") >= self.since)
        if self.until is not None:
            keep = keep & (pl.col("closed_at") < self.until)
        if self.path_globs:
            keep = keep & _matches(pl.col("path"), self.path_globs)
        if self.host_globs:
            keep = keep & _matches(pl.col("host"), self.host_globs, flags="(?i)")
        kept = connections.filter(keep)
        if connections.height and not kept.height:
            raise InputError(
                f"none of the {connections.height} connections match {' and '.join(self._asked())}",
                mend=" ".join(self._there_is(connections)),
            )
        return kept

    def _asked(self) -> Iterator[str]:
        if self.since is not None:
            yield f"--since {_instant(self.since)}"
        if self.until is not None:
            yield f"--until {_instant(self.until)}"
        for option, globs in (("--path", self.path_globs), ("--host", self.host_globs)):
            if globs:
                yield " or ".join(f"{option} {glob!r}" for glob in globs)

    def _there_is(self, connections: pl.DataFrame) -> Iterator[str]:
        """Say what could have been asked for."""
        first, last = connections["closed_at"].min(), connections["closed_at"].max()
        if isinstance(first, dt.datetime) and isinstance(last, dt.datetime):
            yield f"The connections in these logs ended from {_instant(first)} to {_instant(last)}."
        else:
            yield "No log tells when a connection ended."
        for column, globs in (("path", self.path_globs), ("host", self.host_globs)):
            if globs:
                values = connections[column].drop_nulls().unique().sort().to_list()
                more = f" and {len(values) - MOST_NAMED} more" if len(values) > MOST_NAMED else ""
                named = ", ".join(value[:MOST_SHOWN] for value in values[:MOST_NAMED]) or "none"
                yield f"Each {column} there is: {named}{more}."


ALL: Final = Selection()


def _instant(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _check(glob: str, option: str) -> None:
    try:
        is_pattern = bool(glob) and pl.select(_matches(pl.lit(""), [glob])).height == 1
    except pl.exceptions.ComputeError:
        is_pattern = False
    if not is_pattern:
        raise OptionError(
            f"{glob!r} is not a pattern", where=option, mend="Write a name with *, ? or [a-z] in it, such as '/ws/*'."
        )


def _matches(text: pl.Expr, globs: Sequence[str], *, flags: str = "") -> pl.Expr:
    # fnmatch writes Python's regex; its \Z (3.14: \z) and atomic groups mean nothing to Rust's engine.
    patterns = [_rust_regex(glob) for glob in globs]
    return text.str.contains(f"{flags}^(?:{'|'.join(patterns)})$").fill_null(value=False)


def _rust_regex(glob: str) -> str:
    translated = fnmatch.translate(glob)
    inner = translated.removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
    return inner.replace("(?>", "(?:")
