"""What these logs could not show, where it mattered, and what to log next time."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from wslog.knowledge import Mend, fill
from wslog.result import Clock, FileCoverage, Limit
from wslog.schema import Cause, Format, LimitKind, Tier
from wslog.summarize.facts import Facts
from wslog.wording import counted, joined, timer, whole_percent

MUCH: Final = 0.1  # from this share on, what is missing matters
NEARLY_ALL: Final = 0.9
TIED: Final = 0.01  # from this share on, an open question about timers matters
MAX_FILE_LIMITS: Final = 8
SHOWN_FILES: Final = 2
SAME_SPAN: Final = dt.timedelta(seconds=1)
QUARTER_HOUR_S: Final = 900.0  # zones differ by whole ones, clocks hardly ever


class Gap(Struct, frozen=True):
    """One thing that the logs could not show.

    Attributes:
        text: What, as a sentence.
        mend_id: The mend that says what to log; empty: `log_next` says it.
        log_next: What to log, or how to read the logs better.
    """

    text: str
    mend_id: str = ""
    log_next: str = ""


def find_gaps(facts: Facts) -> tuple[Gap, ...]:
    """Return what the logs could not show and mattered for these drops, the most decisive first."""
    found = [gap for check in CHECKS for gap in check(facts)]
    covered = {gap.mend_id for gap in found}
    return (*found, *_file_gaps(facts, covered))


def as_limits(gaps: Sequence[Gap], mends: Mapping[str, Mend]) -> tuple[Limit, ...]:
    """Return gaps as the document states them, each text once."""
    limits = {}
    for gap in gaps:
        log_next = fill(mends[gap.mend_id]).title if gap.mend_id else gap.log_next
        limits[gap.text] = Limit(text=gap.text, log_next=log_next)
    return tuple(limits.values())


def _tiers(facts: Facts) -> Iterator[Gap]:
    if not facts.n_drops and not facts.tiers:
        return
    if Tier.CLIENT not in facts.tiers:
        n = facts.ends_not_known
        missing = f"how {counted(n, 'connection')} ended is not known" if n else "what clients saw is missing"
        text = f"No close records from clients: {missing}, and drops are inferred from the servers' logs."
        yield Gap(text, "log-client-fields")
    if Tier.NGINX not in facts.tiers and facts.n_undecided:
        text = "No nginx access log: when nginx saw a connection end, and whether it served it at all, is not known."
        yield Gap(text, "log-nginx-format")


def _ties(facts: Facts) -> Iterator[Gap]:
    nginx_may_be = Tier.NGINX in facts.tied or facts.share(Cause.UNKNOWN) > MUCH
    if not facts.has_info and nginx_may_be:
        missing = "No nginx error log at level info" if facts.has_error_log else "No nginx error log"
        text = f"{missing}: nginx's own idle timeout leaves no other trace, so it cannot be told from another tier's."
        yield Gap(text, "log-nginx-error-info")
    if Tier.ALB not in facts.tiers and Tier.ALB in facts.tied and facts.tied_share > TIED:
        text = "No load balancer log, though a timer of the load balancer may be what ended connections."
        yield Gap(text, "log-alb-access")
    if not facts.settings and facts.tied_share > TIED:
        text = "No configuration among the inputs: whose timer ended silent connections stays open for some."
        yield Gap(text, "log-alb-attributes")


def _zones(facts: Facts) -> Iterator[Gap]:
    """A clock that names no zone, where hardly a line fits a client's record: it was read an hour or more off."""
    unzoned = next((file for file in facts.coverage.files if file.events and file.is_zone_assumed), None)
    if unzoned is None or facts.unmatched_share <= NEARLY_ALL:
        return
    text = (
        f"{unzoned.path} names no time zone and was read as UTC, and {whole_percent(facts.unmatched_share)} of the "
        "clients' drops found no line in the servers' logs: name its zone with --tz, or drops may count twice."
    )
    yield Gap(text, log_next=f"Say which zone that host keeps, e.g. --tz {unzoned.format}=Europe/Berlin.")


