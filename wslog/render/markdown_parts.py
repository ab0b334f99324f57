"""What Markdown reports are made of besides sentences: titled tables, and lines to paste within a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wslog.render.escape import plain_block


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> Iterator[str]:
    """Yield a table below its title (empty: none), or nothing if it has no rows; the columns in *right* are numbers."""
    if not rows:
        return
    if title:
        yield from (f"## {title}", "")
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---:' if place in right else '---' for place in range(len(head)))} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def fenced(config: str, *, pad: str) -> Iterator[str]:
    """Yield lines to paste as a code block; *pad* lines it up with the text of its list item."""
    lines = plain_block(config).rstrip("\n").split("\n")
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    yield from ("", f"{pad}{fence}", *(f"{pad}{line}".rstrip() for line in lines), f"{pad}{fence}")
