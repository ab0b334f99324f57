"""`wslog inspect` at the command line: what is shown, what goes to stderr, what is an error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wslog.commands.inspect import inspect
from wslog.errors import InputError, OptionError

ACCESS = '203.0.113.7 - - [22/Nov/2026:15:58:53 +0000] "GET /ws HTTP/1.1" 101 1 "-" "Mozilla/5.0"\n'
KEYS = {
    *("path", "format", "compression", "lines", "events", "ignored", "rejected", "rejects"),
    *("first_at", "last_at", "clock", "limits"),
}


def _inspect(*arguments: str, stdin: str = "") -> Result:
    return CliRunner().invoke(inspect, arguments, input=stdin, catch_exceptions=False)


def _logs(tmp_path: Path) -> str:
    (tmp_path / "access.log").write_text(ACCESS * 3 + "torn 203.0.113\n" + "\n")
    (tmp_path / "notes.txt").write_text("remember the milk\n")
    return str(tmp_path)


def test_text_names_format_counts_and_rejects(tmp_path: Path) -> None:
    """One block per file, and the sum at the end."""
    result = _inspect(_logs(tmp_path))
    assert result.exit_code == 0
    text = result.stdout.replace("\u00a0", " ")
    assert "  5 lines: 3 events, 1 ignored, 1 rejected\n" in text
    assert "    access.log:4: " in text
    assert "notes.txt\n  unknown: text in no known format\n" in text
    assert text.endswith("2 files, 6 lines: 3 events, 2 ignored, 1 rejected; 1 file not recognised\n")


def test_json_has_the_published_keys(tmp_path: Path) -> None:
    """Scripts rely on them; times are ISO in UTC."""
    result = _inspect(_logs(tmp_path), "--format", "json")
    (access, notes) = json.loads(result.stdout)["files"]
    assert set(access) >= KEYS
    assert access["first_at"] == "2026-11-22T15:58:53Z"
    assert access["lines"] == access["events"] + access["ignored"] + access["rejected"] == 5
    assert set(access["rejects"][0]) == {"line", "reason", "text"}
    assert (notes["format"], notes["first_at"]) == ("unknown", None)


def test_no_absolute_path_is_shown(tmp_path: Path) -> None:
    """A report may be forwarded."""
    for form in ("text", "json"):
        assert str(tmp_path) not in _inspect(_logs(tmp_path), "--format", form).output


@pytest.mark.parametrize("form", ["text", "json"])
def test_log_text_cannot_command_the_terminal(tmp_path: Path, form: str) -> None:
    """Rejected lines are shown, their control characters written out."""
    (tmp_path / "a.log").write_text(ACCESS * 9 + "torn \x1b]0;owned\x07 \x9b31m \u202e\n")
    shown = _inspect(str(tmp_path), "--format", form).stdout
    assert "owned" in shown
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(shown)


def test_standard_input_is_a_file_called_dash() -> None:
    """As in a pipe."""
    (file,) = json.loads(_inspect("-", "--format", "json", stdin=ACCESS).stdout)["files"]
    assert (file["path"], file["format"], file["events"]) == ("-", "nginx-access", 1)


def test_a_log_format_on_the_command_line_is_used() -> None:
    """For layouts that cannot be guessed."""
    result = _inspect("-", "--format", "json", "--log-format", "$status;$msec;$uri", stdin="101;1795363133.555;/ws\n")
    (file,) = json.loads(result.stdout)["files"]
    assert (file["format"], file["events"]) == ("nginx-access", 1)


def test_a_zone_sets_the_error_log_right() -> None:
    """`--tz FORMAT=ZONE` for clocks that name none."""
    line = "2026/11/22 15:58:53 [notice] 31#31: gracefully shutting down\n"
    result = _inspect("-", "--format", "json", "--tz", "nginx-error=Europe/Berlin", stdin=line)
    assert json.loads(result.stdout)["files"][0]["first_at"] == "2026-11-22T14:58:53Z"


def test_a_file_of_mostly_rejects_is_warned_about_on_stderr(tmp_path: Path) -> None:
    """The report itself stays clean for pipes."""
    (tmp_path / "a.log").write_text(ACCESS * 5 + "torn\n" * 9)
    result = _inspect(str(tmp_path), "--format", "json")
    assert "Warning: a.log: most lines could not be parsed" in result.stderr
    json.loads(result.stdout)


def test_no_path_is_wrong_usage() -> None:
    """Exit code 2."""
    assert _inspect().exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("missing.log",), InputError),
        (("-", "--tz", "Atlantis/Sunk"), OptionError),
        (("-", "--client-field", "code"), OptionError),
    ],
)
def test_what_can_be_mended_is_said(arguments: tuple[str, ...], error: type[Exception]) -> None:
    """The command line turns these into a message and exit code 1 or 2."""
    with pytest.raises(error):
        _inspect(*arguments)
