"""What the pages say is so."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Final

import click
import pytest

from tests.accuracy.__main__ import SUBJECTS
from tests.printed import BLOCK, BLOCKS, PAGES, PICTURE, renewed
from wslog import __version__
from wslog.cli import COMMANDS, cli
from wslog.ingest.formats import FORMATS
from wslog.ingest.kinds.wrappers import WRAPPERS
from wslog.summarize.metrics import METRICS

REPO: Final = Path(__file__).resolve().parents[1]
MARKDOWN: Final = sorted(path for folder in (REPO, REPO / "docs", REPO / "sample_logs") for path in folder.glob("*.md"))
README: Final = (REPO / "README.md").read_text("utf-8")
CI: Final = (REPO / ".ci" / "run").read_text("utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_printed_blocks_are_the_real_ones(name: str) -> None:
    """Help texts, the sample's report and the tables of formats are the real ones; mend: `python -m tests.printed`."""
    page = (REPO / name).read_text("utf-8")
    assert page == renewed(page)


def test_every_block_is_shown() -> None:
    """What can be printed stands in a page: a new command cannot be forgotten."""
    shown = {match["what"] for name in PAGES for match in BLOCK.finditer((REPO / name).read_text("utf-8"))}
    assert shown == set(BLOCKS)


def test_two_commands_and_ci_runs_them() -> None:
    """The README's set-up is two lines; .ci/run has the very same ones and runs them."""
    section = README.partition("## Try it")[2].partition("\n## ")[0]
    commands = re.findall(r"```sh\n(.*?)```", section, re.S)
    assert [command.count("\n") for command in commands] == [1, 1]
    analyze, test = (command.strip() for command in commands)
    assert f'\nanalyze_command="{analyze}"\n' in CI
    assert f'\ntest_command="{test}"\n' in CI
    assert 'bash -euo pipefail -c "$analyze_command"' in CI
    assert 'bash -euo pipefail -c "$test_command"' in CI


def test_pre_commit_runs_what_ci_runs() -> None:
    """Each hook's tool is one of .ci/run, and none is missing."""
    config = (REPO / ".pre-commit-config.yaml").read_text("utf-8")
    entries = [entry.replace(" --force-exclude", "") for entry in re.findall(r"entry: ([^,}]+)", config)]
    assert re.findall(r"repo: (\S+)", config) == ["local"]
    tests = ["pytest -n auto", "pytest --nbmake notebooks/"]
    assert entries == ["ruff check", "ruff format", "mypy", "lint-imports", *tests]
    assert all(entry in CI for entry in entries)


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda path: path.relative_to(REPO).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link names a file or folder of this repository."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    relative = [target.partition("#")[0] for target in targets if "://" not in target]
    assert [target for target in relative if target and not (page.parent / target).exists()] == []


def test_the_index_names_every_page() -> None:
    """docs/README.md lists the pages of docs/."""
    index = (REPO / "docs" / "README.md").read_text("utf-8")
    pages = {path.name for path in (REPO / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(re.findall(r"\]\(([^)]+\.md)\)", index))


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's Python block does what its comments say."""
    (block,) = re.findall(r"```python\n(.*?)```", README, re.S)
    (tmp_path / "sample_logs").symlink_to(REPO / "sample_logs")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    a, b = names["a"], names["b"]
    assert a.document == b.document  # type: ignore[attr-defined]
    assert names["by_minute"].sum() == a.drops.height  # type: ignore[attr-defined]
    assert names["events"].height > 0  # type: ignore[attr-defined]


def test_commands_and_metrics_are_named() -> None:
    """Each command has its section, and the help of --fail-if names every metric."""
    assert re.findall(r"^### `wslog (\w+)`$", README, re.M) == list(COMMANDS)
    named = {name if not name.startswith("cause:") else "cause:NAME_share" for name in METRICS}
    analyze = BLOCKS["wslog analyze --help"]()
    assert {name for name in named if name not in " ".join(analyze.split())} == set()


def test_wrappers_and_formats_are_described() -> None:
    """docs/formats.md speaks of every format, and of what may stand around the lines."""
    text = (REPO / "docs" / "formats.md").read_text("utf-8").lower()
    assert {form.name for form in FORMATS if f"`{form.name}`" not in text} == set()
    around = {"syslog", "cri", "docker", "compose", "kubectl", "journalctl", "json envelope"}
    assert {word for word in around if word not in text} == set()
    assert len({wrapper.name for wrapper in WRAPPERS}) >= len(around)


def test_the_picture_is_one() -> None:
    """docs/report.png is a PNG, light enough for a README."""
    picture = PICTURE.read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 400_000


def test_the_changelog_knows_this_version() -> None:
    """CHANGELOG.md has a section for what is not released, and names the version that the package has."""
    text = (REPO / "CHANGELOG.md").read_text("utf-8")
    assert "## [Unreleased]" in text
    assert __version__ in text


@pytest.mark.parametrize("name", list(COMMANDS))
def test_the_changelog_names_every_option(name: str) -> None:
    """What scripts may rely on is written down, option by option."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    options = {param.opts[-1] for param in command.params if isinstance(param, click.Option)}
    text = (REPO / "CHANGELOG.md").read_text("utf-8")
    assert {option for option in options if not re.search(rf"{option}(?![\w-])", text)} == set()


def test_extras_are_named() -> None:
    """The README says what each optional dependency is for."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    assert {
        extra for extra in project["optional-dependencies"] if not re.search(rf"`{extra}`|\[{extra}\]", README)
    } == set()


def test_accuracy_is_shown_with_its_commands() -> None:
    """The README speaks of every subject that `python -m tests.accuracy` measures, and of no other."""
    section = README.partition("## How accurate is it?")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)", section, re.M)
    assert rows[:1] == ["matching"]
    assert set(rows) | {"lab"} == set(SUBJECTS)
    assert "with `lab`" in section


def test_the_licence_is_whole() -> None:
    """LICENSE is the whole Apache licence that pyproject.toml names."""
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    text = (REPO / "LICENSE").read_text("utf-8")
    assert project["license"] == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_notebook_is_stored_clean() -> None:
    """The notebook holds no outputs and no counts: CI runs it, and a diff shows what a person changed."""
    notebook = json.loads((REPO / "notebooks" / "investigate.ipynb").read_text("utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
