"""ALB access-log fields, still text, turned into events: what the text and the JSON form of the log have in common.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
"""

from __future__ import annotations

import re
from functools import reduce
from operator import add
from typing import Final

import polars as pl

from wslog.addresses import IPV4
from wslog.ingest.format import Parsed
from wslog.ingest.rejects import reject_where
from wslog.ingest.values.addresses import client_address, upstream_address
from wslog.ingest.values.url import url_columns
from wslog.ingest.values.usual import read_stamps, read_usual, stamp_regex
from wslog.schema import INSTANT, EventKind

# One String column each; the names are AWS's own, shortened.
RAW: Final = (
    "type",
    "time",
    "client",
    "target",
    "request_s",
    "target_s",
    "response_s",
    "status",
    "target_status",
    "received",
    "sent",
    "request",
    "user_agent",
    "trace",
    "creation",
    "actions",
    "error_reason",
    "conn_trace",
)
CLOCK: Final = "UTC, microseconds; an entry's time is when the response was made, for a WebSocket when it closed"
LIMITS: Final = (
    "an ALB line does not say who closed, nor with which code",
    "best effort: a missing line proves nothing",
)
RESOLUTION_S: Final = 1e-6
# Entries carry request_creation_time since 2018; an older line that lacks it is whole all the same.
HAS_CREATION_SINCE: Final = pl.datetime(2018, 7, 1, time_zone="UTC", time_unit="us")

_ISO: Final = "%Y-%m-%dT%H:%M:%S%.fZ"
_FIRST: Final = pl.datetime(2000, 1, 1, time_zone="UTC", time_unit="us")
_LAST: Final = pl.datetime(2100, 1, 1, time_zone="UTC", time_unit="us")
_USUAL_TIME: Final = stamp_regex(6)
_USUAL_CLIENT: Final = rf"^{IPV4}:[0-9]{{1,5}}$"
_USUAL_TRACE: Final = "^Root=[0-9a-zA-Z-]+$"
_TRACE: Final = r"(?:^|;) *Root=([^;\s]+)"
_LAST_PORT: Final = 65_535
_PHASES: Final = ("request_s", "target_s", "response_s")
_REQUEST: Final = r"^ *(\S+) +(.*?)(?: +(?:HTTP/[0-9.]+|-))? *$"
_ESCAPED: Final = re.compile(r"(?:\\x(?:000000)?[0-9A-Fa-f]{2})+")
_HEX: Final = re.compile(r"\\x(?:000000)?([0-9A-Fa-f]{2})")


def _value(name: str) -> pl.Expr:
    """Return a raw field with `-` and nothing made null."""
    return pl.when(~pl.col(name).is_in(["-", ""])).then(pl.col(name))


def _decode(found: re.Match[str]) -> str:
    return bytes(int(pair, 16) for pair in _HEX.findall(found.group())).decode("utf-8", errors="replace")


def _unescape(column: pl.Series) -> pl.Series:
    r"""Decode runs of `\xHH` (also seen as `\x000000HH`) as UTF-8; rare, so most columns pass untouched."""
    if not column.str.contains(r"\x", literal=True).any():
        return column
    return pl.Series(column.name, [text and _ESCAPED.sub(_decode, text) for text in column], dtype=pl.String)


def _in_range(instant: pl.Expr) -> pl.Expr:
    return (instant >= _FIRST) & (instant < _LAST)


def _reason(*, needs_creation: bool) -> pl.Expr:
    """Return why a line cannot become an event, or null."""
    at, creation = pl.col("at"), pl.col("creation")
    reason = (
        pl.when(pl.col("fault").is_not_null())
        .then(pl.col("fault"))
        .when(at.is_null())
        .then(pl.lit("field 2 (time) is not a time"))
        .when(~_in_range(at))
        .then(pl.lit("time out of range"))
        .when(~pl.col("status").fill_null("").str.contains(r"^(?:[1-9][0-9]{2}|-)$"))
        .then(pl.lit("field 9 (elb_status_code) is not a status"))
    )
    if needs_creation:
        reason = reason.when(creation.is_null() & (at >= HAS_CREATION_SINCE)).then(
            pl.lit("cut off before field 22 (request_creation_time)")
        )
    has_creation = creation.is_not_null() & (creation != "-")
    return reason.when(has_creation & (pl.col("opened_at").is_null() | ~_in_range(pl.col("opened_at")))).then(
        pl.lit("field 22 (request_creation_time) is not a time")
    )


def _instants(text: pl.Series, name: str) -> pl.Series:
    def exact(odd: pl.Expr) -> pl.Expr:
        return odd.str.to_datetime(_ISO, time_unit="us", time_zone="UTC", strict=False).cast(INSTANT)

    return read_usual(text, _USUAL_TIME, lambda usual: read_stamps(usual, 6), exact).alias(name)


def _handshake_s() -> pl.Expr:
    """Fields 6 to 8, without those at -1 (that phase did not happen); null if none happened.

    Added in one order: a horizontal sum of polars differs in its last bits from run to run.
    """
    phases = [pl.when(pl.col(name).is_between(0, 1e9)).then(name) for name in _PHASES]
    return pl.when(pl.any_horizontal(p.is_not_null() for p in phases)).then(
        reduce(add, (p.fill_null(0.0) for p in phases))
    )


