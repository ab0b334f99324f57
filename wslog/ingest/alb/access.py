"""AWS Application Load Balancer access log: one request per entry; a WebSocket's entry is written when it closed.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
Clock:  UTC with microseconds, named in the line.
Limits: neither who closed nor the close code is logged, and delivery is best effort.

AWS appends fields: 12 to 34 are known, more are ignored. `ws` and `wss` are used only for upgrades that succeeded.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Final

import polars as pl

from wslog.ingest.alb.access_fields import CLOCK, LIMITS, RAW, to_events
from wslog.ingest.format import Config, LineParser, LogFormat, Parsed, Refused
from wslog.ingest.values.line_regex import OTHER_METHODS, QUOTED, UTC_TIME, WORD, ascii_regex
from wslog.schema import Format, LimitKind, Tier

_LOOKED_AT: Final = 4  # lines of a sample; what the others are would come to light when they are parsed
_ALIKE: Final = 0.75
_FEW: Final = 0.05  # so few entries do not say how many fields a file has
_HEAD: Final = re.compile(
    r"\s*[a-z][a-z0-9]{0,9} +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z +\S+ +(?:\S+:\d+|-) +(?:\S+:\d+|-)"
    r"(?: +-?\d+(?:\.\d+)?){3} +(?:\d{3}|-) +(?:\d{3}|-)(?: +\d+){2}(?: |$)"
)
# A quote closes a field only before a space or the end, so a stray quote inside a user agent does no harm. Fields are
# parted by spaces alone: a tab or a no-break space is a part of a damaged field, and the others stay where they are.
_FIELD: Final = r'(?s)".*?"(?: |$)|".*$|[^ ]+'
_TID: Final = "TID_[0-9a-fA-F]{32}"
_IGNORED: Final = r"^\s*(?:#|$)|^Enable AccessLog for ELB"
# No WebSocket, no failed handshake, whole up to the creation time: nothing after that makes a reject.
# A block of NULs before it, as a crash leaves one, stray quotes within the user agent and bytes there that are no UTF-8
# move no field, and such a line is worth no more of our time than a whole one.
_BEFORE: Final = rf"\x00*(?:https?|h2|grpcs?) {UTC_TIME} {' '.join([WORD] * 6)} "
_COUNTS: Final = " ".join([WORD] * 3)
_IN_AGENT: Final = r"(?:[!#-~]|(?u:\x{FFFD}))"
_AGENT_FIELD: Final = rf'"(?: |{_IN_AGENT}|"+{_IN_AGENT})*"+'
_AFTER: Final = rf" {_AGENT_FIELD} {' '.join([WORD] * 3)} {QUOTED} {QUOTED} {QUOTED} {WORD} {UTC_TIME}(?: |$)"
_NO_HANDSHAKE: Final = f'"(?:{OTHER_METHODS}) [!#-~][ !#-~]*"'
_PLAIN: Final = ascii_regex(rf"{_BEFORE}(?:[23]\d\d {_COUNTS} {QUOTED}|[45]\d\d {_COUNTS} {_NO_HANDSHAKE}){_AFTER}")
# Nothing escaped in the URL, so its path can be told without parsing the line.
_REFUSED: Final = Refused(
    line=ascii_regex(
        rf'{_BEFORE}[45]\d\d {_COUNTS} "GET https?://[0-9A-Za-z.-]+:\d+/[!#-[\]-~]* HTTP/[0-9.]+"{_AFTER}'
    ),
    path=r'"GET [a-z]+://[^/"]+(/[^?# "]*)',
)
# By its beginning or by its target group's name: however damaged, no line of another log.
_OWN: Final = ascii_regex(
    rf"[a-z][a-z0-9]* {UTC_TIME} {WORD} {WORD}:\d+ (?:{WORD}:\d+|-) | arn:aws[a-z-]*:elasticloadbalancing:{WORD} \""
)
# Leaves no doubt where its fields begin and end, and holds all that is read.
_CLEAN: Final = ascii_regex(
    rf"[!$-~][!#-~]* \d{{4}}-\d\d-\d\dT[!#-~]*(?: {WORD}){{10}} {QUOTED} {QUOTED} {WORD} {WORD} {WORD} {QUOTED} "
    rf"{QUOTED} {QUOTED} {WORD} {WORD} {QUOTED} {QUOTED} {QUOTED}"
    rf"(?: (?:{QUOTED} {QUOTED}|{WORD} {WORD})(?: {QUOTED} {QUOTED}(?: {WORD}(?: {QUOTED}| {WORD})*)?)?)?$"
)
_REQUEST, _AGENT, _TRACE, _CREATION, _ACTIONS, _ERROR, _CONN_TRACE = 12, 13, 17, 21, 22, 24, 29
_AT: Final = {
    "type": 0,
    "time": 1,
    "client": 3,
    "target": 4,
    "request_s": 5,
    "target_s": 6,
    "response_s": 7,
    "status": 8,
    "target_status": 9,
    "received": 10,
    "sent": 11,
    "request": _REQUEST,
    "user_agent": _AGENT,
    "trace": _TRACE,
    "creation": _CREATION,
    "actions": _ACTIONS,
    "error_reason": _ERROR,
    "conn_trace": _CONN_TRACE,
}
_HEAD_FIELDS: Final = tuple(name for name, at in _AT.items() if at < _REQUEST)


def split_entries(text: pl.Series) -> pl.Series:
    """Return each entry's fields without quotes; a last field whose quote is missing is left out: it may be cut."""
    field = pl.element()
    quoted = field.str.strip_suffix(" ").str.slice(1)
    unquoted = (
        pl.when(~field.str.starts_with('"')).then(field).when(quoted.str.ends_with('"')).then(quoted.str.head(-1))
    )
    fields = pl.col("text").str.strip_chars().str.extract_all(_FIELD).list.eval(unquoted.drop_nulls())
    return text.alias("text").to_frame().select(fields.alias("fields")).to_series()


