"""Columns of `schema.EVENTS` from nginx variables: the one place where `$request_time` and its like get a meaning.

Source: https://nginx.org/en/docs/varindex.html, ngx_http_upstream.c (lists, lingering close); checked on nginx 1.22.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

import polars as pl

from wslog.ingest.values.addresses import client_address, upstream_address
from wslog.schema import EVENTS, EventKind

# Digits are `[0-9]`: `\d` has those of all scripts, which no cast reads.
# A session whose `$request_time` outlasts its upstream by more than this was lingering: nginx had ended it already.
LINGERING_S: Final = 1.0
MILLISECONDS_FROM: Final = 1e11  # an epoch number this large counts milliseconds
REQUEST_LINE: Final = r"^([A-Za-z][A-Za-z0-9_-]*) +(\S.*?)(?: +HTTP/[0-9](?:\.[0-9])?)?\s*$"
LONGEST_S: Final = 10 * 365 * 86_400.0  # no connection lasts so long: such a number is damaged
LIST_OF_SECONDS: Final = r"^[0-9., :-]+$"
_NO_TEXT: Final = pl.lit(None, dtype=pl.String)
METHOD_FORMS: Final = r"^[A-Za-z][A-Za-z0-9_-]{0,31}$"


def given(logged: Collection[str], *names: str) -> pl.Expr:
    """Return the first value of the variables *names*, as far as they are *logged*; `-` and empty are none."""
    values = [pl.col(name).str.strip_chars() for name in names if name in logged]
    values = [pl.when(~value.is_in(["", "-"])).then(value) for value in values]
    return pl.coalesce(*values) if values else pl.lit(None, dtype=pl.String)


def epoch_instant(text: pl.Expr) -> pl.Expr:
    """Read an epoch number, seconds with or without a fraction, or milliseconds."""
    number = text.str.extract(r"^([0-9]{9,14}(?:\.[0-9]{1,9})?)$").cast(pl.Float64)
    epoch_s = pl.when(number >= MILLISECONDS_FROM).then(number / 1_000).otherwise(number)
    return (epoch_s * 1_000_000).round().cast(pl.Int64).cast(pl.Datetime("us", "UTC"))


def iso_instant(text: pl.Expr) -> pl.Expr:
    """Read an ISO time with zone; one without a zone is null."""
    with_t = text.str.replace("^([0-9]{4}-[0-9]{2}-[0-9]{2}) ", "${1}T")
    iso = with_t.str.replace("([+-][0-9]{2})([0-9]{2})$", "${1}:${2}")
    return iso.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)


def local_instant(text: pl.Expr) -> pl.Expr:
    """Read `$time_local`, which carries its offset."""
    return text.str.to_datetime("%d/%b/%Y:%H:%M:%S %z", time_unit="us", time_zone="UTC", strict=False)


def any_instant(text: pl.Expr) -> pl.Expr:
    """Read a time in any of the three forms."""
    return pl.coalesce(epoch_instant(text), iso_instant(text), local_instant(text))


# The finest first. `time` is not nginx's: a user's own key whose form changes from line to line.
CLOCKS: Final = (
    ("msec", epoch_instant),
    ("time_iso8601", iso_instant),
    ("time_local", local_instant),
    ("time", any_instant),
)


def resolution_s(text: pl.Expr) -> pl.Expr:
    """Return how fine a time text is: 0.001 s with a fraction or in epoch milliseconds, else 1 s."""
    return pl.when(text.str.contains(r"[.,][0-9]{2,}|^[0-9]{12,14}$")).then(0.001).when(text.is_not_null()).then(1.0)


def last_of_list(text: pl.Expr) -> pl.Expr:
    """Return the last entry of an upstream list `a, b : c` (next tries `, `; internal redirects ` : `); `-` is null."""
    last = text.str.strip_chars(" ,").str.strip_suffix(" :").str.replace(r"^.*[ ]:[ ]", "").str.replace(r"^.*,\s*", "")
    return pl.when(~last.is_in(["", "-"])).then(last)


def sum_of_list(text: pl.Expr) -> pl.Expr:
    """Add up the seconds of an upstream list; null if it holds none."""
    numbers = text.str.extract_all(r"[0-9]+\.[0-9]+|[0-9]+").cast(pl.List(pl.Float64))
    total = numbers.list.sum()
    is_list = text.str.contains(LIST_OF_SECONDS) & (numbers.list.len() > 0) & (total <= LONGEST_S)
    return pl.when(is_list).then(total)


def seconds(text: pl.Expr) -> pl.Expr:
    """Read `s.mmm`; what no connection can have lasted is null."""
    read = text.str.extract(r"^([0-9]{1,10}(?:\.[0-9]{1,9})?)$").cast(pl.Float64)
    return pl.when(read <= LONGEST_S).then(read)


def _scaled(text: pl.Expr, parts: float) -> pl.Expr:
    """Read a number of so small *parts* of a second."""
    read = text.str.extract(r"^([0-9]{1,18}(?:\.[0-9]{1,9})?)$").cast(pl.Float64) / parts
    return pl.when(read <= LONGEST_S).then(read)


def whole(text: pl.Expr, name: str) -> pl.Expr:
    """Read a whole number into the type of column *name*; null for anything else and for what does not fit."""
    return text.str.extract(r"^([0-9]+)(?:[./][0-9]+)?$").cast(EVENTS[name].dtype, strict=False).alias(name)


def bare_host(text: pl.Expr) -> pl.Expr:
    """Lower-case a host and take its port off; `_` and words that are no host are null."""
    host = text.str.to_lowercase().str.extract(r"^(\[[0-9a-f:.]+\]|[^:\s\x00-\x1f]{1,255})(?::[0-9]*)?$")
    return pl.when(host != "_").then(host)


def target_path(target: pl.Expr) -> pl.Expr:
    """Return the path of a request target, which may be in absolute form."""
    return target.str.replace(r"^\w+://[^/?]*", "").str.extract(r"^([^?]+)")


def target_query(target: pl.Expr) -> pl.Expr:
    """Return the query of a request target, null without one."""
    return target.str.extract(r"\?(.*)$")


def request_columns(request: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Return method and target of a raw request line; null if it is not one (empty, TLS bytes, junk)."""
    return request.str.extract(REQUEST_LINE, 1), request.str.extract(REQUEST_LINE, 2)


