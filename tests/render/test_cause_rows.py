"""The rows of the causes: what a reader sees as one thing is one row, with its proof."""

from __future__ import annotations

import dataclasses

import pytest

from tests.render import documents
from wslog.render.cause_rows import cause_rows, certainty, proof_ref, rest_of


def test_several_timers_of_one_tier_are_one_row() -> None:
    """Their values stand side by side, the most frequent first; counts add up and certainty is their mean."""
    full = documents.full()
    share, finding = full.causes[0], full.findings[0]
    more = dataclasses.replace(share, timeout_s=30.0, n=100, share=0.1)
    also = dataclasses.replace(finding, timeout_s=30.0, n=103, confidence=0.47)
    row = cause_rows(dataclasses.replace(full, causes=(share, more), findings=(finding, also)))[0]
    assert row.label == "idle timeout · nginx proxy_read_timeout 60 s, 30 s"
    assert row.short == "nginx proxy_read_timeout 60 s, 30 s"
    assert (row.n, row.share, row.proof) == (512, pytest.approx(0.512), "nginx/error.log:42")
    assert row.confidence == pytest.approx(0.87)


def test_a_timer_without_an_owner_says_so() -> None:
    """No tier is named that no log decided."""
    labels = [row.label for row in cause_rows(documents.full())]
    assert "lifetime limit · owner not known 900 s" in labels


def test_unknown_is_last_and_claims_no_certainty() -> None:
    """However many drops stay unknown, what is known comes first."""
    full = documents.full()
    unknown = dataclasses.replace(full.causes[-1], n=900)
    rows = cause_rows(dataclasses.replace(full, causes=(unknown, full.causes[0])))
    assert [row.label for row in rows] == ["idle timeout · nginx proxy_read_timeout 60 s", "unknown"]
    assert rows[-1].confidence is None


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
    assert proof_ref(dataclasses.replace(documents.full().findings[0], evidence=lines)) == ref


def test_the_rest_adds_up() -> None:
    """What a page has no room for is one row."""
    rows = cause_rows(documents.full())
    rest = rest_of(rows[1:])
    assert (rest.label, rest.n) == ("5 more causes", 588)


def test_certainty_is_of_what_is_named() -> None:
    """What has no owner is not counted as named, and its confidence not as certainty."""
    named, confidence = certainty(documents.full()) or (0.0, 0.0)
    assert named == pytest.approx(0.81)
    assert confidence == pytest.approx((412 * 0.97 + 250 * 0.93) / 662)
    assert certainty(documents.empty()) is None
    assert certainty(documents.one_row()) is None
