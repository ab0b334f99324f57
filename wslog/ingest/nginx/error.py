"""nginx error log: what broke inside nginx, with its connection, and the life of its processes.

Source: https://nginx.org/en/docs/ngx_core_module.html#error_log; message list read in nginx 1.31.5, run with 1.22.1.
Clock:  local time of the nginx host, whole seconds, no zone in the line.
Limits: nginx writes its own idle timeout at level `info`; `error_log … error` (the default) leaves it out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Final

import polars as pl

from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.ingest.nginx.error_clean import CLEAN, read_clean_fields
from wslog.ingest.nginx.error_lines import HEAD, read_fields
from wslog.ingest.nginx.error_plain import PLAIN, REFUSED
from wslog.ingest.nginx.error_values import read_hosts, read_requests, read_upstreams
from wslog.ingest.rejects import REJECTED_TEXT, REJECTS
from wslog.ingest.values.addresses import client_address
from wslog.schema import EVENTS, PROXYING, EventKind, Format, LimitKind, Tier

MIN_SHARE: Final = 0.2
# Process life, first match wins. Only lines without a connection are looked up here.
LIFE: Final = (
    (EventKind.WORKER_CRASH, r"process \d+ exited on signal \d+"),
    (EventKind.WORKER_EXIT, r"^exiting$|^exit$|^worker process \d+ exited with (?:fatal )?code \d+"),
    (EventKind.DRAIN, r"^gracefully shutting down"),
    (EventKind.RELOAD, r"^reconfiguring$|\(SIGHUP\) received.*reconfiguring"),
    (EventKind.STOP, r"^signal \d+ \(SIG(?:TERM|INT|QUIT)\) received"),
    (EventKind.START, r"^start worker process|^nginx/\d|^openresty/\d"),
    (EventKind.EXHAUSTED, r"worker_connections are not enough$"),  # or one of EXHAUSTED_ERRNOS
)
EXHAUSTED_ERRNOS: Final = (23, 24)  # too many open files, in the system or in the process
ABOUT: Final = r"process (\d+)(?: exited|$)"  # the process that a master's line is about
# What nginx does before the 101: an error meanwhile may be a failed handshake.
HANDSHAKE: Final = (
    r"connecting to upstream|sending request to upstream|reading response header from upstream|"
    r"reading client request|resolving|SSL handshaking"
)
RESPONDING: Final = (
    r"^reading upstream|^sending to client|keepalive|waiting for request"  # plain HTTP, or no request at all
)
HEAD_INSIDE: Final = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]{4,6}\] \d+#\d+: "
TIME_START: Final = r"^\d{4}/"
ACCESS_LINE: Final = r"^\S+ .*\[\d\d/[A-Z][a-z]{2}/\d{4}:"


def level_limits(levels: Collection[str]) -> dict[str, LimitKind]:
    """Return what an error log cannot show, given the levels seen in the whole file, and what it would need."""
    limits = {}
    if "info" not in levels:
        seen = "info or notice" if "notice" not in levels else "info"
        text = f"no line at level {seen}: nginx's own idle timeouts are written at info and are not visible here"
        limits[text] = LimitKind.INFO_LEVEL
    if not {"info", "notice"} & set(levels):
        limits["no line at level notice: reloads and stops of nginx are not visible here"] = LimitKind.NOTICE_LEVEL
    return limits


def parse_error(lines: pl.DataFrame, *, zone: str | None) -> Parsed:
    """Parse a block of lines. Lines that do not begin with a time continue the one before and are ignored."""
    lines = lines.select("line", "text")
    is_clean = lines["text"].str.contains(CLEAN)
    clean, lines = lines.filter(is_clean), lines.filter(~is_clean).filter(pl.col("text").str.strip_chars() != "")
    certain = _events(read_clean_fields(clean), zone)
    if lines.is_empty() and certain["at"].null_count() == 0:
        return Parsed(certain, pl.DataFrame(schema=REJECTS))
    is_merged = pl.col("text").str.contains("(?s)^.+" + HEAD_INSIDE) & pl.col("text").str.contains(TIME_START)
    others = _events(read_fields(lines.filter(~is_merged)), zone)
    events = pl.concat([certain, others.select(certain.columns)]).sort("line")
    lines = pl.concat([clean, lines]).sort("line")
    silent = lines.join(events.select("line"), on="line", how="anti", maintain_order="left")
    is_head = pl.col("text").str.contains(TIME_START)
    is_access = pl.col("text").str.contains(ACCESS_LINE)
    holds_head = pl.col("text").str.contains(HEAD_INSIDE)
    odd = silent.filter(is_head | is_access | holds_head).select(
        "line",
        pl.when(is_access)
        .then(pl.lit("an access line in an error log"))
        .when(~is_head)
        .then(pl.lit("damaged: something stands before the time"))
        .when(is_merged)
        .then(pl.lit("damaged: a second line begins inside"))
        .otherwise(pl.lit("torn line: a time, but no level and process"))
        .alias("reason"),
        REJECTED_TEXT,
    )
    timeless = lines.join(events.filter(pl.col("at").is_null()).select("line"), on="line", how="semi").select(
        "line", pl.lit("no such time").alias("reason"), REJECTED_TEXT
    )
    return Parsed(events.filter(pl.col("at").is_not_null()), pl.concat([odd, timeless]).sort("line"))


def _events(fields: pl.DataFrame, zone: str | None) -> pl.DataFrame:
    errno = pl.col("errno").cast(EVENTS["errno"].dtype, strict=False)
    # `NAME could not be resolved (3: Host not found)` carries a DNS answer in the place of a system error.
    is_dns = pl.col("message").str.contains("could not be resolved")
    frame = (
        fields.hstack(read_requests(fields["request"]))
        .with_columns(
            _utc(pl.col("stamp"), zone).alias("at"),
            pl.lit(1.0).alias("at_resolution_s"),
            pl.lit(value=False).alias("has_zone"),
            pl.when(~is_dns).then(errno).alias("errno"),
            pl.col("cid").cast(pl.Int64, strict=False).alias("connection_no"),
            pl.col("pid").cast(pl.Int64, strict=False),
            pl.col("client").str.strip_chars().alias("client_ip"),
            _hosts(fields),
            read_upstreams(fields["upstream_url"]).alias("upstream"),
        )
        .with_columns(client_address(pl.col("client_ip")).alias("client_ip"))
    )
    frame = frame.with_columns(_kind().alias("event"), closed_at=pl.col("at")).with_columns(_is_websocket())
    about = pl.col("message").str.extract(ABOUT).cast(pl.Int64, strict=False)
    is_about = pl.col("event").is_in(
        [kind.value for kind in (EventKind.WORKER_CRASH, EventKind.WORKER_EXIT, EventKind.START)]
    )
    frame = frame.with_columns(pid=pl.when(is_about).then(pl.coalesce(about, "pid")).otherwise("pid"))
    return frame.select("line", *(name for name in EVENTS if name in frame.columns))


def _hosts(fields: pl.DataFrame) -> pl.Series:
    """Return the host asked for, else the server's name; before a request is read, `server:` is the listen address."""
    hosts = read_hosts(fields["host_field"])
    is_asked = hosts.is_null() & fields["request"].is_not_null()
    servers = read_hosts(fields.select(pl.when(is_asked).then("server")).to_series())
    return pl.select(pl.coalesce(hosts, servers).alias("host")).to_series()


