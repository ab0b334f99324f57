"""Where wide tables wait changes nothing about them."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from wslog.cellar import Cellar
from wslog.errors import OutputError
from wslog.schema import CONNECTIONS, EVENTS, JOINED

ROWS = pl.DataFrame(
    {
        "text": ["a", None, "", "longer than what a view holds by itself"],
        "lists": [["x"], None, [], ["y", "longer than what a view holds by itself"]],
        "number": [1.5, None, -0.0, float("inf")],
        "flag": [True, None, False, True],
        "nothing": pl.Series([None] * 4, dtype=pl.String),
        "at": pl.Series([0, 1, None, 2], dtype=pl.Datetime("us", "UTC")),
    }
)


DTYPES = sorted({column.dtype for table in (EVENTS, JOINED, CONNECTIONS) for column in table.values()}, key=str)


def parts(n: int) -> Iterator[pl.DataFrame]:
    for i in range(n):
        yield ROWS.with_columns(nth=pl.lit(i))


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("room_bytes", [None, 0, 300, 1000, 1 << 30])
@pytest.mark.parametrize("n", [1, 2, 9])
def test_a_table_is_the_same_wherever_it_waits(room_bytes: int | None, n: int) -> None:
    """Rows, order, types and nulls are those that were laid up, and slices give them again."""
    with Cellar(room_bytes=room_bytes, slice_rows=3) as cellar:
        laid = cellar.lay_up(parts(n))
        assert_frame_equal(laid, pl.concat(parts(n)))
        assert_frame_equal(pl.concat(cellar.slices(laid)), laid)
        assert {part.height for part in cellar.slices(laid)} <= {3, 4 * n % 3}


@given(table=dataframes(max_cols=4, max_size=9, allowed_dtypes=DTYPES), rows=st.integers(1, 9))
def test_any_table_comes_back(table: pl.DataFrame, rows: int) -> None:
    """Whatever its columns hold, of all types that our tables have."""
    with Cellar(room_bytes=0, slice_rows=rows) as cellar:
        assert_frame_equal(cellar.lay_up(cellar.slices(table)), table)


def test_only_what_has_no_room_goes_to_disk(temporary: Path) -> None:
    """A table that fits leaves no file."""
    with Cellar(room_bytes=1 << 20) as cellar:
        cellar.lay_up(parts(2))
        assert list(temporary.iterdir()) == []
    with Cellar(room_bytes=100) as cellar:
        cellar.lay_up(parts(2))
        assert [folder.name[:6] for folder in temporary.iterdir()] == ["wslog-"]


def test_nothing_stays_on_disk(temporary: Path) -> None:
    """A closed cellar leaves nothing, also after an error; tables in use stay whole, and its thread as long as they."""
    before = set(threading.enumerate())
    cellar = Cellar(room_bytes=0)
    laid = cellar.lay_up(parts(3))
    with pytest.raises(KeyboardInterrupt), cellar:
        raise KeyboardInterrupt
    assert list(temporary.iterdir()) == []
    assert_frame_equal(laid, pl.concat(parts(3)))
    assert set(threading.enumerate()) - before
    del laid
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=30)
        assert not thread.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the name of what is mapped")
def test_a_killed_process_leaves_no_table(temporary: Path) -> None:
    """A table has no name on disk any more as soon as it is there."""
    with Cellar(room_bytes=0) as cellar:
        laid = cellar.lay_up(parts(3))
        assert [list(folder.iterdir()) for folder in temporary.iterdir()] == [[]]
        assert_frame_equal(laid, pl.concat(parts(3)))


def mapped_bytes(folder: Path) -> int:
    """How much of the files below *folder* is in this process's memory, as Linux counts it."""
    n_bytes, is_ours = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        name, *words = line.split()
        if not name.endswith(":"):
            is_ours = str(folder) in line
        elif name == "Rss:" and is_ours:
            n_bytes += int(words[0]) << 10
    return n_bytes


