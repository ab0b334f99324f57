"""The ledger: one SQLite file that says which facts, weeks and files of the store count. Nothing else does.

WAL, so that readers never wait for a writer; `synchronous=FULL`, so that what was committed outlives a power cut.
On a local disk only: SQLite's locks do not hold on network file systems.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from wslog import __version__
from wslog.errors import StoreError
from wslog.weekly_result import SUMMARY_VERSION

MIGRATIONS: Final[Sequence[str]] = (
    # 1: the first form.
    """
    CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    -- One row per content ever delivered and not outgrown. `part` holds its events (null: it has none).
    CREATE TABLE files (
        content TEXT PRIMARY KEY, head TEXT NOT NULL, n_bytes INTEGER NOT NULL, shown TEXT NOT NULL,
        reading TEXT NOT NULL, part TEXT, account TEXT NOT NULL, levels TEXT NOT NULL,
        first_at INTEGER, last_at INTEGER, n_events INTEGER NOT NULL, delivery INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX files_by_head ON files (head);
    CREATE INDEX files_by_time ON files (first_at, last_at);
    -- Where a content was last found, so that an unchanged file need not even be hashed.
    CREATE TABLE places (
        path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, content TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE settings (
        file TEXT NOT NULL, value TEXT NOT NULL, first_seen INTEGER NOT NULL, PRIMARY KEY (file, value)
    ) WITHOUT ROWID;
    -- Weeks whose facts changed since they were derived. `turn` tells a later change from the one worked on.
    CREATE TABLE stale (week TEXT PRIMARY KEY, turn INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE weeks (
        week TEXT PRIMARY KEY, connections TEXT NOT NULL, n INTEGER NOT NULL, summary BLOB NOT NULL,
        edge TEXT NOT NULL, wslog_version TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE parts (name TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE orphans (name TEXT PRIMARY KEY, since REAL NOT NULL) WITHOUT ROWID;
    """,
    # 2: analyses of deliveries, so that the same input need not be explained again.
    """
    CREATE TABLE outcomes (
        key TEXT PRIMARY KEY, document TEXT NOT NULL, connections TEXT NOT NULL, turn INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
    # 3: a file put in another's place, or rewritten with its old time of change, is another one.
    """
    DROP TABLE places;
    CREATE TABLE places (
        path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, inode INTEGER NOT NULL,
        ctime_ns INTEGER NOT NULL, content TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)
DERIVED_BY: Final = f"{__version__} {SUMMARY_VERSION}"
"""What the ledger notes of who derived a week: another wslog, or another form of summary, derives it again."""
TIMEOUT_S: Final = 30.0
_MEND_VERSION: Final = "Install the wslog version that wrote it, or a later one."
_MEND_BROKEN: Final = "Restore it from a backup, or start a new store from the logs."
_MEND_PLACE: Final = "Check that its disk has room, and that you may write in its folder."
_REFUSED: Final = ("CANTOPEN", "READONLY", "PERM")
_BUSY: Final = ("BUSY", "LOCKED")
_MEND_BUSY: Final = "Wait until it is done, then run this again."


def connect(file: Path, *, create: bool) -> sqlite3.Connection:
    """Open the ledger, bringing an older one up to date; where nothing may be written, only to read it.

    Args:
        file: The SQLite file.
        create: Make one if there is none.

    Raises:
        StoreError: If there is none, it is broken, or a later wslog wrote it.
    """
    if not create and not file.is_file():
        raise StoreError(
            "this is no history store", where=str(file.parent), mend="Make one: wslog analyze logs/ --store DIR."
        )
    if create:
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = _opened(file, create=create)
        connection.execute("PRAGMA synchronous = FULL")
        connection.row_factory = sqlite3.Row
        _migrate(connection, file)
    except sqlite3.DatabaseError as error:
        raise told(error, where=str(file)) from None
    return connection


def _opened(file: Path, *, create: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(file, timeout=TIMEOUT_S, isolation_level=None)
    try:
        _use_wal(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if create or _kind(error) not in _REFUSED or file.with_name(f"{file.name}-wal").exists():
            raise
        # To read along with writers SQLite writes beside the file. Where it may not, and no -wal says that there is
        # a writer, the file alone is all (https://sqlite.org/wal.html#read_only_databases).
        return sqlite3.connect(f"{file.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
    return connection


def told(error: sqlite3.DatabaseError, *, where: str | None = None) -> StoreError:
    """Return what SQLite refuses as what the reader can mend: nobody should give up a store because a disk is full.

    Args:
        error: What SQLite raised.
        where: The ledger's file.
    """
    kind = _kind(error)
    if kind in _BUSY:
        return StoreError(f"another process is writing to the store ({error})", where=where, mend=_MEND_BUSY)
    is_whole = kind in (*_REFUSED, "FULL", "IOERR")
    what = "the ledger cannot be opened or written" if is_whole else "the ledger is damaged"
    return StoreError(f"{what} ({error})", where=where, mend=_MEND_PLACE if is_whole else _MEND_BROKEN)


def _kind(error: sqlite3.DatabaseError) -> str:
    """Return what SQLite calls an error, without what it adds: `READONLY` of `SQLITE_READONLY_DIRECTORY`."""
    return str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_").partition("_")[0]


def _use_wal(connection: sqlite3.Connection) -> None:
    # Two processes that make a new ledger at once: SQLite answers "busy" here without waiting for its timeout.
    for _ in range(100):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _kind(error) not in _BUSY:
                raise
            time.sleep(0.05)
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _migrate(connection: sqlite3.Connection, file: Path) -> None:
    if _version(connection) == len(MIGRATIONS):
        return
    with writing(connection):
        version = _version(connection)  # another process may have been faster
        if version > len(MIGRATIONS):
            raise StoreError(
                f"the store has version {version}, this wslog knows {len(MIGRATIONS)}",
                where=str(file.parent),
                mend=_MEND_VERSION,
            )
        for script in MIGRATIONS[version:]:
            for statement in script.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block as one transaction that begins by taking the write lock: all of it holds, or nothing.

    Raises:
        StoreError: If another writer holds the lock for longer than `TIMEOUT_S`, or nothing can be written.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise told(error) from None
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextlib.contextmanager
def reading(connection: sqlite3.Connection) -> Iterator[None]:
    """Run a block that sees one state of the ledger throughout, whatever is written meanwhile."""
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def next_turn(connection: sqlite3.Connection) -> int:
    """Count up and return the number of changes that were made to the facts; inside `writing`."""
    turn = int(about(connection, "turn", "0")) + 1
    connection.execute("INSERT OR REPLACE INTO about VALUES ('turn', ?)", (str(turn),))
    return turn


def about(connection: sqlite3.Connection, key: str, default: str) -> str:
    """Return one of the store's own properties."""
    row = connection.execute("SELECT value FROM about WHERE key = ?", (key,)).fetchone()
    return default if row is None else str(row[0])


def forget(connection: sqlite3.Connection, names: Sequence[str | None], *, at: float) -> None:
    """Note that files are no longer named, so that they go a day later; inside `writing`."""
    rows: list[tuple[Any, ...]] = [(name, at) for name in names if name]
    connection.executemany("INSERT OR REPLACE INTO orphans VALUES (?, ?)", rows)


def named_files(connection: sqlite3.Connection) -> set[str]:
    """Return the files that count."""
    queries = (
        "SELECT DISTINCT part FROM files WHERE part IS NOT NULL",
        "SELECT connections FROM weeks",
        "SELECT document FROM outcomes",
        "SELECT connections FROM outcomes",
    )
    return {row[0] for query in queries for row in connection.execute(query)}
