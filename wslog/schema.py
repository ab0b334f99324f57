"""The dictionary: every column wslog's tables have, with its type, unit and meaning, and the closed sets.

A column that is not defined here does not exist. Suffixes carry the unit: `_at` an instant in UTC, `_s` seconds,
`_share` 0 to 1, `n_` a count, `is_`/`has_`/`was_` a boolean, `_ref` a `file:line`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple, TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)


class Tier(StrEnum):
    """Where a line was written, in order inward; as a column of a verdict: who is at fault."""

    CLIENT = "client"
    NETWORK = "network"  # only as a fault: no log is written there
    ALB = "alb"
    NGINX = "nginx"
    APP = "app"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why a connection ended (or never opened)."""

    IDLE_TIMEOUT = "idle_timeout"
    LIFETIME_LIMIT = "lifetime_limit"
    SERVER_RESTART = "server_restart"
    SERVER_ABORT = "server_abort"
    PROXY_RELOAD = "proxy_reload"
    PROXY_RESTART = "proxy_restart"
    NETWORK_LOSS = "network_loss"
    CLIENT_SUSPENDED = "client_suspended"
    HEARTBEAT_TIMEOUT = "heartbeat_timeout"
    CLOSE_TIMEOUT = "close_timeout"
    PROTOCOL_ERROR = "protocol_error"
    HANDSHAKE_FAILED = "handshake_failed"
    CLIENT_LEFT = "client_left"
    CLEAN_CLOSE = "clean_close"
    UNKNOWN = "unknown"


class Format(StrEnum):
    """What wslog reads: the names of log formats, and of files that are configuration or nothing known."""

    CLIENT_CLOSE = "client-close"
    NGINX_ACCESS = "nginx-access"
    NGINX_ERROR = "nginx-error"
    ALB_ACCESS = "alb-access"
    ALB_CONNECTION = "alb-connection"
    ALB_HEALTH = "alb-health"
    NGINX_CONF = "nginx-conf"
    ALB_ATTRIBUTES = "alb-attributes"
    UNKNOWN = "unknown"


class EventKind(StrEnum):
    """What one parsed line says happened."""

    CLOSE = "close"  # a client's close record
    OPEN = "open"  # a client's word that a connection opened, where its close record does not say
    PAGEHIDE = "pagehide"  # a client's page went away; no close code
    REQUEST = "request"  # an access-log line: a whole WebSocket, a failed handshake or plain HTTP
    ERROR = "error"  # an nginx error line about one connection
    RELOAD = "reload"  # nginx: SIGHUP, reconfiguring
    DRAIN = "drain"  # nginx worker: gracefully shutting down
    STOP = "stop"  # nginx: SIGTERM or SIGINT (fast) or SIGQUIT (graceful)
    WORKER_EXIT = "worker_exit"  # nginx worker: exiting, exit, exited with code N
    WORKER_CRASH = "worker_crash"  # nginx: worker process N exited on signal S
    START = "start"  # nginx: a master or a worker process started
    EXHAUSTED = "exhausted"  # nginx: worker_connections or file descriptors used up
    NOTE = "note"  # any other nginx line without a connection
    TLS = "tls"  # an ALB connection-log line: one TLS connection
    HEALTH = "health"  # an ALB health-check-log line


class LimitKind(StrEnum):
    """What a log would have to hold, for what it cannot show now."""

    INFO_LEVEL = "info_level"  # nginx error lines of level info: its idle timeouts
    NOTICE_LEVEL = "notice_level"  # nginx error lines of level notice: reloads and stops
    ACCESS_VARIABLES = "access_variables"  # more variables in nginx's log_format
    CLIENT_FIELDS = "client_fields"  # more fields in the client's close records
    TRACE_ID = "trace_id"  # an id that joins lines of several tiers


class ScopeKind(StrEnum):
    """What the connections of a burst share; of the first two there is only one, the others have a name."""

    ALL = "all"  # nothing: they are of every server
    NO_NGINX_LINE = "no nginx line"  # nginx logged none of them
    UPSTREAM = "upstream"  # the app server's address
    PATH = "path"
    PROXY = "proxy"  # one nginx of several: its access log, or its address at the load balancer
    NETWORK = "network"  # of client addresses


def file_of(ref: str) -> pl.Expr:
    """Return the file of a column of `file:line`."""
    return pl.col(ref).str.replace(r":\d+$", "")


