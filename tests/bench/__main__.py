"""`python -m tests.bench` measures wslog against baselines and peers, interleaved, and prints a table with ratios."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import wslog
from tests.bench.contenders import ALL_SOURCES, GROUPS, Contender
from tests.bench.measure import Figure, Logs, Sample, run, summed_up

LIBRARIES: Final = ("wslog", "polars", "isal", "duckdb", "numpy")


def machine() -> dict[str, str]:
    """Return what the figures depend on."""
    cpu_info = Path("/proc/cpuinfo")
    models = [line.partition(": ")[2] for line in cpu_info.read_text().splitlines() if line.startswith("model name")]
    load = " ".join(f"{n:.1f}" for n in os.getloadavg())
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "load before": load,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "-"


def check(printed: str, contender: Contender, logs: Logs) -> None:
    """Compare what wslog counted with what was written.

    Raises:
        AssertionError: If a line or a WebSocket is missing.
    """
    report = json.loads(printed)
    files = report["coverage"]["files"]
    kinds = ALL_SOURCES if contender.logs == "all" else (contender.logs,)
    n_lines = sum(logs.n_lines[kind] for kind in kinds)
    counted = sum(file["lines"] for file in files)
    assert counted == n_lines, f"{contender.name} on {contender.logs}: {counted} of {n_lines} lines"
    n_rejected, n_damaged = sum(file["rejected"] for file in files), logs.n_damaged.get(contender.logs, 0)
    assert n_rejected <= n_damaged, f"{contender.name}: {n_rejected} rejects, {n_damaged} damaged lines"
    opened, n_websockets = report["totals"]["opened"], max(logs.n_websockets[kind] for kind in kinds)
    assert opened >= n_websockets, f"{contender.logs}: {opened} of {n_websockets} WebSockets"


def measure(
    folder: Path, logs: Logs, *, rounds: int, gigabytes: float, only: str = ""
) -> Iterator[tuple[str, dict[str, Figure | str]]]:
    """Yield per group the figure of each contender, or why it has none; each round runs all of a group in turn."""
    for group, contenders in GROUPS.items():
        if only not in group:
            continue
        samples: dict[str, list[Sample]] = {contender.name: [] for contender in contenders if not contender.missing}
        notes = {c.name: f"{c.missing} is not installed" for c in contenders if c.missing}
        for contender in contenders:
            if gigabytes > contender.most_gigabytes:
                notes.setdefault(contender.name, "left out: it would take minutes")
        for _ in range(rounds):
            for contender in contenders:
                if contender.name not in notes:
                    sample = run(contender.words, folder=folder)
                    samples[contender.name].append(sample)
                    if contender.is_wslog:
                        check(sample.printed, contender, logs)
        yield group, {name: summed_up(taken) for name, taken in samples.items() if taken} | notes


def table(results: Mapping[str, Mapping[str, Figure | str]]) -> str:
    """Return the figures as text; ratios are to the first row of each group."""
    head = f"{'':40}{'wall s':>8} {'(min..max)':>14}{'CPU s':>8}{'peak MB':>9}{'wall':>7}x{'CPU':>7}x"
    lines = []
    for group, figures in results.items():
        lines += ["", group, head]
        base = next((figure for figure in figures.values() if isinstance(figure, Figure)), None)
        for name, figure in figures.items():
            if isinstance(figure, str) or base is None:
                lines.append(f"  {name:38}{figure}")
                continue
            between = f"{figure.wall_min_s:.2f}..{figure.wall_max_s:.2f}"
            ratios = f"{figure.wall_s / max(base.wall_s, 1e-3):8.2f}{figure.cpu_s / max(base.cpu_s, 1e-3):8.2f}"
            numbers = f"{figure.wall_s:8.2f} {between:>14}{figure.cpu_s:8.2f}{figure.peak_mb:9.0f}"
            lines.append(f"  {name:38}{numbers}{ratios}")
    return "\n".join(lines) + "\n"


def bench(folder: Path, *, gigabytes: float, rounds: int, only: str = "") -> dict[str, object]:
    """Write the logs, measure, print the table, and return all of it for the JSON file."""
    facts = machine()
    # As pip does when it installs: told to write no bytecode, Python compiles an editable install for each run.
    compileall.compile_dir(Path(wslog.__file__).parent, quiet=1)
    written = run((sys.executable, "-m", "tests.bench.logs", str(folder), str(gigabytes)), folder=Path.cwd())
    logs = Logs(**json.loads(written.printed))
    sizes = ", ".join(f"{name} {n / 1e6:.1f} MB in {logs.n_lines[name]:,} lines" for name, n in logs.n_bytes.items())
    sys.stdout.write("\n".join(f"{name}: {value}" for name, value in facts.items()) + f"\nlogs: {sizes}\n")
    results = dict(measure(folder, logs, rounds=rounds, gigabytes=gigabytes, only=only))
    sys.stdout.write(table(results))
    return {
        "machine": facts,
        "gigabytes": gigabytes,
        "bytes": dict(logs.n_bytes),
        "lines": dict(logs.n_lines),
        "figures": {
            group: {name: figure if isinstance(figure, str) else asdict(figure) for name, figure in figures.items()}
            for group, figures in results.items()
        },
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--size", type=float, default=0.1, help="GB of ALB text (0.01, 0.1, 1)  [default: 0.1]")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command; the table has medians")
    parser.add_argument("--only", default="", help="only groups whose name holds this text")
    parser.add_argument("--folder", type=Path, help="where to write the logs  [default: a temporary folder]")
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where to write the figures")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        figures = bench(given.folder or Path(temporary), gigabytes=given.size, rounds=given.rounds, only=given.only)
    given.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
