"""Variables whose values leave no doubt: the form of each, and the columns they become with next to no work.

The fast way beside `fields.read_variables`, which gives the same for the same values and takes four times as
long, since it expects anything. The tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import Final

import polars as pl

from wslog.addresses import IPV4
from wslog.ingest.nginx.fields import local_instant, resolution_s
from wslog.ingest.values.line_regex import EPOCH_TIME, ISO_TIME, LOCAL_TIME
from wslog.schema import EVENTS

LONGEST_HOST: Final = 255
LONGEST_SOCKET: Final = 113  # with `unix:`
_ADDRESS: Final = (
    (rf"(?:{IPV4}|(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}[0-9A-Fa-f]{{0,4}})", "[0-9A-Fa-f:.]"),
    (IPV4, "[0-9.]"),
)
_TARGET: Final = ((r"/[!#-\[\]-~]*", "[!#-~]"),)
_HOST: Final = ((r"(?:[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?|-)?", "[a-z0-9.:-]"),)
_WHOLE: Final = ((r"(?:[0-9]{1,15}|-)?", "[0-9-]"),)
_SPAN: Final = r"(?:[0-9]{1,8}\.[0-9]{3}|-)?"
_NO_TEXT: Final = pl.lit(None, dtype=pl.String)
_SIZES: Final = (("request_length", "bytes_in"), ("bytes_sent", "bytes_out"), ("body_bytes_sent", "body_bytes"))

FORMS: Final = {
    "status": ((r"[1-9][0-9]{2}", "[0-9]"),),
    "msec": ((EPOCH_TIME, "[0-9.]"),),
    "time_iso8601": ((ISO_TIME, "[0-9.:]"),),
    "time_local": ((LOCAL_TIME, "[0-9]"),),
    "request": ((r"[A-Za-z][A-Za-z0-9_-]* /[!#-\[\]-~]* HTTP/[0-9](?:\.[0-9])?", "[ !#-~]"),),
    "request_method": (("[A-Z]{1,20}", "[A-Z]"),),
    "upstream_status": ((r"(?:[0-9]{3}|-)?", "[0-9,-]"),),
    "upstream_addr": ((r"(?:[0-9A-Za-z_.-]+(?::[0-9]{1,5})?|unix:/[!#-+\-.-\[\]-~]+|-)?", "[!#-~]"),),
    "http_x_amzn_trace_id": (("(?:Root=[0-9a-f-]+|-)?", "[0-9A-Za-z=-]"),),
    **dict.fromkeys(("remote_addr", "realip_remote_addr"), _ADDRESS),
    **dict.fromkeys(("request_uri", "uri", "document_uri"), _TARGET),
    **dict.fromkeys(("http_host", "host", "server_name"), _HOST),
    **dict.fromkeys(("remote_port", "realip_remote_port", "connection", "pid"), _WHOLE),
    **dict.fromkeys((variable for variable, _ in _SIZES), _WHOLE),
    "request_time": ((_SPAN, "[0-9.-]"),),
    **dict.fromkeys(("upstream_response_time", "upstream_header_time"), ((_SPAN, "[0-9.,-]"),)),
}
"""Variable → its clean forms, each a regex and the class of characters that must not begin the literal after it."""

AS_LOGGED: Final = frozenset({
    "hostname", "http_x_forwarded_for", "proxy_add_x_forwarded_for", "request_id", "req_id", "http_x_request_id",
    "http_user_agent", "args", "query_string", "request_completion", "http_upgrade", "sent_http_upgrade",
    "upstream_http_upgrade", "http_sec_websocket_key", "http_sec_websocket_version",
})  # fmt: skip
"""Variables that are read as they stand, whatever they hold."""

_NOT_STRIPPED: Final = frozenset({"request_completion"})
NOT_CLEAN: Final = frozenset({"time", "request_time_ms", "request_time_ns"})
"""Variables that are read, but whose values have too many forms."""


def read_clean(frame: pl.DataFrame) -> pl.DataFrame:
    """Read clean values into the columns that `fields.events_from_read` takes.

    Args:
        frame: `line` (Int64) and String columns named after variables of `FORMS` and `AS_LOGGED`.
    """
    first, second, columns = _columns(tuple(frame.columns))
    return frame.with_columns(first).with_columns(second).select("line", *columns)


@lru_cache(maxsize=64)  # describing a block would cost as much as reading it
def _columns(logged: tuple[str, ...]) -> tuple[tuple[pl.Expr, ...], ...]:
    """Return what must be cut first, then what is looked at twice, and the columns that `fields.py` reads."""
    return _stripped(logged), _halved(logged), _read(logged)


def _stripped(logged: Collection[str]) -> tuple[pl.Expr, ...]:
    words = [pl.col("request").str.splitn(" ", 3).alias("asked")] if "request" in logged else []
    return (*(pl.col(name).str.strip_chars() for name in logged if name in AS_LOGGED - _NOT_STRIPPED), *words)


def _halved(logged: Collection[str]) -> tuple[pl.Expr, ...]:
    host = _given(logged, "http_host", "host", "server_name").str.splitn(":", 2).struct.field("field_0")
    target = pl.coalesce(_asked(logged, 1), _given(logged, "request_uri", "uri", "document_uri"))
    peer = _given(logged, "upstream_addr")
    return target.str.splitn("?", 2).alias("target"), host.alias("host"), peer.alias("upstream")


def _asked(logged: Collection[str], nth: int) -> pl.Expr:
    return pl.col("asked").struct.field(f"field_{nth}") if "request" in logged else _NO_TEXT


def _read(logged: Collection[str]) -> tuple[pl.Expr, ...]:
    path, query = (pl.col("target").struct.field(f"field_{nth}") for nth in (0, 1))
    has_upgrade = pl.col("http_upgrade").is_not_null() if "http_upgrade" in logged else pl.lit(value=False)
    is_complete = pl.col("request_completion") == "OK" if "request_completion" in logged else pl.lit(None, pl.Boolean)
    return (
        *(_whole(logged, (variable,), name) for variable, name in _SIZES),
        *_clock(logged),
        _span(logged, "request_time").alias("rt"),
        _span(logged, "upstream_response_time").alias("upstream_s"),
        _span(logged, "upstream_header_time").alias("handshake_s"),
        _given(logged, "hostname").alias("log_host"),
        _given(logged, "remote_addr", "realip_remote_addr").alias("client_ip"),
        _whole(logged, ("remote_port", "realip_remote_port"), "client_port"),
        _given(logged, "http_x_forwarded_for", "proxy_add_x_forwarded_for").alias("forwarded_for"),
        _given(logged, "request_id", "req_id", "http_x_request_id").alias("request_id"),
        _given(logged, "http_x_amzn_trace_id").str.strip_prefix("Root=").alias("trace_id"),
        _whole(logged, ("connection",), "connection_no"),
        _whole(logged, ("pid",), "pid"),
        _given(logged, "http_user_agent").alias("user_agent"),
        pl.when(pl.col("host").str.len_bytes() <= LONGEST_HOST).then("host").alias("host"),
        pl.coalesce(_asked(logged, 0), _given(logged, "request_method")).alias("method"),
        path.alias("path"),
        pl.coalesce(query, _given(logged, "args", "query_string")).alias("query"),
        _whole(logged, ("status",), "status"),
        _whole(logged, ("upstream_status",), "upstream_status"),
        _peer(pl.col("upstream")).alias("upstream"),
        is_complete.alias("is_complete"),
        _given(logged, "http_upgrade", "sent_http_upgrade", "upstream_http_upgrade").alias("upgrade"),
        has_upgrade.alias("has_upgrade"),
        _given(logged, "http_sec_websocket_key", "http_sec_websocket_version").is_not_null().alias("has_key"),
    )  # fmt: skip


def _given(logged: Collection[str], *names: str) -> pl.Expr:
    """Return what `fields.given` does, of values without blanks around them."""
    values = [pl.when(~pl.col(name).is_in(["", "-"])).then(pl.col(name)) for name in names if name in logged]
    return pl.coalesce(*values) if values else _NO_TEXT


def _clock(logged: Collection[str]) -> tuple[pl.Expr, pl.Expr]:
    """Return the time of the finest clock, and how fine it is."""
    if "msec" in logged:
        text = pl.col("msec")
        at = (text.cast(pl.Float64) * 1_000_000).round().cast(pl.Int64).cast(pl.Datetime("us", "UTC"))
        return at.alias("at"), pl.lit(0.001).alias("at_resolution_s")
    if "time_iso8601" in logged:
        text = pl.col("time_iso8601")
        at = text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False)
        return at.alias("at"), resolution_s(text).alias("at_resolution_s")
    return local_instant(pl.col("time_local")).alias("at"), pl.lit(1.0).alias("at_resolution_s")


def _span(logged: Collection[str], variable: str) -> pl.Expr:
    return _given(logged, variable).cast(pl.Float64)


def _whole(logged: Collection[str], variables: tuple[str, ...], name: str) -> pl.Expr:
    return _given(logged, *variables).cast(EVENTS[name].dtype, strict=False).alias(name)


def _peer(text: pl.Expr) -> pl.Expr:
    """Keep what `addresses.UPSTREAM` keeps of a clean address."""
    longest = pl.when(text.str.starts_with("unix:")).then(LONGEST_SOCKET).otherwise(LONGEST_HOST)
    return pl.when(text.str.len_bytes() <= longest).then(text)
