"""A progress bar on stderr while files are read, and a sign of life while they are explained."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Final

READ: Final = "Read; joining and explaining"


@contextlib.contextmanager
def show_progress(*, silent: bool) -> Iterator[Callable[[int, int, str], None] | None]:
    """Yield a callback for `read_events`, which draws bytes, rate and time left; None if *silent*.

    How long the rooms after reading take is not known beforehand, so that they show a spinner and no share.
    """
    if silent:
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    from wslog.render.escape import plain

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading", total=None)
        after = bar.add_task(READ, total=None, visible=False)

        def advance(done: int, total: int, name: str) -> None:
            is_read = done >= total
            shown = plain(name).replace("[", r"\[")
            shown = shown if len(shown) <= 40 else f"…{shown[-39:]}"
            bar.update(task, completed=done, total=total, description=shown, visible=not is_read)
            bar.update(after, completed=done, visible=is_read)

        yield advance
