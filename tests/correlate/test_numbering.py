"""Words and combinations as small numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from wslog.correlate.numbering import number_rows, number_words, order_rows

WORDS = st.lists(st.none() | st.text("aBé ", max_size=3), max_size=20)
TRIPLES = st.lists(
    st.tuples(st.integers(-1, 4), st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40)), min_size=1
)


@settings(max_examples=80)
@given(ours=WORDS, theirs=WORDS)
def test_words_are_numbered_in_their_order_on_both_sides(ours: list[str | None], theirs: list[str | None]):
    """Equal words have equal numbers, which run from 1 in the words' order; null is -1."""
    order = {word: n for n, word in enumerate(sorted({w for w in ours + theirs if w is not None}, key=str.encode), 1)}
    found = number_words(pl.Series(ours, dtype=pl.String), pl.Series(theirs, dtype=pl.String))
    for numbers, words in zip(found, (ours, theirs), strict=True):
        assert numbers.tolist() == [-1 if word is None else order[word] for word in words]


@settings(max_examples=80)
@given(rows=TRIPLES)
def test_combinations_are_numbered_in_their_order_however_far_apart(rows: list[tuple[int, int, int]]):
    """Also where the parts are too far apart for one integer; and each number has an example."""
    number, example = number_rows(*(np.array(part, dtype=np.int64) for part in zip(*rows, strict=True)))
    order = {row: n for n, row in enumerate(sorted(set(rows)))}
    assert number.tolist() == [order[row] for row in rows]
    assert number[example].tolist() == list(range(len(order)))


@settings(max_examples=80)
@given(rows=TRIPLES)
def test_combinations_are_ordered_and_equal_ones_stay_as_they_are_met(rows: list[tuple[int, int, int]]):
    """As a stable sort has it, with a key that is equal where the combination is."""
    place, key = order_rows(*(np.array(part, dtype=np.int64) for part in zip(*rows, strict=True)))
    assert place.tolist() == sorted(range(len(rows)), key=rows.__getitem__)
    numbers = {row: n for n, row in enumerate(sorted(set(rows)))}
    assert np.unique(key, return_inverse=True)[1].tolist() == [numbers[rows[n]] for n in place]
