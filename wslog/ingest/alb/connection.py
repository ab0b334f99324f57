"""AWS ALB connection log: one line per TLS connection of a client, successful or not.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html
Clock:  UTC, named in the line; when the connection was established or failed.
Limits: a failed TLS handshake is logged only here; plain HTTP connections and closes are not logged at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.ingest.rejects import reject_where
from wslog.ingest.values.addresses import client_address
from wslog.schema import INSTANT, EventKind, Format, Tier

_LINE: Final = (
    r"^\s*(?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) +(?P<ip>\[?[0-9A-Fa-f:.]+\]?) +(?P<port>\d{1,5}) +\d{1,5} "
    r"+(?P<protocol>TLSv[\d.]+|-) +(?P<cipher>\S+) +(?P<latency>-?\d+(?:\.\d+)?|-) "
    r'+(?:".*?"|-) +(?:NotBefore=\S+|-) +\S+ +(?P<verify>Success|Failed:\S+|-) +(?P<trace>TID_[0-9A-Fa-f]+|-)(?: |$)'
)
_RESOLUTION_S: Final = 1e-6
_LIMITS: Final = (
    "only TLS connections: nothing about the WebSockets on them, nor about plain HTTP",
    "best effort: a missing line proves nothing",
)


def parse_connections(block: pl.DataFrame) -> Parsed:
    """Parse a block of lines; a failed TLS handshake has a `message`, a good one none."""
    frame = (
        block.select(pl.col("line").cast(pl.Int64), pl.col("text").fill_null(""))
        .filter(~pl.col("text").str.contains(r"^\s*(?:#|$)"))
        .with_columns(pl.col("text").str.extract_groups(_LINE).alias("found"))
        .unnest("found")
        .with_columns(
            pl.col("at")
            .str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC", strict=False)
            .cast(INSTANT)
            .alias("moment")
        )
    )
    is_sane = pl.col("moment").dt.year().is_between(2000, 2099).fill_null(value=False)
    reason = (
        pl.when(pl.col("at").is_null())
        .then(pl.lit("not an ALB connection log line"))
        .when(~is_sane)
        .then(pl.lit("time out of range"))
    )
    failure = (
        pl.when(pl.col("verify").str.starts_with("Failed"))
        .then(pl.col("verify"))
        .when((pl.col("protocol") == "-") | (pl.col("latency") == "-"))
        .then(pl.lit("TLS handshake failed"))
    )
    latency_s = pl.col("latency").cast(pl.Float64, strict=False)
    port = pl.col("port").cast(pl.Int32, strict=False)
    events = frame.filter(reason.is_null()).select(
        "line",
        pl.lit(EventKind.TLS.value).alias("event"),
        pl.col("moment").alias("at"),
        pl.lit(_RESOLUTION_S).alias("at_resolution_s"),
        pl.lit(value=True).alias("has_zone"),
        pl.when(latency_s >= 0).then(latency_s).alias("handshake_s"),
        # A good TLS connection may carry anything; a failed one may have been a WebSocket's.
        pl.when(failure.is_null()).then(pl.lit(value=False)).alias("is_websocket"),
        client_address(pl.col("ip").str.strip_chars("[]")).alias("client_ip"),
        pl.when(port <= 65_535).then(port).alias("client_port"),
        pl.col("trace").replace({"-": None}).alias("conn_trace_id"),
        failure.alias("message"),
    )
    return Parsed(events=events, rejects=reject_where(frame, reason))


def _detect(sample: Sequence[str], config: Config) -> LineParser | None:  # noqa: ARG001
    lines = [text for text in sample if text.strip()]
    parsed = parse_connections(pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema=_BLOCK))
    if parsed.events.is_empty():
        return None
    return LineParser(
        why="ALB connection log lines",
        score=len(parsed.events) / len(lines),
        parse=parse_connections,
        clock="UTC, microseconds; when the TLS connection was established or failed",
        limits=_LIMITS,
    )


_BLOCK: Final[dict[str, pl.DataType]] = {"line": pl.Int64(), "text": pl.String()}
_TID: Final = "TID_dc57cebed65b444ebc8177bb698fe166"
ALB_CONNECTION: Final = LogFormat(
    name=Format.ALB_CONNECTION,
    tier=Tier.ALB,
    about="AWS Application Load Balancer connection log (TLS)",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-connection-logs.html",
    samples=(
        f'2026-03-10T10:01:00.186641Z 203.0.113.7 40914 443 TLSv1.3 TLS_AES_128_GCM_SHA256 0.024 "-" - - - {_TID}',
        "2026-03-10T10:01:00.186641Z 203.0.113.7 36280 443 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256 - "
        '"CN=rt.example.com,O=Example, Inc.,C=US" NotBefore=2026-09-21T22:43:21Z;NotAfter=2026-10-17T22:43:21Z '
        f"FEF257372D5C14D4 Failed:ClientCertUntrusted {_TID} X25519MLKEM768 10.0.0.9",
        f'2026-03-10T10:01:00.186641Z 2001:db8::7 40914 443 - - - "-" - - - {_TID}',
    ),
    detect=_detect,
)
