"""The closed sets in words: causes, tiers, clusters and timers as a person would name them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from wslog import wording as numbers
from wslog.render.escape import plain
from wslog.result import Advice, Burst, CauseShare, Cluster, Coverage, Document, Finding
from wslog.schema import Cause, Format, ScopeKind, Tier, split_scope

CAUSES: Final[Mapping[Cause, tuple[str, str]]] = {
    Cause.IDLE_TIMEOUT: ("idle timeout", "a timer ended a silent connection"),
    Cause.LIFETIME_LIMIT: ("lifetime limit", "ended at a fixed age, whatever the traffic"),
    Cause.SERVER_RESTART: ("server restart", "the application process ended, and its connections with it"),
    Cause.SERVER_ABORT: ("server abort", "the application ended this one connection without a close frame"),
    Cause.PROXY_RELOAD: ("proxy reload", "a reload or drain cut what was left"),
    Cause.PROXY_RESTART: ("proxy restart", "the proxy stopped, or a worker crashed"),
    Cause.NETWORK_LOSS: ("network loss", "the path between client and edge went away"),
    Cause.CLIENT_SUSPENDED: ("client suspended", "a sleeping device or a frozen page: its timers stood still"),
    Cause.HEARTBEAT_TIMEOUT: ("heartbeat timeout", "one side gave up waiting for an answer to its heartbeat"),
    Cause.CLOSE_TIMEOUT: ("close timeout", "the page called close() and no answer came"),
    Cause.PROTOCOL_ERROR: ("protocol error", "a malformed or oversized frame"),
    Cause.HANDSHAKE_FAILED: ("handshake failed", "never opened"),
    Cause.CLIENT_LEFT: ("client left", "the page or browser went away without a close record"),
    Cause.CLEAN_CLOSE: ("clean close", "a close frame came: not a drop"),
    Cause.UNKNOWN: ("unknown", "the evidence does not carry a verdict"),
}
"""Name and meaning of each cause."""

_NAMES: Final = {str(cause): name for cause, (name, _) in CAUSES.items()}

TIERS: Final[Mapping[Tier, str]] = {
    Tier.CLIENT: "client",
    Tier.NETWORK: "network",
    Tier.ALB: "ALB",
    Tier.NGINX: "nginx",
    Tier.APP: "app",
    Tier.UNKNOWN: "tier unknown",
}

AXES: Final[Mapping[str, str]] = {
    "idle_s": "silent for",
    "idle_in_s": "nothing received for",
    "idle_out_s": "nothing sent for",
    "lifetime_s": "ended at the age of",
}
"""What a cluster's axis says about its drops, to be followed by the length of time."""

CLUSTER_SHARES: Final = "Shares are of the drops whose silence, or age, is known"
MOST_CANDIDATES: Final = 2  # more known timers of one value than this say little about whose it was
_PART: Final = 0.1  # of the drops at one value: from here on what is not known of them is said
_SCOPES: Final[Mapping[ScopeKind | None, str]] = {
    ScopeKind.ALL: "all servers",
    ScopeKind.NO_NGINX_LINE: "without an nginx line",
}
_UPPER: Final = {"aws": "AWS", "alb": "ALB", "nlb": "NLB", "elb": "ELB", "nat": "NAT", "gcp": "GCP", "iis": "IIS"}


def cause_name(cause: Cause | str) -> str:
    """Return a cause in words; a name that this version does not know comes back as it is."""
    return _NAMES.get(str(cause)) or plain(str(cause)).replace("_", " ")


def timer_name(timeout_id: str) -> str:
    """Return a knowledge id in words: `nginx proxy_read_timeout`, `AWS ALB idle timeout`."""
    product, _, setting = plain(timeout_id).partition("-")
    if product == "nginx":
        return f"nginx {setting.replace('-', '_')}".rstrip()
    words = " ".join(_UPPER.get(word, word) for word in plain(timeout_id).split("-"))
    return f"{words} timeout" if words.endswith(" idle") else words


def known_timers(timeout_ids: Sequence[str]) -> str:
    """Return which known timers have a value: their names, or how many if they are more than two."""
    if len(timeout_ids) > MOST_CANDIDATES:
        return f"{len(timeout_ids)} known timers have this value"
    return timer_names(timeout_ids)