def line_of(ref: str) -> pl.Expr:
    """Return the line of a column of `file:line`."""
    return pl.col(ref).str.extract(r":(\d+)$").cast(pl.Int64)


def split_scope(scope: str) -> tuple[ScopeKind | None, str]:
    """Return a burst's scope as its kind and the name behind it: `upstream 10.0.0.7:9002`; None: of no kind we know."""
    if scope in {ScopeKind.ALL, ScopeKind.NO_NGINX_LINE}:
        return ScopeKind(scope), ""
    kind, _, name = scope.partition(" ")
    named = {ScopeKind.UPSTREAM, ScopeKind.PATH, ScopeKind.PROXY, ScopeKind.NETWORK}
    return (ScopeKind(kind), name) if kind in named and name else (None, scope)


class CloseCode(IntEnum):
    """Close codes that wslog reasons about (RFC 6455 section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    NO_CODE = 1005
    ABNORMAL = 1006  # never travels: an endpoint's own word for "no close frame came"
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TLS_FAILED = 1015


PROXYING: Final = "proxying upgraded connection"
"""What nginx does on an open WebSocket, by its error log's own words."""


class Column(NamedTuple):
    """One column: its polars type, its unit (empty: none) and its meaning."""

    dtype: pl.DataType
    unit: str
    meaning: str


INSTANT: Final = pl.Datetime("us", "UTC")
TEXT: Final = pl.String()
SECONDS: Final = pl.Float64()
WHOLE: Final = pl.Int64()
SMALL: Final = pl.Int32()
FLAG: Final = pl.Boolean()

EVENTS: Final[Mapping[str, Column]] = {
    "tier": Column(TEXT, "Tier", "where the line was written"),
    "format": Column(TEXT, "Format", "the log format that parsed the line"),
    "event": Column(TEXT, "EventKind", "what the line says happened"),
    "ref": Column(TEXT, "file:line", "the line; for compressed files the line of the uncompressed text"),
    "log_host": Column(TEXT, "", "the machine that wrote the line, where a wrapper (syslog, container log) names it"),
    "at": Column(INSTANT, "UTC", "the line's own time; access logs and close records: the close"),
    "at_resolution_s": Column(SECONDS, "s", "how fine the line's clock is; the truth lies in [at, at + this)"),
    "has_zone": Column(FLAG, "", "false: the line names no time zone and was read as if it were UTC, or as --tz says"),
    "created_at": Column(INSTANT, "UTC", "client: when the WebSocket was constructed"),
    "opened_at": Column(
        INSTANT, "UTC", "when the WebSocket opened (client) or its request began (servers); null: never or not known"
    ),
    "closed_at": Column(INSTANT, "UTC", "when the connection ended, by this line's clock"),
    "lifetime_s": Column(SECONDS, "s", "open to close; null where the format cannot tell"),
    "handshake_s": Column(
        SECONDS, "s", "the handshake alone: upstream header time, ALB processing times, created to opened"
    ),
    "is_opened": Column(FLAG, "", "the handshake completed; null: the line cannot tell"),
    "is_websocket": Column(
        FLAG, "", "surely a WebSocket (101, Upgrade header, a close record); null: may be a failed handshake"
    ),
    "status": Column(SMALL, "HTTP", "the status this tier answered with"),
    "upstream_status": Column(SMALL, "HTTP", "the next tier's status; last of a list"),
    "method": Column(TEXT, "", "HTTP method"),
    "host": Column(TEXT, "", "the host asked for, lower case, without port"),
    "path": Column(TEXT, "", "path without query"),
    "query": Column(TEXT, "", "query without the question mark"),
    "client_ip": Column(TEXT, "", "the peer's address as this tier saw it"),
    "client_port": Column(SMALL, "", "the peer's port as this tier saw it"),
    "forwarded_for": Column(TEXT, "", "X-Forwarded-For as logged, whole"),
    "upstream": Column(TEXT, "", "address of the next tier; last of a list"),
    "bytes_in": Column(WHOLE, "bytes", "received from the client; nginx: the handshake only"),
    "bytes_out": Column(WHOLE, "bytes", "sent to the client, handshake included"),
    "body_bytes": Column(WHOLE, "bytes", "sent to the client after the response header; nginx: the frames"),
    "request_id": Column(TEXT, "", "a unique id of the request"),
    "trace_id": Column(TEXT, "", "the Root part of X-Amzn-Trace-Id"),
    "conn_trace_id": Column(TEXT, "", "the ALB's id of the client's TLS connection"),
    "connection_no": Column(WHOLE, "", "nginx $connection; restarts with the master, not unique for long"),
    "pid": Column(WHOLE, "", "the nginx process that wrote the line, or that it is about"),
    "is_complete": Column(FLAG, "", "nginx $request_completion was OK; null: not logged"),
    "user_agent": Column(TEXT, "", "as logged; untrusted text"),
    "level": Column(TEXT, "", "nginx error level"),
    "errno": Column(SMALL, "", "system error number of an nginx error line"),
    "action": Column(TEXT, "", f"nginx: what it was doing (`{PROXYING}`)"),
    "message": Column(TEXT, "", "nginx: the message without errno and context; ALB: error_reason or actions"),
    "close_code": Column(SMALL, "", "what the client reported; null: no code"),
    "close_reason": Column(TEXT, "", "what the client reported; untrusted text"),
    "was_clean": Column(FLAG, "", "what the client reported"),
    "session_id": Column(TEXT, "", "the client's own session or user id"),
    "connection_id": Column(TEXT, "", "the client's own id of the connection"),
    "last_sent_at": Column(INSTANT, "UTC", "client: when it last sent a message"),
    "last_received_at": Column(INSTANT, "UTC", "client: when it last received a message"),
    "close_called_at": Column(INSTANT, "UTC", "client: when the page called close()"),
    "hidden_at": Column(INSTANT, "UTC", "client: when the page was last hidden"),
    "visibility": Column(TEXT, "", "client: visible or hidden at the close"),
    "is_online": Column(FLAG, "", "client: navigator.onLine at the close"),
    "is_persisted": Column(FLAG, "", "pagehide into the back/forward cache"),
    "attempt": Column(SMALL, "", "client: 0 first, n the n-th try after a close"),
}

