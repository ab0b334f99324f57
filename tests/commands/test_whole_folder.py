"""A folder is replaced whole or not at all, whenever a signal comes, and never over what is read."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from wslog.commands.whole_folder import LEFT_FOR_S, MARKER, check_output, whole_folder, write_folder
from wslog.errors import OptionError, OutputError

Rename = Callable[[Path, Path], Path]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_our_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """What an earlier report left behind is gone after the next one."""
    output = tmp_path / "report"
    write_folder(output, {"old.txt": b"1"}, force=False)
    write_folder(output, {"new.txt": b"2"}, force=False)
    assert set(snapshot(output)) == {"new.txt", MARKER}
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    """A folder made for the report needs no --force."""
    (tmp_path / "report").mkdir()
    write_folder(tmp_path / "report", {"new.txt": b"2"}, force=False)
    assert (tmp_path / "report" / "new.txt").exists()


def test_a_foreign_folder_needs_force(tmp_path: Path) -> None:
    """A folder that wslog did not write stays untouched until forced, and the error says how."""
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OptionError, match="not written by wslog") as caught:
        write_folder(tmp_path, {"new.txt": b"2"}, force=False)
    assert caught.value.mend is not None
    assert "--force" in caught.value.mend
    assert set(snapshot(tmp_path)) == {"thesis.txt"}
    write_folder(tmp_path, {"new.txt": b"2"}, force=True)
    assert set(snapshot(tmp_path)) == {"new.txt", MARKER}


def test_a_file_and_the_working_folder_are_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even --force deletes a file, or the folder that the user stands in or under."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "under").mkdir()
    monkeypatch.chdir(tmp_path / "under")
    for output in (tmp_path / "file", Path(), tmp_path):
        with pytest.raises(OptionError):
            check_output(output, force=True)


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt(), SystemExit(143)], ids=["full", "int", "term"]
)
def test_an_interrupted_write_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """If writing stops half way, the old report stands whole and no temporary folder is left."""
    output = tmp_path / "report"
    write_folder(output, {"a.txt": b"1"}, force=False)
    before = snapshot(output)
    write_bytes = Path.write_bytes

    def fail_at_b(self: Path, data: bytes) -> int:
        if self.name == "b.txt":
            raise error
        return write_bytes(self, data)

    monkeypatch.setattr(Path, "write_bytes", fail_at_b)
    with pytest.raises((OutputError, type(error))):
        write_folder(output, {"a.txt": b"2", "b.txt": b"2"}, force=False)
    assert snapshot(output) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("error", [OSError("x"), KeyboardInterrupt(), ValueError("x")], ids=["io", "int", "bug"])
def test_what_is_half_filled_takes_no_place(tmp_path: Path, error: BaseException) -> None:
    """Whatever stops who fills the new folder: the old one stands whole and nothing is left beside it."""
    output = tmp_path / "report"
    write_folder(output, {"a.txt": b"1"}, force=False)
    before = snapshot(output)

    def fill() -> None:
        with whole_folder(output, force=False) as new:
            (new / "a.txt").write_bytes(b"2")
            raise error

    with pytest.raises((OutputError, type(error))):
        fill()
    assert snapshot(output) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [1, 2])
def test_a_signal_at_a_move_leaves_one_whole_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, is_done: bool
) -> None:
    """Before or after each of the two moves: the old report or the new one stands whole, and nothing beside it."""
    output = tmp_path / "report"
    write_folder(output, {"a.txt": b"1"}, force=False)
    rename, calls = Path.rename, []

    def interrupted(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == step and not is_done:
            raise KeyboardInterrupt
        moved = rename(self, target)
        if len(calls) == step:
            raise KeyboardInterrupt
        return moved

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_folder(output, {"a.txt": b"2"}, force=False)
    is_new = step == 2 and is_done
    assert (output / "a.txt").read_bytes() == (b"2" if is_new else b"1")
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def kill_at_move(output: Path, files: dict[str, bytes], step: int) -> None:
    """Write *files* in a child process that dies at once before its *step*-th move."""
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        return
    rename, calls = Path.rename, []

    def killed(self: Path, target: Path) -> Path:
        calls.append(target)
        if len(calls) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    Path.rename = killed  # type: ignore[method-assign,assignment]
    try:
        write_folder(output, files, force=True)
    finally:
        os._exit(0)


@pytest.mark.parametrize("step", [1, 2])
def test_what_a_killed_run_moved_away_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Killed before the new report stood: the next run puts the old one back, even if it fails itself."""
    output = tmp_path / "report"
    write_folder(output, {"a.txt": b"1"}, force=False)
    kill_at_move(output, {"a.txt": b"2"}, step)
    assert output.exists() is (step == 1)

    def full(_self: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError):
            write_folder(output, {"a.txt": b"3"}, force=False)
    assert snapshot(output)["a.txt"] == b"1"
    write_folder(output, {"a.txt": b"4"}, force=False)
    assert snapshot(output)["a.txt"] == b"4"


