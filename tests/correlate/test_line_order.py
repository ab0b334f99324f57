"""When whole-second lines were written."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.correlate.lines import at, combined, events, nginx
from wslog.correlate.line_order import LineOrder


def _ends(*lines, known=None):
    rows = events(*lines).with_row_index("row")
    found = LineOrder(rows).ends(known)
    ends = ((found["ended_at"] - at(0)).dt.total_milliseconds() / 1000).to_list()
    return ends, found["ended_half_s"].to_list()


def test_a_line_alone_may_be_anywhere_in_its_second():
    """The middle of the second, give or take half of it."""
    ends, halves = _ends(combined("n:1", 7.9))
    assert ends == [7.5]
    assert halves[0] > 0.4


def test_lines_of_one_second_stand_in_order():
    """The file's order spreads them over the second, each more certain than alone."""
    ends, halves = _ends(*(combined(f"n:{i}", 7.0) for i in range(1, 10)))
    assert ends == sorted(ends)
    assert ends[0] < 7.2
    assert ends[-1] > 7.8
    assert max(halves) < 0.4


def test_a_known_close_bounds_its_neighbours():
    """A line between two that are known lies between their moments."""
    known = pl.DataFrame({"row": [0, 2], "known_at": [at(7.6), at(7.7)]}).with_columns(
        pl.col("row").cast(pl.UInt32), pl.col("known_at").dt.cast_time_unit("us")
    )
    ends, halves = _ends(*(combined(f"n:{i}", 7.0) for i in (1, 2, 3)), known=known)
    assert ends == pytest.approx([7.6, 7.65, 7.7])
    assert halves[1] < 0.15


def test_order_counts_by_line_number_not_as_text():
    """Line 10 comes after line 9."""
    ends, _ = _ends(combined("n:10", 7.0), combined("n:9", 7.0))
    assert ends[0] > ends[1]


def test_files_do_not_order_one_another():
    """Lines of two hosts in one second say nothing of each other."""
    ends, _ = _ends(combined("a:1", 7.0), combined("b:1", 7.0))
    assert ends == [7.5, 7.5]


def test_fine_stamps_stay_as_they_are():
    """Milliseconds need no help."""
    ends, halves = _ends(nginx("n:1", 0, 7.25), nginx("n:2", 0, 7.25))
    assert halves == [0.0005, 0.0005]
    assert abs(ends[0] - 7.25) <= 0.001


LINES = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.none() | st.integers(0, 9)), max_size=12)


@settings(deadline=None)
@given(LINES)
def test_known_closes_stay_and_the_others_stand_evenly_between_them(lines):
    """A line stands where a look at its neighbours of the same second and file, one by one, puts it."""
    order = sorted(range(len(lines)), key=lambda i: lines[i][0])  # files hold their lines in the order of the list
    rows = [combined(f"{file}:{i + 1}", 7.0 + second) for i, (file, second, _) in enumerate(lines)]
    told = [(i, at(7.0 + lines[i][1] + lines[i][2] / 10)) for i in range(len(lines)) if lines[i][2] is not None]
    known = pl.DataFrame(told, schema={"row": pl.UInt32, "known_at": pl.Datetime("us", "UTC")}, orient="row")
    ends, _ = _ends(*rows, known=known) if rows else ([], [])
    for second in {line[:2] for line in lines}:
        low, waiting = 0.0, []
        for i in [i for i in order if lines[i][:2] == second] + [None]:
            into = 1.0 if i is None else None if lines[i][2] is None else lines[i][2] / 10
            if into is None:
                waiting.append(i)
                continue
            for k, j in enumerate(waiting, 1):
                assert ends[j] == pytest.approx(7 + second[1] + low + (into - low) * k / (len(waiting) + 1), abs=2e-3)
            low, waiting = into, []
            assert i is None or ends[i] == pytest.approx(7 + second[1] + into, abs=2e-3)
