"""A progress bar on stderr while files are read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from wslog.render.escape import plain


@contextlib.contextmanager
def show_progress(*, silent: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """Yield a callback for `read_events`, which draws bytes, rate and time left; None if *silent*."""
    if silent:
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)

        def advance(done: int, total: int, name: str) -> None:
            shown = plain(name).replace("[", r"\[")
            bar.update(task, completed=done, total=total, description=shown if len(shown) <= 40 else f"…{shown[-39:]}")

        yield advance
