"""The blocks of the documentation that show what wslog prints or knows: `python -m tests.printed` writes them anew.

A block stands in a Markdown file between `<!-- printed: WHAT -->` and the next `<!-- end -->`. `tests/test_docs.py`
fails when one is out of date. `python -m tests.printed --picture` also takes the picture of the report, with Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from wslog.cli import COMMANDS
from wslog.ingest.formats import FORMATS
from wslog.ingest.kinds.foreign import FOREIGN

REPO: Final = Path(__file__).resolve().parents[1]
PAGES: Final = ("README.md", "docs/formats.md")
PICTURE: Final = REPO / "docs" / "report.png"
BLOCK: Final = re.compile(r"(<!-- printed: (?P<what>.+?) -->\n).*?(<!-- end -->)", re.S)
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PICTURE_SIZE: Final = "1180,1370"  # the verdict, the totals and the causes


def console(*args: str, width: int) -> str:
    """Return a command line and what it prints on stdout, as a block; a process of its own, as a user's is."""
    command = [sys.executable, "-m", "wslog", *args]
    environment = {**os.environ, "COLUMNS": str(width), "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, check=True, capture_output=True, cwd=REPO, env=environment)
    return f"```console\n$ wslog {' '.join(args)}\n{done.stdout.decode().rstrip()}\n```\n"


def sample_report() -> str:
    """Return the report on the sample logs, as a terminal of 80 columns shows it."""
    return console("analyze", "sample_logs/", "--no-output", width=80).replace(" --no-output\n", "\n", 1)


def formats() -> str:
    """Return the formats that are read, as a table."""
    rows = [f"| `{form.name}` | {form.about} | [reference]({form.source}) |\n" for form in FORMATS]
    return "| format | what | source |\n|---|---|---|\n" + "".join(rows)


def foreign() -> str:
    """Return the files that are named and skipped, as a table."""
    rows = [f"| {kind.about} | {kind.why} |\n" for kind in FOREIGN]
    return "| what | why it is skipped, and what helps instead |\n|---|---|\n" + "".join(rows)


BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "wslog analyze sample_logs/": sample_report,
    "wslog --help": lambda: console("--help", width=100),
    **{f"wslog {name} --help": (lambda name=name: console(name, "--help", width=100)) for name in COMMANDS},
    "formats": formats,
    "foreign": foreign,
}


def renewed(page: str) -> str:
    """Return the text of a page with every block as it would be printed now.

    Raises:
        KeyError: If the page has a block that nothing prints.
    """
    return BLOCK.sub(lambda match: match[1] + BLOCKS[match["what"]]() + match[3], page)


def take_picture() -> None:
    """Draw the head of the sample's report.html with a headless browser."""
    browser = next(path for name in _BROWSERS if (path := shutil.which(name)))
    with tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report"
        analyze = [sys.executable, "-m", "wslog", "analyze", "sample_logs/", "-o", str(report)]
        subprocess.run(analyze, check=True, capture_output=True, cwd=REPO)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={place}/profile"]
        picture = [f"--window-size={_PICTURE_SIZE}", f"--screenshot={PICTURE}"]
        subprocess.run([browser, *flags, *picture, (report / "report.html").as_uri()], check=True, capture_output=True)


def main() -> None:
    """Write every page anew."""
    for name in PAGES:
        page = REPO / name
        page.write_text(renewed(page.read_text("utf-8")), "utf-8")
    if "--picture" in sys.argv[1:]:
        take_picture()


if __name__ == "__main__":
    main()