def _kind() -> pl.Expr:
    has_connection = pl.col("client").is_not_null() | pl.col("cid").is_not_null()
    message, errno = pl.col("message"), pl.col("errno")
    kinds = [pl.when(has_connection).then(pl.lit(EventKind.ERROR.value))]
    for name, pattern in LIFE:
        hit = message.str.contains(pattern)
        if name is EventKind.EXHAUSTED:
            hit |= errno.is_in(EXHAUSTED_ERRNOS).fill_null(value=False)
        kinds.append(pl.when(hit).then(pl.lit(name.value)))
    return pl.coalesce(*kinds, pl.lit(EventKind.NOTE.value))


def _is_websocket() -> pl.Expr:
    """Say which lines concern WebSockets: surely, not, or (null) perhaps as a failed handshake."""
    action = pl.col("action").fill_null("")
    is_error = pl.col("event") == EventKind.ERROR.value
    is_grave = ~pl.col("level").is_in(["info", "notice", "debug"])
    may_be_handshake = action.str.contains(HANDSHAKE) & (pl.col("request").is_not_null() | is_grave)
    is_candidate = (may_be_handshake | (is_grave & pl.col("client").is_not_null())) & ~action.str.contains(RESPONDING)
    return (
        pl.when(pl.col("event") == EventKind.NOTE.value)
        .then(pl.lit(value=False))
        .when(~is_error | (action == PROXYING))
        .then(pl.lit(value=True))
        .when(~is_candidate)
        .then(pl.lit(value=False))
        .alias("is_websocket")
    )


