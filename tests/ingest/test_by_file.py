"""Files read one at a time and put together give what reading them at once gives."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from wslog.ingest import read_events
from wslog.ingest.by_file import find_inputs, settle
from wslog.ingest.reading import EVENTS

COMBINED = '203.0.113.7 - - [22/Nov/2026:15:58:5{n} +0000] "GET {path} HTTP/1.1" {status} 1 "-" "a"\n'


def test_files_one_by_one_are_the_files_at_once(tmp_path: Path) -> None:
    """A refused handshake in one file is known by the WebSocket in another."""
    lines = [("/ws", 502), ("/x", 502), ("/x", 200), ("/ws", 403)]
    (tmp_path / "a.log").write_text("".join(COMBINED.format(n=n, path=p, status=s) for n, (p, s) in enumerate(lines)))
    (tmp_path / "b.log").write_text(COMBINED.format(n=5, path="/ws", status=101))
    inputs = find_inputs([tmp_path])
    files = sorted(inputs.read(inputs.sources), key=lambda file: file.source.shown)
    tables = (file.events.select(pl.lit(nth, pl.UInt32).alias("file_no"), *EVENTS) for nth, file in enumerate(files))
    accounts = [file.coverage for file in files]
    singly = settle(tables, accounts, levels=frozenset(), settings=inputs.settings)
    whole = read_events([tmp_path])
    assert singly.events["ref"].to_list() == ["a.log:1", "a.log:4", "b.log:1"]
    assert_frame_equal(singly.events, whole.events)
    assert singly.coverage == whole.coverage
