"""What became of every line of every file, for coverage: lines = events + ignored + rejected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from wslog.errors import InputError
from wslog.ingest.nginx_error import NGINX_ERROR, level_limits
from wslog.ingest.parse_file import FileRead
from wslog.ingest.recognise import Recognised
from wslog.ingest.sources import Source
from wslog.result import FileCoverage

UNKNOWN: Final = "unknown"
MOSTLY: Final = 0.5


def unread(source: Source, *, compression: str, why: str, form: str = UNKNOWN, n_lines: int = 0) -> FileCoverage:
    """Return the account of a file without events: its lines, if any were counted, are ignored."""
    return FileCoverage(
        path=source.shown,
        format=form,
        why=why,
        tier=None,
        compression=compression,
        lines=n_lines,
        events=0,
        ignored=n_lines,
        rejected=0,
        rejects=(),
        first_at=None,
        last_at=None,
        clock="",
        limits=(),
    )


def account_of(source: Source, compression: str, recognised: Recognised, read: FileRead) -> FileCoverage:
    """Return the account of a parsed file, its events not yet counted."""
    main, *guests = read.readers
    why = main.parser.why
    if recognised.wrappers:
        why += f", inside {' inside '.join(wrapper.name for wrapper in reversed(recognised.wrappers))}"
    guests = [guest for guest in guests if guest.format.name in read.levels]
    if guests:
        why += f"; also holds {', '.join(guest.format.name for guest in guests)}"
    clocks = dict.fromkeys(f"{reader.format.name}: {reader.parser.clock}" for reader in (main, *guests))
    clock = "; ".join(clocks) if guests else main.parser.clock
    if read.is_zone_from_wrapper:
        clock += "; set to UTC by the times that the wrapper gives"
    return FileCoverage(
        path=source.shown,
        format=main.format.name,
        why=why,
        tier=main.format.tier,
        compression=compression,
        lines=read.n_lines,
        events=0,
        ignored=read.n_lines - read.n_rejected,
        rejected=read.n_rejected,
        rejects=tuple(read.rejects),
        first_at=read.first_at,
        last_at=read.last_at,
        clock=clock,
        limits=_limits(read),
    )


def _limits(read: FileRead) -> tuple[str, ...]:
    limits = [limit for reader in read.readers if reader.format.name in read.levels for limit in reader.parser.limits]
    if NGINX_ERROR.name in read.levels:
        limits += level_limits(read.levels[NGINX_ERROR.name])
    if read.trouble:
        limits.append(f"{read.trouble}, after line {read.n_lines}")
    if read.n_rejected > MOSTLY * read.n_lines:
        limits.append(f"{read.n_rejected} of {read.n_lines} lines could not be parsed: most of this file is not seen")
    return tuple(dict.fromkeys(limits))


def with_copies(files: Sequence[FileCoverage], events: pl.DataFrame, unique: pl.DataFrame) -> list[FileCoverage]:
    """Note in each file's limits how many of its events stand in another place too and are counted there."""
    copies = events.join(unique.select("ref"), on="ref", how="anti")
    n_by_path = dict(_lines_by_path(copies).rows())
    return [
        replace(file, limits=(*file.limits, f"{n} lines were delivered twice and are counted once"))
        if (n := n_by_path.get(file.path))
        else file
        for file in files
    ]


def with_events(files: Sequence[FileCoverage], kept: pl.DataFrame) -> list[FileCoverage]:
    """Count the lines that gave events in the end; the other lines that parsed are ignored."""
    n_by_path = dict(_lines_by_path(kept).rows())
    counted = [(file, n_by_path.get(file.path, 0)) for file in files]
    return [replace(file, events=n, ignored=file.lines - file.rejected - n) for file, n in counted]


def _lines_by_path(events: pl.DataFrame) -> pl.DataFrame:
    path = pl.col("ref").str.replace(r":\d+$", "").alias("path")
    return events.group_by(path).agg(pl.col("ref").n_unique().cast(pl.Int64).alias("n"))


def raise_if_useless(files: Sequence[FileCoverage], *, has_settings: bool) -> None:
    """Refuse inputs in which nothing at all could be used.

    Raises:
        InputError: Naming what was seen.
    """
    if has_settings or any(file.tier is not None and file.rejected < file.lines for file in files):
        return
    seen = "; ".join(f"{file.path}: {file.why}" for file in files[:5])
    more = f"; and {len(files) - 5} more" if len(files) > 5 else ""
    raise InputError(
        "nothing here is a log that wslog can read",
        where=files[0].path if len(files) == 1 else None,
        mend=f"Seen: {seen}{more}.\nGive nginx access or error logs, AWS ALB logs or client close records; "
        "for an nginx log_format of your own add --log-format or --nginx-conf.",
    )
