"""The Markdown report: compared whole, and log text in it stays text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.render import documents
from wslog.render.markdown import render_markdown
from wslog.result import Document

EXPECTED = Path(__file__).parent / "expected"
DOCUMENTS: tuple[Callable[[], Document], ...] = (documents.full, documents.one_row, documents.empty)


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
def test_markdown_is_the_reviewed_one(build: Callable[[], Document]) -> None:
    """The whole Markdown is the one that a person read and found good."""
    assert render_markdown(build()) == (EXPECTED / f"{build.__name__}.md").read_text(encoding="utf-8")


def test_hostile_text_opens_no_tag_and_no_cell() -> None:
    """A verdict, a scope and a path full of markup leave no live tag, no new table cell and no escape sequence."""
    full = documents.full()
    evil = replace(
        full,
        verdict=documents.HOSTILE,
        bursts=(replace(full.bursts[0], scope=documents.HOSTILE),),
    )
    text = render_markdown(evil)
    assert text.startswith("# \\<script\\>alert(1)\\</script\\> \\\\x1b\\[2J \\| =cmd()")
    assert not {"\x1b", "\u202e"} & set(text)
    row = next(line for line in text.splitlines() if line.startswith("| 2026-03-10 11:30:02"))
    assert row.replace("\\|", "").count("|") == 6


def test_a_fence_in_the_configuration_does_not_end_its_block() -> None:
    """Configuration with a fence inside gets a longer fence."""
    full = documents.full()
    evil = replace(full, advice=(replace(full.advice[0], config="```\n<b>"),))
    assert "   ````\n   ```\n   <b>\n   ````\n" in render_markdown(evil)