def read_variables(frame: pl.DataFrame) -> pl.DataFrame:
    """Read raw variable texts into the columns that `events_from_read` takes, whatever they hold: the exact way.

    Args:
        frame: `line` (Int64) and String columns named after nginx variables, as logged (`-` or empty: absent).
    """
    first, columns = _columns(tuple(frame.columns))
    return frame.with_columns(first).select("line", *columns)


@lru_cache(maxsize=64)  # describing a block costs as much as reading it where few of its lines are left
def _columns(logged: tuple[str, ...]) -> tuple[tuple[pl.Expr, ...], tuple[pl.Expr, ...]]:
    first: tuple[pl.Expr, ...] = ()
    if "request" in logged:
        method, target = request_columns(given(logged, "request"))
        first = (method.alias("asked_by"), target.alias("asked_for"))
    return first, (*_who(logged), *_what(logged), *_when(logged), *_sizes(logged))


def events_from_read(read: pl.DataFrame) -> pl.DataFrame:
    """Say of each request what it was and when it began and ended: events, one a row.

    Args:
        read: What `read_variables` or `fields_clean.read_clean` gives.

    Returns:
        `line` and `schema.EVENTS` columns. `at` is null where no time can be read: the caller rejects those.
        `closed_at` is `at`, less the lingering close: what nginx waited for the client after it had ended the session.
    """
    return read.with_columns(_LIFETIME, *_VERDICTS).with_columns(_OPENED_AT).select(_EVENT)


def _duration(seconds_: pl.Expr) -> pl.Expr:
    return pl.duration(microseconds=(seconds_ * 1_000_000).round().cast(pl.Int64))


def _when(logged: Collection[str]) -> tuple[pl.Expr, ...]:
    nothing = pl.lit(None, dtype=pl.Datetime("us", "UTC"))
    stamps = [(given(logged, name), read) for name, read in CLOCKS if name in logged]
    at = [read(stamp) for stamp, read in stamps]
    resolution = [
        pl.when(time.is_not_null()).then(resolution_s(text)) for time, (text, _) in zip(at, stamps, strict=True)
    ]
    in_ms = _scaled(given(logged, "request_time_ms"), 1e3)
    in_ns = _scaled(given(logged, "request_time_ns"), 1e9)
    return (
        pl.coalesce(*at, nothing).alias("at"),
        pl.coalesce(*resolution, pl.lit(None, dtype=pl.Float64)).alias("at_resolution_s"),
        pl.coalesce(seconds(given(logged, "request_time")), in_ms, in_ns).alias("rt"),
        sum_of_list(given(logged, "upstream_response_time")).alias("upstream_s"),
        seconds(last_of_list(given(logged, "upstream_header_time"))).alias("handshake_s"),
    )


