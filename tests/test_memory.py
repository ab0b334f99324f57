"""`--memory`: how a size is written, and what it means where none is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslog import memory
from wslog.errors import OptionError


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        ("1GiB", 1 << 30),
        ("1 gib", 1 << 30),
        ("1G", 1 << 30),
        ("1GB", 10**9),
        ("800mb", 800 * 10**6),
        ("1.5GiB", 3 << 29),
        ("300MiB", 300 << 20),
        ("1T", 1 << 40),
        ("400000000", 400_000_000),
        ("400000000B", 400_000_000),
        ("524288KiB", 1 << 29),
    ],
)
def test_sizes(text: str, n_bytes: int) -> None:
    """Binary and decimal units, large and small letters."""
    assert memory.parse_size(text) == n_bytes


@pytest.mark.parametrize("text", ["", "much", "-1GiB", "1 PiB", "GiB", "1,5GiB", "nan", "1GiB x", "\u0661GiB"])
def test_what_is_no_size(text: str) -> None:
    """Anything else is refused, with an example."""
    with pytest.raises(OptionError, match=r"(?s)--memory.*no size.*1GiB"):
        memory.parse_size(text)


@pytest.mark.parametrize("text", ["0", "1", "255MiB", "100KB"])
def test_too_little(text: str) -> None:
    """Nobody is promised what Python and polars alone exceed."""
    with pytest.raises(OptionError, match="too little"):
        memory.parse_size(text)


@pytest.mark.parametrize(
    ("machine", "container", "half"),
    [
        (8 << 30, "max", 4 << 30),
        (8 << 30, str(2 << 30), 1 << 30),
        (1 << 30, str(2 << 30), 1 << 29),
        (None, "x", memory.USUAL_BYTES),
    ],
)
def test_half_of_what_there_is(
    machine: int | None, container: str, half: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the machine's or of the container's, whichever is less; a missing file is no limit."""
    (tmp_path / "limit").write_text(container + "\n")
    monkeypatch.setattr(memory, "LIMITS", (str(tmp_path / "limit"), str(tmp_path / "none")))
    monkeypatch.setattr(memory, "_of_machine", lambda: machine)
    assert memory._half_of_all() == half


def test_this_machine_has_some() -> None:
    """Where the system tells it."""
    assert (memory._of_machine() or 1 << 40) > 1 << 28
