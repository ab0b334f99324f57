"""The shape of the code, as docs/architecture.md draws it."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

REPO: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = REPO / "wslog"
ROOMS: Final = ("ingest", "correlate", "classify", "summarize", "render")
SHARED: Final = {
    "weekly_result", "result", "knowledge", "evidence", "wording", "cellar", "addresses", "zones", "schema", "errors",
}  # fmt: skip
DOORS: Final = ("cli.py", "notebook.py", "commands")
HEAVY: Final = {"pandas", "matplotlib", "pyarrow", "jinja2", "zstandard", "rich", "IPython"}
ABOVE: Final[Mapping[str, set[str]]] = {  # who knows rooms, and which
    "commands": {"ingest", "summarize", "render"},  # thresholds, words for stdout; `inspect` needs no more than events
    "notebook.py": {"ingest", "render"},
    "store": {"ingest"},  # it keeps what ingest reads; the rest of the way is the pipeline's
    "pipeline.py": set(ROOMS) - {"render"},
    "privacy.py": {"summarize"},  # families of user agents
    "forms.py": {"render"},
    "weekly": {"summarize"},  # a week is counted by the measure of an analysis
    "cli.py": {"render"},  # escapes what an error message quotes
}
CHANCE: Final = {"store/place.py"}  # names of temporary files, which nobody reads
MOST_LINES: Final = 300
MOST_IN_FUNCTION: Final = 40
LONG: Final[Mapping[str, str]] = {
    "schema.py": "the columns and the closed sets, one after the other: a dictionary",
    "notebook.py": "the public face in Python: one short method after the other",
}
LONG_FUNCTIONS: Final[Mapping[str, str]] = {
    "read_record": "one expression per field of a client record",
    "parse_connections": "one expression per field of the ALB's connection log",
}
MODULES: Final = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def is_door(path: Path) -> bool:
    return name_of(path).split("/")[0] in DOORS


def imported(tree: ast.AST) -> Iterator[str]:
    """Give the dotted names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def ours_known(place: Path) -> dict[str, set[str]]:
    """Return what each module of a place imports of the package's top level, also inside functions."""
    known = {}
    for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
        names = imported(ast.parse(path.read_text("utf-8")))
        known[name_of(path)] = {name.split(".")[1] for name in names if name.startswith("wslog.")}
    return known


@pytest.fixture(params=MODULES, ids=name_of)
def module(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def test_a_module_says_what_comes_out_of_it(module: Path) -> None:
    """Each module that has code opens with a docstring, and none is a drawer for odds and ends."""
    tree = ast.parse(module.read_text("utf-8"))
    assert not tree.body or ast.get_docstring(tree)
    assert module.stem not in {"utils", "util", "helpers", "common", "misc"}


def n_lines(function: ast.FunctionDef) -> int:
    """Count a function's lines without its head and its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_a_module_has_one_idea(module: Path) -> None:
    """At most 300 lines in a module and 40 in a function: past that, look for the second idea, or say why not."""
    text = module.read_text("utf-8")
    assert text.count("\n") <= MOST_LINES or name_of(module) in LONG
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    long = {node.name: n_lines(node) for node in functions if n_lines(node) > MOST_IN_FUNCTION}
    assert {name: n for name, n in long.items() if name not in LONG_FUNCTIONS} == {}


def test_exceptions_are_still_needed() -> None:
    """Who stands on a list of exceptions is long: a shortened module leaves it."""
    assert {name for name in LONG if (PACKAGE / name).read_text("utf-8").count("\n") <= MOST_LINES} == set()
    trees = [ast.parse(path.read_text("utf-8")) for path in MODULES]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    long = {node.name for node in functions if n_lines(node) > MOST_IN_FUNCTION}
    assert set(LONG_FUNCTIONS) <= long


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_never_import_one_another(room: str) -> None:
    """A room knows itself and what all rooms share, nothing else of wslog."""
    known = ours_known(PACKAGE / room)
    assert known
    assert {name for name, ours in known.items() if not ours <= SHARED | {room}} == set()


def test_who_knows_rooms() -> None:
    """Above the rooms each place knows the rooms named here, and every other place knows none."""
    places = {name_of(path).split("/")[0] for path in MODULES} - set(ROOMS)
    known = {place: set().union(*ours_known(PACKAGE / place).values()) & set(ROOMS) for place in places}
    assert {place: rooms for place, rooms in known.items() if rooms} == ABOVE


@pytest.mark.parametrize("shared", sorted(SHARED))
def test_what_rooms_share_knows_no_room(shared: str) -> None:
    """result, knowledge, schema and errors can be read without any room."""
    place = PACKAGE / shared
    known = ours_known(place if place.is_dir() else place.with_suffix(".py"))
    assert {name for name, ours in known.items() if not ours <= SHARED} == set()


def test_no_clock_no_chance_no_printing_below_the_doors(module: Path) -> None:
    """The same logs give the same bytes; only doors speak."""
    tree = ast.parse(module.read_text("utf-8"))
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert "print" not in calls
    if not is_door(module):
        clocks = {call for call in calls if call.endswith((".now", ".today", ".utcnow", "time.time", "time.time_ns"))}
        assert clocks == set()
        chance = {name.split(".")[0] for name in imported(tree)} & {"random", "secrets", "uuid"}
        assert chance == set() or name_of(module) in CHANCE


def test_heavy_libraries_load_when_used(module: Path) -> None:
    """What takes long to import is imported inside functions, so that a command that needs none starts at once."""
    tree = ast.parse(module.read_text("utf-8"))
    at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not {name.split(".")[0] for node in at_once for name in imported(node)} & HEAVY


def test_the_page_and_the_contract_name_every_place() -> None:
    """docs/architecture.md and the import contract know each top-level place of the package."""
    page = (REPO / "docs" / "architecture.md").read_text("utf-8")
    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))
    layers = " ".join(project["tool"]["importlinter"]["contracts"][0]["layers"]).replace("wslog.", "").split()
    places = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    places -= {"__init__", "__main__"}
    assert {place for place in places if place not in layers} == set()
    assert {place for place in places if place not in page} == set()


def test_the_page_names_every_place_of_ingest() -> None:
    """The largest room has folders and a table of its own; the second import contract is exhaustive by itself."""
    table = (REPO / "docs" / "architecture.md").read_text("utf-8").split("## Inside ingest")[1].split("\n## ")[0]
    places = [path for path in (PACKAGE / "ingest").iterdir() if not path.name.startswith("_")]
    names = {f"{path.name}/" if path.is_dir() else path.name for path in places}
    assert {name for name in names if f"`{name}`" not in table} == set()