def test_a_first_report_that_was_never_moved_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed with the first report whole: it takes its place when the next run begins."""
    output = tmp_path / "report"
    kill_at_move(output, {"a.txt": b"1"}, 1)
    monkeypatch.setattr("tempfile.mkdtemp", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_folder(output, {"a.txt": b"2"}, force=False)
    assert snapshot(tmp_path) == {"report/a.txt": b"1", f"report/{MARKER}": snapshot(output)[MARKER]}


def test_old_leftovers_go_and_those_of_others_stay(tmp_path: Path) -> None:
    """After a day what a killed run left is removed; a living run's, another folder's and foreign ones are not."""
    names = {".report-aaaaaaaa": True, ".report-bbbbbbbb": False, ".report-x-aaaaaaaa": True, ".report-cccccccc": True}
    for name, is_old in names.items():
        (tmp_path / name / "new").mkdir(parents=True)
        if name != ".report-cccccccc":
            (tmp_path / name / MARKER).write_bytes(b"")
        if is_old:
            os.utime(tmp_path / name, (0, (tmp_path / name).stat().st_mtime - LEFT_FOR_S - 60))
    write_folder(tmp_path / "report", {"a.txt": b"1"}, force=False)
    assert {path.name for path in tmp_path.iterdir()} == {"report", *names} - {".report-aaaaaaaa"}


def test_an_error_names_the_folder_that_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A temporary name means nothing to the user; what stood there comes back."""
    output = tmp_path / "report"
    write_folder(output, {"a.txt": b"1"}, force=False)
    before = snapshot(output)
    rename = Path.rename

    def fail_at_new(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise PermissionError(13, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_at_new)
    with pytest.raises(OutputError) as caught:
        write_folder(output, {"a.txt": b"2"}, force=False)
    assert (caught.value.where, caught.value.what) == (str(output), "Permission denied")
    assert caught.value.mend
    assert snapshot(output) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("given", ["own", "own/logs", "own/logs/a.log", "own/*.log", "link/a.log"])
@pytest.mark.parametrize("output", ["own", "own/../own", "linked"])
def test_no_force_replaces_what_is_read(tmp_path: Path, given: str, output: str) -> None:
    """A folder that is, or holds, an input is refused under whatever name, also as an older report and with --force."""
    write_folder(tmp_path / "own", {"logs/a.log": b"x"}, force=False)
    (tmp_path / "linked").symlink_to(tmp_path / "own")
    (tmp_path / "link").symlink_to(tmp_path / "own" / "logs")
    for force in (False, True):
        with pytest.raises(OptionError) as caught:
            check_output(tmp_path / output, force=force, inputs=[tmp_path / given])
        assert given in caught.value.what
        assert caught.value.mend
    check_output(tmp_path / "beside", force=False, inputs=[tmp_path / given])


def test_a_place_that_cannot_be_is_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a file, or where nothing may be written."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(OptionError, match="is a file"):
        check_output(tmp_path / "file" / "report", force=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="nothing may be written"):
        check_output(tmp_path / "deep" / "report", force=True)


def test_a_link_to_itself_is_refused_before_the_work(tmp_path: Path) -> None:
    """As the report's place, and above it; as an input it harms nobody."""
    (tmp_path / "loop").symlink_to("loop")
    for output in (tmp_path / "loop", tmp_path / "loop" / "report"):
        with pytest.raises(OptionError, match="a file, not a folder"):
            check_output(output, force=True)
    check_output(tmp_path / "report", force=False, inputs=[tmp_path / "loop"])


def test_a_way_up_from_nowhere_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-o gone/..` is the working folder to whoever only looks at the letters, and no way at all to the system."""
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    for output in ("gone/..", "gone/../sub", "sub/gone/../../new", "thesis.txt/.."):
        for force in (False, True):
            with pytest.raises(OptionError, match="is no folder"):
                write_folder(Path(output), {"new.txt": b"2"}, force=force)
    write_folder(Path("sub/../new"), {"new.txt": b"2"}, force=False)
    assert set(snapshot(tmp_path)) == {"thesis.txt", "new/new.txt", f"new/{MARKER}"}


def test_a_name_too_long_for_what_stands_beside_it_is_refused_before_the_work(tmp_path: Path) -> None:
    """The folder itself might fit; the temporary one beside it has a longer name."""
    with pytest.raises(OutputError, match="too long"):
        check_output(tmp_path / ("x" * 250), force=True)


def test_a_report_may_lie_among_its_inputs(tmp_path: Path) -> None:
    """`wslog analyze logs -o logs/report` replaces nothing that is read."""
    write_folder(tmp_path / "logs" / "report", {"report.html": b"x"}, force=False)
    check_output(tmp_path / "logs" / "report", force=False, inputs=[tmp_path / "logs"])


def test_a_link_keeps_pointing_to_the_report(tmp_path: Path) -> None:
    """`latest -> reports/47` stays a link; the folder behind it is replaced."""
    write_folder(tmp_path / "real", {"a.txt": b"1"}, force=False)
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    write_folder(tmp_path / "latest", {"a.txt": b"2"}, force=False)
    assert (tmp_path / "latest").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_bytes() == b"2"
