"""What commands share."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from tests.store.deliveries import write_day
from wslog.cli import COMMANDS, cli, run
from wslog.commands.analyze import set_up_engines
from wslog.commands.defaults import TABLES
from wslog.commands.options import config_option, fail_if_option, reading_options
from wslog.summarize.metrics import METRICS
from wslog.weekly.thresholds import NAMES

READING: Final = ("--tz", "--log-format", "--nginx-conf", "--client-field")


@pytest.mark.parametrize("module", ["wslog.commands.analyze", "wslog.commands.report", "wslog.commands.render"])
def test_a_command_loads_no_table_engine_before_its_options(module: str) -> None:
    """--jobs counts only if polars is not there yet when the command begins."""
    code = f"import sys, {module}; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(("command", "names"), [("analyze", list(METRICS)), ("report", list(NAMES))])
def test_the_help_names_every_metric(command: str, names: list[str]) -> None:
    """--fail-if lists what it can ask for, the shares of causes by their pattern."""
    shown = " ".join(CliRunner().invoke(cli, [command, "--help"]).stdout.split())
    patterns = {"cause:NAME_share" if name.startswith("cause:") else name for name in names}
    assert {name for name in patterns if name not in shown} == set()


def test_metrics_are_asked_for_by_the_help_alone() -> None:
    """Running a command does not load the tables of metrics."""

    def metrics() -> list[str]:
        raise AssertionError

    @click.command()
    @fail_if_option("Exit 3.", metrics=metrics)
    def command(fail_if: tuple[str, ...]) -> None:
        click.echo(",".join(fail_if))

    assert CliRunner().invoke(command, ["--fail-if", "a > 1"]).stdout == "a > 1\n"
    assert isinstance(CliRunner().invoke(command, ["--help"]).exception, AssertionError)


@pytest.mark.parametrize("name", ["analyze", "inspect"])
def test_whoever_reads_logs_takes_the_same_options(name: str) -> None:
    """The options that say how to read are the very same."""

    @click.command()
    @reading_options
    def alone(**_: object) -> None: ...

    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    theirs = {param.opts[0]: param.to_info_dict() for param in command.params}
    assert [param.opts[0] for param in alone.params] == list(READING)
    assert {param.opts[0]: param.to_info_dict() for param in alone.params}.items() <= theirs.items()


def test_a_table_of_defaults_is_for_a_command_that_reads_it() -> None:
    """The names that wslog.toml may hold are those of the commands with --config."""
    commands = {name: cli.get_command(click.Context(cli), name) for name in COMMANDS}
    takes = [
        name
        for name, command in commands.items()
        if command and "--config" in str(command.to_info_dict(click.Context(command)))
    ]
    assert takes == list(TABLES)


def test_the_file_of_defaults_is_not_handed_over() -> None:
    """--config works by its callback: a command needs no argument for it."""

    @click.command()
    @config_option
    def command() -> None:
        click.echo("ran")

    assert CliRunner().invoke(command, []).stdout == "ran\n"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("jobs = 0", "Invalid value for '--jobs'"),
        ("since = '3am'", "Error: --since: '3am' is not a date"),
        ("path = '/nowhere'", "match --path '/nowhere'"),
    ],
)
def test_an_error_about_an_option_says_that_a_file_set_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, says: str
) -> None:
    """Who typed `wslog analyze logs/` is told of the wslog.toml whose option cannot be met."""
    write_day(tmp_path / "logs", dt.datetime(2026, 11, 9, tzinfo=dt.UTC))
    monkeypatch.chdir(tmp_path)
    Path("wslog.toml").write_text(f"[analyze]\nquiet = true\n{line}\n")
    assert run(["analyze", "logs", "--no-output"]) in (1, 2)
    told = capsys.readouterr().err
    assert says in told
    names = ", ".join(sorted(["quiet", line.partition(" ")[0]]))
    assert told.endswith(f"\nOptions set by wslog.toml: {names}.\n")
    Path("wslog.toml").unlink()
    assert run(["analyze", "logs", "--no-output", "--path", "/nowhere"]) == 1
    assert "wslog.toml" not in capsys.readouterr().err


def test_no_more_cores_are_used_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polars starts as many threads as it is told, thousands if need be, and the machine would stand still."""
    for name in ("POLARS_MAX_THREADS", "_RJEM_MALLOC_CONF", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "")  # what is set is taken back
    for jobs, used in ((1, 1), (10**12, os.cpu_count())):
        set_up_engines(jobs)
        assert os.environ["POLARS_MAX_THREADS"] == str(used)
