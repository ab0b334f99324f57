"""nginx access log as JSON, without its `log_format`: one event a line, keys by alias lists.

Source: https://nginx.org/en/docs/http/ngx_http_log_module.html (escape=json)
Clock:  the time the line was made, which is the end of the session.
Limits: key names are the user's own; a key that is on no list is not read.

A JSON log_format is a text like any other, so the sample's layout becomes a format and the fast matcher reads the
lines, also those that are not quite JSON (`"urt":,`, `"urt":0.000, 0.001`, `"us":-`, `"status":000`). Lines with
another key order, as log shippers write them, are read one by one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

import polars as pl

from wslog.errors import OptionError
from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.ingest.nginx.access import MIN_SHARE, access_clock, access_limits, alike, parse_clean, split_parsed
from wslog.ingest.nginx.aliases import plain_key, variable_of
from wslog.ingest.nginx.log_format import UNKNOWN, CompiledFormat, compile_format, unescape_json
from wslog.ingest.nginx.log_format_clean import CleanLines, clean_lines
from wslog.ingest.nginx.log_format_plain import plain_lines, refused_lines
from wslog.ingest.rejects import REJECTS, reject_rows
from wslog.schema import Format, LimitKind, Tier

# One pair of a flat object: a quoted value, or whatever stands before the next pair or the end.
_PAIR: Final = re.compile(
    r'(?P<open>\s*"(?P<key>(?:[^"\\]|\\.)*)"\s*:\s*)(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<bare>[^"{}\[\]]*?))'
    r'(?P<close>\s*(?:,(?=\s*")|\}\s*$))'
)
# Keys that say it is another producer's record: a close record, a load balancer's entry, an application's log line.
_FOREIGN: Final = frozenset(
    {"wasclean", "closecode", "elbstatuscode", "targetstatuscode", "conntraceid", "openedat", "closedat"}
)
_DEEPEST: Final = 4
_TIMES: Final = frozenset({"msec", "time_iso8601", "time_local", "time"})

Pairs = list[tuple[str, str]]


def read_flat(line: str) -> list[re.Match[str]] | None:
    """Return the pairs of a flat, possibly not quite JSON, object; None if it is not one."""
    text = line.strip()
    if not text.startswith("{"):
        return None
    pairs: list[re.Match[str]] = []
    end = 1
    while hit := _PAIR.match(text, end):
        pairs.append(hit)
        end = hit.end()
        if hit["close"].strip() != ",":
            return pairs
    return None


def read_pairs(line: str) -> Pairs | None:
    """Return keys and values of one object as texts, levels of nesting joined by a dot; None if it is not one."""
    with suppress(ValueError, RecursionError):
        value = json.loads(line, parse_float=str, parse_int=str, strict=False)
        return list(_flatten(value)) if isinstance(value, dict) else None
    flat = read_flat(line)
    if flat is None:
        return None
    return [
        (hit["key"], (hit["bare"] or "").strip() if hit["text"] is None else unescape_json(hit["text"])) for hit in flat
    ]


def _flatten(value: dict[str, Any], depth: int = 0) -> Iterable[tuple[str, str]]:
    for key, inner in value.items():
        if isinstance(inner, dict) and depth < _DEEPEST:
            yield from ((f"{key}.{name}", leaf) for name, leaf in _flatten(inner, depth + 1))
        else:
            yield key, _text(inner)


def _text(value: object) -> str:
    """Return a JSON value as nginx would print it: absent is empty, a list is joined."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value).encode("utf-8", errors="replace").decode("utf-8")


def name_keys(rows: Sequence[Pairs]) -> dict[str, str]:
    """Return the variable of each key that has one, judged by all its values; each variable goes to its first key."""
    values: dict[str, list[str]] = {}
    for row in rows:
        for key, value in row:
            values.setdefault(key, []).append(value)
    named: dict[str, str] = {}
    for key, seen in values.items():
        variable = variable_of(key, seen) or variable_of(key.rpartition(".")[2], seen)
        if variable and variable not in named.values():
            named[key] = variable
    return named


def _is_access(variables: Iterable[str]) -> bool:
    names = set(variables)
    return bool(names & _TIMES) and "status" in names and bool(names & {"request", "request_uri"})


def _is_foreign(row: Pairs) -> bool:
    keys = {plain_key(key) for key, _ in row}
    return bool(keys & _FOREIGN) or {"level", "msg"} <= keys


def layout_of(line: str, named: dict[str, str]) -> str | None:
    """Return the `log_format` text that would print a flat object like *line*, or None."""
    flat = read_flat(line)
    if flat is None:
        return None
    parts = ["escape=json {"]
    for number, hit in enumerate(flat):
        quote = "" if hit["text"] is None else '"'
        variable = named.get(hit["key"], f"{UNKNOWN}{number}")
        parts.append(f"{hit['open'].replace('$', '')}{quote}${{{variable}}}{quote}{hit['close'].rstrip()}")
    return "".join(parts)


