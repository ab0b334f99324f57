"""What the clients said of each connection: their records as one row per connection, by their own clocks."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from msgspec import Struct

from wslog.correlate.numbering import may_be_twins, number_met, number_rows
from wslog.correlate.ordering import in_order
from wslog.correlate.places import beside, collected, placed, taken
from wslog.schema import EventKind, Tier, file_of

CLIENT_FIELDS: Final = (
    "host", "path", "query", "client_ip", "user_agent", "session_id", "connection_id", "created_at", "opened_at",
    "closed_at", "lifetime_s", "is_opened", "close_code", "close_reason", "was_clean", "last_sent_at",
    "last_received_at", "close_called_at", "visibility", "is_online", "attempt", "trace_id", "request_id",
)  # fmt: skip

# A counter that restarts with the page is told apart by session and by the moment the socket was made.
CONNECTION_KEY: Final = ("session_id", "connection_id", "created_at", "own")

FEWEST_MUTE: Final = 20  # connections of a file, none of which carried a message: it never tells of any

REPEATED: Final = ("session_id", "connection_id", "host", "path", "query", "closed_at", "lifetime_s")
IS_HIDE: Final = pl.col("event") == EventKind.PAGEHIDE


class Clients(Struct, frozen=True):
    """One row per connection that a client told of: where its record is, and what that one leaves out.

    Attributes:
        rows: `record` (its place in the records), `has_close`, `is_persisted`, `clock` (the number of
            the first row that shares its clock; null: nobody known), perhaps fields that go before the record's own.
            Sorted by `closed_at`, `client_ref`.
        records: What the records tell, `ref`.
        mute: Files that never tell when messages went; None: all of them.
    """

    rows: pl.DataFrame
    records: pl.DataFrame
    mute: tuple[str, ...] | None = None

    def told(self, numbers: pl.Series | None = None) -> pl.LazyFrame:
        """Return what the records tell, by the clients' own clocks.

        Args:
            numbers: Rows that are asked for; null: none. None: all.

        Returns:
            `client` (row number), the fields of the records, `client_ref`, `has_close`,
            `is_persisted`, `clock`, and idle durations.
        """
        rows = self.rows if numbers is None else taken(self.rows, numbers).pipe(collected)
        numbers = pl.int_range(rows.height, eager=True) if numbers is None else numbers
        records = taken(self.records.drop(rows.columns, strict=False), rows["record"])
        return (
            beside(records, rows.drop("record"), numbers.cast(pl.Int64).alias("client").to_frame())
            .rename({"ref": "client_ref"})
            .with_columns(self._idle())
        )

    def _idle(self) -> list[pl.Expr]:
        """Silence before the close, as the client saw it; null if its log never tells when messages went.

        A connection that never carried a message has been silent since it opened.
        """
        is_told = pl.lit(self.mute is not None)
        if self.mute:
            is_told = ~file_of("client_ref").is_in(self.mute)

        def since(*columns: str) -> pl.Expr:
            last = pl.max_horizontal("opened_at", *columns)
            seconds = (pl.col("closed_at") - last).dt.total_milliseconds() / 1000
            return pl.when(is_told & pl.col("opened_at").is_not_null()).then(seconds)

        return [
            since("last_sent_at", "last_received_at").alias("idle_s"),
            since("last_received_at").alias("idle_in_s"),
            since("last_sent_at").alias("idle_out_s"),
        ]


def join_client_records(events: pl.DataFrame) -> Clients:
    """Fold each connection's client records (`pagehide`, then perhaps `close`) into one row.

    Records without an id of their own are connections of their own. The last record speaks; what it leaves out is
    taken from the earlier ones.
    """
    rows, records = _one_each(events)
    if rows.is_empty():
        return Clients(rows.with_columns(pl.lit(None, dtype=pl.Int64).alias("clock")), records)
    rows = rows[
        in_order(
            taken(records.select("closed_at"), rows["record"]).pipe(collected),
            lambda tied: taken(records.select("ref"), rows["record"][tied]).pipe(collected),
            nulls_last=True,
        )
    ]
    rows = drop_repeats(beside(taken(records.select(REPEATED), rows["record"]), rows).pipe(collected)).drop(REPEATED)
    rows = _opened_by_record(rows, records, events).with_columns(_clock(rows, records))
    return Clients(rows, records, _mute(taken(records, rows["record"])))


def _mute(records: pl.LazyFrame) -> tuple[str, ...] | None:
    """Return the files whose records never tell when messages went; None if no file's do.

    Of a few connections it is no wonder that they never carried any.
    """
    tells = pl.col("last_sent_at").is_not_null() | pl.col("last_received_at").is_not_null()
    files = records.select(file_of("ref").alias("file"), tells.alias("tells")).group_by("file")
    counted = files.agg(pl.len().alias("n"), pl.col("tells").any()).pipe(collected)
    if not counted["tells"].any():
        return None
    mute = counted.filter(~pl.col("tells") & (pl.col("n") >= FEWEST_MUTE))["file"]
    return tuple(mute.sort())


def _one_each(events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find the record of each connection, in no order; that of several is made of them and stands behind the others.

    Returns:
        `record`, `has_close`, `is_persisted`; and the records.
    """
    is_record = (pl.col("tier") == Tier.CLIENT) & pl.col("event").is_in([EventKind.CLOSE, EventKind.PAGEHIDE])
    places, records = placed(events, is_record), events.select(*CLIENT_FIELDS, "ref")
    own = pl.when(pl.col("connection_id").is_null()).then("ref").alias("own")
    # Most connections have one record, which speaks for itself.
    keys = taken(records.select("session_id", "connection_id", "created_at", "ref"), places).with_columns(own)
    is_one_of_many = may_be_twins(keys.select(CONNECTION_KEY).pipe(collected))
    alone = places.filter(~is_one_of_many)
    hides = taken(events.select("event", "closed_at", "is_persisted"), alone)
    rows = beside(
        alone.alias("record").to_frame(),
        hides.select(
            (~IS_HIDE).alias("has_close"),
            pl.when(IS_HIDE).then("is_persisted").alias("is_persisted"),
        ),
    ).pipe(collected)
    if not is_one_of_many.any():
        return rows, records
    several = taken(events.select(*records.columns, "event", "is_persisted"), places.filter(is_one_of_many))
    folded = _folded(several.with_columns(own).pipe(collected))
    more = folded.select(pl.int_range(pl.len()).cast(alone.dtype).alias("record") + events.height, *rows.columns[1:])
    return pl.concat([rows, more]), pl.concat([records, folded.select(records.columns)])


