"""What each chart shows, in one sentence made from the data: its title, and its text for those who cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wslog import wording as numbers
from wslog.render import names
from wslog.result import Bin, Burst, Cluster, Document
from wslog.schema import Cause, Tier

_MOST: Final = 3  # values that a title can name


def silences(document: Document) -> tuple[tuple[Bin, ...], str]:
    """Return the drops per stretch of silence, and what that is; of age, where no log tells of silence."""
    by_silence, by_age = ([one for one in bins if one.n] for bins in (document.charts.idle, document.charts.lifetime))
    return (tuple(by_age), "age") if by_age and not by_silence else (tuple(by_silence), "silence")


def idle_histogram(document: Document) -> str:
    """Say after which silence most drops pile up, or that there is no such time."""
    bins, what = silences(document)
    clusters = [cluster for cluster in document.clusters if cluster.axis.startswith("idle")]
    if clusters:
        # Verdicts without a known silence are in a cluster and in no bar: the title gives no count.
        best = max(clusters, key=lambda cluster: cluster.n)
        silence = {"idle_in_s": "nothing received", "idle_out_s": "nothing sent"}.get(best.axis, "silence")
        where = f"Drops pile up at {_largest(clusters, best.axis)} of"
        return f"{where} {silence} before the close" if what == "silence" else f"{where} age; silence is not known"
    if not bins:
        return "How long connections were silent before the close"
    total = sum(one.n for one in bins)
    common = "time of silence before" if what == "silence" else "age at"
    return f"{numbers.counted(total, 'drop')}, and no common {common} the close"


def drops_over_time(document: Document) -> str:
    """Say when most connections dropped together, or that they dropped one by one."""
    if document.bursts:
        burst = max(document.bursts, key=lambda burst: burst.n)
        cause = "" if burst.cause is Cause.UNKNOWN else f": {names.cause_name(burst.cause)}"
        return f"{numbers.counted(burst.n, 'connection')} ended together at {burst_began(document, burst)} UTC{cause}"
    if not document.timeline:
        return "When connections dropped"
    return f"{numbers.counted(document.totals.drops, 'drop')}, and no burst among them"


def burst_began(document: Document, burst: Burst) -> str:
    """Return when a burst began, in UTC, with its day where the chart shows several."""
    days = {bucket.at.date() for bucket in document.timeline} | {burst.at.date()}
    return f"{burst.at:%H:%M:%S}" if len(days) == 1 else numbers.instant(burst.at)


def causes(document: Document) -> str:
    """Say which cause explains most, and how much stays unknown."""
    total = numbers.counted(document.totals.drops, "drop")
    known = [share for share in document.causes if share.cause is not Cause.UNKNOWN]
    if not document.causes:
        return "What closed the connections"
    if not known:
        return f"The cause of {total} stays unknown"
    best = max(known, key=lambda share: share.n)
    label = names.cause_label(best)
    who = label.rpartition(" · ")[2] if best.timeout_s is not None and best.tier is not Tier.UNKNOWN else label
    if who == label:
        cause, _, tier = label.partition(" · ")
        who = f"{cause[:1].upper()}{cause[1:]}{f' ({tier})' if tier else ''}"
    return f"{who} explains {numbers.percent(best.share)} of {total}"


def lifetime_against_idle(document: Document) -> str:
    """Say what the rows and columns of the scatter are."""
    if not document.charts.points:
        return "How old and how silent connections were"
    parts = []
    for axis, what, line in (("idle_s", "silence", "row"), ("lifetime_s", "age", "column")):
        if values := _largest(document.clusters, axis):
            parts.append(f"at {values} of {what} ({line}{'s' if ' and ' in values else ''})")
    if not parts:
        return "No row or column: neither one silence nor one age stands out"
    return f"Drops line up {numbers.joined(parts)}"


def _largest(clusters: Sequence[Cluster], axis: str) -> str:
    """Return the values of an axis that most drops pile up at, most first, as the verdict names them."""
    largest = sorted((cluster for cluster in clusters if cluster.axis == axis), key=lambda cluster: -cluster.n)
    return numbers.joined([numbers.timer(value) for value in dict.fromkeys(c.timeout_s for c in largest[:_MOST])])


def reconnects(document: Document) -> str:
    """Say how soon clients came back, and after how many drops no attempt was seen."""
    found = document.reconnects
    if found.p50_s is None:
        return "How soon clients came back"
    never = f"; {names.without_attempt(found.gave_up)}" if found.gave_up else ""
    return f"Half of {numbers.counted(found.n, 'reconnect')} came within {numbers.seconds(found.p50_s)}{never}"
