"""The rows of the causes: what a reader sees as one thing is one row, with its proof."""

from __future__ import annotations

from msgspec.structs import replace

from tests.render import documents
from wslog.render.cause_rows import CauseRow, cause_rows, certainty_words, fitted_rows, rest_of


def test_several_timers_of_one_tier_are_one_row() -> None:
    """Their values stand side by side, the most frequent first."""
    full = documents.full()
    share = full.causes[0]
    more = replace(share, timeout_s=30.0, n=100, share=0.1)
    row = cause_rows(replace(full, causes=(more, share)))[0]
    assert row.label == "idle timeout · nginx proxy_read_timeout 60 s, 30 s"
    assert row.short == "nginx proxy_read_timeout 60 s, 30 s"


def test_the_fourth_timer_is_dots_if_it_is_more_than_a_few() -> None:
    """A row names three values, and does not hide that there are others."""
    full = documents.full()
    others = tuple(replace(full.causes[0], timeout_s=float(nth), n=100 + nth) for nth in (10, 20, 30))
    rows = cause_rows(replace(full, causes=(full.causes[0], *others)))
    assert rows[0].short == "nginx proxy_read_timeout 60 s, 30 s, 20 s, …"


def test_a_timer_without_an_owner_says_so() -> None:
    """No tier is named that no log decided."""
    labels = [row.label for row in cause_rows(documents.full())]
    assert "lifetime limit · owner not known 900 s" in labels


def test_the_rest_adds_up() -> None:
    """What a page has no room for is one row."""
    rows = cause_rows(documents.full())
    rest = rest_of(rows[1:])
    assert (rest.label, rest.n) == ("5 more causes", 588)


def test_certainty_in_words() -> None:
    """How many are named and how sure; that nobody is, is said too; nothing where there are no drops."""
    words = certainty_words(documents.full().totals)
    assert words == "who closed is known for 81 % of the drops (95 % sure on average)"
    assert certainty_words(documents.one_row().totals) == "who closed is known for none of the drops"
    assert certainty_words(documents.empty().totals) == ""


def test_what_stays_unknown_is_not_one_of_the_rest() -> None:
    """Where it is the larger part of what a page has no room for, it has its row; a sliver of it has not."""
    rows = [CauseRow(name, name, n, n / 100, None, "") for name, n in zip("abcd", (40, 20, 6, 4), strict=True)]
    unknown = CauseRow("unknown", "unknown", 30, 0.3, None, "")
    assert [row.label for row in fitted_rows([*rows, unknown], 4)] == ["a", "b", "2 more causes", "unknown"]
    few = unknown._replace(n=2)
    assert [row.label for row in fitted_rows([*rows, few], 4)] == ["a", "b", "c", "2 more causes"]
    assert fitted_rows(rows, 4) == rows
