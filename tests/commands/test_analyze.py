"""`wslog analyze`: options, defaults, thresholds, and what leaves the house under --anonymize."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import CliRunner, Result

from tests.incident import AGENT, N_CLEAN, N_REFUSED, N_SILENT, address
from wslog.cli import cli
from wslog.commands.whole_folder import write_folder
from wslog.errors import InputError, OptionError, WslogError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder: the default report folder and wslog.toml are looked for there."""
    monkeypatch.chdir(tmp_path)


def wslog(*args: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["analyze", *map(str, args)], input=stdin)


def document(*args: str | Path, **options: Any) -> Any:
    done = wslog(*args, "--no-output", "--format", "json", **options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_report_goes_to_the_default_folder(incident: Path) -> None:
    """Without options: text on stdout, `wslog-report` in the working folder, its place on stderr; again replaces it."""
    for _ in range(2):
        done = wslog(incident)
        assert done.exit_code == 0
        assert done.stdout.startswith("nginx closed 91 %")
        assert done.stderr == "Report: wslog-report/report.html\n"
    assert Path("wslog-report/report.html").is_file()


def test_little_memory_changes_no_answer(incident: Path) -> None:
    """--memory says what to get by with; what is no size is refused with an example."""
    little, much = (document(incident, *option) for option in (("--memory", "256MiB"), ()))
    assert little == much
    refused = wslog(incident, "--memory", "lots")
    assert isinstance(refused.exception, OptionError)
    assert "1GiB" in str(refused.exception)


def test_no_output_writes_nothing(incident: Path) -> None:
    """--no-output leaves the working folder as it was and names no report."""
    done = wslog(incident, "--no-output")
    assert (done.exit_code, done.stderr) == (0, "")
    assert list(Path().iterdir()) == []


def test_a_foreign_folder_is_kept(incident: Path) -> None:
    """A folder with other things in it is refused before any work, and replaced with --force."""
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("years of work")
    done = wslog(incident, "-o", "mine")
    assert isinstance(done.exception, OptionError)
    assert Path("mine/thesis.txt").exists()
    assert wslog(incident, "-o", "mine", "--force").exit_code == 0
    assert not Path("mine/thesis.txt").exists()


@pytest.mark.parametrize(
    "args",
    [
        ("own", "-o", "own", "--force"),
        ("own/logs", "-o", "own", "--force"),
        ("own/logs/*.jsonl", "-o", "own", "--force"),
        ("own", "-o", "own/logs", "--force"),
        ("logs", "--store", "own/history", "-o", "own", "--force"),
        ("logs", "--nginx-conf", "own/nginx.conf", "-o", "own", "--force"),
        ("logs", "--timeouts", "own/ours.toml", "-o", "own", "--force"),
        ("logs", "--config", "own/wslog.toml", "-o", "own", "--force"),
        ("rep/logs", "-o", "rep"),
        ("rep", "-o", "rep"),
    ],
    ids=" ".join,
)
def test_what_is_read_is_never_replaced(incident: Path, args: tuple[str, ...]) -> None:
    """The report takes the place of no log, store or file that the same command reads, even with --force."""
    write_folder(Path("rep"), {"report.html": b"x"}, force=False)
    Path("own/history").mkdir(parents=True)
    for name in ("nginx.conf", "ours.toml", "wslog.toml"):
        (Path("own") / name).write_text("")
    for folder in ("own/logs", "rep/logs", "logs"):
        shutil.copytree(incident, folder)
    before = sorted(Path().rglob("*"))
    error = wslog(*args).exception
    assert isinstance(error, OptionError), error
    assert error.where == args[args.index("-o") + 1]
    assert error.mend
    assert sorted(Path().rglob("*")) == before


def test_the_working_folder_may_be_analyzed_again(incident: Path) -> None:
    """`wslog analyze .` replaces the report that it left there before."""
    shutil.copytree(incident, ".", dirs_exist_ok=True)
    assert [wslog(".").exit_code for _ in range(2)] == [0, 0]


def test_quiet_says_nothing_on_stderr(incident: Path) -> None:
    """-q leaves the report alone on stdout."""
    assert wslog(incident, "-q").stderr == ""


@pytest.mark.parametrize(
    ("fmt", "start"), [("text", "nginx closed"), ("markdown", "# nginx closed"), ("json", '{"schema')]
)
def test_formats(incident: Path, fmt: str, start: str) -> None:
    """Each --format begins as that format does and holds no terminal codes."""
    done = wslog(incident, "--no-output", "--format", fmt)
    assert "".join(done.stdout.split(maxsplit=0)).replace("{\n  ", "{").startswith(start)
    assert "\x1b" not in done.stdout


def test_time_path_and_host_narrow(incident: Path) -> None:
    """--since, --until, --path and --host choose connections by their end, path and host."""
    assert document(incident)["totals"]["attempts"] == N_SILENT + N_CLEAN + N_REFUSED
    assert document(incident, "--path", "/ws/*")["totals"]["attempts"] == N_SILENT
    assert (
        document(incident, "--path", "/ws/*", "--path", "/feed")["totals"]["attempts"] == N_SILENT + N_CLEAN + N_REFUSED
    )
    assert document(incident, "--host", "RT.*")["totals"]["attempts"] == N_SILENT + N_CLEAN + N_REFUSED
    first, second = (
        document(incident, option, "2026-03-10T09:02:00")["totals"]["attempts"] for option in ("--since", "--until")
    )
    assert min(first, second) > 0
    assert first + second == N_SILENT + N_CLEAN + N_REFUSED


@pytest.mark.parametrize("args", [("--since", "2027-01-01"), ("--path", "/nope"), ("--host", "other.*")])
@pytest.mark.parametrize("store", [(), ("--store", "history")], ids=["", "store"])
def test_a_selection_without_connections_is_an_error(
    incident: Path, args: tuple[str, str], store: tuple[str, ...]
) -> None:
    """Nothing chosen out of something: no report, and no --fail-if that passes."""
    done = wslog(incident, *args, *store, "--fail-if", "drop_share > 0")
    assert isinstance(done.exception, InputError)
    assert args[0] in done.exception.what
    assert not Path("wslog-report").exists()


def test_logs_without_websockets_are_a_report(incident: Path) -> None:
    """Plain requests alone: a report that says so, exit code 0, with or without a choice."""
    lines = (incident / "access.log").read_text().replace('upgrade="websocket"', 'upgrade="-"').splitlines()
    plain = [line.replace("status=101", "status=200") for line in lines if "status=101" in line]
    Path("access.log").write_text("\n".join(plain) + "\n")
    for args in ((), ("--path", "/ws/*")):
        done = wslog("access.log", *args)
        assert done.exit_code == 0, done.output
        assert done.stdout.startswith("No WebSocket connections")


@pytest.mark.parametrize(
    "args",
    [
        ("--since", "soon"), ("--tz", "Nowhere/Land"), ("--fail-if", "weather > 3"), ("--fail-if", "drop_share"),
        ("--client-field", "code"), ("--path", ""), ("--host", "[z-a]"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_read_is_named(incident: Path, args: tuple[str, str]) -> None:
    """The error says what would do, and no folder is written."""
    error = wslog(incident, *args).exception
    assert isinstance(error, WslogError)
    assert error.mend
    assert list(Path().iterdir()) == []


def test_a_threshold_that_holds_is_3(incident: Path) -> None:
    """--fail-if: the report is written and printed all the same, the reason goes to stderr, the exit code is 3."""
    done = wslog(incident, "--fail-if", "drop_share > 10%", "--fail-if", "unknown_share > 0.5")
    assert done.exit_code == 3
    assert done.stdout.startswith("nginx closed")
    assert Path("wslog-report/report.html").is_file()
    assert "Failed: drop_share" in done.stderr
    assert "unknown_share" not in done.stderr


def test_a_threshold_that_does_not_hold_is_0(incident: Path) -> None:
    """A metric within its bounds is silent."""
    done = wslog(incident, "--no-output", "--fail-if", "cause:idle_timeout_share > 95%")
    assert (done.exit_code, done.stderr) == (0, "")


def test_wslog_toml_gives_defaults(incident: Path) -> None:
    """Options in wslog.toml count, one value does for a repeatable option, and the command line wins."""
    Path("wslog.toml").write_text('[analyze]\nformat = "markdown"\nno-output = true\npath = ["/ws/*"]\ntz = "UTC"\n')
    done = wslog(incident)
    assert done.stdout.startswith("# ")
    assert not Path("wslog-report").exists()
    assert document(incident)["totals"]["attempts"] == N_SILENT
    assert document(incident, "--path", "/feed")["totals"]["attempts"] == N_CLEAN + N_REFUSED


def test_config_names_another_file(incident: Path) -> None:
    """--config wins over wslog.toml."""
    Path("wslog.toml").write_text('[analyze]\nformat = "markdown"\n')
    Path("other.toml").write_text('[analyze]\nformat = "json"\nno_output = true\n')
    assert wslog(incident, "--config", "other.toml").stdout.startswith("{")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[analyze\n", "not TOML"),
        ("[analyze]\npath = " + "[" * 5_000, "not TOML"),
        ("analyze = 3\n", "must be a table"),
        ("[analyze]\ncolour = 1\n", "no option 'colour'"),
        ("[analyse]\nquiet = true\n", "no command 'analyse'"),
        ("quiet = true\n", "no command 'quiet'"),
        ("[analyze]\nconfig = 'x'\n", "no option 'config'"),
        ("[analyze]\noutput = '../thesis'\nforce = true\n", "no option 'force'"),
        ("[analyze]\ntz = ['UTC', true]\n", "`tz` must be text or a list of texts"),
        ("[analyze]\nformat = ['json']\n", "must be text"),
        ("[analyze]\nquiet = 'yes'\n", "must be true or false"),
    ],
)
def test_a_broken_wslog_toml_is_named(incident: Path, text: str, what: str) -> None:
    """What is wrong, in which file, and how to mend it."""
    Path("wslog.toml").write_text(text)
    error = wslog(incident, "--no-output").exception
    assert isinstance(error, OptionError), error
    assert what in error.what
    assert error.where == "wslog.toml"
    assert error.mend


def test_a_folder_and_no_folder_do_not_go_together(incident: Path) -> None:
    """Both in one place is wrong usage; of the file and the command line the latter wins."""
    assert wslog(incident, "-o", "out", "--no-output").exit_code == 2
    Path("wslog.toml").write_text("[analyze]\nno-output = true\n")
    assert wslog(incident, "-o", "out").exit_code == 0
    assert Path("out/report.html").is_file()
    Path("wslog.toml").write_text("[analyze]\noutput = 'two'\n")
    assert wslog(incident, "--no-output").exit_code == 0
    assert not Path("two").exists()


def test_what_is_no_configuration_is_refused(incident: Path) -> None:
    """--nginx-conf with a log, or a letter, is an error that says what to name."""
    Path("letter.txt").write_text("Dear nginx,\nplease be quick.\n")
    for file in ("letter.txt", str(incident / "access.log")):
        error = wslog(incident, "--no-output", "--nginx-conf", file).exception
        assert isinstance(error, OptionError)
        assert Path(file).name in str(error.where)
        assert error.mend


def test_a_broken_configuration_is_a_warning(incident: Path) -> None:
    """What cannot be read is named with its line; included files may be elsewhere; -q says nothing."""
    Path("nginx.conf").write_text("include sites/*.conf;\ninclude other.conf;\nhttp {\n  server {\n  listen 80;\n}\n")
    done = wslog(incident, "--no-output", "--nginx-conf", "nginx.conf")
    assert done.exit_code == 0
    assert done.stderr == "Warning: nginx.conf:3: the block opened here is not closed\n"
    assert wslog(incident, "--no-output", "--nginx-conf", "nginx.conf", "-q").stderr == ""


def test_a_log_format_that_fits_nothing_is_a_warning(incident: Path) -> None:
    """The one that fits is used without a word."""
    fits = (
        '$remote_addr [$time_iso8601] msec=$msec conn=$connection host=$host "$request" status=$status '
        "bytes=$bytes_sent body=$body_bytes_sent rt=$request_time ua=$upstream_addr us=$upstream_status "
        'upgrade="$http_upgrade" agent="$http_user_agent"'
    )
    assert wslog(incident, "--no-output", "--log-format", fits).stderr == ""
    done = wslog(incident, "--no-output", "--log-format", "$msec|$status|$request")
    assert (done.exit_code, done.stderr) == (0, "Warning: --log-format fits no file: $msec|$status|$request\n")


def test_a_value_of_a_default_is_checked_like_one_typed(incident: Path) -> None:
    """A format that does not exist is wrong usage, wherever it stands."""
    Path("wslog.toml").write_text('[analyze]\nformat = "poem"\n')
    assert wslog(incident, "--no-output").exit_code == 2


def test_standard_input(incident: Path) -> None:
    """`-` is read like a file and may stand beside files; the same logs give the same numbers."""
    piped = document(
        "-", incident / "client.jsonl", incident / "error.log", stdin=(incident / "access.log").read_bytes()
    )
    assert piped["totals"] == document(incident)["totals"]
    assert piped["causes"] == document(incident)["causes"]


def test_own_field_names(incident: Path, tmp_path: Path) -> None:
    """--client-field reads a team's own names."""
    lines = (incident / "client.jsonl").read_text().replace('"lastRecvAt"', '"quietSince"')
    Path("own.jsonl").write_text(lines)
    mapped = document("own.jsonl", "--client-field", "last_received_at=quietSince")
    assert mapped["totals"] == document(incident / "client.jsonl")["totals"]
    assert mapped["clusters"] == document(incident / "client.jsonl")["clusters"]


def test_anonymize_leaves_no_person_in_the_report(incident: Path) -> None:
    """No address, network, user agent, session or connection id and no reason stands in any file, nor on stdout."""
    secret = {address(n) for n in range(N_SILENT + N_CLEAN + N_REFUSED)} | {"203.0.113.", AGENT, "Mozilla"}
    secret |= {f"sess{n}x" for n in range(N_SILENT + N_CLEAN + N_REFUSED)} | {"mail7@example.com", "bye Emil"}
    (Path("logs")).mkdir()
    for file in incident.iterdir():
        extra = f"203.0.113.250 {AGENT} sess1x: not a line of ours\n" if file.name != "client.jsonl" else ""
        text = file.read_text().replace('"c7"', '"mail7@example.com"').replace('"reason": ""', '"reason": "bye Emil"')
        (Path("logs") / file.name).write_text(text + extra)
    open_report = wslog("logs", "-o", "open")
    assert found(secret, Path("open"), open_report.stdout), "the test must be able to see them"
    for fmt in ("text", "markdown", "json"):
        done = wslog("logs", "-o", "hidden", "--anonymize", "--format", fmt)
        assert found(secret, Path("hidden"), done.stdout) == set()
    assert documents_agree(Path("open"), Path("hidden"))


def found(secret: set[str], folder: Path, stdout: str) -> set[str]:
    """Return which of *secret* stand in a report; the table is read as text, since its bytes are compressed."""
    table = pl.read_parquet(folder / "connections.parquet").write_ndjson()
    files = [path.read_bytes().decode("utf-8", errors="replace") for path in folder.rglob("*") if path.is_file()]
    texts = [stdout, table, *files]
    return {word for word in secret if any(word in text for text in texts)}


def documents_agree(left: Path, right: Path) -> bool:
    """Return whether two saved analyses give the same answer."""
    one, other = (json.loads((folder / "analysis.json").read_text()) for folder in (left, right))
    keys = ("verdict", "totals", "causes", "clusters", "findings", "advice", "timeline", "reconnects")
    return all(one[key] == other[key] for key in keys) and one["by"]["user_agent"] == other["by"]["user_agent"]


def test_progress_is_for_terminals(incident: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the bar shows on stderr and is gone at the end; --no-progress and -q leave it out."""
    from wslog.commands.progress import show_progress

    with show_progress(silent=True) as callback:
        assert callback is None
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    with show_progress(silent=False) as callback:
        assert callback is not None
        callback(1, 2, "logs/[red]\x1b[2Jaccess.log")
    assert "\x1b[2J" not in shown.getvalue()


def test_progress_goes_on_after_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows on the reading has no share to show, but is named and shows that it lives."""
    from wslog.commands.progress import READ, show_progress

    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    with show_progress(silent=False) as callback:
        assert callback is not None
        callback(1, 2, "access.log")
        callback(2, 2, "access.log")
    assert READ in shown.getvalue().rpartition("access.log")[2]
