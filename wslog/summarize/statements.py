"""One plain sentence for each group of drops: who ended how many, and by what."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from wslog.knowledge.model import Timeout
from wslog.result import Burst
from wslog.schema import Cause, ScopeKind, Tier
from wslog.summarize.groups import DropGroup
from wslog.wording import WHO, joined, timer

SHOWN: Final = 3  # so many moments, timers or statuses a sentence can hold
MOST_LETTERS: Final = 100  # of a path: a longer one hides the sentence it is in
MOST: Final = 0.95  # a sentence that names what holds for so many may say "most of them" in place of "or others"
SURE_FROM: Final = 0.9
_OURS: Final = frozenset({"nginx", "AWS ALB"})

# What an HTTP answer to the upgrade request means for a WebSocket (RFC 9110 section 15, RFC 6455 section 4).
STATUS_MEANS: Final[Mapping[int, str]] = {
    200: "the upgrade was answered like an ordinary request",
    301: "the upgrade was redirected, and browsers do not follow",
    302: "the upgrade was redirected, and browsers do not follow",
    400: "the upgrade request was found malformed",
    401: "the client was not logged in",
    403: "the client was refused",
    404: "nothing serves this path",
    408: "the request came too slowly",
    426: "the Upgrade header was lost on the way",
    429: "too many requests",
    460: "the client gave up while the ALB waited",
    499: "the client gave up while nginx waited",
    500: "the application failed",
    502: "nothing answered behind the proxy",
    503: "no server was available",
    504: "the application did not answer in time",
    505: "the application was asked in HTTP/1.0, which knows no upgrade",
}

# The same status says something else by who is at fault.
STATUS_MEANS_BY_TIER: Final[Mapping[tuple[int, Tier], str]] = {
    (403, Tier.NGINX): "a rule in nginx refused the client",
    (403, Tier.APP): "the application refused the client",
    (403, Tier.ALB): "a rule of the ALB refused the client",
    (404, Tier.NGINX): "no location of nginx serves this path",
    (404, Tier.APP): "the application does not know this path",
    (502, Tier.NGINX): "what the ALB passes it on to was not there to answer",
    (502, Tier.APP): "the application was not there to answer",
    (503, Tier.ALB): "the ALB had no target to send it to",
    (503, Tier.APP): "the application or a limit before it was busy",
}

# What may be inferred and not seen: said with a "most likely" if the rows are not sure.
HEDGED: Final = frozenset(Cause) - {Cause.UNKNOWN, Cause.HANDSHAKE_FAILED, Cause.CLEAN_CLOSE, Cause.CLOSE_TIMEOUT}

Clause = Callable[[DropGroup, str], str]


def state(group: DropGroup, many: str) -> str:
    """Return a clause, without capital and full stop, that says who ended a group's connections.

    Args:
        group: At least one drop.
        many: How many, as a noun: `412 connections`, `38 % of the 3,402 dropped connections`.
    """
    said = CLAUSES[group.cause](group, many)
    # Only nginx writes down that its idle timer fired; another tier's is always inferred.
    is_inferred = group.cause is Cause.IDLE_TIMEOUT and group.tier not in {Tier.NGINX, Tier.UNKNOWN}
    return f"most likely {said}" if is_inferred or (group.cause in HEDGED and is_unsure(group)) else said


def is_unsure(group: DropGroup) -> bool:
    """Return whether the rows are, in the mean, less than `SURE_FROM` sure of their cause; False: they don't say."""
    mean = group.drops.column("confidence").fill_nan(None).mean()
    return isinstance(mean, float) and mean < SURE_FROM


def _settings(group: DropGroup) -> str:
    """Return the names of the candidate settings in a decided tier, in brackets; empty: none."""
    names = [timeout.setting for timeout in group.candidates if timeout.tier is group.tier and timeout.setting]
    return _brackets(joined(list(dict.fromkeys(names))[:2], last="or"))


def _idle(group: DropGroup, many: str) -> str:
    silence = f"after {_values(group)} of silence" if group.timeouts_s else "after a silence of unknown length"
    if group.tier is not Tier.UNKNOWN:
        return f"{_owner(group)} closed {many} {silence}{_settings(group)}"
    if len(group.timeouts_s) > 1:  # candidates of one value are none for another
        return f"timers whose owner no log names closed {many} {silence}"
    return _undecided(many, silence, group.candidates)


