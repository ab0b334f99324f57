"""Which lines of several access logs are one request: a host often writes each to a combined, a timing and a JSON log.

The logs are taken one after the other, the richest first. One is a copy of those before it if most of its lines are
found there, in what both fill; else it is another host's, another hour's, and its lines are further requests. There may
be a thousand logs, so each is held against those before it by numbers alone: its own lines are looked at, not theirs.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from wslog.correlate.numbering import Ints, number_met, number_rows
from wslog.correlate.places import PLACE, collected, taken
from wslog.schema import file_of, line_of

COPY_SHARE: Final = 0.8  # of the smaller log's lines that must be found in the other one
# What two access logs of one host have in common whatever their formats; a column counts only if both fill it.
REQUEST_KEY: Final = ("second", "method", "path", "query", "status", "client_ip", "user_agent", "body_bytes")
RICHNESS: Final = ("lifetime_s", "request_id", "connection_no", "upstream", "trace_id", "forwarded_for", "is_complete")


def find_copies(events: pl.DataFrame, places: pl.Series) -> pl.DataFrame:
    """Find the lines that say again what a line of a richer access log says.

    Args:
        events: `schema.EVENTS`.
        places: Where the lines of access logs stand.

    Returns:
        `place` of a line, `copy`: the place of another one about the same request, the richer copies first.
    """
    ref = taken(events.select("ref"), places)
    lines = collected(ref.select(file_of("ref").alias("file"), line_of("ref").alias("line")))
    if lines["file"].n_unique() < 2:
        return pl.DataFrame(schema={"place": PLACE, "copy": PLACE})
    rank = _ranks(events, places, lines["file"])
    order = np.lexsort((lines["line"].to_numpy(), rank))
    ends = np.cumsum(np.bincount(rank))
    requests = _Requests({name: _numbered(events, places, name)[order] for name in REQUEST_KEY})
    rows, copies = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    requests.add(np.arange(ends[0]))
    for start, end in pairwise(ends.tolist()):
        row, copy = requests.fold(np.arange(start, end))
        rows.append(row)
        copies.append(copy)
    place = places.cast(PLACE).gather(order)
    return pl.DataFrame({"place": place.gather(np.concatenate(rows)), "copy": place.gather(np.concatenate(copies))})


def _ranks(events: pl.DataFrame, places: pl.Series, file: pl.Series) -> Ints:
    """Return the rank of each line's log, from 0: by how much its lines tell, and how finely when."""
    filled = pl.sum_horizontal(pl.col(RICHNESS).is_not_null()).alias("filled")
    # Whole numbers: sums of others depend on the order in which threads add them up, and ties would fall at random.
    coarse = (pl.col("at_resolution_s") * 1e6).round().cast(pl.Int64).alias("coarse")
    lines = taken(events.select(filled, coarse), places).pipe(collected).with_columns(file.alias("file"))
    files = lines.group_by("file").agg(pl.col("filled", "coarse").cast(pl.Int64).sum() / pl.len())
    files = files.sort("filled", "coarse", "file", descending=[True, False, False])
    ranked = lines.join(files.select("file").with_row_index("rank"), on="file", how="left", maintain_order="left")
    return ranked["rank"].cast(pl.Int64).to_numpy()


