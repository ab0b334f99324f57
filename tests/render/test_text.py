"""The text report: compared whole, and one screen whatever the analysis holds."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.render import documents
from wslog.render.names import cluster_timers
from wslog.render.text import SCREEN_LINES, render_text
from wslog.result import Advice, Document, Limit
from wslog.schema import Cause, Tier

EXPECTED = Path(__file__).parent / "expected"
DOCUMENTS: tuple[Callable[[], Document], ...] = (documents.full, documents.one_row, documents.empty)


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
def test_text_is_the_reviewed_one(build: Callable[[], Document]) -> None:
    """The whole text at 100 columns is the one that a person read and found good."""
    assert render_text(build(), width=100) == (EXPECTED / f"{build.__name__}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_no_line_is_wider_than_asked(width: int) -> None:
    """At any width every line fits."""
    assert max(len(line) for line in render_text(documents.full(), width=width).splitlines()) <= width


@pytest.mark.parametrize("n", [9_999, 10_000, 120_431, 12_345_678])
@pytest.mark.parametrize("width", [60, 80, 120])
def test_large_counts_stand_apart_from_their_cause(n: int, width: int) -> None:
    """Ten million drops have their column, under its head, as ten have."""
    full = documents.full()
    many = replace(full, owners=(replace(full.owners[0], n=n), *full.owners[1:]))
    rows = render_text(many, width=width).split("\n\n")[2].splitlines()
    shown = f" {n:,}".replace(",", "\u00a0")
    assert rows[0].index("drops") + len("drops") == rows[1].index(shown) + len(shown)
    assert max(map(len, rows)) <= width


def test_colour_changes_nothing_but_colour() -> None:
    """With its ANSI colours taken out, the coloured text is the plain one, and the plain one holds no ESC."""
    plain, coloured = render_text(documents.full()), render_text(documents.full(), colour=True)
    assert "\x1b" not in plain
    assert coloured != plain
    assert re.sub(r"\x1b\[\d*m", "", coloured) == plain


def test_hostile_text_moves_no_cursor() -> None:
    """An escape sequence in a verdict, a file's name or a scope is written out, not sent to the terminal."""
    full = documents.full()
    evil = replace(
        full,
        verdict=documents.HOSTILE,
        owners=(replace(full.owners[0], proof="\x1b[2J:7"),),
        bursts=(replace(full.bursts[0], scope=documents.HOSTILE),),
    )
    text = render_text(evil, width=160)
    assert text.count("\\x1b[2J") == 3
    assert not {"\x1b", "\u202e"} & set(text)


def test_a_crowded_analysis_still_fits_one_screen() -> None:
    """Twenty of everything, each long, still gives at most 45 lines at 100 columns, and the heads say how many."""
    full = documents.full()
    long = "change this setting on every proxy of the fleet " * 4
    crowded = replace(
        full,
        verdict=full.verdict * 2,
        owners=tuple(replace(full.owners[0], cause=cause) for cause in Cause),
        clusters=full.clusters * 10,
        bursts=full.bursts * 10,
        findings=full.findings * 7,
        advice=(Advice(text=long, config="", would_prevent_n=9, would_prevent_share=0.01),) * 20,
        limits=(Limit(text=long, log_next=long),) * 20,
    )
    text = render_text(crowded, width=100)
    assert len(text.splitlines()) <= SCREEN_LINES
    assert "of 20)" in text
    assert "more causes" in text


def test_a_clusters_timer_is_not_said_of_drops_without_an_owner() -> None:
    """Where verdicts name the timer of some drops at a value and of others no owner, the name is not said of all."""
    document = documents.full()
    cluster = next(cluster for cluster in document.clusters if len(cluster.timeout_ids) == 1)
    named = replace(
        document.findings[0], tier=Tier.NGINX, timeout_s=cluster.timeout_s, timeout_ids=cluster.timeout_ids, n=60
    )
    nobodys = replace(named, tier=Tier.UNKNOWN, timeout_ids=(), n=40)
    assert not cluster_timers(cluster, [named]).endswith("not known")
    assert cluster_timers(cluster, [named, nobodys]).endswith(" or not known")