def parse_json(
    lines: pl.DataFrame,
    *,
    named: dict[str, str],
    layouts: tuple[CompiledFormat, ...],
    clean: CleanLines | None = None,
) -> Parsed:
    """Parse a block: by layout where the line has a known one, else key by key."""
    certain, lines = parse_clean(lines, clean)
    lines = lines.filter(pl.col("text").str.strip_chars() != "")
    if lines.is_empty() and certain is not None:
        return split_parsed(lines, None, pl.DataFrame(schema=REJECTS), certain)
    left = lines
    parts: list[pl.DataFrame] = []
    for compiled in layouts:
        parts.append(compiled.extract(left))
        left = left.join(parts[-1].select("line"), on="line", how="anti", maintain_order="left")
    read, unmatched = _read_singly(left, named)
    return split_parsed(lines, pl.concat([*parts, read], how="diagonal"), unmatched, certain)


def _read_singly(lines: pl.DataFrame, named: dict[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    variables = list(dict.fromkeys(named.values()))
    rows: list[dict[str, object]] = []
    bad: list[tuple[int, str, str]] = []
    for number, text in lines.select("line", "text").iter_rows():
        pairs = read_pairs(text)
        found = {named[key]: value for key, value in pairs or () if key in named}
        if pairs is None:
            torn = text.lstrip().startswith("{") and not text.rstrip().endswith("}")
            bad.append((number, "torn line" if torn else "not a JSON object", text))
        elif not _is_access(found):
            bad.append((number, "JSON without time, status and request", text))
        else:
            rows.append({"line": number, **found})
    frame = pl.DataFrame(rows, schema={"line": pl.Int64, **dict.fromkeys(variables, pl.String)})
    return frame, reject_rows(bad)


def _is_configured(lines: Sequence[str], config: Config) -> bool:
    """Tell whether a configured log_format prints these lines: then it says better than any list what a key means."""
    text = pl.Series(lines, dtype=pl.String)
    for configured in config.log_formats.values():
        with suppress(OptionError):
            compiled = compile_format(configured)
            if compiled.has_time and compiled.matches(text) == len(lines):
                return True
    return False


def detect_nginx_json(sample: Sequence[str], config: Config) -> LineParser | None:
    """Recognise JSON access lines by their keys: a time, a status, and a request or its path."""
    filled = [line for line in sample if line.strip()]
    rows = [
        (line, pairs) for line in filled if line.lstrip().startswith("{") and (pairs := read_pairs(line)) is not None
    ]
    rows = [(line, pairs) for line, pairs in rows if not _is_foreign(pairs)]
    named = name_keys([pairs for _, pairs in rows])
    fitting = [line for line, pairs in rows if _is_access(named[key] for key, _ in pairs if key in named)]
    if not fitting or len(fitting) < MIN_SHARE * len(filled) or _is_configured(fitting, config):
        return None
    found: dict[str, CompiledFormat] = {}
    for text in dict.fromkeys(layout_of(line, named) for line in fitting):
        if text is not None and len(found) < 4:
            with suppress(OptionError):
                found[text] = compile_format(text)
    layouts = tuple(found.values())
    clean = next((clean_lines(layout.text) for layout in layouts), None)
    keys = ", ".join(f"{key}={variable}" for key, variable in named.items())
    return LineParser(
        why=f"JSON keys read as nginx variables: {keys}",
        score=len(fitting) / len(filled),
        parse=partial(parse_json, named=named, layouts=layouts, clean=clean),
        clock=access_clock(named.values()),
        limits=access_limits(named.values()),
        mendable=dict.fromkeys(access_limits(named.values()), LimitKind.ACCESS_VARIABLES),
        plain=next((plain_lines(layout.text, is_json=True) for layout in layouts), ""),
        refused=next((refused_lines(layout.text) for layout in layouts), None),
        fits_too=alike(layouts[0], pl.Series(filled)) if layouts else None,
    )


NGINX_JSON: Final = LogFormat(
    name=Format.NGINX_ACCESS,
    tier=Tier.NGINX,
    about="nginx access log as JSON, any key names",
    source="https://nginx.org/en/docs/http/ngx_http_log_module.html",
    samples=(
        '{"time":"2026-03-10T10:01:00+00:00","msec":"1773136860.123","remote_addr":"203.0.113.7","connection":"67",'
        '"request":"GET /ws?x=1 HTTP/1.1","status":"101","request_time":"60.004","upstream_addr":"10.0.0.7:9000",'
        '"upstream_response_time":"60.003","http_upgrade":"websocket","ua":"a \\"b\\""}',
        '{"t":1773136860.123,"status":400,"rt":0.000,"urt":,"us":,"path":"/ws","ua":""}',
        '{"t":1773136860.123,"status":101,"rt":60.004,"urt":0.000, 60.001,"us":502, 101,"path":"/ws","ua":"x"}',
        '{"t":1773136860.123,"status":000,"rt":0.100,"urt":0.100,"us":-,"path":"/ws","ua":"x"}',
        '{"@timestamp":"2026-03-10T10:01:00.250Z","http":{"status":502,"method":"GET"},"url":{"path":"/ws"},"rt":0.01}',
    ),
    detect=detect_nginx_json,
)