def _who(logged: Collection[str]) -> tuple[pl.Expr, ...]:
    peer = given(logged, "remote_addr", "realip_remote_addr")
    with_port = r"^(?:\[([^\]]+)\]|([0-9]+\.[0-9]+\.[0-9]+\.[0-9]+)):([0-9]+)$"
    trace = given(logged, "http_x_amzn_trace_id")
    return (
        given(logged, "hostname").alias("log_host"),
        client_address(pl.coalesce(peer.str.extract(with_port, 1), peer.str.extract(with_port, 2), peer)).alias(
            "client_ip"
        ),
        whole(
            pl.coalesce(
                given(logged, "remote_port"), given(logged, "realip_remote_port"), peer.str.extract(with_port, 3)
            ),
            "client_port",
        ),
        given(logged, "http_x_forwarded_for", "proxy_add_x_forwarded_for").alias("forwarded_for"),
        given(logged, "request_id", "req_id", "http_x_request_id").alias("request_id"),
        pl.coalesce(
            trace.str.extract(r"Root=([^;\s\"]+)"), trace.str.extract(r"^([0-9]-[0-9a-f]{8}-[0-9a-f]{24})$")
        ).alias("trace_id"),
        whole(given(logged, "connection"), "connection_no"),
        whole(given(logged, "pid"), "pid"),
        given(logged, "http_user_agent").alias("user_agent"),
        bare_host(given(logged, "http_host", "host", "server_name")).alias("host"),
    )


def _what(logged: Collection[str]) -> tuple[pl.Expr, ...]:
    method, target = (pl.col("asked_by"), pl.col("asked_for")) if "request" in logged else (_NO_TEXT, _NO_TEXT)
    alone = given(logged, "request_uri", "uri", "document_uri")
    target = pl.coalesce(target, pl.when(alone.str.contains(r"^/|^\w+://")).then(alone))
    logged_method = given(logged, "request_method")
    completion = pl.col("request_completion") == "OK" if "request_completion" in logged else pl.lit(None)
    return (
        pl.coalesce(method, logged_method.str.extract(f"({METHOD_FORMS})")).alias("method"),
        target_path(target).alias("path"),
        pl.coalesce(target_query(target), given(logged, "args", "query_string")).alias("query"),
        whole(given(logged, "status"), "status"),
        whole(last_of_list(given(logged, "upstream_status")), "upstream_status"),
        upstream_address(last_of_list(given(logged, "upstream_addr"))).alias("upstream"),
        completion.cast(pl.Boolean).alias("is_complete"),
        given(logged, "http_upgrade", "sent_http_upgrade", "upstream_http_upgrade").alias("upgrade"),
        _is_logged(logged, "http_upgrade").alias("has_upgrade"),
        given(logged, "http_sec_websocket_key", "http_sec_websocket_version").is_not_null().alias("has_key"),
    )


def _sizes(logged: Collection[str]) -> tuple[pl.Expr, ...]:
    return (
        whole(given(logged, "request_length"), "bytes_in"),
        whole(given(logged, "bytes_sent"), "bytes_out"),
        whole(given(logged, "body_bytes_sent"), "body_bytes"),
    )


def _is_logged(logged: Collection[str], name: str) -> pl.Expr:
    return pl.col(name).is_not_null() if name in logged else pl.lit(value=False)


def _verdicts() -> tuple[pl.Expr, ...]:
    """Say whether it is a WebSocket and opened; null: the line cannot tell."""
    status = pl.col("status")
    asks = pl.col("upgrade").str.to_lowercase().str.contains("websocket").fill_null(value=False) | pl.col("has_key")
    is_failure = (status >= 400) | (status == 0)
    # A 400 may be a request whose headers nginx never read, so a missing Upgrade says nothing there.
    asks_not = pl.col("has_upgrade") & (status != 400) & (status != 0)
    is_websocket = (
        pl.when((status == 101) | asks)
        .then(pl.lit(value=True))
        .when((status.is_not_null() & ~is_failure) | asks_not)
        .then(pl.lit(value=False))
        .alias("is_websocket")
    )
    is_opened = (
        pl.when(status == 101)
        .then(pl.lit(value=True))
        .when(is_failure | asks)
        .then(pl.lit(value=False))
        .alias("is_opened")
    )
    return is_websocket, is_opened


def _lifetime() -> pl.Expr:
    is_lingering = (pl.col("status") == 101) & (pl.col("rt") - pl.col("upstream_s") > LINGERING_S)
    return pl.when(is_lingering).then(pl.col("upstream_s")).otherwise(pl.col("rt")).alias("lifetime_s")


# Made once: a block costs as much to describe as to read where few of its lines are left.
_READ: Final = (
    "log_host", "client_ip", "client_port", "forwarded_for", "request_id", "trace_id", "connection_no", "pid",
    "user_agent", "host", "method", "path", "query", "status", "upstream_status", "upstream", "is_complete", "at",
    "at_resolution_s", "handshake_s", "bytes_in", "bytes_out", "body_bytes",
)  # fmt: skip
_LIFETIME: Final = _lifetime()
_VERDICTS: Final = _verdicts()
_OPENED_AT: Final = (pl.col("at") - _duration(pl.col("rt"))).alias("opened_at")
_EVENT: Final = (
    pl.col("line", *_READ, "lifetime_s", "is_websocket", "is_opened", "opened_at"),
    pl.coalesce(pl.col("opened_at") + _duration(pl.col("lifetime_s")), pl.col("at")).alias("closed_at"),
    pl.lit(EventKind.REQUEST.value).alias("event"),
    pl.lit(value=True).alias("has_zone"),
)
