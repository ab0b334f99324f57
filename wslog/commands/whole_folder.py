"""A folder that is replaced whole or not at all, and never one that holds what the same command reads.

The new folder grows beside its place in `.NAME-xxxxxxxx/new`; the old one waits in `.NAME-xxxxxxxx/old` until the new
one stands. A run that is killed between the two moves leaves both there, and the next run puts the old one back.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from wslog.errors import OptionError, OutputError

MARKER: Final = ".wslog-report"
LEFT_FOR_S: Final = 86_400.0
"""Older leftovers are of no run that still lives."""
_MARKER_TEXT: Final = b"Written by wslog. The next report written here replaces this folder as a whole.\n"
_MEND_FORCE: Final = "Name another folder with -o, or replace this one with --force."
_MEND_OTHER: Final = "Name another folder with -o."
_MEND_WRITE: Final = "Check that you may write there and that the disk has room, or name another folder with -o."


def check_output(output: Path, *, force: bool, inputs: Iterable[str | Path] = ()) -> None:
    """Make sure that *output* may be written: before hours of reading, not after.

    Args:
        output: The folder to write.
        force: Replace a folder that wslog did not write; never one that holds an input.
        inputs: What the command reads or keeps: files and folders.

    Raises:
        OptionError: If it is a file, holds one of *inputs*, or wslog did not write it and *force* is not set.
        OutputError: If nothing may be written beside it.
    """
    place = place_of(output)
    for given in inputs:
        if real(given).is_relative_to(place):
            raise OptionError(
                f"the report would replace this folder, and what is read from it: {given}",
                where=str(output), mend="Name a folder with -o that holds nothing to read.",
            )  # fmt: skip
    above = next(folder for folder in (*place.parents, place) if os.path.lexists(folder))
    if not above.is_dir():
        raise OptionError(f"{above} is a file, not a folder", where=str(output), mend=_MEND_OTHER)
    if not os.access(above, os.W_OK | os.X_OK):
        raise OutputError(f"nothing may be written in {above}", where=str(output), mend=_MEND_WRITE)
    if not os.path.lexists(output):
        return
    if not place.is_dir():
        raise OptionError("this is a file, not a folder", where=str(output), mend="Name a folder with -o.")
    if place in (Path.cwd(), *Path.cwd().parents):
        raise OptionError("the report cannot take the place of the working folder", where=str(output), mend=_MEND_OTHER)
    is_ours = (place / MARKER).is_file() or not any(place.iterdir())
    if not is_ours and not force:
        raise OptionError("this folder was not written by wslog", where=str(output), mend=_MEND_FORCE)


def place_of(output: Path) -> Path:
    """Return where a folder really is or will be: a link keeps pointing there.

    Raises:
        OptionError: If the way there leads up from what is no folder. The system would not go it, and to go it in
            thought ends in a folder that nobody looked at: `gone/..` is the working folder.
        OutputError: If the system takes no names as long as those that are needed.
    """
    ways = [Path(*output.parts[:n]) for n, part in enumerate(output.parts) if part == ".."]
    if missing := [way for way in ways if not way.is_dir()]:
        raise OptionError(f"{missing[0]} is no folder, so .. leads nowhere", where=str(output), mend=_MEND_OTHER)
    place = real(output)
    try:
        place.with_name(f"{_prefix(place)}{'x' * 8}").stat()  # `exists` would hide why not
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise OutputError(_reason(error), where=str(output), mend=_MEND_WRITE) from None
    return place


def real(path: str | Path) -> Path:
    """Return a path without links, also of a link that leads to itself; `resolve` raises there before Python 3.13."""
    return Path(os.path.realpath(path))


def write_folder(output: Path, files: Mapping[str, bytes], *, force: bool) -> None:
    """Write *files* as the whole content of *output*, or change nothing; see `whole_folder`."""
    with whole_folder(output, force=force) as new:
        write_files(new, files)


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write *files*, by their path in *folder*."""
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


@contextlib.contextmanager
def whole_folder(output: Path, *, force: bool) -> Iterator[Path]:
    """Give an empty folder that takes the place of *output* once it is filled; if it is not, nothing changes.

    A folder that wslog wrote before, or an empty one, is replaced; any other existing one only with *force*.

    Raises:
        OptionError: If *output* may not be replaced.
        OutputError: If the file system does not let it be written.
    """
    place = place_of(output)
    try:
        if place.parent.is_dir():
            _sweep(place)
        check_output(output, force=force)  # once more: hours may have passed
        place.parent.mkdir(parents=True, exist_ok=True)
        with _temporary_sibling(place) as made:
            new = made / "new"
            new.mkdir()  # mkdtemp makes a private folder; this one gets the usual rights
            yield new
            (new / MARKER).write_bytes(_MARKER_TEXT)  # last: then it is whole
            if place.exists():
                place.rename(made / "old")
            new.rename(place)
    except OSError as error:
        # The path in the error may be one that the user never named.
        raise OutputError(_reason(error), where=str(output), mend=_MEND_WRITE) from error


def _reason(error: OSError) -> str:
    """Return what the system said; polars has that in its text alone: `No space left on device (os error 28)`."""
    told = re.search(r"\(os error (\d+)\)", str(error))
    return error.strerror or (os.strerror(int(told[1])) if told else "it cannot be written")


@contextlib.contextmanager
def _temporary_sibling(place: Path) -> Iterator[Path]:
    """Give a folder on the same disk as *place*; whatever happens, an old folder moved there comes back."""
    made = Path(tempfile.mkdtemp(prefix=_prefix(place), dir=place.parent))
    try:
        (made / MARKER).write_bytes(_MARKER_TEXT)
        yield made
    finally:
        _put_back(place, made / "old")
        shutil.rmtree(made, ignore_errors=True)


def _put_back(place: Path, kept: Path) -> None:
    """Move *kept* to its place if nothing stands there; if that fails, the error keeps it from being removed."""
    if kept.exists() and not os.path.lexists(place):
        kept.rename(place)


def _sweep(place: Path) -> None:
    """Put back what a killed run had moved away from *place*, and remove leftovers that no living run can need."""
    for made in sorted(_leftovers(place), key=_age_s):
        old, new = made / "old", made / "new"
        whole = [*([old] if old.exists() else []), *([new] if (new / MARKER).is_file() else [])]
        is_back = bool(whole) and not os.path.lexists(place)
        if is_back:
            whole[0].rename(place)
        if is_back or _age_s(made) > LEFT_FOR_S:
            shutil.rmtree(made, ignore_errors=True)


def _leftovers(place: Path) -> list[Path]:
    """Return the temporary folders of this very place: `.a-b-12345678` belongs to `a-b`, not to `a`."""
    ours = re.compile(re.escape(_prefix(place)) + "[a-z0-9_]{8}")  # as tempfile names them
    return [path for path in place.parent.iterdir() if ours.fullmatch(path.name) and (path / MARKER).is_file()]


def _age_s(path: Path) -> float:
    return time.time() - path.stat().st_mtime


def _prefix(place: Path) -> str:
    return f".{place.name}-"
