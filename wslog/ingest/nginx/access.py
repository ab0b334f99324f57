"""nginx access log as text: one event a line, from a known, configured or guessed `log_format`.

Source: https://nginx.org/en/docs/http/ngx_http_log_module.html
Clock:  the time the line was made, which is the end of the session; UTC offset or epoch in each line.
Limits: after a 101 the status stays 101 whatever ends the session; a SIGTERM or a crashed worker leaves no line at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.errors import OptionError
from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.ingest.nginx.fields import events_from_read, read_variables
from wslog.ingest.nginx.fields_clean import read_clean
from wslog.ingest.nginx.log_format import UNKNOWN, CompiledFormat, compile_format
from wslog.ingest.nginx.log_format_clean import CleanLines, clean_lines
from wslog.ingest.nginx.log_format_plain import plain_lines, refused_lines
from wslog.ingest.rejects import REJECTED_TEXT
from wslog.schema import Format, LimitKind, Tier

COMBINED: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'
)
STOCK: Final = {
    "combined": COMBINED,
    "main": COMBINED + ' "$http_x_forwarded_for"',
    "upstreaminfo": COMBINED
    + " $request_length $request_time [$proxy_upstream_name] [$proxy_alternative_upstream_name] $upstream_addr"
    " $upstream_response_length $upstream_response_time $upstream_status $req_id",
    "combined without a user": COMBINED.replace(" $remote_user", ""),
}
HOST_COLUMN: Final = r'(?:(?P<vhost>[^\s"\[\]{}=]+)[ ])??'  # some wrappers put the host, or host:port, in front
MOST_GUESSES: Final = 3
FEWEST_GUESSED: Final = 10  # lines that a further layout must be seen in: fewer may be damaged ones
MOST_ALIKE: Final = 0.6  # of the lines that other layouts leave must have it
MIN_SHARE: Final = 0.2  # below this a match is chance: the lines are another format's
OPTION: Final = "--log-format"
# What a format without any of these variables cannot show.
NEEDS: Final = (
    (
        ("request_time", "request_time_ms", "request_time_ns"),
        "no duration: the format has no $request_time, so only the close time is known",
    ),
    (("msec", "time"), "times are whole seconds: log $msec"),
    (("connection",), "no $connection: error lines can only be attached by time and path"),
    (("request_completion",), "no $request_completion: a reload cannot be told from other ends by the access log"),
    (("upstream_addr",), "no $upstream_addr: ends cannot be told apart by application server"),
    (("http_x_amzn_trace_id",), "no $http_x_amzn_trace_id: load balancer lines can only be attached by time and path"),
    (("http_x_forwarded_for",), "no $http_x_forwarded_for: behind a load balancer the client's address is not known"),
)


def access_limits(variables: Collection[str]) -> tuple[str, ...]:
    """Return what an access log with these variables cannot show."""
    return tuple(limit for needed, limit in NEEDS if set(needed).isdisjoint(variables))


def access_clock(variables: Collection[str]) -> str:
    """Return what the clock of an access log with these variables means."""
    if "msec" in variables:
        return "epoch milliseconds ($msec), made at the end of the session"
    fineness = "" if "time" in variables else ", whole seconds"
    return f"UTC offset in each line{fineness}, made at the end of the session"


def parse_clean(lines: pl.DataFrame, clean: CleanLines | None) -> tuple[pl.DataFrame | None, pl.DataFrame]:
    """Read the lines that leave no doubt; return what they hold (None: nothing), and the other lines."""
    if clean is None:
        return None, lines
    is_clean = lines["text"].str.contains(clean.pattern)
    n_clean = is_clean.sum()
    if not n_clean:
        return None, lines
    is_all = n_clean == lines.height
    read = read_clean(clean.cut(lines if is_all else lines.filter(is_clean)))
    return read, lines.clear() if is_all else lines.filter(~is_clean)


def split_parsed(
    lines: pl.DataFrame, raw: pl.DataFrame | None, unmatched: pl.DataFrame, certain: pl.DataFrame | None
) -> Parsed:
    """Turn raw variables into events, and lines without a readable time into rejects.

    Args:
        lines: The block, `line` and `text`.
        raw: Raw variables of the lines that matched; None: there are none.
        unmatched: `line`, `reason`, `text` of those that did not.
        certain: What the lines hold that leave no doubt, read already; None: there are none.
    """
    if raw is None and certain is not None:
        return Parsed(events_from_read(certain), unmatched.select("line", "reason", "text"))
    raw = pl.DataFrame(schema={"line": pl.Int64}) if raw is None else raw
    if "vhost" in raw.columns:
        has_host = {"host", "http_host"} & set(raw.columns)
        raw = raw.drop("vhost") if has_host else raw.rename({"vhost": "host"})
    read = read_variables(raw)
    if certain is not None:
        read = pl.concat([read, certain.select(pl.col(name).cast(dtype) for name, dtype in read.schema.items())])
    events = events_from_read(read.sort("line"))
    timeless = lines.join(events.filter(pl.col("at").is_null()).select("line"), on="line", how="semi").select(
        "line", pl.lit("no readable time").alias("reason"), REJECTED_TEXT
    )
    rejects = pl.concat([unmatched.select("line", "reason", "text"), timeless]).sort("line")
    return Parsed(events.filter(pl.col("at").is_not_null()), rejects)


def parse_compiled(
    lines: pl.DataFrame, *, formats: tuple[CompiledFormat, ...], clean: CleanLines | None = None
) -> Parsed:
    """Parse a block of lines with the first of *formats* that matches each; blank lines are ignored.

    Args:
        lines: `line` and `text`.
        formats: The main one first.
        clean: Lines of the main one that leave no doubt; None: all go the exact way.
    """
    certain, lines = parse_clean(lines, clean)
    lines = lines.filter(pl.col("text").str.strip_chars() != "")
    if lines.is_empty() and certain is not None:
        return split_parsed(lines, None, formats[0].reasons(lines), certain)
    left = lines
    parts: list[pl.DataFrame] = []
    for compiled in formats:
        parts.append(compiled.extract(left))
        left = left.join(parts[-1].select("line"), on="line", how="anti", maintain_order="left")
        if left.is_empty():
            break
    return split_parsed(lines, pl.concat(parts, how="diagonal"), formats[0].reasons(left), certain)


class _Candidate(Struct, frozen=True):
    """A format to try. `rank` decides between formats that match as much: the caller's word, then what says more."""

    why: str
    compiled: CompiledFormat
    is_configured: bool = False

    @property
    def rank(self) -> tuple[bool, int]:
        return self.is_configured, sum(not name.startswith(UNKNOWN) for name in self.compiled.variables)


