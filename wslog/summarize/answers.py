"""Findings, what to change and what stayed hidden: readings of the same groups of drops that point at each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from wslog.knowledge import load_mends
from wslog.result import Advice, Finding, Limit, Reconnects
from wslog.summarize.advice import collect_advice
from wslog.summarize.facts import Facts
from wslog.summarize.findings import write_findings
from wslog.summarize.groups import DropGroup
from wslog.summarize.limits import as_limits, find_gaps


class Answers(NamedTuple):
    """Findings in the order of their groups, advice and limits ranked."""

    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...]
    limits: tuple[Limit, ...]


def answer(groups: Sequence[DropGroup], facts: Facts, reconnects: Reconnects) -> Answers:
    """Say what ended each group, what to change about it, and what would have told more.

    Args:
        groups: Drops by cause, tier and timer, ranked.
        facts: What the logs could show.
        reconnects: Storms in it call for backoff.
    """
    mends = load_mends()
    gaps = find_gaps(facts)
    limits = as_limits(gaps, {mend.id: mend for mend in mends})
    to_log = [gap.mend_id for gap in gaps if gap.mend_id]
    advice, advice_of = collect_advice(
        groups, mends=mends, to_log=to_log, reconnects=reconnects, settings=facts.settings
    )
    findings = write_findings(groups, advice=advice_of, limits=limits)
    return Answers(findings, advice, limits)