def _exact(odd: pl.DataFrame, needed: int) -> pl.DataFrame:
    """Split entries of any look.

    Returns:
        The `RAW` columns, `line`, `text` and `fault`.
    """
    fields = pl.col("fields")
    n_fields, n_whole = fields.list.len(), min(needed, _REQUEST + 1)
    values = [fields.list.get(at, null_on_oob=True).alias(name) for name, at in _AT.items()]
    split = odd.with_columns(split_entries(odd["text"])).with_columns(values)
    return split.with_columns(
        pl.when(pl.col("conn_trace").str.contains(f"^{_TID}$")).then("conn_trace").alias("conn_trace"),
        pl.when(~pl.col("time").str.contains(r"^\d{4}-\d\d-\d\dT").fill_null(value=False))
        .then(pl.lit("not an ALB access log entry"))
        .when(n_fields < n_whole)
        .then(pl.format("cut off: {} of at least {} whole fields", n_fields, pl.lit(n_whole)))
        .alias("fault"),
    )


def _cut(clean: pl.DataFrame) -> pl.DataFrame:
    """Cut clean entries at their quotes and spaces: far cheaper than a regex with captures.

    Returns:
        The `RAW` columns, `line`, `text` and `fault`, as `_exact` gives them.
    """
    parts = clean.with_columns(pl.col("text").str.split_exact('"', 24).alias("q")).unnest("q")
    head = pl.col("field_0").str.splitn(" ", _REQUEST + 1).struct
    tail = pl.col("field_10").str.splitn(" ", 4).struct
    # After error_reason stand two lists, quoted or bare, two quoted fields, and then this id.
    rest = pl.when(pl.col("field_16") == " ").then("field_24").otherwise("field_20")
    return parts.select(
        "line",
        "text",
        *(head.field(f"field_{_AT[name]}").alias(name) for name in _HEAD_FIELDS),
        pl.col("field_1").alias("request"),
        pl.col("field_3").alias("user_agent"),
        pl.col("field_5").alias("trace"),
        tail.field("field_2").alias("creation"),
        pl.col("field_11").alias("actions"),
        pl.col("field_15").alias("error_reason"),
        rest.str.extract(f"^ ({_TID})(?: |$)", 1).alias("conn_trace"),
        pl.lit(None, pl.String).alias("fault"),
    )


def parse_entries(block: pl.DataFrame, *, needed: int) -> Parsed:
    """Parse a block of entries, of which a whole one has at least *needed* fields (12, 13 or 22)."""
    frame = block.select(pl.col("line").cast(pl.Int64), pl.col("text").fill_null(""))
    is_clean = frame["text"].str.contains(_CLEAN)
    if is_clean.all():
        return to_events(_cut(frame), needs_creation=needed > _CREATION)
    clean, others = frame.filter(is_clean), frame.filter(~is_clean)
    others = others.filter(~pl.col("text").str.contains(_IGNORED))
    columns = ("line", "text", "fault", *RAW)
    raw = pl.concat([_cut(clean).select(columns), _exact(others, needed).select(columns)])
    return to_events(raw, needs_creation=needed > _CREATION)


