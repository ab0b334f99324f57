"""Small files read together give what each gives by itself."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.ingest.test_sift import DAMAGE, log
from wslog.ingest import Read, read_batch, read_events
from wslog.ingest.client.close import CLIENT_CLOSE
from wslog.ingest.files.sources import Source
from wslog.ingest.nginx.error import NGINX_ERROR
from wslog.ingest.survey import Survey


def write(folder: Path, damage: Callable[[bytes], bytes], every: int) -> Path:
    """Eight archives of 300 lines, among them an empty one and one with carriage returns; some lines are damaged."""
    for n in range(8):
        lines = log("alb", 300 if n else 0, seed=n)
        lines = [damage(line) if (k + n) % every == 0 else line for k, line in enumerate(lines)]
        end = b"\r\n" if n == 3 else b"\n"
        (folder / f"{n}.log.gz").write_bytes(gzip.compress(end.join(lines) + (end if n % 2 else b"")))
    return folder


def alone(folder: Path) -> Read:
    """Read each file by itself."""
    with mock.patch.object(read_batch, "read_at_once", return_value=None):
        return read_events([folder])


def assert_same(together: Read, apart: Read) -> None:
    """Same events, same account of every file."""
    assert_frame_equal(together.events, apart.events)
    assert together.coverage == apart.coverage
    assert together.levels == apart.levels


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("every", [3, 50, 250], ids=["mostly damaged", "some damaged", "nearly whole"])
def test_damaged_files_read_alike(tmp_path: Path, kind: str, every: int) -> None:
    """Every reject has its own file and line, whichever files were read with it."""
    folder = write(tmp_path, DAMAGE[kind], every)
    assert_same(read_events([folder]), alone(folder))


def test_few_damaged_lines_do_not_have_a_file_read_again(tmp_path: Path) -> None:
    """Else one bad line in a thousand would double the time."""
    folder = write(tmp_path, DAMAGE["cut"], 50)
    with mock.patch.object(read_batch, "read_file", wraps=read_batch.read_file) as again:
        read = read_events([folder])
    assert sum(file.rejected for file in read.coverage.files) > 20
    assert again.call_count <= 1  # the empty one


def test_a_file_of_two_formats_gives_both(tmp_path: Path) -> None:
    """Where more than a few lines do not parse, they are offered to the other formats."""
    lines = [line for pair in zip(log("alb", 60, 1), log("error", 60, 1), strict=True) for line in pair]
    (tmp_path / "mixed.log").write_bytes(b"\n".join(lines))
    (tmp_path / "other.log").write_bytes(b"\n".join(log("alb", 60, 2)))
    read = read_events([tmp_path])
    assert_same(read, alone(tmp_path))
    assert set(read.events["format"]) == {"alb-access", "nginx-error"}


def test_a_few_lines_of_another_format_are_read(tmp_path: Path) -> None:
    """Two close events among hundreds of entries, in one of many files, some of whose lines are damaged."""
    folder = write(tmp_path, DAMAGE["cut"], 50)
    lines = log("alb", 300, 9)
    lines[100:100] = [sample.encode() for sample in CLIENT_CLOSE.samples[:2]]
    lines[200:200] = [NGINX_ERROR.samples[0].encode()]
    (folder / "guest.log.gz").write_bytes(gzip.compress(b"\n".join(lines)))
    read = read_events([folder])
    assert_same(read, alone(folder))
    guests = read.events.filter(pl.col("ref").str.starts_with("guest") & (pl.col("format") != "alb-access"))
    assert guests["ref"].to_list() == ["guest.log.gz:101", "guest.log.gz:102", "guest.log.gz:201"]


@given(st.lists(st.sampled_from((0, 1, 300 << 10, read_batch.SMALL_BYTES, read_batch.SMALL_BYTES + 1, 5 << 20))))
def test_a_larger_file_is_alone_and_no_batch_too_large(sizes: list[int]) -> None:
    """Whatever stands beside it, empty files included; all files come, in order."""
    surveys = [Survey(source=Source(shown=str(n), file=None, n_bytes=size)) for n, size in enumerate(sizes)]
    batches = read_batch.batches_of(surveys)
    assert [survey for batch in batches for survey in batch] == surveys
    for batch in batches:
        in_batch = [survey.source.n_bytes for survey in batch]
        assert len(batch) == 1 or max(in_batch) <= read_batch.SMALL_BYTES
        assert len(batch) == 1 or sum(in_batch) <= read_batch.BATCH_BYTES


def test_an_empty_file_after_a_large_one(tmp_path: Path) -> None:
    """An access log of some size beside an error log that was just rotated."""
    lines = log("alb", 3_000, seed=1)
    (tmp_path / "access.log").write_bytes(b"\n".join(lines) + b"\n")
    (tmp_path / "error.log").touch()
    assert (tmp_path / "access.log").stat().st_size > read_batch.SMALL_BYTES
    read = read_events([tmp_path])
    assert [(file.path, file.lines) for file in read.coverage.files] == [("access.log", 3_000), ("error.log", 0)]


def write_kind(folder: Path, kind: str, damage: Callable[[bytes], bytes], every: int) -> Path:
    """Twelve rotations of 60 lines, some of which are damaged."""
    for n in range(12):
        lines = [damage(line) if (k + n) % every == 0 else line for k, line in enumerate(log(kind, 60, seed=n))]
        (folder / f"access.log.{n}").write_bytes(b"\n".join(lines) + b"\n")
    return folder


@pytest.mark.parametrize("kind", ["combined", "timed", "json"])
@pytest.mark.parametrize("damaged", DAMAGE)
@pytest.mark.parametrize("every", [7, 61], ids=["some damaged", "whole"])
def test_rotations_of_an_access_log_read_alike(tmp_path: Path, kind: str, damaged: str, every: int) -> None:
    """Each file's events and account are its own, whichever files were read with it."""
    folder = write_kind(tmp_path, kind, DAMAGE[damaged], every)
    assert_same(read_events([folder]), alone(folder))


@pytest.mark.parametrize("kind", ["combined", "timed", "json"])
def test_rotations_of_an_access_log_are_recognised_once(tmp_path: Path, kind: str) -> None:
    """To guess a layout takes longer than to read its lines."""
    write_kind(tmp_path, kind, bytes, 61)
    with mock.patch.object(read_batch, "recognise", wraps=read_batch.recognise) as looked:
        read_events([tmp_path], jobs=1)
    assert looked.call_count == 1


def test_a_log_that_tells_more_of_what_has_no_name_is_looked_at_itself(tmp_path: Path) -> None:
    """The last word of a line is nothing in one file, and a request's duration in the next."""
    line = '203.0.113.7 - - [10/Mar/2026:10:01:0{n} +0000] "GET /ws HTTP/1.1" 101 {n} "-" "a" {last}\n'
    for name, lasts in (("a.log", ["-"] * 9), ("b.log", [f"{n}.20{n}" for n in range(9)])):
        (tmp_path / name).write_text("".join(line.format(n=n, last=last) for n, last in enumerate(lasts)))
    read = read_events([tmp_path])
    assert_same(read, alone(tmp_path))
