"""Words and combinations become small numbers: what is compared often is compared as integers."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Narrow = NDArray[np.int32]
ROOM: Final = 2**62  # combinations that one integer can tell apart


def number_words(ours: pl.Series, theirs: pl.Series) -> tuple[Narrow, Narrow]:
    """Number equal words of both sides alike, in their order from 1; -1 for null."""
    both = pl.concat([ours.cast(pl.String).alias("word"), theirs.cast(pl.String).alias("word")])
    # Words repeat: to look each up once and to put the distinct ones in order is less work than to rank them all.
    met = number_met(both)
    example = np.zeros(int(met.max(initial=-1)) + 2, dtype=np.int64)
    example[met] = np.arange(len(met))
    order = both.gather(example[:-1]).arg_sort().to_numpy()
    rank = np.full(len(example), -1, dtype=np.int32)  # the last one is null's
    rank[order] = np.arange(1, len(order) + 1)
    codes = rank[met]
    return codes[: len(ours)], codes[len(ours) :]


def number_met(words: pl.Series) -> Ints:
    """Number equal words alike, as they are met, from 0; -1 for null. Numbers stay what they are."""
    if words.dtype.is_integer():
        return words.cast(pl.Int64).fill_null(-1).to_numpy()
    coded = words.cast(pl.String).cast(pl.Categorical(pl.Categories.random()))
    return coded.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()


def may_be_twins(rows: pl.DataFrame) -> pl.Series:
    """Mark the rows that may be equal to another one: equal rows have equal hashes, and most rows are alone."""
    hashes = rows.hash_rows()
    ordered = hashes.to_numpy().copy()
    ordered.sort()
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    return hashes.is_in(pl.Series(twice).implode()) if len(twice) else pl.repeat(value=False, n=len(hashes), eager=True)


def number_rows(*parts: Ints | Narrow) -> tuple[Ints, Ints]:
    """Number the distinct combinations in order, dense from 0; and one place of each."""
    key = _packed(*parts)
    order = np.argsort(key)
    ordered = key[order]
    is_new = np.ones(len(key), dtype=np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=is_new[1:])
    number = np.empty(len(key), dtype=np.int64)
    number[order] = np.cumsum(is_new) - 1
    return number, order[is_new]


def order_rows(*parts: Ints | Narrow) -> tuple[Ints, Ints]:
    """Put combinations in order, equal ones as they are met: their places; and, in that order, a key for each."""
    key = _sorted_with_places(*parts)
    n = max(len(key), 1)
    whole = key // n
    key -= whole * n
    return key, whole


def places_in_order(*parts: Ints | Narrow) -> Ints:
    """Put combinations in order, equal ones as they are met: their places alone."""
    key = _sorted_with_places(*parts)
    key %= max(len(key), 1)
    return key


def _sorted_with_places(*parts: Ints | Narrow) -> Ints:
    """Put each combination and its place in one integer; to sort those is much faster than to ask for the order."""
    key = _packed(*parts, np.arange(len(parts[0]), dtype=np.int32))
    key.sort()
    return key


def _packed(*parts: Ints | Narrow) -> Ints:
    """Put each combination in one integer, in the same order."""
    key, room = np.zeros(len(parts[0]), dtype=np.int64), 1
    for part in parts:
        more, low = part, int(part.min(initial=0))
        size = int(part.max(initial=0)) - low + 1
        if room * size > ROOM:
            key, more = (np.unique(of, return_inverse=True)[1].astype(np.int64) for of in (key, part))
            room, low, size = int(key.max()) + 1, 0, int(more.max()) + 1
        key *= size
        key += more
        key -= low
        room *= size
    return key
