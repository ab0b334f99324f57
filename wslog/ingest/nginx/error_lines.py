"""The fields of an nginx error line, read left to right because nothing in it is escaped.

Source: ngx_log.c, ngx_http_request.c, ngx_stream_handler.c, ngx_mail_handler.c; checked on lines of nginx 1.22.
What comes out: one String column a field, null where the line does not have it. A line is cut at 2048 bytes, so the
last field may lack its closing quote.
"""

from __future__ import annotations

from typing import Final

import polars as pl

LEVELS: Final = "emerg|alert|crit|error|warn|notice|info|debug"
HEAD: Final = (
    rf"(?s)^(?P<stamp>\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d) \[(?P<level>{LEVELS})\] "
    r"(?P<pid>\d+)#(?P<tid>\d+): (?:\*(?P<cid>\d+) )?(?P<rest>.*)$"
)
# The context starts at the first `, client: ` that is followed by `, server: ` (or by the cut end of the line).
CONTEXT: Final = (
    r"(?s)^(?P<head>.*?), client: (?P<client>[^,]*?)"
    r"(?:, server: (?P<server>[^,]*)(?P<tail>, .*)?)?\s*$"
)
# The request runs to the first ` HTTP/d.d"` before another field or the end; else to the `"` before a known field.
REQUEST: Final = (
    r'(?s)^, request: "(?P<value>.*? HTTP/\d(?:\.\d)?)"(?P<tail>(?:, .*)?)$',
    r'(?s)^, request: "(?P<value>.*?)"(?P<tail>(?:, (?:subrequest|upstream|host|referrer): ".*)?)$',
    r'(?s)^, request: "(?P<value>.*)(?P<tail>)$',
)
SUBREQUEST: Final = (r'(?s)^, subrequest: "(?P<value>.*?)"?(?P<tail>(?:, (?:upstream|host|referrer): ".*)?)$',)
UPSTREAM: Final = (
    r'(?s)^, upstream: "(?P<value>.*?)"(?P<tail>(?:, (?:host|referrer): ".*|, bytes from/to .*)?)$',
    r'(?s)^, upstream: "(?P<value>.*)(?P<tail>)$',
)
HOST: Final = (
    r'(?s)^, host: "(?P<value>.*?)"(?P<tail>, referrer: ".*)$',
    r'(?s)^, host: "(?P<value>.*?)"?(?P<tail>)$',
)
REFERRER: Final = (r'(?s)^, referrer: "(?P<value>.*?)"?(?P<tail>)$',)
FIELDS: Final = (
    ("request", REQUEST),
    ("subrequest", SUBREQUEST),
    ("upstream_url", UPSTREAM),
    ("host_field", HOST),
    ("referrer", REFERRER),
)
ACTION: Final = r"(?s)^(?P<text>.*) while (?P<action>[a-zA-Z][\w ,./()-]+)$"
LONGEST_ACTION: Final = 101  # as a part of the regex it would make compiling that take 25 ms
ERRNO: Final = r"(?s)^(?P<before>.*?) \((?P<errno>\d{1,5}): (?P<errtext>[^()]*)\)(?P<after>(?: \(SSL: .*\))?)$"


def read_fields(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the fields of every error line in *lines*; other lines are left out.

    Args:
        lines: `line` (Int64) and `text` (String).

    Returns:
        `line`, `stamp`, `level`, `pid`, `tid`, `cid`, `message` (without errno group and context), `errno`, `errtext`,
        `action`, `client`, `server`, `request`, `subrequest`, `upstream_url`, `host_field`, `referrer`, `rest` (what no
        field explains: `, login: "…"`, byte counts).
    """
    frame = _groups(lines, "text", HEAD).filter(pl.col("stamp").is_not_null()).drop("text")
    frame = _groups(frame, "rest", CONTEXT)
    head = pl.coalesce("head", "rest").str.strip_chars_end()
    frame = _groups(frame.with_columns(head=head), "head", ACTION)
    is_short = pl.col("action").str.len_chars() <= LONGEST_ACTION
    frame = frame.with_columns(pl.when(is_short).then(name).alias(name) for name in ("text", "action"))
    frame = _groups(frame.with_columns(text=pl.coalesce("text", "head")), "text", ERRNO)
    frame = frame.with_columns(message=pl.coalesce(pl.col("before") + pl.col("after"), pl.col("text")))
    for name, patterns in FIELDS:
        frame = frame.with_columns(
            pl.coalesce(pl.col("tail").str.extract(pattern, 1) for pattern in patterns).alias(name),
            pl.coalesce(*(pl.col("tail").str.extract(pattern, 2) for pattern in patterns), "tail").alias("tail"),
        )
    return frame.drop("rest", "head", "text", "before", "after").rename({"tail": "rest"})


def _groups(frame: pl.DataFrame, column: str, pattern: str) -> pl.DataFrame:
    """Add the named groups of *pattern* in *column* as columns."""
    return frame.with_columns(pl.col(column).str.extract_groups(pattern).alias("groups")).unnest("groups")
