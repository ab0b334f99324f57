"""`python -m wslog` is `wslog`."""

from __future__ import annotations

from wslog.cli import main

if __name__ == "__main__":
    main()