_NO_TRACE: Final = "no trace id: a line can be joined with nginx only by path, address and time"


def _limits(events: pl.DataFrame, needed: int) -> tuple[str, ...]:
    limits = list(LIMITS)
    if needed <= _CREATION:
        limits.append("no request_creation_time (entries older than 2018): how long a connection lived is not known")
    if events["trace_id"].null_count() == len(events):
        limits.append(_NO_TRACE)
    return tuple(limits)


def _fits_too(sample: Sequence[str], *, n_fields: int, has_trace: bool) -> bool:
    """Whether some lines, but for a damaged one, are entries of as many fields, counted by quotes and spaces."""
    some = [text for text in sample[:: max(1, len(sample) // _LOOKED_AT)] if text.strip()]
    n_alike = sum(
        bool(_HEAD.match(text))
        and text.count('"') // 2 + sum(len(bare.split()) for bare in text.split('"')[::2]) == n_fields
        for text in some
    )
    return n_alike >= _ALIKE * len(some) and any("Root=" in text for text in some) == has_trace


def _detect(sample: Sequence[str], config: Config) -> LineParser | None:  # noqa: ARG001
    lines = [text for text in sample if text.strip()]
    ours = [text for text in lines if _HEAD.match(text)]
    if not ours:
        return None
    counts = Counter(split_entries(pl.Series(ours)).list.len().to_list())
    usual = [n for n, count in counts.items() if count > _FEW * len(ours)]  # a merged line or two have more
    n_fields = max(usual or counts)
    needed = next((n for n in (_CREATION + 1, _REQUEST + 1) if n_fields >= n), _REQUEST)
    parsed = parse_entries(pl.DataFrame({"line": range(1, len(ours) + 1), "text": ours}), needed=needed)
    limits = _limits(parsed.events, needed)
    return LineParser(
        why=f"ALB access log entries of {n_fields} fields",
        score=len(parsed.events) / len(lines),
        parse=lambda block: parse_entries(block, needed=needed),
        clock=CLOCK,
        limits=limits,
        mendable={_NO_TRACE: LimitKind.TRACE_ID} if _NO_TRACE in limits else {},
        plain=_PLAIN,
        refused=_REFUSED,
        own=_OWN,
        fits_too=partial(
            _fits_too, n_fields=n_fields, has_trace=parsed.events["trace_id"].null_count() < len(parsed.events)
        ),
    )


_WSS: Final = (
    "wss 2026-03-10T10:01:00.186641Z app/stage/50dc6c495c0c9188 203.0.113.7:40914 10.0.1.192:8010 0.001 0.003 0.000 "
    '101 101 218 587 "GET https://rt.example.com:443/ws/chat?room=7 HTTP/1.1" "Mozilla/5.0 (X11; Linux x86_64)" '
    "TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/c/73e2d6bc24d8a067 "
    '"Root=1-69aff000-23a8c76965a2ef7629b185e3" "rt.example.com" "session-reused" 1 2026-03-10T10:00:00.183000Z '
    '"waf,forward" "-" "-"'
)
ALB_ACCESS: Final = LogFormat(
    name=Format.ALB_ACCESS,
    tier=Tier.ALB,
    about="AWS Application Load Balancer access log",
    source="https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html",
    samples=(
        f'{_WSS} "10.0.1.192:8010" "101" "-" "-" TID_dc57cebed65b444ebc8177bb698fe166 "-" "-" "-" 198.51.100.4',
        f'{_WSS} 10.0.1.192:8010 101 "-" "-"',  # fields 26 and 27 bare, as in some entries
        'https 2026-03-10T10:02:00.001000Z app/stage/50dc6c495c0c9188 2001:db8::7:50599 - -1 -1 -1 460 - 0 0 "GET '
        'https://rt.example.com:443/ws/chat HTTP/1.1" "-" - - - "Root=1-69aff078-23a8c76965a2ef7629b185e4" "-" "-" - '
        '2026-03-10T10:01:59.900000Z "-" "-" "-" "-" "-" "-" "-"',
        'http 2026-03-10T10:02:01.001000Z app/stage/50dc6c495c0c9188 203.0.113.9:1024 - -1 -1 -1 400 - 0 272 "- '
        'http://stage.example.com:80- - " "-" - - - "-" "-" "-" - 2026-03-10T10:02:01.001000Z "-" "-" "-" "-" "-"',
        _WSS[:-4],  # cut within "redirect_url": all that is needed is there
    ),
    detect=_detect,
)
