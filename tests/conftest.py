"""What several test modules share: the sample incident, analyzed once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, settings

from tests.incident import write_incident
from wslog.cli import cli

# Seconds are no gate: a busy machine must not fail a test.
settings.register_profile("wslog", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wslog")

REPO = Path(__file__).resolve().parents[1]
SAMPLE_LOGS = REPO / "sample_logs"


@dataclass(frozen=True, slots=True)
class Report:
    """One run of `wslog analyze`: its exit code, what it printed, and the folder it wrote."""

    code: int
    stdout: str
    stderr: str
    folder: Path


@pytest.fixture(scope="session")
def sample_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Give the report on `sample_logs/`."""
    folder = tmp_path_factory.mktemp("sample") / "report"
    done = CliRunner().invoke(cli, ["analyze", str(SAMPLE_LOGS), "-o", str(folder)])
    return Report(done.exit_code, done.stdout, done.stderr, folder)


@pytest.fixture(scope="session")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with the logs of a small incident; see `tests/incident.py`. Not to be written into."""
    return write_incident(tmp_path_factory.mktemp("incident"))
