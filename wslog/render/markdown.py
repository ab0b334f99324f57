"""The report as Markdown for a ticket or a chat: the findings in full, the rest in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wslog.render import names, numbers
from wslog.render.escape import markdown, markdown_code, plain_block
from wslog.result import Advice, Document, FileCoverage, Finding

_MOST_EVIDENCE = 3
_MOST_BURSTS = 10
_MOST_FILES = 30


def render_markdown(document: Document) -> str:
    """Return the report as GitHub-flavoured Markdown; whatever came from a log is escaped or in a code span."""
    parts = [
        *_head(document),
        *_causes(document),
        *_findings(document),
        *_changes(document),
        *_clusters(document),
        *_bursts(document),
        *_reconnects(document),
        *_limits(document),
        *_clocks(document),
        *_coverage(document),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


def _head(document: Document) -> Iterator[str]:
    totals = document.totals
    yield f"# {markdown(document.verdict)}"
    yield ""
    parts = [
        f"**{numbers.counted(totals.drops, 'drop')}**",
        f"{numbers.counted(totals.attempts, 'attempt')}, {numbers.count(totals.opened)} opened",
        f"{numbers.decimal(totals.connection_hours)} connection hours",
    ]
    if totals.drops_per_1000_connection_hours is not None:
        parts.append(f"{numbers.decimal(totals.drops_per_1000_connection_hours)} drops per 1000 connection hours")
    if totals.offline_seconds is not None:
        parts.append(f"clients offline for {numbers.seconds(totals.offline_seconds)}")
    shared = next((window for window in document.window if window.tier is None), None)
    if shared is not None and shared.start is not None:
        parts.append(numbers.span(shared.start, shared.end))
    yield " · ".join(parts)
    yield ""


def _causes(document: Document) -> Iterator[str]:
    rows = [
        (
            markdown(names.cause_label(share, document)),
            numbers.count(share.n),
            numbers.percent(share.share),
            numbers.percent_range(share.share_low, share.share_high),
        )
        for share in document.causes
    ]
    yield from _table("Causes", ("cause", "drops", "share", "95 % interval"), rows, right=(1, 2, 3))


def _findings(document: Document) -> Iterator[str]:
    if not document.findings:
        return
    yield from ("## Findings", "")
    for number, finding in enumerate(document.findings, start=1):
        yield from _finding(document, finding, number)


def _finding(document: Document, finding: Finding, number: int) -> Iterator[str]:
    sure = f"{numbers.percent(finding.confidence)} sure"
    yield f"### {number}. {markdown(finding.statement)}"
    yield ""
    yield f"{markdown(names.finding_label(finding))} · {numbers.counted(finding.n, 'drop')} · {sure}"
    yield ""
    if finding.evidence:
        yield from (f"- {markdown_code(line)}" for line in finding.evidence[:_MOST_EVIDENCE])
        if len(finding.evidence) > _MOST_EVIDENCE:
            yield f"- {numbers.count(len(finding.evidence) - _MOST_EVIDENCE)} more in report.html"
        yield ""
    known = [n for n in dict.fromkeys(finding.advice) if 0 <= n < len(document.advice)]
    if known:
        yield f"To change: {numbers.joined([f'item {n + 1}' for n in known])} below."
        yield ""


def _changes(document: Document) -> Iterator[str]:
    if not document.advice:
        return
    yield from ("## What to change", "")
    for number, advice in enumerate(document.advice, start=1):
        yield from _change(advice, number)
        yield ""


def _change(advice: Advice, number: int) -> Iterator[str]:
    # The pad lines the code block up with the text of its list item, so that it belongs to it.
    pad = " " * (len(str(number)) + 2)
    yield f"{number}. {markdown(' '.join(advice.text.split()))} · **{names.advice_gain(advice)}**"
    if advice.config:
        lines = plain_block(advice.config).rstrip("\n").split("\n")
        fence = "```"
        while any(fence in line for line in lines):
            fence += "`"
        yield from ("", f"{pad}{fence}", *(f"{pad}{line}".rstrip() for line in lines), f"{pad}{fence}")


def _clusters(document: Document) -> Iterator[str]:
    rows = [
        (
            markdown(names.cluster_label(cluster)),
            markdown(names.timer_names(cluster.timeout_ids) or "none known"),
            numbers.count(cluster.n),
            numbers.percent(cluster.share),
        )
        for cluster in document.clusters
    ]
    yield from _table("Clusters", ("drops", "timers of that value", "n", "share"), rows, right=(2, 3))


def _bursts(document: Document) -> Iterator[str]:
    largest = sorted(document.bursts, key=lambda burst: -burst.n)[:_MOST_BURSTS]
    rows = [
        (
            numbers.instant(burst.at),
            numbers.count(burst.n),
            "" if burst.killed_share is None else numbers.percent(burst.killed_share),
            markdown_code(burst.scope, in_table=True),
            names.cause_name(burst.cause),
        )
        for burst in sorted(largest, key=lambda burst: burst.at)
    ]
    left_out = len(document.bursts) - len(largest)
    title = f"Bursts, the {_MOST_BURSTS} largest of {len(document.bursts)}" if left_out else "Bursts"
    yield from _table(title, ("began, UTC", "closes", "of those open", "what they share", "cause"), rows, right=(1, 2))


def _reconnects(document: Document) -> Iterator[str]:
    found = document.reconnects
    if not found.n and not found.gave_up:
        return
    yield from ("## Coming back", "")
    yield (
        f"{numbers.counted(found.n, 'reconnect')}: median {numbers.seconds(found.p50_s)}, "
        f"95 % within {numbers.seconds(found.p95_s)}; {numbers.counted(found.gave_up, 'client')} never came back."
    )
    for storm in found.storms[:_MOST_BURSTS]:
        pace = f"{numbers.decimal(storm.per_second)} a second, usual {numbers.decimal(storm.usual_per_second)}"
        yield f"Storm at {numbers.instant(storm.at)} UTC: {numbers.counted(storm.n, 'attempt')}, {pace}."
    yield ""


def _limits(document: Document) -> Iterator[str]:
    if not document.limits:
        return
    yield from ("## What these logs cannot show", "")
    for limit in document.limits:
        after = f" Next time: {markdown(limit.log_next)}" if limit.log_next else ""
        yield f"- {markdown(limit.text)}{after}"
    yield ""


def _clocks(document: Document) -> Iterator[str]:
    rows = [
        (
            names.TIERS[clock.tier],
            "reference" if clock.is_reference else numbers.signed_seconds(clock.skew_s),
            "" if clock.is_reference else numbers.count(clock.n),
            markdown(clock.note),
        )
        for clock in document.clocks
    ]
    yield from _table("Clocks", ("tier", "runs ahead by", "pairs", "note"), rows, right=(1, 2))


def _coverage(document: Document) -> Iterator[str]:
    files = document.coverage.files
    # Files with rejects first: those are what a reader may have to act on.
    shown = sorted(files, key=lambda file: (file.rejected == 0, file.path))[:_MOST_FILES]
    title = f"What was read, {_MOST_FILES} of {numbers.counted(len(files), 'file')}" if len(shown) < len(files) else ""
    head = ("file", "format", "lines", "events", "rejected", "first rejected")
    yield from _table(title or "What was read", head, [_file(file) for file in shown], right=(2, 3, 4))


def _file(file: FileCoverage) -> tuple[str, ...]:
    first = file.rejects[0] if file.rejects else None
    return (
        markdown_code(file.path, in_table=True),
        markdown(file.format),
        numbers.count(file.lines),
        numbers.count(file.events),
        numbers.count(file.rejected),
        f"line {first.line}: {markdown(first.reason)}" if first else "",
    )


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int]) -> Iterator[str]:
    """Return a titled table, or nothing if it has no rows; the columns in *right* are numbers."""
    if not rows:
        return
    yield from (f"## {title}", "")
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---:' if place in right else '---' for place in range(len(head)))} |"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""
