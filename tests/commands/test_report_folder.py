"""The report folder: whole or not at all, and never over what is not ours."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import polars as pl
import pytest

from tests.render import documents
from wslog.commands import report_folder
from wslog.commands.report_folder import MARKER, check_output, write_folder, write_report
from wslog.errors import OptionError
from wslog.render.charts import CHARTS
from wslog.render.saved import load
from wslog.schema import CONNECTIONS, conform


def connections() -> pl.DataFrame:
    at = dt.datetime(2026, 3, 10, 9, 0, 0, 250_000, tzinfo=dt.UTC)
    rows = {
        "connection_id": ["=1+1", "c2", "c3"],
        "path": ["@SUM(A1)", "/ws", "/ws"],
        "closed_at": [at, at, at],
        "idle_s": [60.0, -0.5, None],
        "close_code": [1006, 1006, 1000],
        "close_reason": [documents.HOSTILE, "\t=cmd", None],
        "is_drop": [True, True, False],
        "timeout_id": [["nginx-proxy-read-timeout", "aws-alb-idle"], [], None],
        "evidence": [["=nginx/error.log:1: timed out", None, "-2"], None, None],
    }
    return conform(pl.DataFrame(rows), CONNECTIONS)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_folder_holds_what_the_contract_names(tmp_path: Path) -> None:
    """Report, Markdown, analysis, table, drops and both forms of every chart; nothing is left beside the folder."""
    output = tmp_path / "deep" / "report"
    write_report(output, documents.full(), connections(), force=False)
    charts = {f"charts/{name}.{form}" for name in CHARTS for form in ("svg", "png")}
    named = {"report.html", "report.md", "analysis.json", "connections.parquet", "drops.csv"}
    assert set(snapshot(output)) == named | charts | {MARKER}
    assert load((output / "analysis.json").read_bytes()) == documents.full()
    assert pl.read_parquet(output / "connections.parquet").equals(connections())
    assert [path.name for path in output.parent.iterdir()] == ["report"]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    """Two folders of the same analysis are equal, file by file."""
    for name in ("a", "b"):
        write_report(tmp_path / name, documents.one_row(), connections(), force=False)
    assert snapshot(tmp_path / "a") == snapshot(tmp_path / "b")


def test_drops_csv_is_spreadsheet_safe(tmp_path: Path) -> None:
    """Only drops; no cell starts a formula or holds a hidden character; numbers stay numbers, lists are joined."""
    write_report(tmp_path / "r", documents.empty(), connections(), force=False)
    text = (tmp_path / "r" / "drops.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(CONNECTIONS)
    assert [row["connection_id"] for row in rows] == ["'=1+1", "c2"]
    assert rows[0]["path"] == "'@SUM(A1)"
    assert rows[0]["close_reason"].startswith("<script>alert(1)</script> \\x1b[2J | =cmd()")
    assert "\\u202e" in rows[0]["close_reason"]
    assert rows[1]["close_reason"] == "'\\t=cmd"
    assert rows[1]["idle_s"] == "-0.5"
    assert rows[0]["timeout_id"] == "nginx-proxy-read-timeout; aws-alb-idle"
    assert rows[0]["evidence"] == "'=nginx/error.log:1: timed out; -2"
    assert rows[0]["closed_at"] == "2026-03-10T09:00:00.250000Z"
    assert text.count("\n") == 3


def test_no_connections_is_a_report_too(tmp_path: Path) -> None:
    """An empty table gives a header and nothing else."""
    write_report(tmp_path / "r", documents.empty(), connections().clear(), force=False)
    assert (tmp_path / "r" / "drops.csv").read_text(encoding="utf-8-sig").splitlines() == [",".join(CONNECTIONS)]


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


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
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
    with pytest.raises(type(error)):
        write_folder(output, {"a.txt": b"2", "b.txt": b"2"}, force=False)
    assert snapshot(output) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_failed_move_brings_the_old_report_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the new folder cannot be moved into place, the old one returns."""
    output = tmp_path / "report"
    write_folder(output, {"a.txt": b"1"}, force=False)
    before = snapshot(output)
    rename = Path.rename

    def fail_once(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise PermissionError(13, "Permission denied", str(target))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(PermissionError):
        report_folder.write_folder(output, {"a.txt": b"2"}, force=False)
    assert snapshot(output) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_link_keeps_pointing_to_the_report(tmp_path: Path) -> None:
    """`latest -> reports/47` stays a link; the folder behind it is replaced."""
    write_folder(tmp_path / "real", {"a.txt": b"1"}, force=False)
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    write_folder(tmp_path / "latest", {"a.txt": b"2"}, force=False)
    assert (tmp_path / "latest").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_bytes() == b"2"