def _candidates(sample: Sequence[str], config: Config) -> tuple[list[_Candidate], list[str]]:
    """Return formats to try, and what is wrong with the configured ones that cannot be used."""
    candidates: list[_Candidate] = []
    problems: list[str] = []
    for name, text in config.log_formats.items():
        try:
            compiled = compile_format(text)
        except OptionError as error:
            if name == OPTION:
                raise error.at(OPTION) from error
            problems.append(f"log_format `{name}` of the configuration cannot be used: {error.what}")
            continue
        candidates.append(
            _Candidate(OPTION if name == OPTION else f"log_format `{name}`", compiled, is_configured=True)
        )
    candidates += [
        _Candidate(f"stock format `{name}`", compile_format(text, head=HOST_COLUMN)) for name, text in STOCK.items()
    ]
    candidates += _guesses(sample)
    return [candidate for candidate in candidates if candidate.compiled.has_time], problems


def _guesses(sample: Sequence[str]) -> Iterator[_Candidate]:
    """Yield the layouts that lines show, the commonest first: a file may change its format half-way."""
    # Its many regexes are made ready only for a file that no other format claims.
    from wslog.ingest.nginx.log_format_infer import infer_format

    left = list(sample)
    for _ in range(MOST_GUESSES):
        guess = infer_format(left)
        if guess is None:
            return
        with suppress(OptionError):  # two values side by side: too unlike an access log to guess at
            compiled = compile_format(guess)
            text = pl.Series(left, dtype=pl.String)
            if len(left) < len(sample) and compiled.matches(text) < MOST_ALIKE * len(text):
                return  # as damaged lines are
            yield _Candidate(f"layout guessed from its lines: {compiled.text.body}", compiled)
            left = text.filter(~text.str.contains(compiled.pattern)).to_list()
        if len(left) < FEWEST_GUESSED:
            return


