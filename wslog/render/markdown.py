"""The report as Markdown for a ticket or a chat: the findings in full, the rest in tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wslog import wording as numbers
from wslog.evidence import read_evidence
from wslog.render import names
from wslog.render.cause_rows import cause_rows, certainty_words
from wslog.render.escape import markdown, markdown_code
from wslog.render.markdown_parts import fenced, table
from wslog.result import Advice, Document, FileCoverage, Finding
from wslog.schema import Cause, Format, Tier

_MOST_EVIDENCE = 3
_SOME_EVIDENCE = 1  # where the share is below
_LARGE = 0.05
_TINY = 0.01  # findings below this share and this many drops are only counted
_TINY_N = 3
_MOST_CONFIGS = 3  # of so many lines, and of so many reasons: the rest are in report.html
_MOST_CONFIG_LINES = 24
_MOST_REASONS = 5
_MOST_BURSTS = 6
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
    ]
    if totals.connection_hours or not totals.opened:
        parts.append(f"{numbers.decimal(totals.connection_hours)} connection hours")
    if totals.drops_per_1000_connection_hours is not None:
        parts.append(f"{numbers.decimal(totals.drops_per_1000_connection_hours)} drops per 1000 connection hours")
    if totals.offline_seconds is not None:
        parts.append(names.offline(totals.offline_seconds))
    if sure := certainty_words(document.totals):
        parts.append(sure)
    shared = next((window for window in document.window if window.tier is None), None)
    if shared is not None and shared.start is not None:
        parts.append(numbers.span(shared.start, shared.end))
    yield " · ".join(parts)
    yield ""


def _causes(document: Document) -> Iterator[str]:
    rows = [
        (
            markdown(row.label),
            numbers.count(row.n),
            numbers.percent(row.share),
            "" if row.confidence is None else numbers.percent(row.confidence),
            markdown_code(row.proof, in_table=True) if row.proof else "",
        )
        for row in cause_rows(document)
    ]
    yield from table("Causes", ("cause", "drops", "share", "sure", "strongest proof"), rows, right=(1, 2, 3))


def _findings(document: Document) -> Iterator[str]:
    """Write one block for each cause and tier; findings too small to act on are only counted."""
    if not document.findings:
        return
    tiny = [finding for finding in document.findings if finding.share < _TINY and finding.n < _TINY_N]
    blocks: dict[tuple[Cause, Tier], list[Finding]] = {}
    for finding in document.findings:
        if finding not in tiny:
            blocks.setdefault((finding.cause, finding.tier), []).append(finding)
    yield from ("## Findings", "")
    for findings in blocks.values():
        yield from _block(document, findings)
    if tiny:
        n = sum(finding.n for finding in tiny)
        yield f"Others, in report.html: {numbers.counted(len(tiny), 'finding')} with {numbers.counted(n, 'drop')}."
        yield ""


def _block(document: Document, findings: Sequence[Finding]) -> Iterator[str]:
    """Write a finding with its evidence, or several of one cause with the strongest line's place of each."""
    if len(findings) == 1:
        (only,) = findings
        yield f"### {markdown(only.statement)}"
        yield ""
        share = numbers.percent(only.share)
        if only.cause is not Cause.UNKNOWN:
            share += f", {numbers.percent(only.confidence)} sure"
        yield f"{markdown(names.finding_label(only))} · {share}{_items(document, only, ' · to change: {}')}"
        most = _MOST_EVIDENCE if only.share >= _LARGE else _SOME_EVIDENCE
        if only.evidence:
            yield ""
        yield from (_evidence(line) for line in only.evidence[:most])
    else:
        n = sum(finding.n for finding in findings)
        of_all = numbers.percent(sum(finding.share for finding in findings))
        title = names.label(findings[0].cause, findings[0].tier, None, ())
        yield f"### {markdown(title)}: {numbers.counted(n, 'drop')}, {of_all}"
        yield ""
        for finding in findings:
            sure = f"{numbers.percent(finding.confidence)} sure"
            proof = f" {markdown_code(finding.proof)}" if finding.proof else ""
            yield f"- {markdown(finding.statement)}{proof} ({sure}{_items(document, finding, '; {}')})"
    yield ""


def _evidence(line: str) -> str:
    return f"- {markdown_code(read_evidence(line).said)}"


def _items(document: Document, finding: Finding, form: str) -> str:
    """Return which pieces of advice below a finding points to, in *form*; empty: none."""
    known = [n for n in dict.fromkeys(finding.advice) if 0 <= n < len(document.advice)]
    if not known:
        return ""
    return form.format(f"item{'s' if len(known) > 1 else ''} {numbers.joined([str(n + 1) for n in known])}")