def is_given_back(folder: Path) -> bool:
    """Wait for it."""
    until = time.monotonic() + 30
    while mapped_bytes(folder) > 1_000_000 and time.monotonic() < until:
        time.sleep(0.01)
    return mapped_bytes(folder) <= 1_000_000


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is mapped")
def test_what_was_looked_at_does_not_stay_in_memory(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looked, and when the cellar is closed, too; the table holds the same when it is looked at again."""
    table = pl.DataFrame({"number": pl.int_range(1_000_000, eager=True)})
    monkeypatch.setattr("wslog.cellar.MAPPED_S", 3600)
    with Cellar(room_bytes=0) as cellar:
        kept = cellar.lay_up([table])
        assert kept["number"].sum() == 499_999_500_000
        assert mapped_bytes(temporary) >= 8_000_000
    monkeypatch.setattr("wslog.cellar.MAPPED_S", 0.001)
    with Cellar(room_bytes=0) as cellar:
        laid = cellar.lay_up([table])
        del kept
        assert laid["number"].sum() == 499_999_500_000
        assert is_given_back(temporary)
    assert laid["number"].sum() == 499_999_500_000
    assert is_given_back(temporary)
    assert_frame_equal(laid, table)


def test_a_table_without_rows_has_one_slice() -> None:
    """So that what is made of slices has its columns."""
    assert [part.schema for part in Cellar().slices(ROWS.clear())] == [ROWS.schema]


def full(*_args: object, **_options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_no_room_on_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the folder and what to do about it."""
    monkeypatch.setattr(pl.DataFrame, "write_ipc", full)
    with pytest.raises(OutputError, match=r"(?s)wslog-.*No space left.*TMPDIR"), Cellar(room_bytes=0) as cellar:
        cellar.lay_up(parts(1))


def test_without_disk_memory_is_taken_where_nobody_asked(monkeypatch: pytest.MonkeyPatch, temporary: Path) -> None:
    """An analysis that would fit into memory does not fail for a small disk."""
    monkeypatch.setattr(pl.DataFrame, "write_ipc", full)
    with Cellar(room_bytes=0, is_asked_for=False) as cellar:
        assert_frame_equal(cellar.lay_up(parts(3)), pl.concat(parts(3)))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("room_bytes", [None, 0, 300, 1 << 30])
def test_tables_wait_on_a_shelf(room_bytes: int | None) -> None:
    """All rows come back once, those with the same columns in order, and small tables together."""
    with Cellar(room_bytes=room_bytes, slice_rows=40) as cellar:
        shelf = cellar.shelf()
        for part in parts(9):
            shelf.put(part)
            shelf.put(part.drop("lists"))
        taken = shelf.taken()
        assert shelf.taken() == []
        for dropped in ([], ["lists"]):
            alike = [table for table in taken if table.columns == [*ROWS.drop(dropped).columns, "nth"]]
            assert_frame_equal(pl.concat(alike), pl.concat(parts(9)).drop(dropped))
            assert len(alike) <= 3 or room_bytes is not None


def test_a_shelf_has_room_for_so_much(temporary: Path) -> None:
    """What fits stays in memory, whatever its columns; what does not is on disk, all of it."""
    with Cellar(room_bytes=1 << 20) as cellar:
        shelf = cellar.shelf()
        shelf.put(ROWS)
        shelf.put(ROWS.drop("lists"))
        assert not list(temporary.iterdir())
    with Cellar(room_bytes=ROWS.estimated_size() + 1) as cellar:
        shelf = cellar.shelf()
        shelf.put(ROWS)
        assert not list(temporary.iterdir())
        shelf.put(ROWS.drop("lists"))
        assert list(temporary.iterdir())
        assert_frame_equal(
            pl.concat(shelf.taken(), how="diagonal"), pl.concat([ROWS, ROWS.drop("lists")], how="diagonal")
        )


def test_what_fills_the_room_is_written_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """To write a piece takes its room once more: so not all that was held is written in one."""
    monkeypatch.setattr("wslog.cellar.PIECE_BYTES", 1)
    with Cellar(room_bytes=3 * int(ROWS.estimated_size())) as cellar:
        laid = cellar.lay_up(parts(9))
        assert laid["nth"].n_chunks() == 9
        shelf = cellar.shelf()
        for part in parts(9):
            shelf.put(part)
        assert len(shelf.taken()) >= 8