def _utc(stamp: pl.Expr, zone: str | None) -> pl.Expr:
    """Read a local time as of *zone*; the hour that occurs twice is taken as the first, null: no such time."""
    naive = stamp.str.to_datetime("%Y/%m/%d %H:%M:%S", time_unit="us", strict=False)
    if zone is None:
        return naive.dt.replace_time_zone("UTC")
    hour = pl.duration(hours=1)
    return pl.coalesce(
        naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"),
        # A stamp inside the skipped hour of spring: the clock had not been put forward yet.
        (naive + hour).dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null"),
    ).dt.convert_time_zone("UTC")


def detect_nginx_error(sample: Sequence[str], config: Config) -> LineParser | None:
    """Recognise an nginx error log by the time, level and process at the start of its lines."""
    text = pl.Series([line for line in sample if line.strip()], dtype=pl.String)
    n_matched = int(text.str.contains(HEAD).sum())
    if not n_matched or n_matched < MIN_SHARE * len(text):
        return None
    zone = config.zone_of(Format.NGINX_ERROR)
    clock = f"read as {zone}, as --tz says" if zone else "read as UTC: name the host's zone with --tz nginx-error=ZONE"
    return LineParser(
        why="time, level and pid#tid at the start of the line",
        score=n_matched / len(text),
        parse=partial(parse_error, zone=zone),
        clock=f"local time of the nginx host, whole seconds, no zone in the line; {clock}",
        is_zone_assumed=zone is None,
        limits=("times are whole seconds: order within a second is not known",),
        plain=PLAIN,
        refused=REFUSED,
    )


NGINX_ERROR: Final = LogFormat(
    name=Format.NGINX_ERROR,
    tier=Tier.NGINX,
    about="nginx error log, any level",
    source="https://nginx.org/en/docs/ngx_core_module.html#error_log",
    samples=(
        "2026/03/10 10:01:00 [info] 31#31: *42 upstream timed out (110: Connection timed out) while proxying upgraded "
        'connection, client: 203.0.113.7, server: , request: "GET /ws HTTP/1.1", upstream: "http://10.0.0.7:9000/ws", '
        'host: "rt.example.com"',
        "2026/03/10 10:04:09 [error] 31#31: *57 recv() failed (104: Connection reset by peer) while proxying upgraded "
        'connection, client: 203.0.113.9, server: rt.example.com, request: "GET /a"b HTTP/1.1", upstream: "http://unix:/run/a.'
        'sock:/a"b", host: "rt.example.com", referrer: "http://x/", host: "evil""',
        "2026/03/10 10:04:10 [alert] 30#30: worker process 31 exited on signal 9",
        "2026/03/10 10:04:11 [info] 31#0: *58 client 203.0.113.9 closed keepalive connection",
        '2026/03/10 10:04:12 [error] 31#31: *59 limiting requests, excess: 1.250 by zone "ws", client: ::1, server: _, '
        'request: "GET /ws?token=cut-at-2048-by',
    ),
    detect=detect_nginx_error,
)
