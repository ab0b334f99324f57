"""From logs to a report, end to end, on the recorded sample."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl
import pytest
from jsonschema import Draft202012Validator
from polars.testing import assert_frame_equal

from tests.conftest import SAMPLE_LOGS, Report
from wslog import pipeline
from wslog.cellar import AS_IT_COMES, Cellar
from wslog.cli import run
from wslog.errors import InputError
from wslog.render.charts import CHARTS
from wslog.render.saved import json_schema

INSTANT: Final = pl.Datetime("us", "UTC")
# The published table, typed out once more on purpose: scripts rely on these names and types.
PUBLISHED: Final[Mapping[str, pl.DataType | type[pl.DataType]]] = {
    "connection_id": pl.String, "session_id": pl.String, "host": pl.String, "path": pl.String,
    "opened_at": INSTANT, "closed_at": INSTANT,
    "lifetime_s": pl.Float64, "idle_s": pl.Float64, "idle_in_s": pl.Float64, "idle_out_s": pl.Float64,
    "close_code": pl.Int32, "close_reason": pl.String, "was_clean": pl.Boolean, "is_drop": pl.Boolean,
    "is_opened": pl.Boolean, "cause": pl.String, "tier": pl.String, "timeout_s": pl.Float64,
    "timeout_id": pl.List(pl.String), "confidence": pl.Float64, "cluster_id": pl.Int32,
    "evidence": pl.List(pl.String), "client_ref": pl.String, "nginx_access_ref": pl.String,
    "nginx_error_ref": pl.String, "alb_ref": pl.String, "match_confidence": pl.Float64, "client_skew_s": pl.Float64,
    "handshake_status": pl.Int32, "upstream": pl.String, "client_ip": pl.String, "user_agent": pl.String,
    "attempt": pl.Int32, "reconnect_gap_s": pl.Float64, "visibility": pl.String, "is_online": pl.Boolean,
}  # fmt: skip
TOP_LEVEL: Final = {
    "schema_version", "wslog_version", "window", "coverage", "clocks", "totals", "causes", "clusters", "bursts",
    "reconnects", "findings", "advice", "limits", "timeline", "by",
}  # fmt: skip


def saved(report: Report) -> Any:
    return json.loads((report.folder / "analysis.json").read_text("utf-8"))


def connections(report: Report) -> pl.DataFrame:
    return pl.read_parquet(report.folder / "connections.parquet")


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_sample_is_analyzed(sample_report: Report) -> None:
    """Exit code 0, the verdict first on stdout, where the report lies on stderr."""
    assert sample_report.code == 0
    verdict = saved(sample_report)["verdict"]
    assert " ".join(sample_report.stdout.split()).startswith(" ".join(verdict.split()))
    assert sample_report.stderr == f"Report: {sample_report.folder / 'report.html'}\n"


def test_the_folder_holds_what_is_promised(sample_report: Report) -> None:
    """Page, Markdown, saved analysis, table, drops, and every chart as SVG and PNG."""
    charts = {f"charts/{name}.{form}" for name in CHARTS for form in ("svg", "png")}
    named = {"report.html", "report.md", "analysis.json", "connections.parquet", "drops.csv"}
    files = snapshot(sample_report.folder)
    assert named | charts == {name for name in files if not name.startswith(".")}
    assert all(files.values())


def test_the_table_has_the_published_columns(sample_report: Report) -> None:
    """connections.parquet: names, order and types as published; drops.csv holds its drops."""
    table = connections(sample_report)
    assert dict(table.schema) == {
        name: dtype() if isinstance(dtype, type) else dtype for name, dtype in PUBLISHED.items()
    }
    n_drops = table["is_drop"].sum()
    assert pl.read_csv(sample_report.folder / "drops.csv", infer_schema=False).height == n_drops
    assert saved(sample_report)["totals"]["drops"] == n_drops > 0


def test_the_saved_analysis_follows_its_schema(sample_report: Report) -> None:
    """analysis.json: valid by the schema that ships, with every published key."""
    document = saved(sample_report)
    Draft202012Validator(json_schema()).validate(document)
    assert set(document) >= TOP_LEVEL


def test_the_numbers_agree(sample_report: Report) -> None:
    """Causes count every drop once; each file's lines are events, ignored or rejected; shares are shares."""
    document, table = saved(sample_report), connections(sample_report)
    assert sum(cause["n"] for cause in document["causes"]) == document["totals"]["drops"]
    assert document["totals"]["attempts"] == table.height
    for file in document["coverage"]["files"]:
        assert file["lines"] == file["events"] + file["ignored"] + file["rejected"], file["path"]
    for share in document["causes"]:
        assert 0 <= share["share_low"] <= share["share"] <= share["share_high"] <= 1
    drops = table.filter("is_drop")
    assert drops["confidence"].is_between(0, 1).all()
    assert drops.filter(pl.col("cause") != "unknown")["evidence"].list.len().min() > 0