def _handshakes(facts: Facts) -> Iterator[Gap]:
    if facts.no_status_share <= TIED or facts.tiers & {Tier.NGINX, Tier.ALB}:
        return
    text = f"No server log: why {whole_percent(facts.no_status_share)} of the drops never opened is not known."
    yield Gap(text, "handshake-logs-first")


def _columns(facts: Facts) -> Iterator[Gap]:
    if facts.coverage.no_code:
        text = f"{counted(facts.coverage.no_code, 'client record')} lost the close code on the way."
        yield Gap(text, "log-client-fields")
    if facts.no_idle_share > MUCH:
        text = (
            f"{whole_percent(facts.no_idle_share)} of the clients' drops have no time of the last message: "
            "how long they had been silent is not known."
        )
        yield Gap(text, "log-client-fields")
    if facts.no_lifetime_share > MUCH:
        share = whole_percent(facts.no_lifetime_share)
        text = f"{share} of the drops have no opening time: how long they lived is not known."
        yield Gap(text, "log-nginx-format" if Tier.NGINX in facts.tiers else "log-client-fields")
    if facts.unmatched_share > MUCH and not any(_zones(facts)) and facts.tiers & {Tier.NGINX, Tier.ALB}:
        text = f"{whole_percent(facts.unmatched_share)} of the clients' drops found no line in the servers' logs."
        yield Gap(text, "log-client-connection-id")
    if facts.no_session_share > 0.5 and Tier.CLIENT in facts.tiers:
        text = (
            f"{whole_percent(facts.no_session_share)} of the clients' drops name no session: "
            "who came back, and when, is not known."
        )
        yield Gap(text, log_next="Log a session id that stays the same over reconnects (sessionId).")


def _times(facts: Facts) -> Iterator[Gap]:
    if facts.shared.start is None and len(facts.tiers & {Tier.CLIENT, Tier.NGINX, Tier.ALB}) > 1:
        text = "There is no time that the logs of all tiers cover: drops cannot be looked up in every tier's log."
        yield Gap(text, log_next="Collect the logs of all tiers for the same time.")
    elif facts.outside_share > MUCH:
        text = (
            f"{whole_percent(facts.outside_share)} of the drops lie outside the time that the logs of all tiers cover."
        )
        yield Gap(text, log_next="Collect the logs of all tiers for the same time.")
    yield from (Gap(_wrong(clock), "clock-sync") for clock in facts.clocks if _is_wrong(clock, facts))


def _is_wrong(clock: Clock, facts: Facts) -> bool:
    """Whether a server's clock was off; a log that names no zone, on the host whose clock counts, is not."""
    if clock.tier is Tier.CLIENT or clock.skew_s is None or abs(clock.skew_s) <= 1:
        return False
    is_zone = clock.skew_s % QUARTER_HOUR_S == 0
    return not (is_zone and any(other.is_reference and other.tier is clock.tier for other in facts.clocks))


def _wrong(clock: Clock) -> str:
    way = "ahead of" if (clock.skew_s or 0.0) > 0 else "behind"
    return f"The clock of tier {clock.tier.value} runs {timer(abs(clock.skew_s or 0.0))} {way} the reference clock."


def _inferred(facts: Facts) -> Iterator[Gap]:
    if not facts.share(Cause.SERVER_RESTART) + facts.share(Cause.SERVER_ABORT):
        return
    text = "The application left no log: its restarts and aborts are inferred from how its connections ended."
    yield Gap(text, "log-app-exits")


def _rejected(facts: Facts) -> Iterator[Gap]:
    lines = sum(file.lines for file in facts.coverage.files if file.events or file.rejected)
    rejected = facts.coverage.rejected
    if not lines or rejected / lines <= 0.01:
        return
    worst = max(facts.coverage.files, key=lambda file: file.rejected)
    text = f"{whole_percent(rejected / lines)} of the lines could not be read, most of them in {worst.path}."
    yield Gap(text, log_next="Name the format with --log-format or --client-field; `wslog inspect` shows the lines.")


