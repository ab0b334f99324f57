"""The command-line door: light to open, and every error leaves through one place."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tests.render import documents
from wslog import __version__
from wslog.cli import COMMANDS, cli, run
from wslog.errors import InputError, OptionError
from wslog.render.saved import dump

REPO = Path(__file__).resolve().parents[1]
HEAVY = ("polars", "pandas", "matplotlib", "numpy", "pyarrow", "jinja2", "msgspec", "rich")


def wslog(*args: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **variables}
    return subprocess.run([sys.executable, "-m", "wslog", *args], capture_output=True, check=False, env=environment)


def raising(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run `wslog fail`, a command that raises *error*, and return the exit code."""

    @click.command("fail")
    def fail() -> None:
        raise error

    monkeypatch.setattr(cli, "get_command", lambda _ctx, _name: fail)
    return run(["fail"])


def test_help_imports_nothing_heavy() -> None:
    """`wslog --help` and `--version` load neither a table engine nor a renderer."""
    for argument in ("--help", "--version"):
        code = (
            "import sys; from wslog.cli import run; code = run([sys.argv[1]]); "
            f"heavy = [name for name in {HEAVY!r} if name in sys.modules]; "
            "print(heavy, file=sys.stderr); sys.exit(code or bool(heavy))"
        )
        done = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"[]\n")


def test_help_names_every_command() -> None:
    """The group's help has a line for each command, in the order of the table."""
    lines = CliRunner().invoke(cli, ["--help"]).stdout.splitlines()
    listed = lines[lines.index("Commands:") + 1 :][: len(COMMANDS)]
    assert [line.split()[0] for line in listed] == list(COMMANDS)
    assert all(entry.short_help in line for entry, line in zip(COMMANDS.values(), listed, strict=True))


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_says_what_its_line_says(name: str) -> None:
    """The line in the group's help is the only one; the command's own help opens with the same verb."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert (command.name, command.short_help) == (name, None)
    assert (command.help or "").split()[0] == COMMANDS[name].short_help.split()[0]


def test_version() -> None:
    """--version names program and version."""
    assert CliRunner().invoke(cli, ["--version"]).stdout == f"wslog, version {__version__}\n"


def test_a_mendable_error_is_a_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where, what and how to mend go to stderr, free of terminal commands; the exit code is 1."""
    error = InputError("the line carries no time zone", where="logs/\x1b[2Jerror.log:1", mend="Use --tz.")
    assert raising(error, monkeypatch) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "Error: logs/\\x1b[2Jerror.log:1: the line carries no time zone\nUse --tz.\n"


def test_an_option_that_cannot_be_understood_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether click or a room refuses an option's value: exit code 2."""
    assert raising(OptionError("there is no time zone 'x'", where="--tz"), monkeypatch) == 2


@pytest.mark.parametrize("option", ["--nginx-conf", "--timeouts", "--config"])
def test_a_missing_file_of_an_option_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str
) -> None:
    """The message names option and file."""
    missing = str(tmp_path / "none.conf")
    assert run(["analyze", str(tmp_path), "--no-output", option, missing]) == 2
    error = capsys.readouterr().err
    assert option in error
    assert "none.conf" in error


def test_a_file_system_that_says_no_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk or a missing right is the user's to mend, not a traceback."""
    assert raising(PermissionError(13, "Permission denied", "/r"), monkeypatch) == 1
    assert capsys.readouterr().err.startswith("Error: /r: Permission denied\n")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_a_full_disk_without_a_name_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int
) -> None:
    """Where the system names no file, the message still says what went wrong and where such files lie."""
    assert raising(OSError(number, os.strerror(number)), monkeypatch) == 1
    assert capsys.readouterr().err.startswith(f"Error: a temporary file in {tempfile.gettempdir()}: ")


def test_another_error_without_a_name_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every OSError is the disk's."""
    with pytest.raises(OSError, match="Invalid argument"):
        raising(OSError(errno.EINVAL, "Invalid argument"), monkeypatch)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_full_standard_output_is_a_message(tmp_path: Path, form: str) -> None:
    """`wslog … > /dev/full` says that standard output is full, with code 1 and no traceback, not even at exit."""
    path = tmp_path / "a.json"
    path.write_bytes(dump(documents.full()))
    command = [sys.executable, "-m", "wslog", "render", str(path), "--format", form]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == b"Error: standard output: No space left on device"
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.skipif(not Path("/proc").exists(), reason="there is no /proc here")
def test_a_report_that_cannot_be_written_names_the_folder_asked_for(tmp_path: Path) -> None:
    """No temporary name reaches the user."""
    path = tmp_path / "a.json"
    path.write_bytes(dump(documents.full()))
    done = wslog("render", str(path), "-o", "/proc/wslog-report")
    assert done.returncode == 1
    assert done.stderr.startswith(b"Error: /proc/wslog-report: ")
    assert b".wslog-report-" not in done.stderr


