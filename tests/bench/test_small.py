"""The benchmark works at its smallest size; nothing is promised about seconds here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.__main__ import main


def test_the_benchmark_runs_and_counts_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Lines and WebSockets are compared with what was written, in every run of wslog."""
    out = tmp_path / "bench.json"
    arguments = [
        "--size",
        "0.001",
        "--rounds",
        "1",
        "--only",
        "ALB, one",
        "--folder",
        str(tmp_path),
        "--json",
        str(out),
    ]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "wslog analyze" in printed
    figures = json.loads(out.read_text())
    assert figures["figures"]["ALB, one plain file"]["wslog analyze"]["cpu_s"] > 0
    assert figures["lines"]["alb.log"] == (tmp_path / "alb.log").read_bytes().count(b"\n")
