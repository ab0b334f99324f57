from __future__ import annotations

import pytest

from wslog.summarize.words import count, enumerate_words, percent, seconds, sentence


@pytest.mark.parametrize(
    ("value", "shown"),
    [(60.0, "60 s"), (1.5, "1.5 s"), (0.25, "0.25 s"), (59.98, "59.98 s"), (120.4, "120 s"), (86_400.0, "86400 s")],
)
def test_seconds_show_no_idle_decimals(value: float, shown: str) -> None:
    """Durations keep the decimals that say something, and no others."""
    assert seconds(value) == shown


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0 %"), (0.004, "under 1 %"), (0.38, "38 %"), (0.996, "over 99 %"), (1.0, "100 %")],
)
def test_percent_never_rounds_some_to_none_or_most_to_all(share: float, shown: str) -> None:
    """Only nothing is 0 % and only all is 100 %."""
    assert percent(share) == shown


def test_counts_agree_with_their_noun() -> None:
    """One is singular, thousands are set apart."""
    assert [count(1, "drop"), count(0, "drop"), count(3402, "drop"), count(3402)] == [
        "1 drop",
        "0 drops",
        "3\u00a0402 drops",
        "3\u00a0402",
    ]


def test_lists_read_as_sentences_do() -> None:
    """Two words take no comma, three do."""
    assert [enumerate_words(list(words)) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


def test_nginx_keeps_its_small_letter() -> None:
    """A sentence begins with a capital, but nginx is a name."""
    assert [sentence("the ALB closed"), sentence("nginx closed")] == ["The ALB closed", "nginx closed"]
