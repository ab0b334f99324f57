"""Hostile log text comes out harmless."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.commands.report_folder import _spreadsheet_safe
from wslog.render.escape import markdown, markdown_code, plain, plain_block, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud83d", "half \\ud83d"),
        ("grüße → 日本 😀", "grüße → 日本 😀"),
        ("", ""),
    ],
)
def test_plain_writes_hidden_characters_out(text: str, shown: str) -> None:
    """Controls and reordering characters are shown by their number; all other text stays as it is."""
    assert plain(text) == shown


@given(st.text(alphabet=st.characters()))
def test_plain_leaves_no_control_character(text: str) -> None:
    """Whatever comes in, no control, surrogate or line separator goes out, and a second pass changes nothing."""
    shown = plain(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [c for c in shown if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI")]
    assert plain(shown) == shown
    shown.encode("utf-8")


def test_plain_block_keeps_line_breaks_only() -> None:
    """Configuration stays in lines, and nothing else that moves a cursor survives."""
    assert plain_block("a {\r\n\tb;\n}\x1b[2J") == "a {\n\\tb;\n}\\x1b[2J"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>alert(1)</script>", "\\<script\\>alert(1)\\</script\\>"),
        ("a|b", "a\\|b"),
        ("**bold** _it_ `code`", "\\*\\*bold\\*\\* \\_it\\_ \\`code\\`"),
        ("[x](http://evil.example)", "\\[x\\](http://evil.example)"),
        ("# heading", "\\# heading"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("10.0.0.7:9002 restarted", "10.0.0.7:9002 restarted"),
        ("proxy_read_timeout", "proxy_read_timeout"),
        ("---", "\\---"),
        ("idle 60.2 s - nothing", "idle 60.2 s - nothing"),
        ("back\\slash", "back\\\\slash"),
        ("two\nlines", "two\\\\nlines"),
    ],
)
def test_markdown_shows_letter_by_letter(text: str, shown: str) -> None:
    """Markup in log text is shown, not obeyed."""
    assert markdown(text) == shown


@pytest.mark.parametrize(
    ("text", "in_table", "shown"),
    [
        ("nginx/error.log:12", False, "`nginx/error.log:12`"),
        ("a `tick`", False, "`` a `tick` ``"),
        ("```", False, "```` ``` ````"),
        ("a|b", True, "`a\\|b`"),
        ("a|b", False, "`a|b`"),
        ("@here <b>", False, "`@here <b>`"),
        ("", False, ""),
    ],
)
def test_markdown_code_cannot_be_left(text: str, in_table: bool, shown: str) -> None:
    """The fence is longer than any run of backticks inside."""
    assert markdown_code(text, in_table=in_table) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=cmd()|' /C calc'!A0", "'=cmd()|' /C calc'!A0"),
        ("+1", "'+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\\t=1"),
        ("\r=1", "'\\r=1"),
        ("  =1", "'  =1"),
        ("\uff1d1", "'\uff1d1"),
        ("/chat=1", "/chat=1"),
        ("", ""),
    ],
)
def test_no_cell_starts_a_formula(text: str, shown: str) -> None:
    """A cell that a spreadsheet could run gets an apostrophe; any other stays as it is."""
    assert pl.select(_spreadsheet_safe(pl.lit(text))).item() == shown


@pytest.mark.parametrize("room", [0, 1, 2, 8, 20, 60])
def test_a_shortened_name_keeps_both_ends_and_fits(room: int) -> None:
    """Log files of one bucket differ in their ends: the middle is what goes, and nothing where there is room."""
    name = "123456789012_elasticloadbalancing_022_t6wym2ny.log.gz:7"
    short = shortened(name, room)
    assert len(short) <= room
    assert short == name if room >= len(name) else "…" in short or not room
    if 8 <= room < len(name):
        assert name.startswith(short.partition("…")[0])
        assert name.endswith(short.partition("…")[2])
