"""From classified connections to the one result: shares, trends, findings, advice, limits and the verdict."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import polars as pl

from wslog.knowledge import Setting, Timeout
from wslog.result import SCHEMA_VERSION, Burst, Clock, Cluster, Coverage, Document, Window
from wslog.summarize.answers import answer
from wslog.summarize.breakdown import break_down
from wslog.summarize.causes import count_causes
from wslog.summarize.certainty import add_certainty, share_by_owner
from wslog.summarize.chart_data import collect_chart_data
from wslog.summarize.drops import drops_in, in_order
from wslog.summarize.facts import gather_facts
from wslog.summarize.groups import group_drops
from wslog.summarize.reconnects import summarize_reconnects
from wslog.summarize.timeline import build_timeline
from wslog.summarize.totals import count_totals
from wslog.summarize.verdict import write_verdict
from wslog.summarize.windows import shared_window

__all__ = ["summarize"]


def summarize(
    connections: pl.DataFrame,
    *,
    clusters: Sequence[Cluster],
    bursts: Sequence[Burst],
    clocks: Sequence[Clock],
    coverage: Coverage,
    windows: Sequence[Window],
    settings: Sequence[Setting],
    timeouts: Sequence[Timeout],
    wslog_version: str,
) -> Document:
    """Say what happened to the connections, as the one object that every report is a reading of.

    Args:
        connections: `schema.CONNECTIONS`, the columns of the verdict filled; any order of rows.
        clusters: Idle and lifetime clusters; ids equal `cluster_id`.
        bursts: Mass drops.
        clocks: Skew of each tier.
        coverage: What was read.
        windows: One per tier; the shared one is appended.
        settings: Timers found in configuration.
        timeouts: What is known about timers.
        wslog_version: Written into the document.
    """
    ordered = in_order(connections)  # sums of floats depend on the order
    drops = drops_in(ordered)
    shared = shared_window(windows)
    all_windows = (*windows, shared)
    in_time = sorted(bursts, key=lambda burst: (burst.at, burst.until, burst.scope))
    reconnects = summarize_reconnects(drops, connections, bursts=in_time, windows=all_windows)
    grouped = functools.partial(
        group_drops, drops, clusters=clusters, bursts=in_time, known={timeout.id: timeout for timeout in timeouts},
        with_date=_spans_days(connections),
    )  # fmt: skip
    groups = grouped(is_fine=True)
    totals = count_totals(ordered)
    facts = gather_facts(
        groups, drops, coverage=coverage, clocks=clocks, shared=shared, settings=settings, totals=totals
    )
    answers = answer(groups, facts, reconnects)
    causes = count_causes(drops, answers.findings)
    return Document(
        schema_version=SCHEMA_VERSION,
        wslog_version=wslog_version,
        verdict=write_verdict(grouped(is_fine=False), totals),
        window=all_windows,
        coverage=coverage,
        clocks=tuple(clocks),
        totals=add_certainty(totals, causes, answers.findings),
        causes=causes,
        owners=share_by_owner(causes, answers.findings),
        clusters=tuple(clusters),
        bursts=tuple(in_time),
        reconnects=reconnects,
        findings=answers.findings,
        advice=answers.advice,
        limits=answers.limits,
        timeline=build_timeline(drops, connections, window=shared),
        by=break_down(ordered),
        charts=collect_chart_data(drops, clusters=clusters, settings=settings, timeouts=timeouts),
    )


def _spans_days(connections: pl.DataFrame) -> bool:
    """Return whether an hour and minute alone would be ambiguous in a sentence."""
    return connections["closed_at"].drop_nulls().dt.date().n_unique() > 1
