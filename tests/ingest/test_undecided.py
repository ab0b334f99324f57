"""Possible failed handshakes wait outside the memory and come back unchanged."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.ingest.oracle import of_concern
from tests.ingest.test_sift import log
from wslog.errors import OutputError
from wslog.ingest import read_events, reader
from wslog.ingest.concern import MAY_CONCERN
from wslog.ingest.kinds.recognise import Reader
from wslog.ingest.lanes import Lanes
from wslog.ingest.reading import parse_waiting
from wslog.ingest.undecided import Undecided


@pytest.fixture
def events(tmp_path: Path) -> pl.DataFrame:
    """All that may concern WebSockets in a log where one path in two is a WebSocket's."""
    (tmp_path / "a.log").write_bytes(b"\n".join(log("alb", 3_000, seed=1)))
    return read_events([tmp_path], all_lines=True).events.filter(MAY_CONCERN)


def is_websocket(line: bytes) -> bool:
    """Of the lines that `log` writes."""
    return line.startswith(b"wss ") or b'" 101 ' in line


@pytest.mark.parametrize("name", ["alb", "combined", "timed"])
def test_refused_requests_wait_as_lines(tmp_path: Path, name: str) -> None:
    """Of the usual shape they are not parsed before all paths are known, and then only those on a WebSocket's."""
    file = tmp_path / "a.log"
    lines = [line for line in log(name, 2_000, seed=1) if b"/ws" in line or not is_websocket(line)]
    file.write_bytes(b"\n".join(lines))
    waited: list[int] = []
    parsed: list[int] = []

    def put_lines_aside(self: Undecided, lines: pl.DataFrame, reader: Reader) -> None:
        waited.append(lines.height)
        original(self, lines, reader)

    def parse(reader: Reader, lines: pl.DataFrame) -> pl.DataFrame:
        parsed.append(lines.height)
        return parse_waiting(reader, lines)

    original = Undecided.put_lines_aside
    with (
        mock.patch.object(Undecided, "put_lines_aside", put_lines_aside),
        mock.patch.object(reader, "parse_waiting", parse),
    ):
        read = read_events([file])
    every = read_events([file], all_lines=True).events.filter(MAY_CONCERN)
    assert_frame_equal(read.events, of_concern(every))
    at_least = 1 if name == "timed" else 2  # an upgrade that is logged as absent settles most failures at once
    assert sum(waited) >= at_least * sum(parsed) > 0


@pytest.mark.parametrize("in_memory_bytes", [1, 1 << 30])
def test_what_waits_comes_back_as_it_went(events: pl.DataFrame, in_memory_bytes: int) -> None:
    """In memory or on disk: the same as deciding with all rows at hand."""
    with Undecided(parse_waiting, in_memory_bytes) as undecided:
        sure = pl.concat([undecided.put_aside(part) for part in events.iter_slices(100)])
        assert 0 < sure.height < events.height
        together = pl.concat([sure, *undecided.siblings_of(sure, Lanes(1))])
    assert_frame_equal(together.sort("ref"), of_concern(events).sort("ref"))


def test_many_wait_on_disk(events: pl.DataFrame) -> None:
    """The memory they take has a bound."""
    with Undecided(parse_waiting, 10_000) as undecided:
        for _ in range(20):
            undecided.put_aside(events)
        assert undecided._file._rolled  # type: ignore[attr-defined]


def test_no_websocket_means_no_failed_handshake(events: pl.DataFrame) -> None:
    """Without a known path, a 502 is any request's."""
    with Undecided(parse_waiting) as undecided:
        undecided.put_aside(events)
        assert all(frame.is_empty() for frame in undecided.siblings_of(events.clear(), Lanes(1)))


def test_no_room_on_disk_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk is no fault of the log: it is not told as a file that cannot be read."""

    def full(*_args: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Undecided(parse_waiting) as undecided:
        monkeypatch.setattr(undecided._file, "write", full)
        with pytest.raises(OutputError, match=r"(?s)No space left.*TMPDIR"):
            undecided._pack(pl.DataFrame({"path": ["/ws"]}))
