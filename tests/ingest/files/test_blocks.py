"""Lines out of files of any compression, whole or damaged."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from wslog.ingest.files import blocks, compression
from wslog.ingest.files.blocks import mended, read_blocks, read_head, split_lines
from wslog.ingest.files.sources import list_sources

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def _lines(tmp_path: Path, data: bytes, *, block_bytes: int = 1 << 20) -> tuple[list[str], str]:
    file = tmp_path / "file.log"
    file.write_bytes(data)
    (source,) = list_sources([file])
    read = list(read_blocks(source, block_bytes=block_bytes))
    frame = pl.concat([block.lines for block in read]) if read else pl.DataFrame(schema=blocks.LINES)
    assert frame["line"].to_list() == list(range(1, frame.height + 1))
    return frame["text"].to_list(), read[-1].trouble if read else ""


@pytest.mark.parametrize("kind", PACKERS)
def test_two_archives_in_a_row_are_one_text(tmp_path: Path, kind: str) -> None:
    """Members, frames and streams are joined, also in the middle of a line."""
    data = PACKERS[kind](b"one\ntw") + PACKERS[kind](b"o\nthree\n")
    assert _lines(tmp_path, data) == (["one", "two", "three"], "")


@pytest.mark.parametrize("kind", PACKERS)
def test_a_torn_archive_gives_what_came_and_says_so(tmp_path: Path, kind: str) -> None:
    """Complete blocks before the tear are kept."""
    whole = "".join(f"line {n} {n * 7919 % 1000003}\n" for n in range(150_000)).encode()
    lines, trouble = _lines(tmp_path, PACKERS[kind](whole)[:-100])
    assert trouble == "compressed data ends early"
    assert len(lines) > 0
    assert lines[:2] == ["line 0 0", "line 1 7919"]


@pytest.mark.parametrize("kind", PACKERS)
def test_garbage_after_an_archive_is_named(tmp_path: Path, kind: str) -> None:
    """The whole archive before it is kept."""
    lines, trouble = _lines(tmp_path, PACKERS[kind](b"one\ntwo\n") + b"garbage that is no archive")
    assert lines == ["one", "two"]
    assert "compressed data" in trouble


@pytest.mark.parametrize("kind", PACKERS)
def test_the_first_bytes_tell_the_compression(tmp_path: Path, kind: str) -> None:
    """Not the file's name."""
    file = tmp_path / "plain.txt"
    file.write_bytes(PACKERS[kind](b"text\n"))
    head = read_head(list_sources([file])[0])
    assert (head.compression, head.data, head.is_whole) == (kind, b"text\n", True)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"a", ["a"]),
        (b"a\n\nb", ["a", "", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"\xef\xbb\xbfa\nb\n", ["a", "b"]),
        ("a\u2028b\x0bc\x85d\re\n".encode(), ["a\u2028b\x0bc\x85d\re"]),
        (b"\xff\xfe ok\n", ["\ufffd\ufffd ok"]),
        (b"a\x00b\n", ["a\x00b"]),
    ],
)
def test_lines_end_at_line_feeds_only(tmp_path: Path, data: bytes, lines: list[str]) -> None:
    """CRLF and the byte order mark are taken off; nothing else is touched or lost."""
    assert _lines(tmp_path, data) == (lines, "")


