"""What the clients said of each connection: their records as one row per connection, by their own clocks."""

from __future__ import annotations

from typing import Final

import polars as pl

from wslog.correlate.ordering import in_order
from wslog.schema import EventKind, Tier

CLIENT_FIELDS: Final = (
    "host", "path", "query", "client_ip", "user_agent", "session_id", "connection_id", "created_at", "opened_at",
    "closed_at", "lifetime_s", "is_opened", "close_code", "close_reason", "was_clean", "last_sent_at",
    "last_received_at", "close_called_at", "hidden_at", "visibility", "is_online", "attempt", "trace_id", "request_id",
)  # fmt: skip

RECORD_FIELDS: Final = ("tier", "event", "ref", "is_persisted", *CLIENT_FIELDS)
# A counter that restarts with the page is told apart by session and by the moment the socket was made.
CONNECTION_KEY: Final = ("session_id", "connection_id", "created_at", "own")

REPEATED: Final = ("session_id", "connection_id", "host", "path", "query", "closed_at", "lifetime_s")


def join_client_records(events: pl.DataFrame) -> pl.DataFrame:
    """Fold each connection's client records (`pagehide`, then perhaps `close`) into one row.

    Records without an id of their own are connections of their own. The last record speaks; what it leaves out is
    taken from the earlier ones.

    Returns:
        `client` (row number), the fields of the records, `client_ref`, `has_close`, `pagehide_at`, `is_persisted`,
        `clock` (who shares a clock; null: nobody known), and idle durations. Sorted by `closed_at`, `client_ref`.
    """
    is_record = (pl.col("tier") == Tier.CLIENT) & pl.col("event").is_in([EventKind.CLOSE, EventKind.PAGEHIDE])
    rows = _one_each(events.select(RECORD_FIELDS).filter(is_record))
    rows = rows[in_order(rows, ["closed_at"], ["client_ref"], nulls_last=True)]
    rows = drop_repeats(rows)
    rows = _opened_by_record(rows, events)
    return rows.with_columns(*_idle(rows), _clock()).with_row_index("client").cast({"client": pl.Int64})


def _one_each(records: pl.DataFrame) -> pl.DataFrame:
    """Make one row of each connection's records, in no order."""
    own = pl.when(pl.col("connection_id").is_not_null()).then(pl.lit(None)).otherwise(pl.col("ref")).alias("own")
    records = records.with_columns(own)
    # Equal keys have equal hashes: most connections have one record, which speaks for itself.
    is_one_of_many = records.select(CONNECTION_KEY).hash_rows().is_duplicated()
    if not is_one_of_many.any():
        return _alone(records)
    return pl.concat([_alone(records.filter(~is_one_of_many)), _folded(records.filter(is_one_of_many))])


def _alone(records: pl.DataFrame) -> pl.DataFrame:
    """Make rows of connections with one record each."""
    is_hide = pl.col("event") == EventKind.PAGEHIDE
    return records.select(
        *CLIENT_FIELDS,
        pl.col("ref").alias("client_ref"),
        (~is_hide).alias("has_close"),
        pl.when(is_hide).then("closed_at").alias("pagehide_at"),
        pl.when(is_hide).then("is_persisted").alias("is_persisted"),
    )


def _folded(records: pl.DataFrame) -> pl.DataFrame:
    """Make one row of all records of a connection."""
    is_hide = pl.col("event") == EventKind.PAGEHIDE
    rows = (
        records.sort("closed_at", "ref", nulls_last=False)
        .group_by(CONNECTION_KEY, maintain_order=True)
        .agg(
            *(pl.col(name).drop_nulls().last() for name in CLIENT_FIELDS if name not in CONNECTION_KEY),
            pl.col("ref").last().alias("client_ref"),
            (~is_hide).any().alias("has_close"),
            pl.col("closed_at").filter(is_hide).last().alias("pagehide_at"),
            pl.col("is_persisted").filter(is_hide).last(),
        )
    )
    return rows.select(*CLIENT_FIELDS, "client_ref", "has_close", "pagehide_at", "is_persisted")


def clock_number() -> pl.Expr:
    """Number clocks by their first record's `client`; null stays null."""
    return pl.when(pl.col("clock").is_not_null()).then(pl.col("client").first().over("clock")).alias("clock")


def drop_repeats(rows: pl.DataFrame) -> pl.DataFrame:
    """Drop records that one session sent twice: same session, URL, close and duration. Without a session none is."""
    same = [name for name in REPEATED if name in rows.columns]
    is_twin = rows.select(same).hash_rows().is_duplicated() & rows["session_id"].is_not_null()
    if not is_twin.any():
        return rows
    twins = rows.select(same).with_row_index("place").filter(is_twin)
    places = pl.concat([(~is_twin).arg_true(), twins.unique(same, keep="first", maintain_order=True)["place"]])
    return rows[places.sort()]


def _opened_by_record(rows: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Let records of opens say what close records leave out: whether a connection opened, and when.

    A log that tells opens tells them all: what closed without one never opened.
    """
    is_open = (pl.col("tier") == Tier.CLIENT) & (pl.col("event") == EventKind.OPEN)
    opens = events.select("tier", "event", "session_id", "connection_id", "opened_at").filter(is_open)
    if not opens.height:
        return rows
    key = ["session_id", "connection_id"]
    known = opens.group_by(key).agg(pl.col("opened_at").max().alias("open_told_at"))
    told = rows.join(known, on=key, how="left", nulls_equal=True, maintain_order="left")
    opened = pl.coalesce("is_opened", pl.col("open_told_at").is_not_null())
    opened_at = pl.when(opened).then(pl.coalesce("open_told_at", "opened_at"))
    lifetime = (pl.col("closed_at") - opened_at).dt.total_milliseconds() / 1000
    return told.with_columns(
        opened.alias("is_opened"),
        opened_at.alias("opened_at"),
        pl.when(opened).then(pl.coalesce("lifetime_s", lifetime)).alias("lifetime_s"),
    ).drop("open_told_at")


def _idle(rows: pl.DataFrame) -> list[pl.Expr]:
    """Silence before the close, as the client saw it; null if this log never tells when messages went.

    A connection that never carried a message has been silent since it opened.
    """
    never_told = rows["last_sent_at"].is_null().all() and rows["last_received_at"].is_null().all()

    def since(*columns: str) -> pl.Expr:
        last = pl.max_horizontal("opened_at", *columns)
        seconds = (pl.col("closed_at") - last).dt.total_milliseconds() / 1000
        return pl.when(pl.lit(not never_told) & pl.col("opened_at").is_not_null()).then(seconds)

    return [
        since("last_sent_at", "last_received_at").alias("idle_s"),
        since("last_received_at").alias("idle_in_s"),
        since("last_sent_at").alias("idle_out_s"),
    ]


def _clock() -> pl.Expr:
    """Who shares one clock: a session, or else an address with one kind of browser."""
    by_address = pl.format("{} {}", "client_ip", pl.col("user_agent").fill_null(""))
    return pl.coalesce("session_id", by_address).alias("clock")
