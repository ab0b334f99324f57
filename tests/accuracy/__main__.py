"""`python -m tests.accuracy SUBJECT …` measures how right wslog is where the truth is known."""

from __future__ import annotations

import importlib
import sys

SUBJECTS = {name: f"tests.accuracy.{name}" for name in ("spikes", "bursts", "matching", "lab")}


def main() -> int:
    """Hand the rest of the command line to the subject's own `run(arguments)`."""
    if len(sys.argv) < 2 or sys.argv[1] not in SUBJECTS:
        sys.stderr.write(f"usage: python -m tests.accuracy {{{','.join(SUBJECTS)}}} …\n")
        return 2
    return int(importlib.import_module(SUBJECTS[sys.argv[1]]).run(sys.argv[2:]))


if __name__ == "__main__":
    sys.exit(main())
