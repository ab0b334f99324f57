"""Which files the PATH arguments lead to, and the names they are shown under."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from wslog.errors import InputError
from wslog.ingest.files.sources import list_sources


def _write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)


def _shown(*paths: str | Path) -> list[str]:
    return [source.shown for source in list_sources(paths)]


def test_a_folder_is_read_recursively_in_sorted_order_without_hidden_files(tmp_path: Path) -> None:
    """Files are shown relative to the folder, hidden files and folders are left out."""
    _write(tmp_path, "b.log", "a/z.log", "a/b/c.log", ".git/config", ".hidden")
    assert _shown(tmp_path) == ["a/b/c.log", "a/z.log", "b.log"]


def test_the_order_does_not_depend_on_the_order_of_arguments(tmp_path: Path) -> None:
    """Same files, same order."""
    _write(tmp_path, "x/1.log", "y/2.log")
    assert _shown(tmp_path / "x", tmp_path / "y") == _shown(tmp_path / "y", tmp_path / "x")


def test_an_absolute_file_is_shown_by_its_name_and_a_relative_one_as_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No absolute path reaches a result."""
    _write(tmp_path, "logs/a.log")
    monkeypatch.chdir(tmp_path)
    assert _shown(tmp_path / "logs/a.log") == ["a.log"]
    assert _shown("logs/a.log") == ["logs/a.log"]


def test_the_same_file_reached_twice_is_listed_once(tmp_path: Path) -> None:
    """By argument, folder or link."""
    _write(tmp_path, "a.log")
    (tmp_path / "b.log").symlink_to(tmp_path / "a.log")
    assert _shown(tmp_path, tmp_path / "a.log") == ["a.log"]


def test_files_of_one_name_in_two_folders_are_told_apart(tmp_path: Path) -> None:
    """As few parent folders as it takes are put in front."""
    _write(tmp_path, "web1/access.log", "web2/access.log", "web2/error.log")
    assert _shown(tmp_path / "web1", tmp_path / "web2") == ["error.log", "web1/access.log", "web2/access.log"]


def test_a_glob_is_expanded(tmp_path: Path) -> None:
    """Patterns that the shell left alone."""
    _write(tmp_path, "a.log", "b.log", "c.txt")
    assert _shown(str(tmp_path / "*.log")) == ["a.log", "b.log"]


def test_a_name_with_brackets_is_a_name_first(tmp_path: Path) -> None:
    """An existing file is never taken for a pattern."""
    _write(tmp_path, "a[1].log", "a1.log")
    assert _shown(tmp_path / "a[1].log") == ["a[1].log"]


@pytest.mark.parametrize("given", ["missing.log", "none/*.log", "s3://bucket/prefix/"])
def test_what_is_not_there_is_an_error_that_says_how_to_mend_it(given: str) -> None:
    """A path that leads nowhere ends the run before anything is read."""
    with pytest.raises(InputError) as error:
        list_sources([given])
    assert error.value.where == given
    assert error.value.mend


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """No files is not an empty answer."""
    with pytest.raises(InputError, match="no files"):
        list_sources([tmp_path])


def test_a_named_pipe_is_listed_and_not_opened(tmp_path: Path) -> None:
    """Opening it would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    (source,) = list_sources([tmp_path])
    assert source.skipped == "a named pipe"


def test_a_dangling_link_is_listed_with_the_reason(tmp_path: Path) -> None:
    """A file that vanished is a fact, not a failure."""
    (tmp_path / "gone.log").symlink_to(tmp_path / "nowhere")
    (source,) = list_sources([tmp_path])
    assert source.skipped == "cannot be read (No such file or directory)"


def test_a_cycle_of_linked_folders_ends(tmp_path: Path) -> None:
    """A link to a parent folder is entered once at most."""
    _write(tmp_path, "a/x.log")
    (tmp_path / "a/loop").symlink_to(tmp_path)
    assert _shown(tmp_path) == ["a/x.log"]


def test_standard_input_can_be_read_twice() -> None:
    """Once to find configuration, once for the lines."""
    (source,) = list_sources(["-"], stdin=io.BytesIO(b"one\ntwo\n"))
    for _ in range(2):
        with source.open() as raw:
            assert raw.read() == b"one\ntwo\n"
    assert (source.shown, source.n_bytes) == ("-", 8)


def test_standard_input_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A stream that is there to be written, say."""
    (tmp_path / "out").touch()
    number = os.open(tmp_path / "out", os.O_WRONLY)
    with os.fdopen(number, "rb") as stdin, pytest.raises(InputError, match="standard input: cannot be read"):
        list_sources(["-"], stdin=stdin)


def test_a_name_that_is_not_unicode_is_shown_with_replacement(tmp_path: Path) -> None:
    """File names may hold any bytes; results are valid UTF-8."""
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.log")).write_text("x")
    except OSError:
        pytest.skip("this file system refuses such names")
    assert _shown(tmp_path) == ["\ufffd.log"]


def test_what_only_looks_like_a_file_is_not_read(tmp_path: Path) -> None:
    """A link to a file of the kernel could wait for ever when it is read."""
    if not Path("/proc/version").exists():
        pytest.skip("there is no /proc here")
    (tmp_path / "kernel.log").symlink_to("/proc/version")
    assert "/proc" in list_sources([tmp_path])[0].skipped