def _undecided(many: str, silence: str, timeouts: Sequence[Timeout]) -> str:
    """Name the timers of one value that may have closed a group's connections."""
    ours = [timeout for timeout in timeouts if timeout.product in _OURS]
    if len(timeouts) > SHOWN:  # those that nearly all sites have come first
        named = [_timer(timeout) for timeout in ours[:SHOWN]]
        others = f"{len(timeouts) - len(named)} {'other ' if named else ''}known timers"
        return f"a timer closed {many} {silence}: {joined([*named, others])} have that value, and no log says which"
    timers = [_timer(timeout) for timeout in timeouts]
    if len(timers) > 1 and not ours:
        # Defaults of products that nothing says are there.
        return f"a timer closed {many} {silence}: {joined(timers)} may have that value, and no log says whose it was"
    if len(timers) > 1:
        return f"{joined(timers, last='or')} closed {many} {silence}: no log says which"
    if timers:
        return f"a timer, perhaps {timers[0]}, closed {many} {silence}"
    return f"a timer whose owner no log names closed {many} {silence}"


def _lifetime(group: DropGroup, many: str) -> str:
    age = f"at an age of {_values(group)}" if group.timeouts_s else "at a constant age"
    if group.tier is Tier.UNKNOWN:
        return f"a limit ended {many} {age}, whatever their traffic: which tier holds it is not known"
    return f"{_owner(group)} ended {many} {age}, whatever their traffic{_settings(group)}"


def _restart(group: DropGroup, many: str) -> str:
    if not group.bursts:
        return f"the application's process ended and cut {many}{_mostly_on(group)}"
    scopes = {_scope(burst) or "the application" for burst in group.bursts}
    if len(scopes) > 1:
        return f"restarts ({_moments(group, with_scope=True)}) cut {many}"
    what = "a restart" if len(group.bursts) == 1 else "restarts"
    return f"{what} of {scopes.pop()} {_moments(group)} cut {many}"


def _reload(group: DropGroup, many: str) -> str:
    # The moment is that of the cut: the old workers go on for up to worker_shutdown_timeout after the reload itself.
    what = "reloads" if len(group.bursts) > 1 else "a reload"
    return f"the end of nginx's old workers after {what} cut {many}{_when(group)}"


def _proxy_restart(group: DropGroup, many: str) -> str:
    when = _when(group)
    signals = [_exit_signal(burst) for burst in group.bursts]
    if signals and all(signals):
        numbers = joined(sorted({found for found in signals if found}))
        died = "a worker process of nginx" if len(signals) == 1 else "worker processes of nginx"
        return f"{died} died{when} (signal {numbers}) and cut {many}"
    return f"nginx stopped or lost a worker process{when} and cut {many}"


def _network(group: DropGroup, many: str) -> str:
    when = f" ({_moments(group, with_scope=True)})" if group.bursts else ""
    return f"the network between client and edge went away under {many}{when}"


def _heartbeat(group: DropGroup, many: str) -> str:
    wait = f" for {_values(group)}" if group.timeouts_s else ""
    if group.tier is Tier.CLIENT:
        return f"the server gave up waiting for an answer from the page{wait} and ended {many}"
    silent = group.shared("upstream") or WHO[group.tier]
    return f"the page gave up waiting for an answer from {silent}{wait} and ended {many}"


def _close_wait(group: DropGroup, many: str) -> str:
    wait = f" for {_values(group)}" if group.timeouts_s else ""
    return f"the page itself closed {many} with close(), and no answer came{wait}"


def _abort(group: DropGroup, many: str) -> str:
    return f"the application ended {many} one by one, without a close frame{_mostly_on(group)}"


def _mostly_on(group: DropGroup) -> str:
    """Name the application server of more than half of a group, or of all; empty: there is none."""
    upstream = group.most_common("upstream")
    n = int((group.drops.column("upstream") == upstream).sum()) if upstream else 0
    if 2 * n <= group.n:
        return ""
    return f", all of them on {upstream}" if n == group.n > 1 else f", most of them on {upstream}"


def _protocol(group: DropGroup, many: str) -> str:
    sender = "" if group.tier is Tier.UNKNOWN else f" from {WHO[group.tier]}"
    return f"a malformed or oversized frame{sender} ended {many}"


def _handshake(group: DropGroup, many: str) -> str:
    path = group.shared("path")
    failed = f"{many} never opened" + (f" on {path}" if path and len(path) <= MOST_LETTERS else "")
    logged = [status for status in group.statuses if status is not None]
    if not logged:
        return f"{failed}{_without_status(group)}"
    if len(group.statuses) > 1:
        shown = joined([str(status) for status in logged[:SHOWN]], last="or")
        return f"{failed}: most handshakes that a server logged were answered with {shown}"
    means = STATUS_MEANS_BY_TIER.get((logged[0], group.tier)) or STATUS_MEANS.get(logged[0])
    return f"{failed}: the handshake was answered with {logged[0]}{_brackets(means or '')}"