def _address(client: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Split `address:port` at the last colon; IPv6 comes bare or in brackets."""
    value = pl.when(~client.is_in(["-", ""])).then(client)
    before = value.str.strip_chars_end("0123456789")  # much cheaper than a regex with a capture
    has_port = before.str.ends_with(":")
    without = pl.when(has_port).then(before.str.strip_suffix(":")).otherwise(value.str.strip_suffix(":-"))
    ip = without.str.strip_chars("[]")
    port = client.str.extract(r":([0-9]{1,5})$", 1).cast(pl.Int32, strict=False)
    return pl.when(~ip.is_in(["-", ""])).then(ip), port


def _with_addresses(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `client_ip` and `client_port`; an IPv4 address with a port is cut, anything else goes the exact way."""

    def cut(usual: pl.Expr) -> pl.Expr:
        halves = usual.str.splitn(":", 2).struct
        return _client(halves.field("field_0"), halves.field("field_1").cast(pl.Int32))

    def exact(odd: pl.Expr) -> pl.Expr:
        ip, port = _address(odd)
        return _client(client_address(ip), port)

    return frame.hstack(read_usual(frame["client"], _USUAL_CLIENT, cut, exact).struct.unnest())


def _client(ip: pl.Expr, port: pl.Expr) -> pl.Expr:
    return pl.struct(ip.alias("client_ip"), pl.when(port <= _LAST_PORT).then(port).alias("client_port"))


def _trace_id(trace: pl.Series) -> pl.Series:
    """Return the Root parts of traces; usual ones are nothing else."""
    read = read_usual(trace, _USUAL_TRACE, lambda usual: usual.str.slice(5), lambda odd: odd.str.extract(_TRACE, 1))
    return read.alias("trace_id")


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    status = pl.col("status_code")
    is_upgraded = (status == 101).fill_null(value=False)
    is_ws = pl.col("type").is_in(["ws", "wss"]).fill_null(value=False) | is_upgraded
    host, path, query = url_columns(frame["url"])
    frame = _with_addresses(frame).with_columns(_value("target").str.strip_suffix(":-").alias("target"))
    # Rounded: polars divides one row and many rows differently in the last bit, and blocks must not show.
    lifetime_s = ((pl.col("at") - pl.col("opened_at")).dt.total_microseconds() / 1e6).round(6)
    return frame.select(
        "line",
        pl.lit(EventKind.REQUEST.value).alias("event"),
        "at",
        pl.lit(RESOLUTION_S).alias("at_resolution_s"),
        pl.lit(value=True).alias("has_zone"),
        "opened_at",
        pl.col("at").alias("closed_at"),
        pl.when(is_ws & (lifetime_s >= 0)).then(lifetime_s).alias("lifetime_s"),
        _handshake_s().alias("handshake_s"),
        pl.when(is_upgraded).then(True).when(status >= 400).then(False).alias("is_opened"),
        pl.when(is_ws).then(True).when(status < 400).then(False).alias("is_websocket"),
        status.alias("status"),
        pl.col("target_status").cast(pl.Int32, strict=False).alias("upstream_status"),
        pl.col("method").replace({"-": None}).alias("method"),
        host.replace({"-": None}).alias("host"),
        pl.when(pl.col("method") != "-").then(path).alias("path"),
        pl.when(pl.col("method") != "-").then(query).alias("query"),
        *("client_ip", "client_port"),
        upstream_address(pl.col("target")).alias("upstream"),
        pl.col("received").cast(pl.Int64, strict=False).alias("bytes_in"),
        pl.col("sent").cast(pl.Int64, strict=False).alias("bytes_out"),
        _value("user_agent").alias("user_agent"),
        _trace_id(frame["trace"]),
        _value("conn_trace").alias("conn_trace_id"),
        _value("error_reason").fill_null(_value("actions")).alias("message"),
    )


def _with_request(raw: pl.DataFrame) -> pl.DataFrame:
    """Add `method` and `url`; requests of three words are split at their spaces, which costs a tenth of a regex."""
    request = pl.col("request")
    words = request.str.splitn(" ", 3).struct.rename_fields(["method", "url", "version"]).alias("words")
    frame = raw.with_columns(words).unnest("words")
    frame = frame.with_columns(
        (pl.col("version").str.contains(r"^HTTP/[0-9.]+$") & (pl.col("method") != "") & (pl.col("url") != ""))
        .fill_null(value=False)
        .alias("is_usual")
    )
    odd = pl.when(~pl.col("is_usual")).then(request)  # nulls cost a regex nothing
    return frame.with_columns(
        pl.when("is_usual").then(name).otherwise(odd.str.extract(_REQUEST, group)).alias(name)
        for group, name in ((1, "method"), (2, "url"))
    ).drop("version", "is_usual")


def to_events(raw: pl.DataFrame, *, needs_creation: bool) -> Parsed:
    """Turn raw fields into events and rejects.

    Args:
        raw: `line`, `text`, the String columns of `RAW`, and `fault`: why the line could not be split, or null.
        needs_creation: The file's entries carry request_creation_time, so a line without it is cut off.

    Returns:
        One event or one reject for every row, both in line order.
    """
    frame = raw.with_columns(_instants(raw["time"], "at"), _instants(raw["creation"], "opened_at"))
    frame = frame.with_columns(_reason(needs_creation=needs_creation).alias("reason"))
    is_good = frame["reason"].is_null()
    rejects = reject_where(frame.filter(~is_good), pl.col("reason")).sort("line")
    good = _with_request(frame if rejects.is_empty() else frame.filter(is_good)).with_columns(
        pl.col("status").cast(pl.Int32, strict=False).alias("status_code"),
        pl.col(_PHASES).cast(pl.Float64, strict=False),
    )
    good = good.with_columns(_unescape(good["user_agent"]), _unescape(good["url"]))
    return Parsed(events=_events(good).sort("line"), rejects=rejects)
