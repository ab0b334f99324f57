"""`wslog report` and `wslog analyze --store`: what they print, write and exit with."""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from prometheus_client.parser import text_string_to_metric_families as text_format

import wslog
from tests.store.deliveries import write_day
from wslog.cli import COMMANDS, run
from wslog.commands.analyze import analyze
from wslog.commands.report import report
from wslog.errors import OptionError, StoreError
from wslog.store import Store
from wslog.store.place import LEDGER
from wslog.store.weekly import find_weeks
from wslog.weekly_result import WeeklyReport

NOBODY = 65_534
MONDAY = dt.datetime(2026, 11, 9, 8, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two weeks of small logs in a store, made by the command."""
    folder = tmp_path_factory.mktemp("report")
    for day in range(14):
        write_day(folder / "logs", MONDAY + dt.timedelta(days=day), 25)
    code = run(["analyze", str(folder / "logs"), "--no-output", "--store", str(folder / "history"), "-q"])
    assert code == 0
    return folder / "history"


def of(history: Path, *args: str) -> Result:
    return CliRunner().invoke(report, ["--store", str(history), "--week", "2026-W47", *args])


def test_the_command_is_listed() -> None:
    """`wslog --help` names it."""
    assert "report" in COMMANDS


def test_the_text_opens_with_the_week_and_the_answer(history: Path) -> None:
    """Week, days and the headline stand first; nothing changed in these."""
    done = of(history)
    assert done.exit_code == 0
    assert done.stdout.splitlines()[0] == "2026-W47  16 Nov to 22 Nov 2026, UTC"
    assert done.stdout.splitlines()[2].startswith("No change in drops: ")


@pytest.fixture
def copied(history: Path) -> Iterator[Path]:
    """The store in a folder that everybody may look into, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(shutil.copytree(history, Path(made) / "history"))


@contextlib.contextmanager
def unwritable(store: Path) -> Iterator[None]:
    """Have nobody write in a folder; root may everywhere, and is nobody meanwhile."""
    store.chmod(0o555)
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)
        store.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_store_that_may_not_be_written_is_read(copied: Path) -> None:
    """The report is the same; what would change the store is refused, and says where."""
    wanted = of(copied).stdout
    with unwritable(copied):
        assert of(copied).stdout == wanted
        refused = of(copied, "--keep", "1w")
    assert isinstance(refused.exception, StoreError)
    assert "you may write in its folder" in str(refused.exception)


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_a_store_with_a_log_that_may_not_be_read_is_refused(copied: Path) -> None:
    """What a killed writer left in the ledger's -wal counts: without it the history would not be whole."""
    assert of(copied).exit_code == 0
    (copied / f"{LEDGER}-wal").write_bytes(b"what was written last")
    with unwritable(copied):
        assert isinstance(of(copied).exception, StoreError)


def test_the_json_is_the_report(history: Path) -> None:
    """What machines read says all that the report does."""
    made = msgspec.json.decode(of(history, "--format", "json").stdout, type=WeeklyReport)
    assert (made.week, made.compared_to) == ("2026-W47", "2026-W46")


def test_markdown_and_html_are_whole(history: Path) -> None:
    """Markdown starts with a heading; the page asks for nothing from anywhere."""
    assert of(history, "--format", "markdown").stdout.startswith("# WebSockets in 2026-W47")
    page = of(history, "--format", "html").stdout
    assert page.count('<img src="data:image/svg+xml;base64,') == 3
    assert not re.search(r"<script|<link|<iframe|\b(?:src|href)=\"(?!data:|#)", page)


