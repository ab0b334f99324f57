"""Spans of time in the forms that programs print them in."""

from __future__ import annotations

import pytest

from wslog.ingest.client.spans import span_of


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (60_001, 60.001),
        ("60001", 60.001),
        ("60.5s", 60.5),
        ("250 ms", 0.25),
        ("1m22.552s", 82.552),
        ("1h 2m 3s", 3_723.0),
        ("00:01:22.552", 82.552),
        ("1:22", 82.0),
        ("1:2", None),
        ("ms", None),
        ("-5", None),
        ("1m22", None),
        (None, None),
        (10**30, None),
    ],
)
def test_a_span(value: object, seconds: float | None) -> None:
    """A number is of the given unit, a text may name its own; what is neither is none."""
    found = span_of(value, 1e-3)
    assert found == (None if seconds is None else pytest.approx(seconds, abs=1e-9))
