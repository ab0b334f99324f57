"""Work on many pieces at once, results in the order of the pieces.

polars, zlib and ISA-L let go of the interpreter while they work, so threads are enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Final, TypeVar

import polars as pl

T = TypeVar("T")
R = TypeVar("R")

AHEAD: Final = 1  # pieces waiting beyond those being worked on


def usable_cores() -> int:
    """Return how many cores this process may use: `POLARS_MAX_THREADS`, which `--jobs` sets, or all."""
    return pl.thread_pool_size()


class Lanes:
    """A number of workers; one lane works in the caller's own thread."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="wslog") if jobs > 1 else None

    def __enter__(self) -> Lanes:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)  # after Ctrl-C only the pieces at work are waited for

    def map(self, work: Callable[[T], R], pieces: Iterable[T]) -> Iterator[R]:
        """Yield `work(piece)` of each piece in order; at most a few pieces are taken ahead."""
        if self._pool is None:
            yield from map(work, pieces)
            return
        waiting: deque[Future[R]] = deque()
        for piece in pieces:
            waiting.append(self._pool.submit(work, piece))
            if len(waiting) >= self._jobs + AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
