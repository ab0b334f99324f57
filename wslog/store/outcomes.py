"""The analysis of a delivery through the store: only what is new is parsed, and the same question is answered once."""

from __future__ import annotations

import datetime as dt
import hashlib
import sqlite3
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Final

import msgspec
import polars as pl
from msgspec.structs import replace

from wslog import __version__, pipeline
from wslog.cellar import Cellar
from wslog.errors import InputError, OptionError
from wslog.ingest import AS_FOUND, Read, ReadOptions
from wslog.ingest.accounts import raise_if_useless
from wslog.ingest.by_file import settle
from wslog.ingest.files.sources import Source
from wslog.ingest.reading import EVENTS
from wslog.knowledge import load_timeouts
from wslog.memory import open_cellar
from wslog.result import Document, FileCoverage
from wslog.selection import ALL, Selection
from wslog.store import ledger, place
from wslog.store.facts import KnownFile, load_events
from wslog.store.store import Appended, Store

MOST_OUTCOMES: Final = 8


def analyze_into(
    store: Store,
    paths: Sequence[str | Path],
    options: ReadOptions = AS_FOUND,
    *,
    now: dt.datetime,
    selection: Selection = ALL,
    timeouts: Path | None = None,
    anonymize: bool = False,
    memory: str | None = None,
) -> pipeline.Outcome:
    """Append the files behind *paths* to a store and analyze them, as `pipeline.analyze` would.

    Raises:
        OptionError: If *anonymize* is set: a store keeps what was logged.
        WslogError: As `pipeline.analyze`, or if the store cannot be used.
    """
    if anonymize:
        raise OptionError(
            "a history store keeps addresses and user agents as they were logged: halves that come in two deliveries"
            " are joined by them",
            where="--anonymize",
            mend="Leave out --store for an anonymous report, or --anonymize to append."
            " What wslog report writes names networks, no address.",
        )
    with open_cellar(memory) as cellar:
        appended = store.append(paths, options, now=now, timeouts=timeouts, cellar=cellar)
        key = _key(appended, selection, timeouts)
        known = _recall(store, key)
        if known is not None:
            return known
        read = [_read(store, appended, cellar)]  # taken out, so that the events go as soon as they are joined
        try:
            outcome = pipeline.explain_read(
                read.pop(), select=selection.apply, timeouts=load_timeouts(timeouts), cellar=cellar
            )
        except InputError as error:
            kept = f"All of these files are in the store {store.root} now: it keeps everything, whatever is asked here."
            mend = f"{error.mend}\n{kept}" if error.mend else kept
            raise InputError(error.what, where=error.where, mend=mend) from None
        _remember(store, key, outcome, now=now)
        return outcome


def _key(appended: Appended, selection: Selection, timeouts: Path | None) -> str:
    """Return what an analysis depends on, as a hash."""
    contents = sorted((source.shown, content) for source, content in appended.contents.items())
    others = sorted(source.shown for source in appended.inputs.sources if source not in appended.contents)
    text = timeouts.read_bytes() if timeouts else b""
    asked = repr((__version__, contents, others, selection, appended.inputs.reading, text))
    return hashlib.blake2b(asked.encode(), digest_size=16).hexdigest()


def _read(store: Store, appended: Appended, cellar: Cellar) -> Read:
    """Read the delivery's events back; of copies, and of what could not be read, only the account."""
    known: dict[str, KnownFile] = {}
    copies: list[FileCoverage] = []
    unkept: list[Source] = []
    for source in appended.inputs.sources:
        content = appended.contents.get(source)
        if content is None or _is_pruned(store, content):
            unkept.append(source)
        elif content in known:
            copies.append(_copy(source, known[content]))
        else:
            known[content] = _known(store, content, source.shown)
    parsed = list(appended.inputs.read(unkept))
    accounts = [*(file.account for file in known.values()), *(file.coverage for file in parsed), *copies]
    accounts.sort(key=lambda account: account.path)
    number = {account.path: nth for nth, account in enumerate(accounts)}
    kept = load_events(store.root, {number[file.shown]: file for file in known.values()})
    file_no = {file.source: pl.lit(number[file.coverage.path], pl.UInt32).alias("file_no") for file in parsed}
    read_anew = (file.events.select(file_no[file.source], *EVENTS) for file in parsed)
    levels = frozenset[str]().union(*(file.levels for file in known.values()), *(file.levels for file in parsed))
    settings = appended.inputs.settings
    read = settle(chain(kept, read_anew), accounts, levels=levels, settings=settings, cellar=cellar)
    raise_if_useless(read.coverage.files, has_settings=bool(settings))
    return read


def _is_pruned(store: Store, content: str) -> bool:
    """Return whether a content's events were given up (`--keep`): it is read from the file again."""
    row = store.ledger.execute("SELECT part, n_events FROM files WHERE content = ?", (content,)).fetchone()
    return bool(row["part"] is None and row["n_events"])


def _known(store: Store, content: str, shown: str) -> KnownFile:
    row = store.ledger.execute("SELECT * FROM files WHERE content = ?", (content,)).fetchone()
    return KnownFile.of(row, shown=shown)


def _copy(source: Source, of: KnownFile) -> FileCoverage:
    return replace(
        of.account, path=source.shown, events=0, ignored=of.account.lines, rejected=0, rejects=(),
        why=f"the same content as {of.shown}, counted there",
    )  # fmt: skip


def _recall(store: Store, key: str) -> pipeline.Outcome | None:
    row = store.ledger.execute("SELECT * FROM outcomes WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    try:
        document = msgspec.json.decode((store.root / row["document"]).read_bytes(), type=Document)
        return pipeline.Outcome(document, pl.read_parquet(store.root / row["connections"]))
    except (OSError, msgspec.DecodeError, pl.exceptions.PolarsError):
        return None  # it can be made again


def _remember(store: Store, key: str, outcome: pipeline.Outcome, *, now: dt.datetime) -> None:
    """Keep an analysis, and only the latest `MOST_OUTCOMES`."""
    connections = place.write_parquet(store.root, place.OUTCOMES, outcome.connections, compression="lz4")
    document = f"{place.OUTCOMES}/{key}.json"
    place.write_whole(store.root / document, msgspec.json.encode(outcome.document))
    at = now.timestamp()
    with ledger.writing(store.ledger):
        row = (key, document, connections, ledger.next_turn(store.ledger))
        store.ledger.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?)", row)
        _drop_old(store.ledger, at=at)


def _drop_old(connection: sqlite3.Connection, *, at: float) -> None:
    old = connection.execute("SELECT * FROM outcomes ORDER BY turn DESC LIMIT -1 OFFSET ?", (MOST_OUTCOMES,)).fetchall()
    for row in old:
        connection.execute("DELETE FROM outcomes WHERE key = ?", (row["key"],))
        ledger.forget(connection, [row["document"], row["connections"]], at=at)
