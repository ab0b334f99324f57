"""The corridor: the one module that takes logs through every room. Files go in, an analysis comes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
from msgspec import Struct

from wslog import __version__
from wslog.cellar import AS_IT_COMES, Cellar
from wslog.ingest import AS_FOUND, Read, ReadOptions, read_events
from wslog.knowledge import Setting, Timeout, load_timeouts
from wslog.memory import open_cellar
from wslog.result import Burst, Clock, Cluster, Document, Window
from wslog.schema import CONNECTIONS, JOINED, Tier, dtypes
from wslog.selection import ALL, Selection
from wslog.summarize import summarize


class Outcome(Struct, frozen=True):
    """An analysis: the document that can be saved, and the table it stands on (`schema.CONNECTIONS`)."""

    document: Document
    connections: pl.DataFrame


def analyze(
    paths: Sequence[str | Path],
    options: ReadOptions = AS_FOUND,
    *,
    selection: Selection = ALL,
    timeouts: Path | None = None,
    anonymize: bool = False,
    memory: str | None = None,
) -> Outcome:
    """Explain how the connections found under *paths* ended.

    Args:
        paths: Files, folders, globs, or `-` for standard input.
        options: How to read them.
        selection: The connections to explain.
        timeouts: A TOML file of the team's own timers.
        anonymize: Replace addresses, user agents and session ids by pseudonyms, and leave rejected text out.
        memory: What to get by with, `1GiB`; what is wide waits on disk beyond. None: 1 GiB, or half of all.

    Raises:
        InputError: If a path is missing, nothing useful was found, or none of the connections is asked for.
        OptionError: If an option cannot be understood.
        KnowledgeError: If the file of timers is broken.
    """
    known = load_timeouts(timeouts)
    with open_cellar(memory) as cellar:
        # Nobody but the next room holds the events, so that they go as soon as they are joined.
        return explain_read(
            read_events(paths, options, cellar=cellar),
            select=selection.apply,
            timeouts=known,
            anonymize=anonymize,
            cellar=cellar,
        )


def explain_read(
    read: Read,
    *,
    select: Callable[[pl.DataFrame], pl.DataFrame],
    timeouts: Sequence[Timeout],
    anonymize: bool = False,
    cellar: Cellar = AS_IT_COMES,
) -> Outcome:
    """Explain events that were read already, by `read_events` or out of the history store.

    Args:
        read: Events, coverage, settings and levels.
        select: `schema.JOINED` rows → those the analysis is about.
        timeouts: Known timers.
        anonymize: Replace what identifies people by pseudonyms.
        cellar: Where wide tables wait.
    """
    coverage, settings, levels, events = read.coverage, read.settings, read.levels, [read.events]
    del read
    if events[0].height:
        found = _explained(events, levels, settings, select=select, timeouts=timeouts, cellar=cellar)
    else:
        found = _nothing(select)
    connections, bursts = found.connections, found.bursts
    if anonymize:
        from wslog.privacy import anonymize_connections, anonymize_coverage, anonymize_networks

        connections, bursts = anonymize_networks(anonymize_connections(connections), bursts)
        coverage = anonymize_coverage(coverage)
    document = summarize(
        connections, clusters=found.clusters, bursts=bursts, clocks=found.clocks, coverage=coverage,
        windows=found.windows, settings=settings, timeouts=timeouts, wslog_version=__version__,
    )  # fmt: skip
    return Outcome(document, connections)


class _Found(Struct, frozen=True):
    """What joining and explaining leave: `schema.CONNECTIONS`, and what the document says besides."""

    connections: pl.DataFrame
    windows: tuple[Window, ...]
    clocks: tuple[Clock, ...]
    clusters: tuple[Cluster, ...] = ()
    bursts: tuple[Burst, ...] = ()


def _explained(
    events: list[pl.DataFrame], levels: frozenset[str], settings: Sequence[Setting],
    *, select: Callable[[pl.DataFrame], pl.DataFrame], timeouts: Sequence[Timeout], cellar: Cellar,
) -> _Found:  # fmt: skip
    """Join and explain the one frame of *events*, which is taken out: what nobody holds need not be in memory twice."""
    # Logs without a WebSocket need neither room, nor numpy, and are looked through on the way to those that have some.
    from wslog.classify import explain_closes
    from wslog.correlate import join_tiers

    joined = join_tiers(events.pop(), cellar=cellar)
    clocks, lifecycle, selected = joined.clocks, joined.lifecycle, select(joined.connections)
    del joined
    windows, rows = _windows(selected), [selected]
    del selected
    explained = explain_closes(
        rows.pop(), lifecycle=lifecycle, levels=levels, settings=settings, timeouts=timeouts, cellar=cellar
    )
    return _Found(explained.connections, windows, clocks, explained.clusters, explained.bursts)


def _nothing(select: Callable[[pl.DataFrame], pl.DataFrame]) -> _Found:
    """What is left of logs without events; *select* hears of it all the same."""
    select(pl.DataFrame(schema=dtypes(JOINED)))
    clock = Clock(tier=Tier.CLIENT, is_reference=True, skew_s=0.0, low_s=None, high_s=None, n=0)
    return _Found(pl.DataFrame(schema=dtypes(CONNECTIONS)), (), (clock,))


def _windows(joined: pl.DataFrame) -> tuple[Window, ...]:
    """First and last close that each tier saw, in order inward; an error log counts where it is all there is."""
    seen = (
        (Tier.CLIENT, "closed_at", "client_ref"),
        (Tier.ALB, "alb_closed_at", "alb_ref"),
        (Tier.NGINX, "nginx_closed_at", "nginx_ref"),
        (Tier.NGINX, "closed_at", "error_ref"),
    )
    windows: list[Window] = []
    for tier, at, ref in seen:
        if ref == "error_ref" and windows:
            break
        seen_here = pl.col(at).filter(pl.col(ref).is_not_null())
        start, end = joined.select(seen_here.min().alias("start"), seen_here.max().alias("end")).row(0)
        if start is not None:
            windows.append(Window(tier=tier, start=start, end=end))
    return tuple(windows)