# The published table, one row per connection attempt seen by any tier (times on the reference clock).
CONNECTIONS: Final[Mapping[str, Column]] = {
    "connection_id": Column(TEXT, "", "stable within the analysis; the client's own id if it logged one"),
    "session_id": Column(TEXT, "", "the client's own session or user id"),
    "host": Column(TEXT, "", "the host asked for"),
    "path": Column(TEXT, "", "path without query"),
    "opened_at": Column(INSTANT, "UTC", "null: never opened, or not known"),
    "closed_at": Column(INSTANT, "UTC", "when the observer noticed the end"),
    "lifetime_s": Column(SECONDS, "s", "open to close"),
    "idle_s": Column(SECONDS, "s", "silence before the close, either way, as the client saw it"),
    "idle_in_s": Column(SECONDS, "s", "since the client last received"),
    "idle_out_s": Column(SECONDS, "s", "since the client last sent"),
    "close_code": Column(SMALL, "", "what the client reported"),
    "close_reason": Column(TEXT, "", "what the client reported; untrusted text"),
    "was_clean": Column(FLAG, "", "what the client reported"),
    "is_drop": Column(
        FLAG, "", "the client reported 1006, or no client record exists and the servers' logs show an abnormal end"
    ),
    "is_opened": Column(FLAG, "", "the handshake completed"),
    "cause": Column(TEXT, "Cause", "why it ended"),
    "tier": Column(TEXT, "Tier", "who is at fault"),
    "timeout_s": Column(SECONDS, "s", "the timer's value, for causes that are timers"),
    "timeout_id": Column(pl.List(pl.String), "", "candidates in the knowledge base; one entry: decided"),
    "confidence": Column(SECONDS, "0..1", "probability that the cause is right"),
    "cluster_id": Column(SMALL, "", "the idle or lifetime cluster it belongs to"),
    "evidence": Column(pl.List(pl.String), "", "what speaks for or against, with file:line"),
    "client_ref": Column(TEXT, "file:line", "its (last) client record"),
    "nginx_access_ref": Column(TEXT, "file:line", "its nginx access line"),
    "nginx_error_ref": Column(TEXT, "file:line", "its nginx error line"),
    "alb_ref": Column(TEXT, "file:line", "its ALB access line"),
    "match_confidence": Column(SECONDS, "0..1", "probability that the server lines belong to this client record"),
    "client_skew_s": Column(SECONDS, "s", "client clock minus reference clock; positive runs ahead"),
    "handshake_status": Column(SMALL, "HTTP", "status of the handshake as the outermost tier logged it"),
    "upstream": Column(TEXT, "", "the app server's address"),
    "client_ip": Column(TEXT, "", "the client's address; a pseudonym under --anonymize"),
    "user_agent": Column(TEXT, "", "untrusted text; a pseudonym under --anonymize"),
    "attempt": Column(SMALL, "", "0 for a first connection, n for the n-th try after a close"),
    "reconnect_gap_s": Column(SECONDS, "s", "close to the same client's next attempt"),
    "visibility": Column(TEXT, "", "as the client said at the close"),
    "is_online": Column(FLAG, "", "as the client said at the close"),
}

