"""What a report folder holds, and what may not be lost with it."""

from __future__ import annotations

import csv
import datetime as dt
import io
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.render import documents
from wslog.cellar import SLICE_ROWS
from wslog.commands.report_folder import inputs_at_risk, kept_tables, write_report
from wslog.commands.whole_folder import MARKER, write_folder
from wslog.errors import OutputError
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


def test_large_tables_are_written_in_parts(tmp_path: Path) -> None:
    """In as many rows as may be: one header, every drop once and in order, and the same bytes however they lie."""
    n = 3 * SLICE_ROWS + 7
    many = pl.DataFrame({"connection_id": [f"c{i}" for i in range(n)], "is_drop": [i % 5 < 2 for i in range(n)]})
    whole = conform(many, CONNECTIONS).with_columns(evidence=pl.concat_list("connection_id", "connection_id"))
    pieces = pl.concat([whole[:5], whole[5 : SLICE_ROWS + 1], whole[SLICE_ROWS + 1 :]], rechunk=False)
    for name, table in (("whole", whole), ("pieces", pieces)):
        write_report(tmp_path / name, documents.empty(), table, force=False)
    assert pl.read_parquet(tmp_path / "whole" / "connections.parquet").equals(whole)
    with (tmp_path / "whole" / "drops.csv").open(encoding="utf-8-sig", newline="") as file:
        cells = [(row["connection_id"], row["evidence"]) for row in csv.DictReader(file)]
    assert cells == [(f"c{i}", f"c{i}; c{i}") for i in range(n) if i % 5 < 2]
    assert snapshot(tmp_path / "whole") == snapshot(tmp_path / "pieces")


@pytest.mark.parametrize(
    "error", [OSError("full (os error 28): /x"), pl.exceptions.ComputeError("parquet: full (os error 28)")]
)
@pytest.mark.parametrize("step", ["write_parquet", "write_csv"])
def test_a_full_disk_leaves_the_old_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception
) -> None:
    """Whichever table does not fit, and however polars says so: the old report stands, and the error says why."""
    output = tmp_path / "report"
    write_report(output, documents.one_row(), connections(), force=False)
    before = snapshot(output)

    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(pl.DataFrame, step, full)
    with pytest.raises(OutputError, match="No space left on device"):
        write_report(output, documents.full(), connections(), force=False)
    assert snapshot(output) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are Unicode there")
def test_the_folder_may_have_any_name(tmp_path: Path) -> None:
    """File names may hold any bytes; polars' own way to a file takes UTF-8 alone."""
    output = tmp_path / "m\udcfcller"
    write_report(output, documents.one_row(), connections(), force=False)
    assert (output / "connections.parquet").is_file()


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


def test_a_length_of_time_in_drops_csv_is_no_longer_than_it_is_exact(tmp_path: Path) -> None:
    """What a computer makes of 104.368 s by subtracting is written as 104.368, not as 104.36800000000001."""
    gap = pl.lit(104.36800000000001).alias("reconnect_gap_s")
    write_report(tmp_path / "r", documents.empty(), connections().with_columns(gap), force=False)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r" / "drops.csv").read_text("utf-8-sig"))))
    assert {row["reconnect_gap_s"] for row in rows} == {"104.368"}


def test_no_connections_is_a_report_too(tmp_path: Path) -> None:
    """An empty table gives a header and nothing else."""
    write_report(tmp_path / "r", documents.empty(), connections().clear(), force=False)
    assert (tmp_path / "r" / "drops.csv").read_text(encoding="utf-8-sig").splitlines() == [",".join(CONNECTIONS)]


def test_a_report_among_the_logs_is_no_input(tmp_path: Path) -> None:
    """`wslog analyze .` may be repeated: the report that it left there is at no risk; logs put into it are."""
    output = tmp_path / "wslog-report"
    write_report(output, documents.empty(), connections(), force=False)
    assert list(inputs_at_risk(output, [str(tmp_path)])) == [str(tmp_path)]
    (output / "logs").mkdir()
    (output / "logs" / "access.log").write_text("x")
    assert output / "logs" / "access.log" in list(inputs_at_risk(output, [str(tmp_path)]))


def test_a_link_into_the_folder_is_seen(tmp_path: Path) -> None:
    """A log that is linked from the input folder to a file inside the output folder is at risk."""
    write_folder(tmp_path / "out", {"kept.log": b"x"}, force=False)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "a.log").symlink_to(tmp_path / "out" / "kept.log")
    assert tmp_path / "out" / "kept.log" in list(inputs_at_risk(tmp_path / "out", [str(tmp_path / "logs")]))


def test_a_foreign_folder_has_no_files_of_ours(tmp_path: Path) -> None:
    """A file named report.html in a folder that wslog did not write is an input like any other."""
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "report.html").write_text("x")
    assert tmp_path / "theirs" / "report.html" in list(inputs_at_risk(tmp_path / "theirs", [str(tmp_path), "-"]))


def test_the_tables_of_this_very_analysis_are_kept(tmp_path: Path) -> None:
    """They stay beside the analysis that they belong to, or that was read there, and beside no other."""
    write_report(tmp_path, documents.one_row(), connections(), force=False)
    both = {name: (tmp_path / name).read_bytes() for name in ("connections.parquet", "drops.csv")}
    assert kept_tables(tmp_path, documents.one_row(), is_again=False) == both
    assert kept_tables(tmp_path, documents.full(), is_again=False) == {}
    assert kept_tables(tmp_path, documents.full(), is_again=True) == both
    assert kept_tables(tmp_path / "none", documents.full(), is_again=False) == {}