def test_the_folder_holds_page_markdown_json_and_pictures(history: Path, tmp_path: Path) -> None:
    """-o writes everything, and replaces only what wslog wrote."""
    assert of(history, "-o", str(tmp_path / "w")).exit_code == 0
    names = sorted(file.relative_to(tmp_path / "w").as_posix() for file in (tmp_path / "w").rglob("*.*"))
    charts = [f"charts/{name}.{end}" for name in ("cause-changes", "course", "trend") for end in ("png", "svg")]
    assert names == [".wslog-report", *charts, "weekly.html", "weekly.json", "weekly.md"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x").touch()
    assert run(["report", "--store", str(history), "--week", "2026-W47", "-o", str(tmp_path / "mine")]) == 2


def test_openmetrics_is_what_a_node_exporter_reads(history: Path, tmp_path: Path) -> None:
    """The library's own parser reads it back, and the week is a label."""
    file = tmp_path / "wslog.prom"
    assert of(history, "--openmetrics", str(file)).exit_code == 0
    text = file.read_text()
    for read in (text_string_to_metric_families, text_format):
        families = {family.name: family for family in read(text)}
        samples = families["wslog_week_drops"].samples
        assert [(sample.labels, sample.value) for sample in samples] == [({"week": "2026-W47"}, 56.0)]
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("expression", "code", "says"),
    [
        ("drops_per_1000_connection_hours > 1", 3, "Failed: drops_per_1000_connection_hours is "),
        ("drops_per_1000_connection_hours > 100000", 0, "Passed: "),
        ("delta:drops_per_1000_connection_hours > -1000000", 0, "no more than noise; --strict would fail"),
        ("cause:idle_timeout_share > 50%", 3, "largest cause: "),
        ("new_cluster", 0, "Passed: new_cluster is 0"),
        ("rejected_share > 0", 0, "Passed: rejected_share is 0 %"),
    ],
)
def test_thresholds_decide_by_statistics(history: Path, expression: str, code: int, says: str) -> None:
    """Exit 3 if the metric is beyond the number by more than noise; the message has value, interval and cause."""
    done = of(history, "--fail-if", expression)
    assert (done.exit_code, says in done.stderr) == (code, True), done.stderr


def test_strict_thresholds_decide_by_bare_numbers(history: Path) -> None:
    """--strict asks nothing of intervals."""
    expression = "delta:drops_per_1000_connection_hours > -1000000"
    assert of(history, "--fail-if", expression, "--strict").exit_code == 3


