"""Pairs out of logfmt lines."""

from __future__ import annotations

import pytest

from wslog.ingest.files.logfmt import is_logfmt, pairs_of, records_of


def test_pairs() -> None:
    """Quotes and backslashes are undone, words without a name are passed, and the first of a name counts."""
    line = r'ts=2026-03-10T10:01:00Z INFO msg="ws \"closed\"\n" code=1006 reason="" url=wss://h/p?a=b code=1000 x="\q"'
    assert pairs_of(line) == {
        "ts": "2026-03-10T10:01:00Z",
        "msg": 'ws "closed"\n',
        "code": "1006",
        "reason": "",
        "url": "wss://h/p?a=b",
        "x": r"\q",
    }
    assert list(records_of([(1, "a=1"), (2, "nothing")])) == [(1, {"a": "1"}), (2, "nothing")]


@pytest.mark.parametrize(
    ("lines", "is_it"),
    [
        (["a=1 b=2 c=3"] * 4 + ["panic: x"], True),
        (["a=1 b=2 c=3"] * 3 + ["panic: x"] * 2, False),
        (["A=1", "B=2", "C=3"], False),
        (["GET /ws?a=1&b=2&c=3 HTTP/1.1"], False),
    ],
)
def test_most_lines_hold_several(lines: list[str], is_it: bool) -> None:
    """Settings hold one a line, and a URL's query is none."""
    assert is_logfmt(lines) == is_it
