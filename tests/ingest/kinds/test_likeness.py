"""What unread text looks like."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslog.ingest import read_events
from wslog.ingest.kinds.likeness import CLOSES, JSON_DOCUMENT, JSON_LINES, TABLE, likeness


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"msg":"saved","n":1}\n{"msg":"loaded","n":2}\n', JSON_LINES),
        ('{\n  "name": "x",\n  "n": [1, 2]\n}\n', JSON_DOCUMENT),
        ('[1, 2, {"a": 1}]\n', JSON_DOCUMENT),
        ("[tool.x]\nname = 'x'\n# why\nn = 1\n", "TOML or INI settings"),
        ("version: 3\nservices:\n  web:\n    image: x\n    ports:\n      - 80\n", "YAML"),
        ("<?xml version='1.0'?>\n<a>b</a>\n", "XML or HTML"),
        ("# Title\n\nSome words.\n\n- a\n- b\n", "Markdown"),
        ("#!/bin/sh\necho x\n", "a script"),
        ("a,b,c\n1,2,3\n4,5,6\n", TABLE),
        ("2026/03/10 10:01:00.1 [x] a, b, c\n2026/03/10 10:01:00.2 [x] d, e, f\n", ""),
        ("10:01:00 WebSocket closed with code 1006\n10:01:01 hello\n10:01:02 hello\n", CLOSES),
        ("10:01:00 WebSocket opened\n10:01:01 took 1006 ms\n", ""),
        ("nothing in particular\njust words, here\n", ""),
        ("[2026-03-10 10:01:00] job started\n[2026-03-10 10:01:01] job done\n", ""),
        ("", ""),
        ("{" * 100_000, JSON_DOCUMENT),
    ],
)
def test_what_it_looks_like(text: str, said: str) -> None:
    """Told from the first lines; plain words and unknown logs look like nothing in particular."""
    assert likeness(text.split("\n")) == said


def test_coverage_says_it(tmp_path: Path) -> None:
    """A file that is not read says what it may be."""
    (tmp_path / "app.jsonl").write_text('{"msg":"saved","n":1}\n{"msg":"loaded","n":2}\n')
    (file,) = read_events([tmp_path], must_be_useful=False).coverage.files
    assert file.why == f"text in no known format; it looks like {JSON_LINES}"
