"""Events of all files put together some at a time are those put together at once."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.ingest.oracle import of_concern
from tests.ingest.test_sift import log
from wslog import schema
from wslog.cellar import Cellar
from wslog.ingest import read_events
from wslog.ingest.reading import EVENTS, PLACE, PLACED, compact, having
from wslog.ingest.settle import settled

SHOWN = ("a.log", "b.log", "c.log")
ROWS = st.fixed_dictionaries(
    {
        "file_no": st.integers(0, 2),
        "line": st.integers(1, 9),
        "tier": st.sampled_from(["alb", "nginx"]),
        "event": st.sampled_from(["request", "request", "start"]),
        "is_websocket": st.sampled_from([True, False, None]),
        "path": st.sampled_from(["/ws", "/x/a-path-that-is-longer-than-a-view", None]),
        "close_reason": st.sampled_from([None, "", "bye"]),
    }
)


def _parts(rows: list[list[dict[str, object]]]) -> list[pl.DataFrame]:
    return [compact(having(pl.DataFrame(part), PLACED).cast(dict(PLACED))) for part in rows]


def _at_once(parts: list[pl.DataFrame], *, all_lines: bool) -> pl.DataFrame:
    whole = pl.concat([pl.DataFrame(schema=PLACED), *(having(part, PLACED) for part in parts)])
    kept = (whole if all_lines else of_concern(whole)).sort(*PLACE, maintain_order=True)
    is_first = pl.struct(set(EVENTS) - {"line"}).is_first_distinct()
    kept = kept.filter((pl.col("tier") != "alb") | is_first)
    ref = pl.Series(SHOWN).gather(kept["file_no"]) + ":" + kept["line"].cast(pl.String)
    return schema.conform(kept.with_columns(ref.alias("ref")), schema.EVENTS)


@given(rows=st.lists(st.lists(ROWS, min_size=1, max_size=6), max_size=4), all_lines=st.booleans())
@pytest.mark.parametrize("room_bytes", [None, 0])
def test_any_parts_are_put_together(
    room_bytes: int | None, rows: list[list[dict[str, object]]], all_lines: bool
) -> None:
    """In order of file and line, what is of concern, copies out; parts may have other columns, and go."""
    parts = _parts(rows)
    expected = _at_once(parts, all_lines=all_lines)
    with Cellar(room_bytes=room_bytes, slice_rows=3) as cellar:
        events, files = settled(parts, {}, SHOWN, all_lines=all_lines, cellar=cellar)
        assert_frame_equal(events, expected)
    assert (parts, files) == ([], [])


@given(rows=st.lists(ROWS, min_size=1, max_size=9))
def test_what_is_compact_has_the_same_values(rows: list[dict[str, object]]) -> None:
    """Only columns without values are missing."""
    (part,) = _parts([rows])
    assert_frame_equal(having(part, PLACED), having(pl.DataFrame(rows), PLACED).cast(dict(PLACED)))
    assert "query" not in part.columns


@pytest.mark.parametrize("name", ["alb", "combined"])
def test_events_are_the_same_wherever_they_wait(tmp_path: Path, name: str) -> None:
    """While files are read, and after that: on disk, in slices of any size, copies between files included."""
    for nth in range(3):
        (tmp_path / f"{nth}.log").write_bytes(b"\n".join(log(name, 900, seed=nth % 2)))
    whole = read_events([tmp_path])
    with Cellar(room_bytes=1, slice_rows=37) as cellar:
        read = read_events([tmp_path], cellar=cellar)
        assert_frame_equal(read.events, whole.events)
    assert read.coverage == whole.coverage
    assert read.events.n_chunks() > 1
