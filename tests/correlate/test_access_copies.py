"""Lines of several access logs about one request."""

from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.correlate.lines import combined, events, nginx
from wslog.correlate.access_copies import COPY_SHARE, find_copies
from wslog.correlate.copies import fold_copies

NAMES = ("status", "path", "query", "user_agent")  # of the key, those that lines differ in besides their second
LINE = st.tuples(st.integers(0, 3), *(st.sampled_from([None, *values]) for values in ((101, 502), "ab", "q", "uv")))
LOGS = st.lists(st.lists(LINE, min_size=1, max_size=8), min_size=2, max_size=5)


def table(logs):
    """Write logs that all tell as much, so that their names rank them."""
    lines = []
    for log, told in enumerate(logs):
        for number, (second, *said) in enumerate(told):
            lines.append(combined(f"{log}.log:{number + 1}", second, **dict(zip(NAMES, said, strict=True))))
    return events(*lines)


def compared(known, lines):
    """Name what both sides fill."""
    names = ["second"]
    for name in NAMES:
        filled = [[line[name] is not None for line in side] for side in (known, lines)]
        if all(any(side) if name == "query" else 2 * sum(side) >= len(side) for side in filled):
            names.append(name)
    return names


def paired(known, lines):
    """Find for each line the first request that says the same and has no line of this log yet; None: nobody does."""
    names = compared(known, lines)
    free = {}
    for request in known:
        free.setdefault(tuple(request[name] for name in names), []).append(request)
    candidates = [free.get(tuple(line[name] for name in names)) for line in lines]
    return [some.pop(0) if some else None for some in candidates]


def slowly(logs):
    """Fold line by line: the same in the plainest way."""
    known, pairs, n = [], [], 0
    for told in logs:
        said = [dict(zip(("second", *NAMES), line, strict=True)) for line in told]
        lines = [{"place": n + nth, **line} for nth, line in enumerate(said)]
        n += len(lines)
        partners = paired(known, lines)
        seconds = [request["second"] for request in known] or [0]
        beside = sum(min(seconds) <= line["second"] <= max(seconds) for line in lines)
        n_found = sum(partner is not None for partner in partners)
        is_copy = n_found > 0 and n_found >= COPY_SHARE * min(len(known), max(beside, 1))
        for request, line in zip(partners, lines, strict=True):
            if not is_copy or request is None:
                known.append(line)
                continue
            pairs.append((request["place"], line["place"]))
            request.update({name: line[name] for name in NAMES if request[name] is None})
    return pairs


@settings(max_examples=300, deadline=None)
@given(LOGS)
def test_copies_are_those_that_a_look_at_each_line_finds(logs):
    """Equal lines pair in order, open values are filled in, and a log that is no copy brings requests of its own."""
    lines = table(logs)
    copies = find_copies(lines, pl.int_range(lines.height, eager=True))
    assert sorted(copies.rows()) == sorted(slowly(logs))


def test_each_line_of_a_request_counts_once_whoever_tells_what():
    """Three logs, each silent about what another tells: one event that has it all, under the first log's place."""
    said = [{"user_agent": "ua"}, {"host": "h"}, {"query": "q=1"}]
    logs = [combined(f"{log}.log:{n}", n, body_bytes=n, **more) for n in range(1, 6) for log, more in enumerate(said)]
    folded = fold_copies(events(*logs))
    assert Counter(folded["ref"].str.head(5)) == {"0.log": 5}
    assert folded.select("user_agent", "host", "query").unique().rows() == [("ua", "h", "q=1")]


def test_a_hundred_rotations_of_a_log_are_no_copies():
    """Nothing is found twice, so the events stay as they are."""
    lines = events(*(combined(f"access.log.{n}:1", 60 * n) for n in range(100)))
    assert find_copies(lines, pl.int_range(100, eager=True)).is_empty()
    assert fold_copies(lines).equals(lines)


def test_of_logs_that_tell_as_much_the_first_by_name_is_the_richest():
    """However long they are: the mean of many equal fractions is no longer equal, and threads add up in any order."""
    for n in (3_000, 3_200, 3_400):
        logs = [nginx(f"{log}.log:{k}", k, k + 9.5, body_bytes=k) for log in "ba" for k in range(1, n + (log == "b"))]
        lines = events(*logs)
        for _ in range(3):
            copies = find_copies(lines, pl.int_range(len(logs), eager=True))
            assert copies.height == n - 1
            assert (copies["place"] >= n).all()