@pytest.mark.parametrize(
    "expression",
    [
        "drops",
        "no_such_metric > 1",
        "delta:new > 2",
        "drop_share > many",
        "drop_share > 5",
        "delta:unknown_share > 101%",
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused_before_anything(history: Path, expression: str) -> None:
    """A cron job with a typo fails, and does not pass."""
    assert run(["report", "--store", str(history), "--fail-if", expression]) == 2


def test_an_objective_shows_its_budget_and_who_burnt_it(history: Path) -> None:
    """Both weeks count; idle timeouts used most of it."""
    done = of(history, "--slo", "drops_per_1000_connection_hours<=2", "--format", "json")
    objective = json.loads(done.stdout)["objective"]
    assert objective["weeks_counted"] == 2
    assert objective["is_met"] is False
    assert objective["used"] == pytest.approx(objective["spent"] / objective["allowed"])
    assert sum(burn["n"] for burn in objective["burn"]) == objective["spent"]
    assert run(["report", "--store", str(history), "--week", "2026-W47", "--slo", "drop_share>=2"]) == 2


def test_what_cannot_be_done_says_how_to_mend_it(history: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A zone or week that cannot be: exit 2 and a mend; no store: exit 1 and a mend."""
    for args, says in (
        (["--tz", "Europe/Berlin"], "Leave --tz out"),
        (["--tz", "Mars/Base"], "--tz: there is no time zone 'Mars/Base'"),
        (["--week", "2020-W01"], "2026-W46 to 2026-W47"),
        (["--week", "2026-W54"], "2026-W46"),
        (["--week", "2026-W47", "--compare-to", "2020-W01"], "Weeks there are"),
    ):
        assert run(["report", "--store", str(history), *args]) == 2
        assert says in capsys.readouterr().err
    assert run(["report", "--store", str(history / "nowhere")]) == 1
    assert "wslog analyze logs/ --store" in capsys.readouterr().err


def test_a_week_that_nobody_asked_for_is_no_wrong_usage(history: Path) -> None:
    """Without --week, logs that were not delivered are what is missing (exit 1), and what there is is named once."""
    now = dt.datetime(2026, 12, 2, tzinfo=dt.UTC)
    assert repr(wslog.Store(history)).endswith("history: 2026-W46 to 2026-W47>")
    with Store(history) as store:
        says = r"nothing of 2026-W48, the last complete week\nIt has 2026-W46 to 2026-W47\. "
        with pytest.raises(StoreError, match=says):
            find_weeks(store, week=None, compare_to=None, weeks=1, now=now)
        with pytest.raises(OptionError, match="--week: the store holds nothing of 2026-W48"):
            find_weeks(store, week="2026-W48", compare_to=None, weeks=1, now=now)


def test_metrics_that_cannot_be_written_leave_nothing(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk or a missing folder is said of the file that was asked for, and no half of one stays beside it."""
    args = ["report", "--store", str(history), "--week", "2026-W47", "-q", "--openmetrics"]
    assert run([*args, str(tmp_path / "none" / "w.prom")]) == 1
    assert f"Error: {tmp_path / 'none' / 'w.prom'}: No such file" in capsys.readouterr().err

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert run([*args, str(tmp_path / "w.prom")]) == 1
    assert f"Error: {tmp_path / 'w.prom'}: No space left" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_metrics_take_the_place_of_files_alone(
    history: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing that is no file is replaced: no folder, no pipe (nor, by root, a device), and a link stays one."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("w.prom")
    for name in ("pipe", "loop", ".", ".."):
        file = str(tmp_path / name)
        assert run(["report", "--store", str(history), "--week", "2026-W47", "--openmetrics", file]) == 2
        assert "this is no file" in capsys.readouterr().err
    assert (tmp_path / "pipe").is_fifo()
    assert of(history, "--openmetrics", str(tmp_path / "link")).exit_code == 0
    assert ((tmp_path / "link").is_symlink(), (tmp_path / "w.prom").is_file()) == (True, True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "loop", "pipe", "w.prom"]


def test_keep_and_compact_tidy_up_after_the_report(tmp_path: Path) -> None:
    """The report of a week is printed before that week is forgotten."""
    write_day(tmp_path / "logs", MONDAY, 20)
    assert run(["analyze", str(tmp_path / "logs"), "--no-output", "--store", str(tmp_path / "h"), "-q"]) == 0
    args = ["--store", str(tmp_path / "h"), "--week", "2026-W46", "--compact", "--keep", "1w"]
    done = CliRunner().invoke(report, args)
    forgets = dt.datetime.now(dt.UTC) > dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    assert done.exit_code == 0
    assert ("Forgot 1 weeks: 2026-W46 to 2026-W46." in done.stderr) is forgets


def test_analyze_says_the_same_with_and_without_a_store(tmp_path: Path) -> None:
    """The store changes where events come from, not what is said of them; the second time nothing is parsed."""
    write_day(tmp_path / "logs", MONDAY, 40)
    args = [str(tmp_path / "logs"), "--format", "json", "-q"]
    alone = CliRunner().invoke(analyze, [*args, "--no-output"])
    store = ["--store", str(tmp_path / "h")]
    first = CliRunner().invoke(analyze, [*args, *store, "-o", str(tmp_path / "out")])
    page = (tmp_path / "out" / "report.html").stat()
    second = CliRunner().invoke(analyze, [*args, *store, "-o", str(tmp_path / "out")])
    assert alone.exit_code == first.exit_code == second.exit_code == 0
    assert alone.stdout == first.stdout == second.stdout
    assert (tmp_path / "out" / "report.html").stat().st_mtime_ns == page.st_mtime_ns


def test_a_copy_of_a_file_is_counted_once_and_accounted_for(tmp_path: Path) -> None:
    """The same content twice in one delivery: one has the events, the other says where they are."""
    write_day(tmp_path / "logs", MONDAY, 40)
    for file in sorted((tmp_path / "logs").iterdir()):
        (tmp_path / "logs" / f"copy-of-{file.name}").write_bytes(file.read_bytes())
    done = CliRunner().invoke(
        analyze, [str(tmp_path / "logs"), "--format", "json", "-q", "--no-output", "--store", str(tmp_path / "h")]
    )
    data = json.loads(done.stdout)
    assert data["totals"]["attempts"] == 40
    whys = {file["path"]: file["why"] for file in data["coverage"]["files"]}
    assert sum("the same content as" in why for why in whys.values()) == 2