def _folded(records: pl.DataFrame) -> pl.DataFrame:
    """Make one row of all records of a connection."""
    return (
        records.sort("closed_at", "ref", nulls_last=False)
        .group_by(CONNECTION_KEY, maintain_order=True)
        .agg(
            *(pl.col(name).drop_nulls().last() for name in CLIENT_FIELDS if name not in CONNECTION_KEY),
            pl.col("ref").last(),
            (~IS_HIDE).any().alias("has_close"),
            pl.col("is_persisted").filter(IS_HIDE).last(),
        )
    )


def drop_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Drop records that one session sent twice: same session, URL, close and duration. Without a session none is."""
    same = [name for name in REPEATED if name in rows.columns]
    is_twin = may_be_twins(rows.select(same)) & rows["session_id"].is_not_null()
    if not is_twin.any():
        return rows
    twins = rows.select(same).with_row_index("place").filter(is_twin)
    places = pl.concat([(~is_twin).arg_true(), twins.unique(same, keep="first", maintain_order=True)["place"]])
    return rows[places.sort()]


def _opened_by_record(rows: pl.DataFrame, records: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Let records of opens say what close records leave out: whether a connection opened, and when.

    A log that tells opens tells them all: what closed without one never opened.
    """
    places = placed(events, (pl.col("tier") == Tier.CLIENT) & (pl.col("event") == EventKind.OPEN))
    if not len(places):
        return rows
    # A number of 64 bits stands for session and id: to compare texts takes much memory, and chance makes no two alike.
    theirs, ours = (
        taken(of.select("session_id", "connection_id"), at).pipe(collected).hash_rows().alias("connection")
        for of, at in ((events, places), (records, rows["record"]))
    )
    opens = beside(taken(events.select("opened_at"), places), theirs.to_frame())
    known = opens.group_by("connection").agg(pl.col("opened_at").max().alias("open_told_at"))
    asked = taken(records.select("is_opened", "opened_at", "closed_at", "lifetime_s"), rows["record"])
    opened = pl.coalesce("is_opened", pl.col("open_told_at").is_not_null())
    opened_at = pl.when(opened).then(pl.coalesce("open_told_at", "opened_at"))
    lifetime = (pl.col("closed_at") - opened_at).dt.total_milliseconds() / 1000
    told = beside(asked, ours.to_frame()).join(known, on="connection", how="left", maintain_order="left")
    told = told.select(
        opened.alias("is_opened"),
        opened_at.alias("opened_at"),
        pl.when(opened).then(pl.coalesce("lifetime_s", lifetime)).alias("lifetime_s"),
    )
    return beside(rows, told).pipe(collected)


def _clock(rows: pl.DataFrame, records: pl.DataFrame) -> pl.Series:
    """Number who shares one clock by the first row: a session, or else an address with one kind of browser."""

    def told(name: str) -> pl.Series:
        return taken(records.select(name), rows["record"]).pipe(collected).to_series()

    who = number_met(told("session_id")).copy()
    unnamed = np.flatnonzero(who < 0)
    if len(unnamed):
        address, browser = (number_met(told(name).gather(unnamed)) for name in ("client_ip", "user_agent"))
        who[unnamed] = np.where(address < 0, -1, number_rows(address, browser)[0] + who.max() + 1)
    first = np.zeros(int(who.max(initial=-1)) + 2, dtype=np.int64)  # the last one is nobody's
    first[who[::-1]] = np.arange(len(who))[::-1]
    return pl.Series("clock", first[who]).set(pl.Series(who < 0), None)