# What correlation hands to classification: a connection attempt as every tier saw it, times on the reference clock.
JOINED: Final[Mapping[str, Column]] = {
    **{
        name: CONNECTIONS[name]
        for name in (
            "connection_id",
            "session_id",
            "host",
            "path",
            "opened_at",
            "closed_at",
            "lifetime_s",
            "idle_s",
            "idle_in_s",
            "idle_out_s",
            "close_code",
            "close_reason",
            "was_clean",
            "is_opened",
            "client_ref",
            "match_confidence",
            "client_skew_s",
            "handshake_status",
            "upstream",
            "client_ip",
            "user_agent",
            "attempt",
            "reconnect_gap_s",
            "visibility",
            "is_online",
            "alb_ref",
        )
    },
    "has_client": Column(FLAG, "", "a client record exists"),
    "maybe_client": Column(
        SECONDS, "0..1", "server rows: probability that some client record is about this connection"
    ),
    "is_pagehide_only": Column(FLAG, "", "the client's only record is that its page went away"),
    "is_persisted": Column(FLAG, "", "the page went into the back/forward cache"),
    "created_at": Column(INSTANT, "UTC", "client: when the WebSocket was constructed"),
    "last_message_at": Column(INSTANT, "UTC", "client: last message either way, or the open"),
    "close_called_at": Column(INSTANT, "UTC", "client: when the page called close()"),
    "client_lag_s": Column(
        SECONDS, "s", "how much later than the servers the client noticed the end; negative: earlier"
    ),
    "server_closed_at": Column(INSTANT, "UTC", "when nginx (else the ALB) saw the end"),
    "server_lifetime_s": Column(SECONDS, "s", "open to close as nginx (else the ALB) saw it, without the handshake"),
    "nginx_ref": Column(TEXT, "file:line", "its nginx access line"),
    "nginx_closed_at": Column(INSTANT, "UTC", "when nginx ended or saw the end"),
    "nginx_status": Column(SMALL, "HTTP", "what nginx answered"),
    "nginx_upstream_status": Column(SMALL, "HTTP", "what the app answered"),
    "nginx_is_complete": Column(FLAG, "", "$request_completion"),
    "nginx_peer_ip": Column(TEXT, "", "who spoke to nginx: the client, or a proxy before nginx"),
    "nginx_at_resolution_s": Column(SECONDS, "s", "how fine nginx's close time is"),
    "error_ref": Column(TEXT, "file:line", "its nginx error line"),
    "may_have_error": Column(
        FLAG, "", "an error line is about it or about another one of that moment, nobody knows which"
    ),
    "error_level": Column(TEXT, "", "nginx error level: error is the upstream side, info the client side or a timeout"),
    "error_errno": Column(SMALL, "", "system error number"),
    "error_action": Column(TEXT, "", "what nginx was doing"),
    "error_message": Column(TEXT, "", "the message without errno and context"),
    "alb_closed_at": Column(INSTANT, "UTC", "when the ALB ended or saw the end"),
    "alb_status": Column(SMALL, "HTTP", "what the ALB answered"),
    "alb_upstream_status": Column(SMALL, "HTTP", "what the ALB's target answered"),
    "alb_upstream": Column(TEXT, "", "the ALB's target"),
}


def dtypes(columns: Mapping[str, Column]) -> dict[str, pl.DataType]:
    """Return the polars schema of a table defined here."""
    return {name: column.dtype for name, column in columns.items()}


def conform(frame: Frame, columns: Mapping[str, Column]) -> Frame:
    """Return *frame* with exactly *columns*, in their order: missing ones null, types cast, others dropped.

    Raises:
        polars.exceptions.InvalidOperationError: If a column holds what its type cannot.
    """
    known = frame.collect_schema()
    return frame.select(
        (pl.col(name) if name in known else pl.lit(None)).cast(column.dtype).alias(name)
        for name, column in columns.items()
    )
