"""The files behind the PATH arguments: each once, in one order, under a name that holds no absolute path."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import IO, Final

from msgspec import Struct
from msgspec.structs import replace

from wslog.errors import InputError

STDIN: Final = "-"
KERNEL_FOLDERS: Final = ("/proc/", "/sys/", "/dev/")
MEMORY_FOLDER: Final = "/dev/shm/"
OBJECT_STORES: Final = ("s3://", "gs://", "az://")


class Source(Struct, frozen=True, kw_only=True):
    """One input file.

    Attributes:
        shown: Its name in every result: relative to the folder it was found in, or as given. Never absolute.
        file: Where it is; None for standard input.
        n_bytes: Its size on disk.
        skipped: Why it is not read (`a named pipe`); empty: it is read.
        spool: Standard input, copied so that it can be read twice.
    """

    shown: str
    file: Path | None
    n_bytes: int = 0
    skipped: str = ""
    spool: IO[bytes] | None = None

    def open(self) -> IO[bytes]:
        """Open the bytes as they are stored.

        Raises:
            OSError: If the file vanished or may not be read.
        """
        if self.spool is not None:
            self.spool.seek(0)
            return os.fdopen(os.dup(self.spool.fileno()), "rb")  # closing it leaves the spool open
        if self.file is None:
            return io.BytesIO()
        return self.file.open("rb")


class _Found(Struct, frozen=True):
    """A file, the part of its path that is shown at first, and where it really is, links followed."""

    file: Path
    shown: str
    real: str
    skipped: str = ""


def list_sources(paths: Sequence[str | Path], *, stdin: IO[bytes] | None = None) -> tuple[Source, ...]:
    """Return the files behind *paths*, sorted by the name they are shown under.

    Folders are read recursively without hidden files, globs are expanded, `-` is standard input. The same file
    reached twice is listed once. What is no regular file is listed with the reason it is skipped.

    Args:
        paths: Files, folders, globs or `-`.
        stdin: The stream behind `-`.

    Raises:
        InputError: If a path does not exist, matches nothing, or names an object store.
    """
    found: dict[str, _Found] = {}
    sources: list[Source] = []
    for given in dict.fromkeys(str(path) for path in paths):
        if given == STDIN:
            sources.append(_spooled(stdin))
            continue
        for item in _behind(given):
            found.setdefault(item.real, item)
    sources += [_source(item) for item in _told_apart(list(found.values()))]
    if not sources:
        raise InputError(
            "no files found", where=_printable(", ".join(map(str, paths))), mend="Name a folder that holds log files."
        )
    return tuple(sorted(sources, key=lambda source: source.shown))


def _behind(given: str) -> Iterator[_Found]:
    if given.startswith(OBJECT_STORES):
        mend = "Copy the logs to this machine first, e.g. `aws s3 sync s3://bucket/prefix logs/`."
        raise InputError("object stores cannot be read directly", where=given, mend=mend)
    path = Path(given)
    if os.path.lexists(path):
        yield from _tree(path) if path.is_dir() else [_alone(path)]
        return
    # Path.glob knows no absolute patterns.
    matches = sorted(glob(given, recursive=True)) if has_magic(given) else []  # noqa: PTH207
    if not matches:
        what = "nothing matches this pattern" if has_magic(given) else "no such file or folder"
        raise InputError(
            what, where=_printable(given), mend="Name an existing file, folder or pattern; quote patterns."
        )
    for match in map(Path, matches):
        if match.is_dir():
            yield from _tree(match)
        else:
            yield _alone(match)


def _alone(path: Path) -> _Found:
    return _Found(path, path.name if path.is_absolute() else path.as_posix(), os.path.realpath(path))


def _tree(folder: Path) -> Iterator[_Found]:
    """Walk a folder in sorted order; links to folders are followed once, so a cycle ends."""
    seen: set[str] = set()
    closed: list[OSError] = []
    for root, folders, names in os.walk(folder, followlinks=True, onerror=closed.append):
        real = os.path.realpath(root)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        inside = Path(root).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        for name in sorted(name for name in names if not name.startswith(".")):
            file, below = Path(root, name), f"{real}/{name}"
            yield _Found(file, prefix + name, os.path.realpath(below) if file.is_symlink() else below)
    for error in closed:
        path = Path(error.filename)
        shown = path.relative_to(folder).as_posix() if path != folder else path.name
        yield _Found(path, f"{shown}/", os.path.realpath(path), f"a folder that cannot be read ({error.strerror})")


def _told_apart(found: list[_Found]) -> Iterator[_Found]:
    """Give files that would be shown alike the names of more parent folders, as few as it takes."""
    clashing = Counter(item.shown for item in found)
    shown = {item.shown for item in found if clashing[item.shown] == 1}
    for item in found:
        if clashing[item.shown] == 1:
            yield item
            continue
        parts = item.file.absolute().parts[1:]
        depth = len(Path(item.shown).parts) + 1
        rivals = [other.file.absolute().parts[1:] for other in found if other.shown == item.shown and other is not item]
        while depth < len(parts) and (
            "/".join(parts[-depth:]) in shown or any(rival[-depth:] == parts[-depth:] for rival in rivals)
        ):
            depth += 1
        name = "/".join(parts[-depth:])
        shown.add(name)
        yield replace(item, shown=name)


def _source(item: _Found) -> Source:
    shown = _printable(item.shown)
    if item.skipped:
        return Source(shown=shown, file=item.file, skipped=item.skipped)
    try:
        status = item.file.stat()
    except OSError as error:
        return Source(shown=shown, file=item.file, skipped=f"cannot be read ({error.strerror})")
    kinds = (
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    skipped = next((reason for is_kind, reason in kinds if is_kind(status.st_mode)), "")
    if not skipped and _is_of_the_kernel(item.real):
        skipped = "made by the kernel while it is read (/proc, /sys, /dev)"
    return Source(shown=shown, file=item.file, n_bytes=status.st_size, skipped=skipped)


def _is_of_the_kernel(real: str) -> bool:
    """Tell what only looks like a regular file: reading /proc/kmsg waits for ever. /dev/shm holds real ones."""
    return real.startswith(KERNEL_FOLDERS) and not real.startswith(MEMORY_FOLDER)


def _read(stdin: IO[bytes]) -> bytes:
    try:
        return stdin.read(1 << 20)
    except OSError as error:
        raise InputError(
            f"cannot be read ({error.strerror or error})", where="standard input", mend="Pipe a log into it."
        ) from None


def _printable(name: str) -> str:
    """Return a name that is valid Unicode: file names may hold any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def _spooled(stdin: IO[bytes] | None) -> Source:
    # Kept open for the whole run: it is read twice, once to find configuration and once for the lines.
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    while stdin is not None and (chunk := _read(stdin)):
        spool.write(chunk)
    spool.flush()
    return Source(shown=STDIN, file=None, n_bytes=spool.tell(), spool=spool)