def _numbered(events: pl.DataFrame, places: pl.Series, name: str) -> Ints:
    """Number the values of one column of `REQUEST_KEY`: equal ones alike, -1 for null."""
    if name == "second":
        second = taken(events.select("at"), places).select(pl.col("at").dt.truncate("1s").dt.timestamp("ms") // 1000)
        return number_met(collected(second).to_series())
    return number_met(collected(taken(events.select(name), places)).to_series())


class _Requests:
    """The requests that the logs so far tell of.

    Args:
        said: Per column of `REQUEST_KEY` the numbers of all lines, in order of their logs. What a request's first line
            leaves open is filled in as copies tell it.
    """

    def __init__(self, said: dict[str, Ints]) -> None:
        self._said = said
        self._is_known = np.zeros(len(said["second"]), dtype=np.bool_)
        self._n_known = 0
        self._n_filled = dict.fromkeys(said, 0)
        self._first_s, self._last_s = np.iinfo(np.int64).max, -1
        # By what is compared: the number of each line, and how many known requests have each number.
        self._compared: dict[tuple[str, ...], tuple[Ints, Ints]] = {}

    def add(self, lines: Ints) -> None:
        """Take lines as further requests."""
        self._is_known[lines] = True
        self._n_known += len(lines)
        for name, said in self._said.items():
            self._n_filled[name] += int(np.count_nonzero(said[lines] >= 0))
        seconds = self._said["second"][lines]
        seconds = seconds[seconds >= 0]
        self._first_s = min(self._first_s, int(seconds.min(initial=self._first_s)))
        self._last_s = max(self._last_s, int(seconds.max(initial=self._last_s)))
        for number, n_known in self._compared.values():
            np.add.at(n_known, number[lines], 1)

    def fold(self, lines: Ints) -> tuple[Ints, Ints]:
        """Take the lines of one more log.

        Returns:
            Known requests, and the line that is a copy of each; both empty if the log is none of those before it.
        """
        key = tuple(
            name
            for name, said in self._said.items()
            if _is_filled(name, self._n_filled[name], self._n_known)
            and _is_filled(name, int(np.count_nonzero(said[lines] >= 0)), len(lines))
        )
        number, n_known = self._numbers(key)
        met, n_met = np.unique(number[lines], return_counts=True)
        n_pairs = int(np.minimum(n_met, n_known[met]).sum())
        seconds = self._said["second"][lines]
        n_beside = int(np.count_nonzero((seconds >= self._first_s) & (seconds <= self._last_s)))
        if not n_pairs or n_pairs < COPY_SHARE * min(self._n_known, max(n_beside, 1)):
            self.add(lines)
            return lines[:0], lines[:0]
        known = np.flatnonzero(self._is_known)
        row, copy = _alike(known, number[known], lines, number[lines])
        self._fill(row, copy)
        self.add(np.setdiff1d(lines, copy, assume_unique=True))
        return row, copy

    def _numbers(self, key: tuple[str, ...]) -> tuple[Ints, Ints]:
        """Number what all lines say in some columns, and count the known requests of each number."""
        if key not in self._compared:
            number, examples = number_rows(*(self._said[name] for name in key))
            self._compared[key] = number, np.bincount(number[self._is_known], minlength=len(examples))
        return self._compared[key]

    def _fill(self, row: Ints, copy: Ints) -> None:
        for name, said in self._said.items():
            is_open = said[row] < 0
            said[row[is_open]] = said[copy[is_open]]
            self._n_filled[name] += int(np.count_nonzero(said[row[is_open]] >= 0))
        self._compared.clear()


def _is_filled(name: str, n_filled: int, n: int) -> bool:
    """Whether a log gives this at all; a query is null on most lines of any log, so it counts where any has one."""
    return n_filled > 0 if name == "query" else 2 * (n - n_filled) <= n


def _alike(rows: Ints, their: Ints, lines: Ints, own: Ints) -> tuple[Ints, Ints]:
    """Pair the n-th of *rows* with a number with the n-th of *lines* that has it."""
    sides = [
        pl.DataFrame({name: places, "number": number, "nth": _nth(number)})
        for name, places, number in (("row", rows, their), ("line", lines, own))
    ]
    pairs = sides[0].join(sides[1], on=["number", "nth"]).sort("row")
    return pairs["row"].to_numpy(), pairs["line"].to_numpy()


def _nth(number: Ints) -> Ints:
    """Tell the how many-th of its number each is, from 0."""
    order = np.argsort(number, kind="stable")
    size = np.bincount(number)
    nth = np.empty(len(number), dtype=np.int64)
    nth[order] = np.arange(len(number)) - np.repeat(np.cumsum(size) - size, size)
    return nth
