"""Logs of unusual shapes are written and read as what they are; nothing is promised about seconds here."""

from __future__ import annotations

import pytest

from tests.bench.shapes import SHAPES, main, measured


@pytest.mark.parametrize("name", SHAPES)
def test_every_line_of_a_shape_is_read(name: str) -> None:
    """None is rejected, whatever the shape: `measured` counts them."""
    n_lines, sample = measured(SHAPES[name], 200)
    assert n_lines >= 100
    assert sample.peak_mb > 0


def test_the_table_has_the_shapes_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """Once and four times as long."""
    assert main(["--rows", "100", "--only", "rotations"]) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "shape"
    assert row.split()[:2] == ["many", "rotations"]
