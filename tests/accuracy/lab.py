"""Verdicts on a recorded lab whose truth is known, as evidence goes missing.

The recording is not part of this repository: name the folder that holds it (`logs/`, `truth.csv`) and the script that
scores a `connections.parquet` against its truth. Each variant is a folder of its own with only the files it names.

    python -m tests.accuracy lab LAB_FOLDER SCORING_SCRIPT
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from wslog import pipeline

Lines = Callable[[str], str]


class Variant(NamedTuple):
    """What is left of the evidence: an access log, an error log, ALB files, and what is taken out of their lines."""

    access: str | None = "access-timing.log"
    error: str | None = "error-info.log"
    has_alb: bool = True
    keep_alb: Callable[[int], bool] = lambda _: True
    access_line: Lines = str
    alb_line: Lines = str


def _without(pattern: str, put: str) -> Lines:
    return lambda line: re.sub(pattern, put, line)


VARIANTS: Final = {
    "everything (timing access log)": Variant(),
    "everything (JSON access log)": Variant(access="access-json.log"),
    "combined access log, default error log, ALB": Variant(access="access.log", error="error.log"),
    "client logs only": Variant(access=None, error=None, has_alb=False),
    "no ALB logs": Variant(has_alb=False),
    "every fifth ALB file lost": Variant(keep_alb=lambda n: n % 5 != 0),
    "error log at its default level": Variant(error="error.log"),
    "no error log": Variant(error=None),
    "no nginx logs": Variant(access=None, error=None),
    "no durations in the access log": Variant(access_line=_without(r" (?:rt|uct|uht|urt)=\S+", "")),
    "no client addresses": Variant(
        access_line=_without(r'^\S+|xff="[^"]*"', "-"), alb_line=_without(r"^((?:\S+ ){3})\S+", r"\g<1>192.0.2.1:1")
    ),
}
SHOWN: Final = ("decided", "accuracy_decided", "wrong_share", "macro_f1", "tier_accuracy")


def run(arguments: list[str]) -> int:
    """Print the table for the lab and the scoring script named in *arguments*."""
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m tests.accuracy lab LAB_FOLDER SCORING_SCRIPT\n")
        return 2
    lab, script = (Path(argument) for argument in arguments)
    print(f"| evidence | {' | '.join(SHOWN)} | nginx match recall / wrong | ALB match recall / wrong | skew error s |")  # noqa: T201
    print("| --- |" + " --- |" * (len(SHOWN) + 3))  # noqa: T201
    for name, variant in VARIANTS.items():
        print(_row(name, score(variant, lab, script)), flush=True)  # noqa: T201
    return 0


def score(variant: Variant, lab: Path, script: Path) -> dict[str, float | None]:
    """Analyze what *variant* leaves of the lab and return what the script says of it."""
    with tempfile.TemporaryDirectory() as place:
        folder, table = Path(place, "logs"), Path(place, "connections.parquet")
        lay(variant, lab / "logs", folder)
        pipeline.analyze([folder]).connections.write_parquet(table)
        access = ["--access", variant.access] if variant.access else []
        command = [sys.executable, str(script), str(table), str(lab / "truth.csv"), "--json", *access]
        return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def lay(variant: Variant, logs: Path, folder: Path) -> None:
    """Lay out the files of one variant."""
    shutil.copytree(logs / "client", folder / "client")
    if variant.access:
        _copy(logs / "nginx" / variant.access, folder / "nginx", variant.access_line)
    if variant.error:
        _copy(logs / "nginx" / variant.error, folder / "nginx", str)
    if variant.has_alb:
        for n, file in enumerate(sorted((logs / "alb").iterdir())):
            if variant.keep_alb(n):
                _copy(file, folder / "alb", variant.alb_line)


def _copy(file: Path, to: Path, change: Lines) -> None:
    """Copy a log line by line, keeping its line numbers and its compression."""
    to.mkdir(parents=True, exist_ok=True)
    raw = file.read_bytes()
    packed = raw.startswith(b"\x1f\x8b")
    lines: Iterable[str] = (gzip.decompress(raw) if packed else raw).decode("utf-8", "surrogateescape").split("\n")
    changed = "\n".join(change(line) if line else line for line in lines).encode("utf-8", "surrogateescape")
    (to / file.name).write_bytes(gzip.compress(changed, mtime=0) if packed else changed)


def _row(name: str, said: dict[str, float | None]) -> str:
    def pair(tier: str) -> str:
        recall = said[f"{tier}_match_recall"]
        return "-" if not recall else f"{recall:.3f} / {said[f'{tier}_match_wrong']}"

    figures = " | ".join(f"{said[name]:.4f}" for name in SHOWN)
    skew = said["skew_median_err_s"]
    return f"| {name} | {figures} | {pair('nginx')} | {pair('alb')} | {'-' if skew is None else f'{skew:.4f}'} |"
