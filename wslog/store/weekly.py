"""Which weeks of a store a report is about: the week itself, the one to compare it to, and the trend."""

from __future__ import annotations

import datetime as dt

from wslog.errors import OptionError, StoreError, WslogError
from wslog.store import ledger
from wslog.store.store import Store
from wslog.store.weeks import Week
from wslog.weekly import compare_weeks
from wslog.weekly.pair import Pair


def find_weeks(store: Store, *, week: str | None, compare_to: str | None, weeks: int, now: dt.datetime) -> Pair:
    """Find a week, the one to compare it to, and those of the trend; only summaries are read, no connection.

    Args:
        store: The history.
        week: `2026-W46`; None: the last complete week before *now*.
        compare_to: Another; None: the week before *week*.
        weeks: How many weeks the trend has, this one included.
        now: The present.

    Raises:
        OptionError: If a week cannot be read, or the store holds nothing of it.
        StoreError: If nobody asked for a week, and the store holds nothing of the last one.
    """
    with ledger.reading(store.ledger):
        return _find(store, week=week, compare_to=compare_to, weeks=weeks, now=now)


def _find(store: Store, *, week: str | None, compare_to: str | None, weeks: int, now: dt.datetime) -> Pair:
    asked = Week.parse(week) if week else Week.of(now, store.zone).plus(-1)
    summary = store.summary(asked)
    if summary is None:
        raise _nothing_of(asked, store, is_asked=week is not None)
    other_week = Week.parse(compare_to, option="--compare-to") if compare_to else asked.plus(-1)
    other = store.summary(other_week)
    if compare_to and (other is None or other_week == asked):
        raise OptionError(
            f"the store holds nothing of {other_week}" if other is None else "a week cannot be compared to itself",
            where="--compare-to", mend=f"Weeks there are: {', '.join(store.weeks())}.",
        )  # fmt: skip
    history = [one for n in range(weeks - 1, 0, -1) if (one := store.summary(asked.plus(-n))) is not None]
    return compare_weeks(summary, other, history, now=now)


def _nothing_of(week: Week, store: Store, *, is_asked: bool) -> WslogError:
    """Return that there is nothing of a week: a wrong option, or logs that are not there yet."""
    known = store.weeks()
    span = " to ".join(dict.fromkeys([*known[:1], *known[-1:]])) or "no weeks yet"
    mend = f"It has {span}. Add logs with wslog analyze logs/ --store {store.root}, or name another --week."
    if is_asked:
        return OptionError(f"the store holds nothing of {week}", where="--week", mend=mend)
    return StoreError(f"the store holds nothing of {week}, the last complete week", where=str(store.root), mend=mend)