def cluster_timers(cluster: Cluster, findings: Sequence[Finding]) -> str:
    """Return which timers ended a cluster's drops, as far as verdicts name them; empty: none does.

    Where no log names the owner of a good part of them, the names are not said of all: `nginx … or not known`.
    """
    same = [finding for finding in findings if finding.timeout_s == cluster.timeout_s]
    named = set(cluster.timeout_ids)
    n_open = sum(finding.n for finding in same if finding.tier is Tier.UNKNOWN and not named & set(finding.timeout_ids))
    names = known_timers(cluster.timeout_ids)
    is_part = names and n_open >= _PART * sum(finding.n for finding in same) > 0
    return f"{names} or not known" if is_part else names


def timer_names(timeout_ids: Sequence[str], *, most: int = 2) -> str:
    """Return candidate timers in words: one name, `a or b`, or `a, b or 3 others`."""
    names = [timer_name(timeout_id) for timeout_id in timeout_ids]
    if len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} others"]
    return numbers.joined(names, last="or")


def cause_label(share: CauseShare) -> str:
    """Return one row of the causes in words: `idle timeout · nginx proxy_read_timeout 60 s`."""
    return label(share.cause, share.tier, share.timeout_s, share.timeout_ids)


def finding_label(finding: Finding) -> str:
    """Return what a finding is about in words: `idle timeout · nginx proxy_read_timeout 60 s`."""
    return label(finding.cause, finding.tier, finding.timeout_s, finding.timeout_ids)


def cluster_label(cluster: Cluster) -> str:
    """Return what a cluster's drops have in common: `silent for 60 s`."""
    axis = AXES.get(cluster.axis, plain(cluster.axis))
    return f"{axis} {numbers.timer(cluster.timeout_s)}"


def scope_name(scope: str) -> str:
    """Return what the connections of a burst share, as a reader would say it; `plain` it before showing."""
    kind, name = split_scope(scope)
    return name if kind is ScopeKind.UPSTREAM else _SCOPES.get(kind, scope)


def largest_bursts(bursts: Sequence[Burst], most: int) -> list[Burst]:
    """Return the largest bursts, in the order of time."""
    return sorted(sorted(bursts, key=lambda burst: -burst.n)[:most], key=lambda burst: burst.at)


def first_sentence(text: str) -> str:
    """Return the first sentence, which in advice is a complete short instruction; it ends at the first full stop."""
    line = text.strip().split("\n", 1)[0]
    return re.split(r"(?<=[.!?]) ", line, maxsplit=1)[0]


def without_attempt(n: int) -> str:
    """Return how many drops no later attempt was seen after: not the same as clients that gave up."""
    return f"{numbers.counted(n, 'drop')} without a later attempt in these logs"


def offline(seconds: float) -> str:
    """Return for how long clients were without a connection, all of them together."""
    return f"clients were offline {numbers.seconds(seconds)} in all"


def lines_read(coverage: Coverage) -> str:
    """Return how much was read, as `4 200 lines of 3 files`; files of no known format are not in it."""
    read = [file for file in coverage.files if file.format != Format.UNKNOWN]
    return f"{numbers.counted(sum(file.lines for file in read), 'line')} of {numbers.counted(len(read), 'file')}"


def not_drawn(document: Document) -> str:
    """Return how many drops the timeline leaves out, for a note; empty: none."""
    left_out = document.totals.drops - sum(sum(bucket.by_cause.values()) for bucket in document.timeline)
    return f"{numbers.counted(left_out, 'drop')} outside these times not drawn" if left_out > 0 else ""


def advice_gain(advice: Advice) -> str:
    """Return what following an advice brings: `would prevent 412 drops, 41 %`, or a better answer next time."""
    if advice.is_observability or advice.would_prevent_n == 0:
        return "shows more next time" if advice.is_observability else "prevents none of these drops"
    n, share = advice.would_prevent_n, advice.would_prevent_share
    return f"would prevent {numbers.counted(n, 'drop')}, {numbers.percent(share)}"


def label(cause: Cause, tier: Tier, timeout_s: float | None, timeout_ids: Sequence[str]) -> str:
    """Return a cause with its owner: the timers' names where there are few candidates, else the tier."""
    if timeout_s is not None and 0 < len(timeout_ids) <= MOST_CANDIDATES:
        who = f"{timer_names(timeout_ids)} {numbers.timer(timeout_s)}"
    elif timeout_s is not None:
        who = f"{'' if tier is Tier.UNKNOWN else TIERS[tier]} {numbers.timer(timeout_s)}".lstrip()
    else:
        who = "" if tier is Tier.UNKNOWN or cause is Cause.UNKNOWN else TIERS[tier]
    redundant = not who or who in cause_name(cause)
    return cause_name(cause) if redundant else f"{cause_name(cause)} · {who}"