CHECKS: Final[tuple[Callable[[Facts], Iterator[Gap]], ...]] = (
    _zones, _ties, _tiers, _handshakes, _columns, _times, _inferred, _rejected,
)  # fmt: skip

# The mend that makes a log hold what it would have to.
MEND_OF: Final[Mapping[LimitKind, str]] = {
    LimitKind.INFO_LEVEL: "log-nginx-error-info",
    LimitKind.NOTICE_LEVEL: "log-nginx-process-life",
    LimitKind.ACCESS_VARIABLES: "log-nginx-format",
    LimitKind.CLIENT_FIELDS: "log-client-fields",
    LimitKind.TRACE_ID: "log-client-connection-id",
}


def _file_gaps(facts: Facts, covered: set[str]) -> list[Gap]:
    """Return what files say about themselves: where drops are undecided, logging can mend it, and no check said it."""
    if not facts.n_undecided:
        return []
    having: dict[str, list[FileCoverage]] = {}
    with_events = [file for file in facts.coverage.files if file.events]
    copies_of, n_lacking = _copies_by_time(with_events), _error_logs_lacking(with_events)
    for file in with_events:
        copies = copies_of(file) if file.limits else []
        for limit in file.limits:
            is_told_by_log = file.format == Format.NGINX_ERROR and n_lacking(file.tier, limit) > 0
            if not is_told_by_log and all(limit in other.limits for other in copies):
                having.setdefault(limit, []).append(file)
    # What one file lacks for several reasons is mended at once.
    merged: dict[tuple[str, str], list[str]] = {}
    for limit, files in having.items():
        kind = files[0].mendable.get(limit)
        if kind and MEND_OF[kind] not in covered:
            merged.setdefault((_files(files), MEND_OF[kind]), []).append(limit)
    gaps = [Gap(f"{files}: {'; '.join(limits)}.", mend_id) for (files, mend_id), limits in merged.items()]
    return gaps[:MAX_FILE_LIMITS]


def _copies_by_time(files: Sequence[FileCoverage]) -> Callable[[FileCoverage], list[FileCoverage]]:
    """Return a way to look up the files that seem to log the same requests as one: what it lacks, they may have.

    That is so for logs of one tier, of the same length and time. They are looked up by their beginning: a day of a load
    balancer's logs is thousands of files.
    """
    starts = sorted(((file.first_at, n) for n, file in enumerate(files) if file.first_at), key=lambda one: one[0])
    moments = [at for at, _ in starts]

    def copies_of(file: FileCoverage) -> list[FileCoverage]:
        if not file.first_at:
            return []
        low, high = bisect_left(moments, file.first_at - SAME_SPAN), bisect_right(moments, file.first_at + SAME_SPAN)
        return [files[n] for _, n in starts[low:high] if _is_copy(file, files[n])]

    return copies_of


def _is_copy(file: FileCoverage, other: FileCoverage) -> bool:
    """Return whether two files of about the same beginning seem to log the same requests in two ways."""
    if file is other or file.tier is not other.tier or not (file.last_at and other.last_at):
        return False
    return abs(file.events - other.events) <= 0.02 * file.events and abs(file.last_at - other.last_at) <= SAME_SPAN


def _error_logs_lacking(files: Sequence[FileCoverage]) -> Callable[[Tier | None, str], int]:
    """Return a way to count the error logs of a tier without a limit: of two levels, one may tell what one lacks."""
    logs = [file for file in files if file.format == Format.NGINX_ERROR]
    n = Counter(file.tier for file in logs)
    n_having = Counter((file.tier, limit) for file in logs for limit in set(file.limits))
    return lambda tier, limit: n[tier] - n_having[tier, limit]


def _files(files: Sequence[FileCoverage]) -> str:
    """Name one or two files, or count them."""
    if len(files) <= SHOWN_FILES:
        return joined([file.path for file in files])
    return f"{len(files)} files ({joined(sorted({file.format for file in files}))})"