def _without_status(group: DropGroup) -> str:
    """Say why handshakes failed of which no log has the status."""
    if group.tier is Tier.NGINX:
        return ": nginx was down at that time"
    if 2 * group.drops.column("nginx_error_ref").count() <= group.n:
        return ", and no server log says why"
    return (
        ": nginx got no answer from the application" if group.tier is Tier.APP else ", and nginx's error log says why"
    )


CLAUSES: Final[Mapping[Cause, Clause]] = {
    Cause.IDLE_TIMEOUT: _idle,
    Cause.LIFETIME_LIMIT: _lifetime,
    Cause.SERVER_RESTART: _restart,
    Cause.SERVER_ABORT: _abort,
    Cause.PROXY_RELOAD: _reload,
    Cause.PROXY_RESTART: _proxy_restart,
    Cause.NETWORK_LOSS: _network,
    Cause.CLIENT_SUSPENDED: lambda _, many: f"a sleeping device or a frozen page ended {many}",
    Cause.HEARTBEAT_TIMEOUT: _heartbeat,
    Cause.CLOSE_TIMEOUT: _close_wait,
    Cause.PROTOCOL_ERROR: _protocol,
    Cause.HANDSHAKE_FAILED: _handshake,
    Cause.CLIENT_LEFT: lambda _, many: f"the page or browser went away under {many} without a close record",
    Cause.CLEAN_CLOSE: lambda _, many: f"a close frame ended {many}",
    Cause.UNKNOWN: lambda _, many: f"these logs do not say what ended {many}",
}


def _values(group: DropGroup) -> str:
    """Write the timers' values, the most frequent first; what a few of many have is not worth a word."""
    shown = [timer(value) for value in group.timeouts_s[:SHOWN]]
    named = group.drops.column("timeout_s").is_in(group.timeouts_s[:SHOWN]).sum()
    few = named >= MOST * group.drops.column("timeout_s").drop_nulls().len()
    return joined(shown if few else [*shown, "other values"], last="or")


def _timer(timeout: Timeout) -> str:
    """Name one candidate: `nginx's proxy_read_timeout`, `the ALB's idle timeout`, `the idle timeout of Jetty 10`."""
    if timeout.product in _OURS:
        return f"{WHO[timeout.tier]}'s {timeout.short_setting}"
    return f"the {timeout.short_setting} of {timeout.product}"


def _exit_signal(burst: Burst) -> str:
    """Return the signal that killed the worker behind a burst, as nginx logged it; empty: nothing says so."""
    found = (re.search(r"exited on signal (\d+)", line) for line in burst.evidence)
    return next((match[1] for match in found if match), "")


def _owner(group: DropGroup) -> str:
    """Name a decided tier, or the one product in it if that is not what the tier is named after."""
    products = {timeout.product for timeout in group.candidates if timeout.tier is group.tier and timeout.product}
    if len(products) != 1 or group.tier not in {Tier.NGINX, Tier.ALB}:
        return WHO[group.tier]
    (product,) = products
    return WHO[group.tier] if group.tier.value in product.lower() else product


def _brackets(text: str) -> str:
    return f" ({text})" if text else ""


def _scope(burst: Burst) -> str:
    """Name the one server or network that a burst's connections share; empty: nothing a sentence could name."""
    if burst.scope_kind is ScopeKind.UPSTREAM:
        return burst.scope_value
    return burst.scope if burst.scope_kind is ScopeKind.NETWORK else ""


def _when(group: DropGroup) -> str:
    return f" {_moments(group)}" if group.bursts else ""


def _moments(group: DropGroup, *, with_scope: bool = False) -> str:
    """Write when a group's largest bursts began, in order of time: `at 17:02:43 and 17:04:38 UTC`."""
    largest = sorted(group.bursts, key=lambda burst: -burst.n)[:SHOWN]
    moments = []
    for burst in (burst for burst in group.bursts if burst in largest):
        at = group.moment(burst)
        moments.append(f"{_scope(burst)} at {at}".lstrip() if with_scope else at)
    if more := len(group.bursts) - len(moments):
        moments.append(f"{more} more")
    moments = list(dict.fromkeys(moments))
    return joined(moments) if with_scope else f"at {joined(moments)}"
