"""Lines as their program wrote them, out of what collectors wrap around: syslog, container runtimes, JSON envelopes.

Sources: RFC 3164 and RFC 5424 (syslog) · https://docs.docker.com/engine/logging/drivers/json-file/ ·
https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md (CRI) ·
https://systemd.io/JOURNAL_EXPORT_FORMATS/ (journalctl -o json)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import polars as pl
from msgspec import Struct

STAMP: Final = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)"
# `journalctl -o short-full` and `-o short-unix`.
_JOURNAL: Final = r"[A-Z][a-z]{2} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Z]{2,5}|\d{10}\.\d{6}"
# How lines begin that nothing else begins like: an error line of nginx, an ALB's entry, a JSON object.
_BEGINNING: Final = (
    r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[[a-z]+\] \d+#\d+: |"
    r"(?:wss?|https?|h2|grpcs?) \d{4}-\d\d-\d\dT[\d:.]+Z app/|\{\""
)
_FILE: Final = r"^(?:[^\s\":{\[]*/[^\s\":{]+|[^\s\":{\[]+\.log[^\s\":{]*):"  # its name, a slash or `.log` in it
_IPV6: Final = r"[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
PART_BYTES: Final = 16_000  # docker cuts at 16 KiB; a shorter entry without a line feed was trimmed by its collector
UNWRAPPED: Final = {
    "line": pl.Int64(),
    "text": pl.String(),
    "log_host": pl.String(),
    "wrapped_at": pl.Datetime("us", "UTC"),
}


class Wrapper(Struct, frozen=True, kw_only=True):
    """What one collector puts around a line.

    Attributes:
        name: For `wslog inspect`.
        pattern: A regex for polars with the group `text` and any of `host`, `at`, `stream`, `part` (`P`: the line goes
            on in the next entry of its stream). Empty: the entries are JSON objects.
        text, host, at, stream: JSONPaths of the same things in a JSON object.
        is_distinct: Nothing but this collector writes such lines; false: a log may begin or be keyed so itself.
        has_open_end: A long JSON text without a line feed at its end goes on in the next entry.
    """

    name: str
    pattern: str = ""
    text: str = ""
    host: str = ""
    at: str = ""
    stream: str = ""
    has_open_end: bool = False
    is_distinct: bool = True


WRAPPERS: Final = (
    Wrapper(
        name="syslog (RFC 5424)",
        pattern=r"^(?:\d+ )?(?:<\d{1,3}>)?1 (?P<at>" + STAMP + r"|-) (?P<host>\S+) \S+ \S+ \S+ "
        r"(?:-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: \x{FEFF}?(?P<text>.*))?$",
    ),
    Wrapper(
        name="syslog",
        pattern=r"^(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d+)?|(?P<at>"
        + STAMP
        + r")|"
        + _JOURNAL
        + ")"
        r"(?: (?P<host>\S*[^\s:\]]))? [^\s:\[\]]+(?:\[[\w.-]+\])?: ?(?P<text>.*)$",
    ),
    Wrapper(
        name="CRI container log",
        pattern=r"^(?P<at>" + STAMP + r") (?P<stream>stdout|stderr) (?P<part>[FP])(?::\S*)? ?(?P<text>.*)$",
    ),
    Wrapper(
        name="docker json-file log",
        text="$.log",
        at="$.time",
        stream="$.stream",
        host="$.kubernetes.host",
        has_open_end=True,
    ),
    Wrapper(
        name="compose output",
        pattern=r"^(?:\x1b\[[\d;]*m)?(?:\d+\|)?(?P<host>[A-Za-z0-9][\w.-]*) +(?:\x1b\[[\d;]*m)?\| ?(?:\x1b\[[\d;]*m)? ?"
        r"(?:(?P<at>" + STAMP + r") )?(?P<text>.*)$",
    ),
    Wrapper(
        name="kubectl output",
        pattern=r"^\[pod/(?P<host>[^\]\s]+)\] (?:(?P<at>" + STAMP + r") )?(?P<text>.*)$",
    ),
    Wrapper(name="logcli output", pattern=r"^(?P<at>" + STAMP + r") \{[^{}]*\} (?P<text>.*)$"),
    Wrapper(name="output of grep", pattern=_FILE + r"(?P<text>(?:[0-9.]+|" + _IPV6 + r")[ ,].*|[^\s/0-9].*|\d{4}/.*)$"),
    Wrapper(name="output of grep", pattern=_FILE + r"\d+:(?P<text>[^\s/].*)$"),
    Wrapper(
        name="a time before each line",
        pattern=r"^\[?(?P<at>" + STAMP + r")\]? (?:\[?(?:DEBUG|INFO|NOTICE|WARN|WARNING|ERROR)\]?:? )?(?P<text>.*)$",
        is_distinct=False,
    ),
    Wrapper(
        name="something before each line",
        pattern=r"^\s*[^\s\"{](?:[^\"{]|\{\}){0,300}?[\s:|\]](?P<text>(?:" + _BEGINNING + r").*?)\]?\s*$",
    ),
    Wrapper(name="journal export", text="$.MESSAGE", host="$._HOSTNAME", at="$.__REALTIME_TIMESTAMP"),
    Wrapper(name="JSON envelope", text="$.message", at="$['@timestamp']", host="$.host.name", is_distinct=False),
    Wrapper(name="JSON envelope", text="$.message", at="$.timestamp", host="$.hostname", is_distinct=False),
    Wrapper(name="JSON envelope", text="$.line", at="$.timestamp", host="$.labels.host", is_distinct=False),
)


def fits(wrapper: Wrapper, sample: pl.DataFrame) -> float:
    """Return the share of the sample's lines that have this wrapper, 0 to 1."""
    if sample.is_empty():
        return 0.0
    return sample.select(_fields(wrapper).struct.field("text").is_not_null().mean()).item() or 0.0


