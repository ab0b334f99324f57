"""`wslog timeouts`: filters, the table, the details and JSON, as a person and a script see them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wslog.commands.timeouts import timeouts
from wslog.errors import KnowledgeError
from wslog.knowledge import load_timeouts

OWN = """
[[timeout]]
id = "our-gateway-idle"
product = "Our \\u001b[31mgateway"
tier = "network"
kind = "idle"
default_s = 90
resets_on = "any byte"
mend = "Ask the platform team to raise it."
source = "platform handbook"
checked = 2026-11-01
"""


def run(*args: str) -> Result:
    result = CliRunner().invoke(timeouts, args)
    assert result.exit_code == 0, result.output
    return result


def ids(*args: str) -> list[str]:
    return [entry["id"] for entry in json.loads(run("--format", "json", *args).stdout)]


def test_without_filters_every_timer_is_listed_on_100_columns() -> None:
    """The whole knowledge base, readable in a terminal of 100 columns."""
    lines = run().stdout.splitlines()
    assert lines[0].split() == ["ID", "DEFAULT", "KIND", "TIER", "PRODUCT,", "SETTING"]
    assert {timeout.id for timeout in load_timeouts()} <= {line.split(" ")[0] for line in lines}
    assert max(len(line) for line in lines) <= 100


def test_unverified_timers_are_marked_and_the_mark_is_explained() -> None:
    """A number from memory never looks like a checked one."""
    lines = run("--product", "nat gateway").stdout.splitlines()
    assert lines[1].split()[:4] == ["aws-nat-gateway-idle", "350", "s", "?"]
    assert any(line.startswith("?  not verified") for line in lines)


def test_json_has_every_field() -> None:
    """A script gets all that is known, dates as text and a missing default as null."""
    (entry,) = json.loads(run("nginx-worker-shutdown-timeout", "--format", "json").stdout)
    assert entry["default_s"] is None
    assert entry["checked"] == "2026-11-22"
    assert set(entry) == {
        *("id", "product", "tier", "setting", "default_s", "kind", "resets_on", "closes"),
        *("trace", "mend", "source", "checked", "is_verified", "example"),
    }


def test_filters_narrow_together() -> None:
    """Near 60 s, silence only, at the load balancer: the ALB and its ancestor."""
    assert ids("--near", "60.2", "--kind", "idle", "--tier", "alb") == ["aws-alb-idle", "aws-classic-elb-idle"]


def test_idle_means_all_idle_kinds() -> None:
    """`--kind idle` is idle-any, idle-s2c and idle-c2s."""
    assert set(ids("--kind", "idle")) == {
        key for kind in ("any", "s2c", "c2s") for key in ids("--kind", f"idle-{kind}")
    }


def test_words_search_id_product_and_setting() -> None:
    """`wslog timeouts socket.io ping` and `wslog timeouts PROXY_READ` find what they mean."""
    assert ids("socket.io", "server") == ["engineio-server-ping"]
    assert ids("PROXY_READ") == ["nginx-proxy-read-timeout"]


def test_near_shows_the_details_of_each() -> None:
    """Who looks for a number gets trace, mend and source at once."""
    out = run("--near", "240").stdout
    assert (
        out.count("\n  mend ") == out.count("\n  trace ") == out.count("\n  source ") == len(ids("--near", "240")) == 2
    )
    assert "Backend successfully reloaded" in out


def test_one_result_shows_its_details() -> None:
    """One timer left: everything about it, within 100 columns."""
    out = run("aws-alb-idle").stdout
    assert "Raise idle_timeout.timeout_seconds" in out
    assert "docs.aws.amazon.com" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_many_results_show_no_details() -> None:
    """A long list stays a list."""
    assert "\n  mend " not in run("--tier", "nginx").stdout


def test_nothing_found_is_said() -> None:
    """No timer is an answer, not an error, and stderr says so; for a script it is an empty list."""
    for args, stdout in (((), ""), (("--format", "json"), "[]\n")):
        done = run("--near", "123", *args)
        assert (done.stdout, done.stderr) == (stdout, "No known timer fits.\n")


def test_a_whole_id_means_that_timer() -> None:
    """Every id, also one that others contain, shows its own timer alone with its details."""
    for timeout in load_timeouts():
        assert ids(timeout.id) == [timeout.id]
    assert "\n  mend " in run("nginx-proxy-read-timeout").stdout


@pytest.mark.parametrize("written", ["60", "60s", "60 s", "1m", "1min", "60000ms", "6e1"])
def test_near_takes_units(written: str) -> None:
    """Durations as people and configurations write them."""
    assert ids("--near", written) == ids("--near", "60") != []


def test_own_timers_join_and_their_text_is_harmless(tmp_path: Path) -> None:
    """A team's file is listed with the rest, and no terminal command in it reaches the terminal."""
    own = tmp_path / "ours.toml"
    own.write_text(OWN, encoding="utf-8")
    out = run("--timeouts", str(own), "--near", "90").stdout
    assert "our-gateway-idle" in out
    assert "jupyter-server-ping" in out
    assert "\x1b" not in out
    assert "\x1b" not in run("--timeouts", str(own), "--format", "json").stdout


def test_a_broken_own_file_is_a_wslog_error(tmp_path: Path) -> None:
    """The door turns it into a message and exit code 1; here it is the error itself, with what, where and mend."""
    own = tmp_path / "ours.toml"
    own.write_text(OWN.replace("network", "cdn"), encoding="utf-8")
    error = CliRunner().invoke(timeouts, ["--timeouts", str(own)]).exception
    assert isinstance(error, KnowledgeError)
    assert (error.where, bool(error.mend)) == (f"{own}: our-gateway-idle", True)


@pytest.mark.parametrize(
    "args",
    [
        ["--kind", "bad"],
        ["--tier", "cdn"],
        ["--near", "0"],
        ["--near", "x"],
        ["--near", "nan"],
        ["--near", "inf"],
        ["--near", "1e999"],
        ["--near", "-5"],
        ["--near", "1e"],
        ["--near", "5d"],
        ["--format", "xml"],
    ],
)
def test_wrong_usage_exits_2(args: list[str]) -> None:
    """A value that cannot be is wrong usage."""
    assert CliRunner().invoke(timeouts, args).exit_code == 2
