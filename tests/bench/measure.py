"""What was written; and one command run on it: time on the clock, CPU of all it started, its largest process."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """What was written, per kind: text bytes, lines, whole lines of upgraded WebSockets, damaged lines if any."""

    n_bytes: Mapping[str, int]
    n_lines: Mapping[str, int]
    n_websockets: Mapping[str, int]
    n_damaged: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One run: seconds on the clock, CPU seconds, the peak of the largest process in MB, what it printed."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    printed: str


@dataclass(frozen=True, slots=True)
class Figure:
    """Several runs of one command: medians, and the range on the clock."""

    wall_s: float
    wall_min_s: float
    wall_max_s: float
    cpu_s: float
    peak_mb: float
    n_runs: int


def run(command: Sequence[str], *, folder: Path) -> Sample:
    """Run a command in *folder*.

    Raises:
        RuntimeError: If it fails.
    """
    start = time.perf_counter()
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        printed = child.stdout.read()
        said = child.stderr.read()
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.perf_counter() - start
    if child.returncode:
        raise RuntimeError(f"{command[:3]} exits with {child.returncode}: {said.decode(errors='replace')[-500:]}")
    peak_mb = usage.ru_maxrss * 1024 / 1e6  # Linux counts kibibytes
    return Sample(wall_s, usage.ru_utime + usage.ru_stime, peak_mb, printed.decode(errors="replace"))


def summed_up(samples: Sequence[Sample]) -> Figure:
    """Return the medians of several runs."""
    wall = [sample.wall_s for sample in samples]
    return Figure(
        wall_s=median(wall),
        wall_min_s=min(wall),
        wall_max_s=max(wall),
        cpu_s=median(sample.cpu_s for sample in samples),
        peak_mb=max(sample.peak_mb for sample in samples),
        n_runs=len(samples),
    )
