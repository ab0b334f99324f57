"""The analysis reads logs and nothing else: no label of the truth is known to the code, or changes a verdict."""

from __future__ import annotations

import ast
import csv
import io
import re
import shutil
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from tests.conftest import REPO, SAMPLE_LOGS
from wslog import pipeline
from wslog.pipeline import Outcome

SHARED: Final = REPO.parent / "shared" / "data"
LAB: Final = SHARED / "lab"
SOURCES: Final = sorted((REPO / "wslog").rglob("*.py")) + sorted((REPO / "wslog").rglob("*.toml"))
# What only a truth file says: its name, its columns, and the names of causes that are its own.
LABELS: Final = (
    "truth.csv", "near_tie", "fault_time", "true_close_time", "true_idle_s", "client_seen_idle_s", "client_close_time",
    "nginx_read_timeout", "alb_idle_timeout", "backend_crash", "backend_restart", "backend_tcp_reset",
    "backend_tcp_close", "backend_stall", "nginx_reload", "nginx_stop", "nginx_worker_crash", "client_network_loss",
    "client_page_frozen", "client_tab_close", "client_process_died", "server_protocol_error", "client_protocol_error",
    "app_error_1011", "max_lifetime", "events.csv",
)  # fmt: skip
COLUMNS: Final = ("conn_id", "client_log", "client_log_line", "cause", "layer", "near_tie", "true_close_time")


def sayings(path: Path) -> str:
    """Return what a source file says in code: names and texts, without docstrings and comments."""
    source = path.read_text("utf-8")
    if path.suffix != ".py":
        return re.sub(r"(?m)#.*$", "", source)
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_no_module_knows_a_label(path: Path) -> None:
    """No code and no data file of wslog names a truth file, its columns or its causes."""
    said = sayings(path)
    assert [label for label in LABELS if re.search(rf"(?<![A-Za-z]){re.escape(label)}(?![A-Za-z])", said)] == []


def bytes_of(found: Outcome, *, without: str = "") -> tuple[bytes, str]:
    """Return the saved analysis and the table as texts; coverage of the file named *without* left out."""
    document: Any = msgspec.to_builtins(found.document)
    files = document["coverage"]["files"]
    document["coverage"]["files"] = [file for file in files if not (without and file["path"].endswith(without))]
    return msgspec.json.encode(document), found.connections.write_ndjson()


def truth(name: str, rows: int, *, cause: str) -> str:
    """Return a truth file that blames one cause for each line of a client log."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows((f"c{k}", name, k, cause, "alb", 0, 1795366851.901 + k) for k in range(1, rows + 1))
    return out.getvalue()


def test_a_truth_file_beside_the_logs_is_an_unknown_file_and_no_more(tmp_path: Path) -> None:
    """A truth.csv among the logs is reported as unknown and changes nothing else, whatever it claims."""
    logs = tmp_path / "logs"
    shutil.copytree(SAMPLE_LOGS, logs)
    alone = bytes_of(pipeline.analyze([logs]))
    for cause in ("alb_idle_timeout", "backend_crash"):
        (logs / "truth.csv").write_text(truth("clients-1.jsonl", 400, cause=cause))
        beside = pipeline.analyze([logs])
        file = next(file for file in beside.document.coverage.files if file.path.endswith("truth.csv"))
        assert (file.format, file.events) == ("unknown", 0)
        assert file.why
        assert bytes_of(beside, without="truth.csv") == alone


@pytest.mark.skipif(not LAB.exists(), reason="the recorded lab logs are not beside this checkout")
def test_the_recorded_truth_changes_nothing(tmp_path: Path) -> None:
    """The lab's logs give the same bytes with their own truth beside them, with a shuffled one, and with none."""
    logs = tmp_path / "logs"
    shutil.copytree(LAB / "logs", logs)
    alone = bytes_of(pipeline.analyze([logs]))
    lines = (LAB / "truth.csv").read_text("utf-8").splitlines()
    shuffled = [lines[0], *sorted(lines[1:], key=lambda line: line[::-1])]
    for told in (lines, shuffled):
        (logs / "truth.csv").write_text("\n".join(told) + "\n")
        assert bytes_of(pipeline.analyze([logs]), without="truth.csv") == alone
