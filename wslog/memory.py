"""How much memory an analysis may take: what the user says, else a gigabyte, or half of what this process can have."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from wslog.cellar import Cellar
from wslog.errors import OptionError

USUAL_BYTES: Final = 1 << 30  # more is hardly faster: what is on disk is mostly in the system's cache
LEAST_BYTES: Final = 256 << 20  # Python, polars and the buffers that logs are read through
PART: Final = 20  # of all, that one table may take: several wait at the same time, and the rooms need most of it
SIZE: Final = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)(i?)b?\s*", re.IGNORECASE)
LIMITS: Final = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")  # cgroup 2 and 1


def open_cellar(memory: str | None) -> Cellar:
    """Open a cellar for an analysis.

    Args:
        memory: As the user writes it: `1GiB`, `800MB`. None: `USUAL_BYTES`, or half of what this process can have.

    Raises:
        OptionError: If it is no size, or too small a one.
    """
    n_bytes = parse_size(memory) if memory is not None else min(USUAL_BYTES, _half_of_all())
    return Cellar(room_bytes=n_bytes // PART, is_asked_for=memory is not None)


def parse_size(text: str) -> int:
    """Read a size of memory: `1GiB` is 2^30 bytes, `1GB` 10^9, `1G` as `1GiB`.

    Raises:
        OptionError: If it has another form or is below `LEAST_BYTES`.
    """
    found = SIZE.fullmatch(text)
    if found is None:
        raise OptionError(f"{text!r} is no size", where="--memory", mend="Write for example 1GiB or 800MB.")
    number, unit, binary = found.groups()
    is_decimal = bool(unit) and not binary and text.strip().lower().endswith("b")
    n_bytes = int(float(number) * (1000 if is_decimal else 1024) ** " kmgt".index(unit.lower() or " "))
    if n_bytes < LEAST_BYTES:
        raise OptionError(
            f"{text!r} is too little: reading alone takes {LEAST_BYTES >> 20} MiB", where="--memory",
            mend="Write for example 1GiB or 800MB.",
        )  # fmt: skip
    return n_bytes


def _half_of_all() -> int:
    """Return half of the machine's memory, or of what its container may use; `USUAL_BYTES` where neither is told."""
    told = [_of_machine(), *map(_of_container, LIMITS)]
    return min((n_bytes // 2 for n_bytes in told if n_bytes), default=USUAL_BYTES)


def _of_machine() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # not told on Windows
        return None


def _of_container(file: str) -> int | None:
    try:
        return int(Path(file).read_text("ascii"))
    except (OSError, ValueError):  # no such container, or `max`
        return None
