"""What became of every line of every file, for coverage: lines = events + ignored + rejected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from msgspec.structs import replace

from wslog.errors import InputError
from wslog.ingest.files.sources import Source
from wslog.ingest.kinds.recognise import Recognised
from wslog.ingest.nginx.error import NGINX_ERROR, level_limits
from wslog.ingest.parse_file import FileRead
from wslog.result import FileCoverage
from wslog.schema import Format, LimitKind

MOSTLY: Final = 0.5


def unread(source: Source, *, compression: str, why: str, form: str = Format.UNKNOWN, n_lines: int = 0) -> FileCoverage:
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
    if recognised.unfolded:
        why += f", out of {recognised.unfolded}"
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
        mendable=_mendable(read),
        is_zone_assumed=not read.is_zone_from_wrapper and any(one.parser.is_zone_assumed for one in (main, *guests)),
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


def _mendable(read: FileRead) -> dict[str, LimitKind]:
    kinds = level_limits(read.levels[NGINX_ERROR.name]) if NGINX_ERROR.name in read.levels else {}
    for reader in read.readers:
        if reader.format.name in read.levels:
            kinds |= reader.parser.mendable
    return kinds


def with_copies(
    files: Mapping[int, FileCoverage], events: pl.DataFrame, unique: pl.DataFrame
) -> dict[int, FileCoverage]:
    """Note in each file's limits how many of its events stand in another place too and are counted there.

    Args:
        files: By number.
        events: With `file_no` and `line`; with copies.
        unique: The same without.
    """
    n_unique = _n_lines(unique)
    copies = {number: n - n_unique.get(number, 0) for number, n in _n_lines(events).items()}
    return {
        number: replace(file, limits=(*file.limits, f"{n} lines were delivered twice and are counted once"))
        if (n := copies.get(number))
        else file
        for number, file in files.items()
    }


def with_events(files: Mapping[int, FileCoverage], kept: pl.DataFrame) -> dict[int, FileCoverage]:
    """Count the lines that gave events in the end; the other lines that parsed are ignored."""
    n_by_file = _n_lines(kept)
    counted = {number: (file, n_by_file.get(number, 0)) for number, file in files.items()}
    return {
        number: replace(file, events=n, ignored=file.lines - file.rejected - n) for number, (file, n) in counted.items()
    }


def _n_lines(events: pl.DataFrame) -> dict[int, int]:
    return dict(events.group_by("file_no").agg(pl.col("line").n_unique().cast(pl.Int64)).rows())


def raise_if_useless(files: Sequence[FileCoverage], *, has_settings: bool) -> None:
    """Refuse inputs in which nothing at all could be used.

    Raises:
        InputError: Naming what was seen.
    """
    if has_settings or any(file.tier is not None and file.rejected < file.lines for file in files):
        return
    seen = "; ".join(f"{file.path}: {file.why}{_first_reject(file)}" for file in files[:5])
    more = f"; and {len(files) - 5} more" if len(files) > 5 else ""
    raise InputError(
        "nothing here is a log that wslog can read",
        where=files[0].path if len(files) == 1 else None,
        mend=f"Seen: {seen}{more}.\nGive nginx access or error logs, AWS ALB logs or client close records; "
        "for an nginx log_format of your own add --log-format or --nginx-conf.",
    )


def _first_reject(file: FileCoverage) -> str:
    return f", but {file.rejects[0].reason} (line {file.rejects[0].line})" if file.rejects else ""