def test_the_sample_verdict_is_what_happened(sample_report: Report) -> None:
    """What sample_logs/README.md tells is found: kills of the feed, the lost worker, the reload, the real timers."""
    document = saved(sample_report)
    bursts = {(burst["cause"], burst["at"][11:19]) for burst in document["bursts"]}
    assert {
        ("server_restart", "17:02:43"), ("server_restart", "17:04:38"),
        ("proxy_restart", "17:06:43"), ("proxy_reload", "17:07:43"),
    } <= bursts  # fmt: skip
    timers = {(share["cause"], share["tier"], share["timeout_s"]) for share in document["causes"] if share["n"] >= 20}
    real = {("nginx", 45), ("nginx", 30), ("nginx", 10), ("alb", 45), ("alb", 75)}
    assert {("idle_timeout", *timer) for timer in real} <= timers
    assert {timer for timer in timers if timer[0] == "idle_timeout"} == {("idle_timeout", *timer) for timer in real}
    assert any(cause == "lifetime_limit" and limit == 90 for cause, _, limit in timers)


def test_nothing_tells_where_or_when_it_ran(sample_report: Report) -> None:
    """No absolute path of the inputs in any readable file of the report."""
    for name, content in snapshot(sample_report.folder).items():
        assert str(SAMPLE_LOGS.parent).encode() not in content, name


def test_the_page_loads_nothing(sample_report: Report) -> None:
    """report.html names no file or address to load from."""
    page = (sample_report.folder / "report.html").read_text("utf-8")
    loads = re.findall(r"""(?:\ssrc|\bhref|@import|url\()\s*=?\s*["'(]?([^"'\s>)]+)""", page)
    assert [target for target in loads if not target.startswith(("#", "data:"))] == []
    assert "<link" not in page


def test_same_logs_same_bytes(incident: Path, tmp_path: Path) -> None:
    """Two processes with other hash seeds, folders and terminals write the same report, byte for byte."""
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "wslog", "analyze", str(incident), "-o", str(tmp_path / seed)]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "COLUMNS": str(60 + 40 * int(seed)), "TZ": f"UTC{seed}"}
        subprocess.run(command, check=True, capture_output=True, env=environment, cwd=incident.parents[int(seed) - 1])
    assert snapshot(tmp_path / "1") == snapshot(tmp_path / "2")


def test_the_order_of_inputs_does_not_matter(incident: Path) -> None:
    """Naming the files one by one, in any order, gives the table that the folder gives."""
    files = sorted(incident.iterdir())
    forward, backward = pipeline.analyze(files), pipeline.analyze(files[::-1])
    assert forward.connections.equals(backward.connections)
    assert forward.document == backward.document


def test_the_exit_codes(incident: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 analyzed, 1 could not be done, 2 wrong usage, 3 a --fail-if holds."""
    assert run(["analyze", str(incident), "--no-output"]) == 0
    assert run(["analyze", str(tmp_path / "nowhere"), "--no-output"]) == 1
    assert run(["analyze", str(incident), "--nonsense"]) == 2
    assert run(["analyze", str(incident), "--no-output", "--fail-if", "drop_share > 0"]) == 3
    assert "Traceback" not in capsys.readouterr().err


def test_nothing_useful_is_an_error(tmp_path: Path) -> None:
    """Files that are none of ours are an error that names them, not an empty report."""
    (tmp_path / "notes.txt").write_text("buy milk\n")
    with pytest.raises(InputError) as caught:
        pipeline.analyze([tmp_path])
    assert caught.value.mend


@pytest.mark.parametrize("keep", ["client.jsonl", "access.log", "error.log"])
def test_one_tier_alone_is_a_report_too(incident: Path, keep: str) -> None:
    """Whichever single log is at hand, the run ends with a document that counts every file and names its limits."""
    outcome = pipeline.analyze([incident / keep])
    assert [file.path for file in outcome.document.coverage.files] == [keep]
    assert outcome.document.verdict
    assert outcome.document.limits
    assert [window.start is None for window in outcome.document.window if window.tier is None] == [False]


def test_logs_without_events_are_what_the_rooms_would_say_of_none(tmp_path: Path) -> None:
    """The short way round joining and explaining ends where the long one does."""
    log = tmp_path / "access.log"
    log.write_text('203.0.113.7 - - [22/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "curl/8"\n' * 10)
    read = pipeline.read_events([log])
    assert read.events.is_empty()
    short = pipeline._nothing(lambda rows: rows)
    long = pipeline._explained(
        [read.events], read.levels, (), select=lambda rows: rows, timeouts=(), cellar=AS_IT_COMES
    )
    assert short.connections.equals(long.connections)
    assert short.connections.schema == long.connections.schema
    assert (short.windows, short.clocks, short.clusters, short.bursts) == (
        long.windows, long.clocks, long.clusters, long.bursts,
    )  # fmt: skip


@pytest.mark.parametrize(("room_bytes", "slice_rows"), [(None, 3), (0, 7), (0, 100_000), (20_000, 16)])
def test_memory_changes_nothing(
    room_bytes: int | None, slice_rows: int, incident: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few rows are worked on at a time, and wherever tables wait: the same document, the same connections."""
    whole = pipeline.analyze([incident])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    cellar = Cellar(room_bytes=room_bytes, slice_rows=slice_rows)
    monkeypatch.setattr(pipeline, "open_cellar", lambda _memory: cellar)
    sliced = pipeline.analyze([incident])
    assert sliced.document == whole.document
    assert_frame_equal(sliced.connections, whole.connections)
    assert list(tmp_path.glob("wslog-*")) == []
