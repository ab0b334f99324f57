"""Lines of a terminal: columns are counted as a terminal shows them, and units stay with their numbers."""

from __future__ import annotations

import pytest

from wslog.render.lines import columns_of, fitted, wrapped


@pytest.mark.parametrize(("text", "columns"), [("/ws", 3), ("/聊天/一", 8), ("🚀", 2), ("e\u0301", 1), ("غرفة", 4)])
def test_columns_are_those_of_a_terminal(text: str, columns: int) -> None:
    """Letters of East Asia and emoji take two columns, a combining accent none."""
    assert columns_of(text) == columns


@pytest.mark.parametrize("text", ["/聊天/房间/一/二/三", "/rooms/general", "/", "🚀" * 9])
def test_fitted_text_has_exactly_its_columns(text: str) -> None:
    """Whatever is in a name, the column after it begins where it should."""
    assert {columns_of(fitted(text, width)) for width in (7, 8)} == {7, 8}


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    """`100 %` and `1 000` are not torn apart, at any width."""
    text = "of 1 000 hours 100 % and 12 s at 17:02:43 UTC are left"
    for width in range(18, 60):
        told = "\n".join(wrapped(text, width))
        assert told.replace("\n", " ") == text
        assert not any(part in told for part in ("1\n000", "100\n%", "12\ns", "43\nUTC"))
