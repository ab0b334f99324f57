"""What a store gives up and what it puts together: old weeks go, small parts become large ones."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import polars as pl

from wslog.errors import OptionError
from wslog.store import facts, ledger, place
from wslog.store.store import Store
from wslog.store.weeks import Week

_KEEP: Final = re.compile(r"(\d+)\s*w(eeks?)?")
SMALL_BYTES: Final = 32 << 20


def parse_keep(text: str) -> int:
    """Read `26w` as a number of weeks.

    Raises:
        OptionError: If it has another form.
    """
    found = _KEEP.fullmatch(text.strip().lower())
    if found is None or int(found[1]) < 1:
        raise OptionError(f"{text!r} is not a number of weeks", where="--keep", mend="Write for example 26w.")
    return int(found[1])


def keep_weeks(store: Store, weeks: int, *, now: dt.datetime) -> list[str]:
    """Forget weeks older than the last *weeks*, and the facts that only they need.

    Returns:
        The names of the weeks forgotten.
    """
    first = Week.of(now, store.zone).plus(-weeks)
    needed_from = first.start(store.zone) - store.horizon
    at = now.timestamp()
    with ledger.writing(store.ledger):
        old = store.ledger.execute("SELECT week, connections FROM weeks WHERE week < ?", (str(first),)).fetchall()
        ledger.forget(store.ledger, [row["connections"] for row in old], at=at)
        store.ledger.execute("DELETE FROM weeks WHERE week < ?", (str(first),))
        store.ledger.execute("DELETE FROM stale WHERE week < ?", (str(first),))
        # Its row stays, without a part: the same file offered again is still known and is not parsed.
        store.ledger.execute("UPDATE files SET part = NULL WHERE last_at < ?", (int(needed_from.timestamp()),))
        facts.drop_unnamed_parts(store.ledger, at=at)
        store.ledger.execute("INSERT OR REPLACE INTO about VALUES ('first_week', ?)", (str(first),))
    return [row["week"] for row in old]


def compact(store: Store, *, now: dt.datetime) -> tuple[int, int]:
    """Put small parts of events together, and leave out rows that no file names any more.

    Returns:
        How many parts there were, and how many there are.
    """
    rows = store.ledger.execute("SELECT content, part FROM files WHERE part IS NOT NULL ORDER BY first_at, content")
    contents: dict[str, list[str]] = {}
    for row in rows:
        contents.setdefault(row["part"], []).append(row["content"])
    small = [part for part in contents if (store.root / part).stat().st_size < SMALL_BYTES]
    batches = _batches(store, small)
    for batch in batches:
        frames = []
        for part in batch:
            with place.reading(store.root, part) as rows_of_part:
                frames.append(rows_of_part.filter(pl.col("content").is_in(contents[part])).collect())
        name = place.write_parquet(store.root, place.EVENTS, pl.concat(frames))
        with ledger.writing(store.ledger):
            for part in batch:
                # Only rows that still name the part read above: another writer may have replaced a file meanwhile.
                store.ledger.executemany(
                    "UPDATE files SET part = ? WHERE content = ? AND part = ?",
                    [(name, content, part) for content in contents[part]],
                )
            facts.drop_unnamed_parts(store.ledger, at=now.timestamp())
    n_after = store.ledger.execute("SELECT count(DISTINCT part) FROM files").fetchone()[0]
    store.ledger.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return len(contents), int(n_after)


def _batches(store: Store, parts: list[str]) -> list[list[str]]:
    """Group parts, in order of time, into batches of about `SMALL_BYTES`; a batch of one is left as it is."""
    batches: list[list[str]] = [[]]
    size = 0
    for part in parts:
        n_bytes = (store.root / part).stat().st_size
        if size + n_bytes > SMALL_BYTES and batches[-1]:
            batches.append([])
            size = 0
        batches[-1].append(part)
        size += n_bytes
    return [batch for batch in batches if len(batch) > 1]