def test_a_file_too_large_for_the_disk_is_a_message(tmp_path: Path) -> None:
    """A limit of file sizes stops the report with a message, and nothing is left."""
    path = tmp_path / "a.json"
    path.write_bytes(dump(documents.full()))
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096)); "
        "from wslog.cli import main; main()"
    )
    command = [sys.executable, "-c", limited, "render", str(path), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, check=False, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {tmp_path / 'out'}: File too large\n".encode())
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException
) -> None:
    """Ctrl-C ends with one word and the shell's own code."""
    assert raising(error, monkeypatch) == 130
    assert capsys.readouterr().err.strip() == "Interrupted."


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user cannot mend is not dressed up as a message."""
    with pytest.raises(ZeroDivisionError):
        raising(ZeroDivisionError(), monkeypatch)


def test_a_command_can_set_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """`ctx.exit(3)` in a command is the exit code of the process."""
    assert raising(click.exceptions.Exit(3), monkeypatch) == 3


@pytest.mark.parametrize("args", [["nonsense"], ["--nonsense"], ["render", "--format", "poem", "x"]])
def test_wrong_usage_is_2(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """An unknown command, option or value: usage on stderr and exit code 2."""
    assert run(args) == 2
    assert capsys.readouterr().err.startswith("Usage: wslog")


def test_the_process_prints_and_exits(tmp_path: Path) -> None:
    """`python -m wslog` is the real thing: report on stdout, error on stderr, codes 0 and 1."""
    path = tmp_path / "a.json"
    path.write_bytes(dump(documents.one_row()))
    good, bad = wslog("render", str(path)), wslog("render", str(tmp_path / "none.json"))
    assert good.returncode == 0
    assert good.stdout.decode().startswith("One connection dropped")
    assert (bad.returncode, bad.stdout) == (1, b"")
    assert bad.stderr.startswith(b"Error: ")
    assert b"Traceback" not in bad.stderr


def test_an_old_terminal_gets_question_marks(tmp_path: Path) -> None:
    """A terminal whose letters do not include "·" gets the report, not a traceback."""
    path = tmp_path / "a.json"
    path.write_bytes(dump(documents.full()))
    done = wslog("render", str(path), PYTHONIOENCODING="iso8859-5")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"?" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    """`wslog render … | head -1` ends quietly."""
    path = tmp_path / "a.json"
    path.write_bytes(dump(documents.full()))
    command = [sys.executable, "-m", "wslog", "render", str(path), "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.skipif(os.name == "nt", reason="there are no such redirections on Windows")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_process_without_standard_streams_does_its_work(tmp_path: Path, closed: str) -> None:
    """`wslog … >&-`, as some daemons start their children, is no traceback: what is asked for is written."""
    path = tmp_path / "a.json"
    path.write_bytes(dump(documents.full()))
    words = shlex.join([sys.executable, "-m", "wslog", "render", str(path), "-o", str(tmp_path / "out")])
    done = subprocess.run(["sh", "-c", f"{words} {closed}"], capture_output=True, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    assert (tmp_path / "out" / "report.md").is_file()


@pytest.mark.skipif(os.name == "nt", reason="there are no such redirections on Windows")
@pytest.mark.parametrize("command", ["analyze . --no-output", "inspect -", "render -"])
def test_a_process_without_standard_input_reads_nothing_from_it(tmp_path: Path, command: str) -> None:
    """As cron and other daemons start it: logs in files are read, and what is to come from there is empty."""
    (tmp_path / "close.jsonl").write_text('{"event":"ws_close","code":1006,"closedAt":1796000000000}\n' * 3)
    done = subprocess.run(
        ["sh", "-c", f"exec {shlex.quote(sys.executable)} -m wslog {command} <&-"],
        capture_output=True, check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(REPO)},
    )  # fmt: skip
    assert done.returncode == (1 if command == "render -" else 0)
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that somebody stands in")
@pytest.mark.parametrize("command", ["analyze {logs}", "analyze . --no-output", "inspect .", "render . -o new"])
def test_a_working_folder_that_is_gone_is_a_message(tmp_path: Path, command: str) -> None:
    """Removed, or put away by a rotation, under a shell that still stands in it."""
    gone = tmp_path / "gone"
    gone.mkdir()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "access.log").write_text("x\n")
    words = f"{shlex.quote(sys.executable)} -m wslog {command.format(logs=shlex.quote(str(tmp_path / 'logs')))}"
    done = subprocess.run(
        ["sh", "-c", f"rmdir {shlex.quote(str(gone))} && exec {words}"],
        capture_output=True, check=False, cwd=gone, env={**os.environ, "PYTHONPATH": str(REPO)},
    )  # fmt: skip
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)


def test_too_little_memory_is_a_message(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What the process may have is the user's to give."""
    assert raising(MemoryError(), monkeypatch) == 1
    assert capsys.readouterr().err.startswith("Error: there is not enough memory\n")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_stop_unwinds(number: signal.Signals) -> None:
    """Also by a terminal that closes: exit code 128 and the signal's number, as a shell counts, and not a word."""
    # The tests themselves may run under nohup, and what is ignored is handed down.
    start = f"import signal; from wslog.cli import main; signal.signal({number:d}, signal.SIG_DFL); main()"
    words = [sys.executable, "-c", start, "inspect", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until_reading(process)
        process.send_signal(number)
        assert process.communicate() == (b"", b"")
        assert process.returncode == 128 + number


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_nohup_is_obeyed() -> None:
    """Who started it so that the terminal may close wants it to go on."""
    words = ["nohup", sys.executable, "-m", "wslog", "inspect", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_until_reading(process)
        process.send_signal(signal.SIGHUP)
        assert process.communicate(b"x\n")[0].startswith(b"-\n  unknown")
        assert process.returncode == 0


def wait_until_reading(process: subprocess.Popen[bytes]) -> None:
    """Return when a process has taken what was written to its standard input: more than a pipe holds."""
    assert process.stdin is not None
    process.stdin.write(b"\n" * (1 << 20))
    process.stdin.flush()
