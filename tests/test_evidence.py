"""Lines of evidence, taken apart."""

from __future__ import annotations

import pytest

from wslog.evidence import EvidenceLine, first_ref, read_evidence


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("nginx/error.log:42: timed out (+18 dB)", ("nginx/error.log:42", "nginx/error.log:42: timed out", "+18 dB")),
        ("no nginx line (-3 dB)", ("", "no nginx line", "-3 dB")),
        ("e.log:7 recv() failed (104)", ("e.log:7", "e.log:7 recv() failed (104)", "")),
        ("closed (+1 dB) then silent", ("", "closed (+1 dB) then silent", "")),
        ("", ("", "", "")),
    ],
)
def test_a_line_gives_its_parts(line: str, parts: tuple[str, str, str]) -> None:
    """Place, words and weight; brackets that hold something else stay words."""
    assert read_evidence(line) == EvidenceLine(*parts)


@pytest.mark.parametrize(
    ("lines", "ref"),
    [
        (("17:07:43 UTC: 154 connections ended", "nginx/error.log:1026: signal 1"), "nginx/error.log:1026"),
        (("2026-11-22 17:07:43 UTC: 9 ended", "a b/error.log:3: x"), "a b/error.log:3"),
        (("error.log:7 timed out",), "error.log:7"),
        (("112 drops pile up at 45 s",), ""),
        ((), ""),
    ],
)
def test_a_moment_is_no_line_of_a_file(lines: tuple[str, ...], ref: str) -> None:
    """The proof is the first `file:line`, and a clock's time is none."""
    assert first_ref(lines) == ref
