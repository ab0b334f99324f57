"""The notebook door: what the command can do, with frames and charts in place of files."""

from __future__ import annotations

import datetime as dt
import inspect
from pathlib import Path

import click
import matplotlib as mpl
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure

import wslog
from tests.conftest import SAMPLE_LOGS, Report
from tests.incident import N_CLEAN, N_REFUSED, N_SILENT, START, address
from wslog.commands.analyze import analyze as command
from wslog.errors import OptionError, SavedAnalysisError
from wslog.notebook import PARTS

mpl.use("agg")

DRAWS = (
    "draw_idle_histogram", "draw_drops_over_time", "draw_causes", "draw_lifetime_against_idle", "draw_reconnects",
)  # fmt: skip
# The published frame, typed out once more on purpose: notebooks rely on these names.
PUBLISHED = {
    "tier", "format", "ref", "at", "at_resolution_s", "opened_at", "closed_at", "lifetime_s", "is_websocket", "status",
    "upstream_status", "method", "host", "path", "query", "client_ip", "client_port", "forwarded_for", "upstream",
    "bytes_in", "bytes_out", "request_id", "trace_id", "connection_no", "pid", "is_complete", "user_agent", "level",
    "errno", "action", "message", "close_code", "close_reason", "was_clean", "session_id", "connection_id",
    "last_sent_at", "last_received_at", "visibility", "is_online", "attempt",
}  # fmt: skip


@pytest.fixture(scope="module")
def analysis(incident: Path) -> wslog.Analysis:
    return wslog.analyze(incident)


def test_the_door_says_what_the_command_says(sample_report: Report) -> None:
    """`wslog.load` of the command's folder: the same text, the same table, nothing else needed."""
    loaded = wslog.load(sample_report.folder)
    assert loaded.to_text() == sample_report.stdout
    assert loaded.to_markdown() == (sample_report.folder / "report.md").read_text("utf-8")
    assert loaded.to_html() == (sample_report.folder / "report.html").read_text("utf-8")
    assert loaded.connections.equals(pl.read_parquet(sample_report.folder / "connections.parquet"))


def test_connections_and_drops(analysis: wslog.Analysis) -> None:
    """One row per attempt; `drops` are those with `is_drop`; typed parts come straight from the document."""
    assert analysis.connections.height == N_SILENT + N_CLEAN + N_REFUSED
    assert analysis.drops.height == N_SILENT + N_REFUSED
    assert analysis.causes[0].n == N_SILENT
    assert analysis.clusters[0].timeout_s == 45
    assert analysis.findings[0].evidence
    assert analysis.advice[0].would_prevent_n == N_SILENT
    counts = f"{N_SILENT + N_REFUSED} drops of {analysis.connections.height} attempts"
    assert repr(analysis) == f"<wslog.Analysis: {counts}. {analysis.verdict}>"


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_a_frame(analysis: wslog.Analysis, part: str) -> None:
    """Each list of the document as a frame: a row per item."""
    frame = analysis.frame(part)
    assert isinstance(frame, pl.DataFrame)
    assert frame.height == len(getattr(analysis.document, part))


def test_a_part_that_is_none_is_an_error(analysis: wslog.Analysis) -> None:
    """A wrong name is answered with the right ones."""
    with pytest.raises(OptionError, match="'weather'") as caught:
        analysis.frame("weather")
    assert "causes" in (caught.value.mend or "")


def test_pandas_is_indexed_by_time(analysis: wslog.Analysis) -> None:
    """The pandas frame has sorted UTC instants as index, so that resample and slices by date work at once."""
    frame = analysis.to_pandas()
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert str(frame.index.tz) == "UTC"
    assert frame.index.name == "closed_at"
    assert frame.index.is_monotonic_increasing
    assert len(frame) == analysis.connections.height
    assert frame["is_drop"].resample("1min").sum().sum() == analysis.drops.height
    assert len(frame.loc["2026-03-10 09:00":"2026-03-10 09:01"]) > 0


def test_saved_and_loaded_is_the_same(analysis: wslog.Analysis, tmp_path: Path) -> None:
    """`save` and `load` are inverse, connections included."""
    analysis.save(tmp_path / "week47.json")
    loaded = wslog.load(tmp_path / "week47.json")
    assert loaded.document == analysis.document
    assert loaded.connections.equals(analysis.connections)


def test_a_neighbours_table_is_not_taken(analysis: wslog.Analysis, tmp_path: Path) -> None:
    """Two analyses saved into one folder keep their own connections."""
    analysis.save(tmp_path / "a.json")
    wslog.Analysis(analysis.document, analysis.connections.head(3)).save(tmp_path / "b.json")
    assert wslog.load(tmp_path / "a.json").connections.height == analysis.connections.height
    assert wslog.load(tmp_path / "b.json").connections.height == 3


