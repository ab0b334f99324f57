"""The answer in one or two sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from wslog.result import Totals
from wslog.schema import Cause
from wslog.summarize.groups import DropGroup
from wslog.summarize.statements import state
from wslog.wording import count, counted, sentence, whole_percent

SECOND_FROM: Final = 0.05  # a second cause is named from this share on
UNKNOWN_FROM: Final = 0.2  # what stays unknown is named from this share on
UNKNOWN_LEADS_FROM: Final = 0.5


def write_verdict(groups: Sequence[DropGroup], totals: Totals) -> str:
    """Say who ended how many of the drops, or that there are none, or that the logs do not say.

    Args:
        groups: Drops by cause and tier, ranked, `unknown` last.
        totals: Of the same analysis.
    """
    if not totals.attempts:
        return "No WebSocket connections in these logs."
    if not totals.drops:
        return _no_drops(totals)
    unknown = [group for group in groups if group.cause is Cause.UNKNOWN]
    failed = [group for group in groups if group.cause is Cause.HANDSHAKE_FAILED]
    ended = [group for group in groups if group.cause not in {Cause.UNKNOWN, Cause.HANDSHAKE_FAILED}]
    unknown_share = sum(group.share for group in unknown)
    # Who closed what had opened, what never opened, what nobody knows: the largest first.
    parts = [ended[:1] + [group for group in ended[1:2] if group.share >= SECOND_FROM], failed]
    parts.sort(key=lambda part: -sum(group.share for group in part))
    named = [group for part in parts for group in part]
    named = named[:1] + [group for group in named[1:] if group.share >= SECOND_FROM]
    if unknown_share >= UNKNOWN_LEADS_FROM:
        named = [*unknown, *named]
    elif unknown_share >= UNKNOWN_FROM or not named:
        named = [*named, *unknown]
    clauses = [state(group, _how_many(group, totals, is_first=nth == 0)) for nth, group in enumerate(named)]
    sentences = ["; ".join(clauses[:2]), "; ".join(clauses[2:])]
    if len(failed) == len(groups) and _is_most_open(totals):
        which = "one" if totals.ends_not_known == 1 else count(totals.ends_not_known)
        sentences.append(f"how the {which} that opened ended, these logs do not say")
    return ". ".join(sentence(said) for said in sentences if said) + "."


def _no_drops(totals: Totals) -> str:
    among = f"among {counted(totals.attempts, 'connection')}"
    if not _is_most_open(totals):
        return f"No 1006 {among}."
    is_all = totals.ends_not_known == totals.attempts
    who = ("it" if totals.attempts == 1 else "they") if is_all else f"{count(totals.ends_not_known)} of them"
    return f"No drop is seen {among}, and none is ruled out: these logs do not say how {who} ended."


def _is_most_open(totals: Totals) -> bool:
    """Return whether these logs could hardly have shown a drop: how most that opened ended is not known."""
    return 2 * totals.ends_not_known > totals.opened


def _how_many(group: DropGroup, totals: Totals, *, is_first: bool) -> str:
    if totals.drops == 1:
        return "the one dropped connection"
    if group.n == totals.drops:
        every = "any of the" if group.cause is Cause.UNKNOWN else "all"
        return f"{every} {count(totals.drops)} dropped connections"
    share = whole_percent(group.share)
    return f"{share} of the {count(totals.drops)} dropped connections" if is_first else f"another {share}"