def alike(compiled: CompiledFormat, text: pl.Series) -> Callable[[Sequence[str]], bool] | None:
    """Return what tells whether a sample has the layout of a file, and names no more of what it holds.

    Args:
        compiled: The layout.
        text: A sample of the file. If it holds other lines, too, it is no example for others: None.
    """
    if compiled.matches(text) < len(text):
        return None
    nameless = compiled.nameless(text)

    def fits_too(sample: Sequence[str]) -> bool:
        lines = pl.Series([line for line in sample if line.strip()], dtype=pl.String)
        if not len(lines) or compiled.matches(lines) < len(lines):
            return False
        return all(held <= nameless[name] for name, held in compiled.nameless(lines).items())

    return fits_too


def detect_nginx_access(sample: Sequence[str], config: Config) -> LineParser | None:
    """Recognise an nginx access log by the format that matches most of the sample.

    Raises:
        OptionError: If the `--log-format` of the caller cannot be compiled.
    """
    text = pl.Series([line for line in sample if line.strip()], dtype=pl.String)
    guessable = [line for line in text if not line.lstrip().startswith("{")]
    candidates, problems = _candidates(guessable, config)
    if text.is_empty() or not candidates:
        return None
    best = max(candidates, key=lambda candidate: (candidate.compiled.matches(text), *candidate.rank))
    n_matched, formats = best.compiled.matches(text), [best.compiled]
    # Several access logs may share one stream: lines that the best format leaves go to the next best.
    left = text.filter(~text.str.contains(best.compiled.pattern))
    for other in sorted(candidates, key=lambda candidate: candidate.rank, reverse=True):
        n_more = other.compiled.matches(left) if len(left) else 0
        if n_more:
            formats.append(other.compiled)
            n_matched += n_more
            left = left.filter(~left.str.contains(other.compiled.pattern))
    if n_matched < MIN_SHARE * len(text):
        return None
    variables = best.compiled.variables
    return LineParser(
        why=best.why,
        score=n_matched / len(text),
        parse=partial(parse_compiled, formats=tuple(formats), clean=clean_lines(best.compiled.text)),
        clock=access_clock(variables),
        limits=(*access_limits(variables), *problems),
        mendable=dict.fromkeys(access_limits(variables), LimitKind.ACCESS_VARIABLES),
        plain=plain_lines(best.compiled.text),
        refused=refused_lines(best.compiled.text),
        fits_too=alike(best.compiled, text),
    )


NGINX_ACCESS: Final = LogFormat(
    name=Format.NGINX_ACCESS,
    tier=Tier.NGINX,
    about="nginx access log: combined, main, ingress-nginx, any log_format, or key=value fields",
    source="https://nginx.org/en/docs/http/ngx_http_log_module.html",
    samples=(
        '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws/chat?token=x HTTP/1.1" 101 4 "-" "Mozilla/5.0 (X11)"',
        'rt.example.com:443 203.0.113.7 - alice b [10/Mar/2026:10:01:00 +0100] "GET /ws HTTP/1.1" 502 559 "-" "-"',
        '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "" 400 0 "" ""',
        '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "\\x16\\x03\\x01" 400 157 "-" "-" "198.51.100.4, 10.0.0.5"',
        '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 16 "-" "ws \\x22q\\x22" 462 60.050 [app] '
        "[] 10.0.0.7:9000, 10.0.0.8:9000 0, 0 0.001, 60.050 502, 101 752178adb17130b291aefd8c386279e7",
        '203.0.113.7:51552 [2026-03-10T10:01:00+00:00] msec=1773136860.123 conn=67/1 "GET /ws HTTP/1.1" status=101 '
        'rt=60.004 urt=60.003 ua=10.0.0.7:9000 us=101 upg="websocket" ua="Mozilla/5.0 (X11)"',
    ),
    detect=detect_nginx_access,
)