def test_without_its_table_the_rest_still_works(analysis: wslog.Analysis, tmp_path: Path) -> None:
    """analysis.json alone renders and draws; asking for connections says what is missing."""
    analysis.save(tmp_path / "a.json")
    (tmp_path / "a.parquet").unlink()
    loaded = wslog.load(tmp_path / "a.json")
    assert loaded.to_text() == analysis.to_text()
    with pytest.raises(SavedAnalysisError, match="holds no connections"):
        _ = loaded.drops


@pytest.mark.parametrize("content", [None, b"{", b'{"schema_version": 1}'])
def test_no_saved_analysis_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    """A missing or foreign file is an error that names it."""
    file = tmp_path / "x.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SavedAnalysisError) as caught:
        wslog.load(file)
    assert caught.value.where == str(file)


@pytest.mark.parametrize("name", DRAWS)
def test_every_chart_takes_and_returns_axes(analysis: wslog.Analysis, name: str) -> None:
    """Without axes it makes its own; with axes it draws there and nowhere else."""
    alone = getattr(analysis, name)()
    assert alone.get_title(loc="left")
    mine, other = Figure().subplots(2)
    assert getattr(analysis, name)(ax=mine) is mine
    assert mine.has_data() or mine.texts
    assert not other.has_data()


def test_it_shows_itself(analysis: wslog.Analysis) -> None:
    """In Jupyter the page stands in a frame of its own, where no script of a log could run."""
    shown = analysis._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "sandbox" in shown
    assert "<script" not in shown


def test_each_option_of_the_command_is_a_keyword() -> None:
    """What `wslog analyze` can be asked, Python can be asked, but for what a process prints, writes or exits with."""
    of_a_process = {"output", "no_output", "force", "format", "fail_if", "jobs", "quiet", "no_progress", "config"}
    renamed = {"client_field": "client_fields"}
    options = [param for param in command.params if isinstance(param, click.Option)]
    names = {option.opts[-1].lstrip("-").replace("-", "_") for option in options} - of_a_process
    keywords = set(inspect.signature(wslog.analyze).parameters) - {"paths"}
    assert {renamed.get(name, name) for name in names} == keywords
    assert set(inspect.signature(wslog.read_events).parameters) - {"paths", "all"} <= keywords


def test_options_are_those_of_the_command(incident: Path) -> None:
    """One string or several, text or datetime: the options narrow as on the command line."""
    chat = wslog.analyze(str(incident), path="/ws/*")
    assert chat.connections["path"].unique().to_list() == ["/ws/chat"]
    assert wslog.analyze([incident], path=["/ws/*", "/feed"], host="rt.*").connections.height > chat.connections.height
    until = START + dt.timedelta(minutes=2)
    early = wslog.analyze(incident, until=until)
    assert 0 < early.connections.height < N_SILENT + N_CLEAN
    assert early.connections.equals(wslog.analyze(incident, until="2026-03-10T09:02").connections)
    hidden = wslog.analyze(incident, anonymize=True).connections["client_ip"]
    assert not set(hidden) & {address(number) for number in range(100)}


def test_read_events_is_every_line_in_one_frame() -> None:
    """All tiers in one frame with the published columns; `all=True` adds what is of no concern to WebSockets."""
    events = wslog.read_events(SAMPLE_LOGS)
    assert set(events.columns) >= PUBLISHED
    assert set(events["tier"]) == {"client", "alb", "nginx"}
    assert events["ref"].str.contains(r"^[^:]+:\d+$").all()
    assert events["at"].dtype == pl.Datetime("us", "UTC")
    everything = wslog.read_events(SAMPLE_LOGS, all=True)
    assert everything.height > events.height
    assert everything["ref"].n_unique() == everything.height


def test_read_events_takes_one_zone(incident: Path) -> None:
    """A clock without a zone is read in the one that is named."""
    tokyo = wslog.read_events(incident / "error.log", tz="nginx-error=Asia/Tokyo")
    plain = wslog.read_events(incident / "error.log")
    assert (plain["at"] - tokyo["at"]).unique().to_list() == [dt.timedelta(hours=9)]


def test_read_events_knows_its_options(incident: Path) -> None:
    """A misspelt option is refused by name."""
    with pytest.raises(TypeError, match="timezone"):
        wslog.read_events(incident, timezone="UTC")  # type: ignore[call-arg]