def _changes(document: Document) -> Iterator[str]:
    if not document.advice:
        return
    told = "One drop can count for several of these. Reasons and lines to paste that are not here are in report.html."
    yield from ("## What to change", "", told, "")
    n_configs = 0
    for number, advice in enumerate(document.advice, start=1):
        is_short = 0 < advice.config.count("\n") <= _MOST_CONFIG_LINES
        shows = is_short and n_configs < _MOST_CONFIGS
        yield from _change(advice, number, with_reason=number <= _MOST_REASONS, with_config=shows)
        yield ""
        n_configs += shows


def _change(advice: Advice, number: int, *, with_reason: bool, with_config: bool) -> Iterator[str]:
    title = names.first_sentence(advice.text)
    rest = markdown(" ".join(advice.text[len(title) :].split()))
    gain = names.advice_gain(advice)
    yield f"{number}. **{markdown(title)}** {gain[:1].upper()}{gain[1:]}. {rest if with_reason else ''}".rstrip()
    if advice.config and with_config:
        yield from fenced(advice.config, pad=" " * (len(str(number)) + 2))


def _clusters(document: Document) -> Iterator[str]:
    rows = [
        (
            markdown(names.cluster_label(cluster)),
            markdown(names.cluster_timers(cluster, document.findings) or "none known"),
            numbers.count(cluster.n),
            numbers.percent(cluster.share),
        )
        for cluster in document.clusters
    ]
    yield from table("Clusters", ("drops", "timers of that value", "n", "share"), rows, right=(2, 3))
    if rows:
        yield from (f"{names.CLUSTER_SHARES}.", "")


def _bursts(document: Document) -> Iterator[str]:
    largest = names.largest_bursts(document.bursts, _MOST_BURSTS)
    rows = [
        (
            numbers.instant(burst.at),
            numbers.count(burst.n),
            "" if burst.killed_share is None else numbers.percent(burst.killed_share),
            markdown_code(names.scope_name(burst.scope), in_table=True),
            names.cause_name(burst.cause),
        )
        for burst in largest
    ]
    left_out = len(document.bursts) - len(largest)
    title = f"Bursts, the {_MOST_BURSTS} largest of {len(document.bursts)}" if left_out else "Bursts"
    yield from table(title, ("began, UTC", "closes", "of those open", "what they share", "cause"), rows, right=(1, 2))


def _reconnects(document: Document) -> Iterator[str]:
    found = document.reconnects
    if not found.n and not found.gave_up:
        return
    yield from ("## Coming back", "")
    times = f": median {numbers.seconds(found.p50_s)}, 95 % within {numbers.seconds(found.p95_s)}" if found.n else ""
    yield (
        f"{numbers.counted(found.n, 'reconnect')}{times}; {names.without_attempt(found.gave_up)}"
        f"{' (a later socket that was still open at their end left no record)' if found.gave_up else ''}."
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
    yield from table("Clocks", ("tier", "runs ahead by", "pairs", "note"), rows, right=(1, 2))


def _coverage(document: Document) -> Iterator[str]:
    """Write a row for each file that has rejects or is unknown, and one for all others of a folder and format."""
    rows: list[tuple[str, ...]] = []
    alike: dict[tuple[str, str], list[FileCoverage]] = {}
    for file in document.coverage.files:
        if not file.rejected and file.format != Format.UNKNOWN:
            alike.setdefault((file.path.rpartition("/")[0], file.format), []).append(file)
        else:
            rows.append(_files([file]))
    rows += [_files(files) for _, files in sorted(alike.items())]
    title = "What was read"
    if len(rows) > _MOST_FILES:
        title = f"What was read, {_MOST_FILES} of {numbers.counted(len(rows), 'row')}"
    head = ("file", "format", "lines", "events", "rejected", "first rejected")
    yield from table(title, head, rows[:_MOST_FILES], right=(2, 3, 4))


def _files(files: Sequence[FileCoverage]) -> tuple[str, ...]:
    first = files[0]
    folder = first.path.rpartition("/")[0]
    name = first.path if len(files) == 1 else f"{folder}/" if folder else "."
    reject = first.rejects[0] if first.rejects else None
    return (
        markdown_code(name, in_table=True) + (f" {len(files)} files" if len(files) > 1 else ""),
        markdown(first.format),
        numbers.count(sum(file.lines for file in files)),
        numbers.count(sum(file.events for file in files)),
        numbers.count(sum(file.rejected for file in files)),
        f"line {reject.line}: {markdown(reject.reason)}" if reject else "",
    )