@pytest.mark.parametrize("block_bytes", [1, 5, 64, 1000])
def test_blocks_of_any_size_give_the_same_lines(
    tmp_path: Path, block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line is cut or counted twice at the border of two blocks."""
    monkeypatch.setattr(compression, "CHUNK_BYTES", 7)
    monkeypatch.setattr(compression, "FEED_BYTES", 3)
    expected = [f"{n}" * (n % 9) for n in range(200)]
    assert _lines(tmp_path, "\n".join(expected).encode(), block_bytes=block_bytes) == (expected, "")


def test_an_endless_line_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line beyond the limit is named and not kept, wherever it stands; its neighbours keep text and number."""
    monkeypatch.setattr(compression, "CHUNK_BYTES", 10)
    monkeypatch.setattr(blocks, "MAX_LINE_BYTES", 50)
    monkeypatch.setattr(blocks, "FEED_BYTES", 10)
    file = tmp_path / "file.log"
    file.write_bytes(b"one\n" + b"x" * 1000 + b"\n" + b"y" * 50 + b"\n" + b"z" * 51 + b"\nlast")
    read = list(read_blocks(list_sources([file])[0], block_bytes=20))
    assert [row for block in read for row in block.lines.iter_rows()] == [(1, "one"), (3, "y" * 50), (5, "last")]
    assert [(line, text[0]) for block in read for line, text in block.too_long] == [(2, "x"), (4, "z")]
    assert sum(block.n_lines for block in read) == 5


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_comes_in_pieces(tmp_path: Path, kind: str) -> None:
    """What a few kilobytes grow to is never in memory at once."""
    data = PACKERS[kind](b"x" * (200 << 20))
    (tmp_path / "bomb").write_bytes(data)
    with (tmp_path / "bomb").open("rb") as raw:
        sizes = [len(piece) for piece in compression.unpacked(raw, kind, raw.read(8 << 10))]
    assert sum(sizes) == 200 << 20
    assert max(sizes) <= 64 << 20


def test_a_size_that_lies_does_not_unpack_a_bomb() -> None:
    """A gzip file that says it holds ten bytes is unpacked to eleven at most, then left to the careful way."""
    data = bytearray(gzip.compress(b"x" * 1_000_000))
    data[-4:] = (10).to_bytes(4, "little")
    assert compression.inflate_at_once(bytes(data), limit=1 << 20) is None


@pytest.mark.parametrize("kind", ["gzip", "xz"])
def test_one_wrong_bit_costs_what_follows_it_only(tmp_path: Path, kind: str) -> None:
    """A small file keeps the lines before the damage, for recognition too, and the damage is named."""
    text = "".join(f"line {n} {n * 7919 % 1000003}\n" for n in range(20_000)).encode()
    data = bytearray(PACKERS[kind](text))
    data[len(data) * 3 // 4] ^= 0x10
    file = tmp_path / "file.log"
    file.write_bytes(data)
    head = read_head(list_sources([file])[0])
    lines, trouble = _lines(tmp_path, bytes(data))
    assert "compressed data is damaged" in trouble
    same = sum(1 for line, true in zip(lines, text.decode().split("\n"), strict=False) if line == true)
    assert same > 10_000
    assert head.data.startswith(text[:100_000])


def test_masses_of_blank_lines_are_only_counted(tmp_path: Path) -> None:
    """Lines between them keep their numbers."""
    file = tmp_path / "file.log"
    file.write_bytes(b"a\n" + b"\n" * 3_000 + b"b\r\n" + b"\r\n" * 100_000 + b"\nc\n\nd" + b"\n" * 1_000)
    read = list(read_blocks(list_sources([file])[0], block_bytes=50_000))
    full = [(line, text) for block in read for line, text in block.lines.iter_rows() if text]
    assert full == [(1, "a"), (3_002, "b"), (103_004, "c"), (103_006, "d")]
    assert sum(block.n_lines for block in read) == file.read_bytes().count(b"\n") == 104_005
    assert sum(block.lines.height for block in read) < 2_000


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        ("text\n".encode("utf-16"), ""),
        (b"SQLite format 3\0" + b"a line of a log\n" * 99, "SQLite"),
        (b"\x7fELF" + b"a line of a log\n" * 99, "core dump"),
        (gzip.compress(gzip.compress(b"text\n", mtime=0), mtime=0), "gzip inside gzip"),
        (b"a line\r" * 9, "tr "),
        (b"a line of a log\n" * 80 + (b"\0" * 40 + b"a line of a log\n") * 20, ""),
        (b"\0" * 400, "binary"),
        (b"PK\x03\x04....", "zip"),
        (bytes(range(256)) * 40, "binary"),
        (b"\0" * 257 + b"ustar" + b"\0" * 100, "tar"),
        (b"text\n", ""),
        (b"\x1b[32mweb_1\x1b[0m | text\n", ""),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, data: bytes, reason: str) -> None:
    """And terminal colours are still text."""
    file = tmp_path / "file"
    file.write_bytes(data)
    found = read_head(list_sources([file])[0]).not_text
    assert reason in found
    assert bool(reason) == bool(found)


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"x\x01", b"x^", b"x\x9c", b"x\xda", b"\x28\xb5\x2f\xfd"])
def test_lines_that_begin_like_compressed_data_are_lines(magic: bytes) -> None:
    """A block may begin with any bytes: what was to be unpacked is unpacked."""
    assert split_lines(mended([magic, b"a\nb\r\n"])).to_list() == [magic.decode("utf-8", "replace") + "a", "b"]
    assert split_lines(mended([magic])).to_list() == [magic.decode("utf-8", "replace")]


@given(st.lists(st.binary(max_size=40) | st.text(max_size=40).map(str.encode), max_size=12), st.integers(1, 90))
def test_what_is_no_utf8_is_replaced_as_if_all_were_decoded(lines: list[bytes], size: int) -> None:
    """Wherever pieces end, within characters too."""
    data = b"\n".join([*lines, b"\xe2\x82", b"\x82\xac", *lines, b"\xff"])
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    with mock.patch.object(blocks, "TRIED_BYTES", 16), mock.patch.object(blocks, "MENDED_BYTES", 5):
        assert mended(pieces).decode() == data.decode("utf-8", "replace")


def test_what_follows_bytes_that_are_no_utf8_is_not_tried_again(tmp_path: Path) -> None:
    """To try costs as much as reading; three blocks, the first of which is whole."""
    with mock.patch.object(blocks, "split_lines", wraps=split_lines) as tried:
        found = _lines(tmp_path, b"a" * 9 + b"\n\xff" + b"b" * 9 + b"\n\xe9" + b"c" * 9, block_bytes=8)
    assert found == (["a" * 9, "\ufffd" + "b" * 9, "\ufffd" + "c" * 9], "")
    assert tried.call_count == 3


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_wide_text_is_read(tmp_path: Path, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    """UTF-16 is read like UTF-8, with and without a byte order mark, in any pieces; half a character is lost."""
    text = "".join(f"line {n} of a log: \U0001f600 \u00fc\r\n" for n in range(70_000))
    lines, trouble = _lines(tmp_path, pack(text.encode(encoding) + b"\0"), block_bytes=100_000)
    assert (lines[:-1], trouble) == (text.replace("\r", "").splitlines(), "")
    assert lines[-1] == "\ufffd"