def take_off(wrapper: Wrapper, frames: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Yield the lines inside, of the columns `UNWRAPPED`; lines without the wrapper pass as they are.

    A line in several entries is joined and keeps the number of the first. What an outer wrapper found out stays
    where this one says nothing.

    Args:
        wrapper: What to take off.
        frames: `line`, `text` and, from an outer wrapper, `log_host` and `wrapped_at`; consecutive.
    """
    carried = pl.DataFrame()
    for frame in frames:
        entries = _entries(wrapper, frame)
        if not carried.is_empty():
            entries = pl.concat([carried, entries])
        # Parts after the last finished line of their stream wait for the next block.
        waits = entries["goes_on"] & entries.select(_AFTER_LAST_END)["goes_on"]
        carried = entries.filter(waits)
        yield _joined(entries.filter(~waits))
    if not carried.is_empty():
        yield _joined(carried)


_AFTER_LAST_END: Final = (
    pl.col("line") > pl.when(~pl.col("goes_on")).then(pl.col("line")).max().over("stream").fill_null(-1)
).alias("goes_on")


def _fields(wrapper: Wrapper) -> pl.Expr:
    """Return a struct of `text`, `host`, `at`, `stream`, `part`; `text` is null where the wrapper is missing."""
    line = pl.col("text")
    if not wrapper.pattern:
        found = {name: path for name in ("text", "host", "at", "stream") if (path := getattr(wrapper, name))}
        is_object = line.str.starts_with("{")
        columns = [pl.when(is_object).then(line.str.json_path_match(path)).alias(name) for name, path in found.items()]
    else:
        groups = line.str.extract_groups(wrapper.pattern)
        found = {name: name for name in ("text", "host", "at", "stream", "part") if f"(?P<{name}>" in wrapper.pattern}
        columns = [groups.struct.field(name) for name in found]
    missing = [name for name in ("text", "host", "at", "stream", "part") if name not in found]
    return pl.struct(*columns, *(pl.lit(None, pl.String).alias(name) for name in missing))


def _entries(wrapper: Wrapper, frame: pl.DataFrame) -> pl.DataFrame:
    """One row per entry: `UNWRAPPED` and `stream`, `goes_on`."""
    outer = {name: pl.col(name) if name in frame.columns else pl.lit(None, dtype) for name, dtype in UNWRAPPED.items()}
    inside = pl.col("inside").struct
    text = inside.field("text")
    at = inside.field("at")
    epoch = pl.from_epoch(at.str.extract("^([0-9]{16})$").cast(pl.Int64), time_unit="us").dt.replace_time_zone("UTC")
    stamp = at.str.replace(" ", "T", literal=True).str.replace(",", ".", literal=True)
    goes_on = (
        ~text.str.ends_with("\n") & (text.str.len_bytes() >= PART_BYTES)
        if wrapper.has_open_end
        else (inside.field("part") == "P").fill_null(value=False)
    )
    return frame.with_columns(_fields(wrapper).alias("inside")).select(
        pl.col("line"),
        pl.coalesce(text.str.strip_suffix("\n").str.strip_suffix("\r"), pl.col("text")).alias("text"),
        pl.coalesce(inside.field("host").replace({"-": None}), outer["log_host"]).alias("log_host"),
        pl.coalesce(
            stamp.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False), epoch, outer["wrapped_at"]
        ).alias("wrapped_at"),
        inside.field("stream").fill_null("").alias("stream"),
        goes_on.fill_null(value=False).alias("goes_on"),
    )


def _joined(entries: pl.DataFrame) -> pl.DataFrame:
    """Put the parts of one line together, stream by stream."""
    if not entries["goes_on"].any():
        return entries.select(*UNWRAPPED)
    piece = (~pl.col("goes_on")).shift(1, fill_value=False).cum_sum().over("stream").alias("piece")
    return (
        entries.with_columns(piece)
        .group_by("stream", "piece", maintain_order=True)
        .agg(
            pl.col("line").first(),
            pl.col("text").str.join(""),
            pl.col("log_host").first(),
            pl.col("wrapped_at").last(),
        )
        .sort("line")
        .select(*UNWRAPPED)
    )
