"""What commands share."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import click
import pytest
from click.testing import CliRunner

from wslog.cli import COMMANDS, cli
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
