"""The answers: one sentence, its proof and its advice for each group of drops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec.structs import replace

from wslog.evidence import first_ref, read_evidence
from wslog.result import Burst, Cluster, Finding, Limit
from wslog.schema import Cause
from wslog.summarize.groups import DropGroup
from wslog.summarize.rows import Rows
from wslog.summarize.statements import state
from wslog.wording import counted, joined, sentence, timer, whole_percent

MAX_EXAMPLES: Final = 6
PER_ROW: Final = 3  # lines of proof taken from one connection, so that the examples are of several
PER_KIND: Final = 2  # lines that differ in their numbers only
ROWS: Final = 50
REFS: Final = ("client_ref", "nginx_access_ref", "alb_ref", "nginx_error_ref")
MAX_BURSTS: Final = 3
PER_BURST: Final = 3
AXIS_MEANS: Final = {
    "idle_s": "silence before the close",
    "idle_in_s": "time since the client last received",
    "idle_out_s": "time since the client last sent",
    "lifetime_s": "age at the close",
}


def write_findings(
    groups: Sequence[DropGroup],
    *,
    advice: Sequence[tuple[int, ...]],
    limits: Sequence[Limit],
) -> tuple[Finding, ...]:
    """Write a finding for each group, in the order of the groups.

    Args:
        groups: Drops by cause, tier and timer, ranked.
        advice: For each group the indexes of what speaks to it.
        limits: What the logs could not show; the first tells what would decide unknown drops.
    """
    evidence = [_evidence(group) for group in groups]
    return tuple(
        Finding(
            statement=_statement(group, limits),
            cause=group.cause,
            tier=group.tier,
            timeout_s=group.timeout_s,
            timeout_ids=group.timeout_ids,
            n=group.n,
            share=group.share,
            confidence=_confidence(group),
            evidence=lines,
            advice=indexes,
            proof=first_ref(lines),
        )
        for group, indexes, lines in zip(groups, advice, evidence, strict=True)
    )


def _statement(group: DropGroup, limits: Sequence[Limit]) -> str:
    said = f"{sentence(state(group, counted(group.n, 'connection')))}{_reload(group)}."
    if group.cause is not Cause.UNKNOWN:
        return said
    to_log = next((limit.log_next for limit in limits if limit.log_next), "")
    return f"{said} To know more next time: {to_log[:1].lower()}{to_log[1:]}" if to_log else said


def _reload(group: DropGroup) -> str:
    """Return where the log has the reloads that a group's old workers ended after, for brackets; empty: nowhere."""
    if group.cause is not Cause.PROXY_RELOAD:
        return ""
    lines = [line for burst in group.bursts for line in burst.evidence if "SIGHUP" in line]
    refs = list(dict.fromkeys(ref for ref in (read_evidence(line).ref for line in lines) if ref))[:MAX_BURSTS]
    return f" (reload: {joined(refs)})" if refs else ""


def _confidence(group: DropGroup) -> float:
    """Return the mean of the rows' confidence; rows without one count as 0."""
    mean = group.drops.column("confidence").fill_nan(None).fill_null(0.0).mean()
    return mean if isinstance(mean, float) else 0.0


def _evidence(group: DropGroup) -> tuple[str, ...]:
    """Put the proof together: bursts, the surest connections' own lines, clusters."""
    bursts = sorted(group.bursts, key=lambda burst: -burst.n)[:MAX_BURSTS]
    parts = (
        *(line for burst in bursts for line in _burst(burst, group.moment(burst))),
        *_examples(group.drops),
        *(_cluster(cluster) for cluster in group.clusters),
    )
    return tuple(dict.fromkeys(part for part in parts if part))


def _examples(drops: Rows) -> list[str]:
    """Take the strongest evidence of the connections with the highest confidence, each kind of line at most twice.

    A line that names no `file:line` of its own gets that of the connection it is about.
    """
    line = pl.col("evidence")
    lines = (
        _surest(drops)
        .take_few("evidence", *REFS)
        .select(line.list.drop_nulls().list.head(PER_ROW), ref=pl.coalesce(REFS))
        .filter(line.list.len() > 0)
        .explode("evidence")
        .with_columns(kind=line.str.replace_all(r"^\S+:\d+|\d[\d.]*", "#"))
        .with_columns(
            pl.when(line.str.contains(r"^\S+:\d+\b") | pl.col("ref").is_null())
            .then(line)
            .otherwise(pl.concat_str("ref", line, separator=": "))
        )
        .unique("evidence", keep="first", maintain_order=True)
        .filter(pl.int_range(pl.len()).over("kind") < PER_KIND)
    )
    return lines["evidence"].head(MAX_EXAMPLES).to_list()


def _surest(drops: Rows) -> Rows:
    """Return the `ROWS` rows with the highest confidence of those with evidence."""
    has_lines = drops.table.select(pl.col("evidence").list.len() > 0).to_series()[drops.places]
    proven = replace(drops, places=drops.places.filter(has_lines))
    order = pl.arg_sort_by("confidence", descending=True, nulls_last=True, maintain_order=True)
    surest = proven.take("confidence").select(order.head(ROWS)).to_series()
    return replace(proven, places=proven.places[surest])


def _burst(burst: Burst, at: str) -> tuple[str, ...]:
    """Return a burst's own evidence with its moment, or what its numbers say."""
    if burst.evidence:
        return (f"{at}: {burst.evidence[0]}", *burst.evidence[1:PER_BURST])
    length = (burst.until - burst.at).total_seconds()
    within = f" within {timer(length)}" if length >= 1 else ""
    killed = "" if burst.killed_share is None else f", {whole_percent(burst.killed_share)} of those open there"
    return (f"{at}: {counted(burst.n, 'connection')} ended{within} ({burst.scope}){killed}",)


def _cluster(cluster: Cluster) -> str:
    chance = "below 1e-12" if cluster.p_value < 1e-12 else f"{cluster.p_value:.1g}"
    of_what = AXIS_MEANS.get(cluster.axis, cluster.axis)
    return (
        f"{counted(cluster.n, 'drop')} pile up at {timer(cluster.center_s)} of {of_what} "
        f"(90 % within {timer(cluster.width_s)}); the chance of that without a timer is {chance}"
    )
