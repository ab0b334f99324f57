"""What collectors wrap around lines comes off, and a line in several pieces is one line again."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import pytest

from wslog.ingest.kinds.wrappers import UNWRAPPED, WRAPPERS, Wrapper, fits, take_off

LINE = '203.0.113.7 - - [22/Nov/2026:15:58:53 +0000] "GET /ws HTTP/1.1" 101 1 "-" "a: [b] | c"'
AT = dt.datetime(2026, 11, 22, 15, 58, 53, 123456, tzinfo=dt.UTC)
SECOND = AT.replace(microsecond=0)

CASES = [
    ("syslog", f"<190>Nov 22 15:58:53 web-1 nginx: {LINE}", "web-1", None),
    ("syslog", f"<190>Nov  2 15:58:53 nginx: {LINE}", None, None),
    ("syslog", f"Nov 22 15:58:53 web-1 nginx[31]: {LINE}", "web-1", None),
    ("syslog", f"2026-11-22T16:58:53.123456+01:00 fe80::1 nginx: {LINE}", "fe80::1", AT),
    ("syslog (RFC 5424)", f"<190>1 2026-11-22T15:58:53.123456Z web-1 nginx 31 - - {LINE}", "web-1", AT),
    (
        "syslog (RFC 5424)",
        f'<190>1 2026-11-22T15:58:53Z - nginx - ID [a b="c\\]d"][e f="g"] \ufeff{LINE}',
        None,
        SECOND,
    ),
    ("syslog (RFC 5424)", f"<190>1 - web-1 nginx - - - {LINE}", "web-1", None),
    ("syslog", f"Nov 22 15:58:53.123456 web-1 nginx[31]: {LINE}", "web-1", None),
    ("syslog", f"Sun 2026-11-22 15:58:53 UTC web-1 nginx[31]: {LINE}", "web-1", None),
    ("syslog", f"1795363133.123456 web-1 nginx[31]: {LINE}", "web-1", None),
    ("syslog", f"2026-11-22T15:58:53.123456+00:00 app[web.1]: {LINE}", None, AT),
    ("logcli output", f'2026-11-22T15:58:53Z {{job="nginx", host="web-1"}} {LINE}', None, SECOND),
    ("output of grep", f"/var/log/nginx/access.log:{LINE}", None, None),
    ("output of grep", f"access.log.1:17:{LINE}", None, None),
    ("compose output", f"\x1b[36mnginx-1  | \x1b[0m{LINE}", "nginx-1", None),
    ("compose output", f"0|nginx    | {LINE}", "nginx", None),
    ("a time before each line", f"[2026-11-22T15:58:53.123456Z] {LINE}", None, AT),
    ("a time before each line", f"2026-11-22T15:58:53.123456Z INFO {LINE}", None, AT),
    ("CRI container log", f"2026-11-22T15:58:53.123456789Z stdout F {LINE}", None, AT),
    ("compose output", f"app-nginx-1  | {LINE}", "app-nginx-1", None),
    ("compose output", f"\x1b[36mnginx_1  |\x1b[0m {LINE}", "nginx_1", None),
    ("compose output", f"nginx-1 | 2026-11-22T15:58:53.123456789Z {LINE}", "nginx-1", AT),
    ("kubectl output", f"[pod/nginx-abc/nginx] {LINE}", "nginx-abc/nginx", None),
    ("a time before each line", f"2026-11-22T15:58:53.123456789Z {LINE}", None, AT),
    (
        "docker json-file log",
        json.dumps({"log": LINE + "\n", "stream": "stdout", "time": "2026-11-22T15:58:53.123456789Z"}),
        None,
        AT,
    ),
    (
        "journal export",
        json.dumps({"MESSAGE": LINE, "_HOSTNAME": "web-1", "__REALTIME_TIMESTAMP": "1795363133123456"}),
        "web-1",
        AT,
    ),
    (
        "JSON envelope",
        json.dumps({"@timestamp": "2026-11-22T15:58:53.123456Z", "message": LINE, "host": {"name": "web-1"}}),
        "web-1",
        AT,
    ),
]


def _frame(*lines: str, first: int = 1) -> pl.DataFrame:
    return pl.DataFrame({"line": range(first, first + len(lines)), "text": lines}, schema_overrides={"line": pl.Int64})


def _named(name: str) -> Wrapper:
    return next(wrapper for wrapper in WRAPPERS if wrapper.name == name)


def _off(wrapper: Wrapper, *frames: pl.DataFrame) -> pl.DataFrame:
    return pl.concat(take_off(wrapper, frames))


@pytest.mark.parametrize(("name", "line", "host", "at"), CASES)
def test_the_line_inside_comes_out_with_host_and_time(name: str, line: str, host: str | None, at: dt.datetime) -> None:
    """Character by character, and without inventing a host or a time."""
    wrapper = next(w for w in WRAPPERS if w.name == name and fits(w, _frame(line)))
    (row,) = _off(wrapper, _frame(line)).rows(named=True)
    assert row == {"line": 1, "text": LINE, "log_host": host, "wrapped_at": at}


@pytest.mark.parametrize(("name", "line"), [case[:2] for case in CASES])
def test_a_line_without_the_wrapper_passes_as_it_is(name: str, line: str) -> None:
    """Also when its neighbours have one, and whatever it holds."""
    odd = ["", "\x00", "{", '{"log":', '{"log":5', "Nov 22", "\ufffd" * 10, LINE]
    out = _off(_named(name), _frame(line, *odd))
    assert out["text"].to_list()[1:] == odd
    assert out.schema == UNWRAPPED


def test_parts_of_a_line_are_joined_stream_by_stream() -> None:
    """The joined line has the number of its first part, and the other stream's lines stay apart."""
    at = "2026-11-22T15:58:53Z"
    frame = _frame(
        f"{at} stdout P one ", f"{at} stderr F error", f"{at} stdout P two ", f"{at} stdout F three", f"{at} stdout F x"
    )
    out = _off(_named("CRI container log"), frame)
    assert out.select("line", "text").rows() == [(1, "one two three"), (2, "error"), (5, "x")]


def test_parts_are_joined_across_blocks() -> None:
    """A block may end in the middle of a line; a file may end there too."""
    at = "2026-11-22T15:58:53Z"
    blocks = [
        _frame(f"{at} stdout F a", f"{at} stdout P b"),
        _frame(f"{at} stdout P c", f"{at} stderr F e", first=3),
        _frame(f"{at} stdout F d", f"{at} stdout P torn", first=5),
    ]
    out = _off(_named("CRI container log"), *blocks).sort("line")
    assert out.select("line", "text").rows() == [(1, "a"), (2, "bcd"), (4, "e"), (6, "torn")]


def test_docker_cuts_long_lines_at_16_kib() -> None:
    """Only such a part goes on; a short entry whose collector trimmed the line feed does not."""
    long = "x" * 16_384
    entries = [{"log": long}, {"log": "end\n"}, {"log": "trimmed"}, {"log": "next\n"}]
    frame = _frame(*(json.dumps(entry | {"stream": "stdout", "time": "2026-11-22T15:58:53Z"}) for entry in entries))
    assert _off(_named("docker json-file log"), frame)["text"].to_list() == [f"{long}end", "trimmed", "next"]


def test_what_the_outer_wrapper_says_stays() -> None:
    """A compose line inside a journal keeps the journal's time."""
    outer = json.dumps({"MESSAGE": f"nginx-1 | {LINE}", "_HOSTNAME": "vm", "__REALTIME_TIMESTAMP": "1795363133123456"})
    out = _off(_named("compose output"), _off(_named("journal export"), _frame(outer)))
    assert out.rows() == [(1, LINE, "nginx-1", AT)]


def test_bare_lines_fit_no_wrapper() -> None:
    """An access line and an error line have none."""
    error = "2026/11/22 15:58:53 [error] 31#31: *57 recv() failed (104: Connection reset by peer) while reading"
    assert [w.name for w in WRAPPERS if fits(w, _frame(LINE, error))] == []


def test_a_stamp_in_digits_of_another_script_is_no_time() -> None:
    """Whoever can write to the journal's export must not be able to end the run."""
    line = json.dumps({"MESSAGE": LINE, "_HOSTNAME": "vm", "__REALTIME_TIMESTAMP": "٣" * 16}, ensure_ascii=False)
    assert _off(_named("journal export"), _frame(line)).rows() == [(1, LINE, "vm", None)]


ERROR = "2026/11/22 15:58:53 [info] 31#31: *1 a, client: 203.0.113.7, server: x"
ENTRY = "wss 2026-11-22T15:58:53.123456Z app/rt/50dc 203.0.113.7:1 10.0.0.1:80"
RECORD = '{"code":1006,"reason":"] a: {b}"}'


@pytest.mark.parametrize(
    "line",
    [
        *(f"{front}{text}" for front in ("web-5d9f nginx ", "     7\t", "[app] ") for text in (ERROR, ENTRY, RECORD)),
        f"2026-11-22T15:58:53.1Z INFO WebSocket closed: {RECORD}",
        f"data: {RECORD}",
        f"2026-11-22T15:58:53+00:00\tnginx.access\t{RECORD}",
        f"[0] kube.var.log: [[1795363133.000000000, {{}}], {RECORD}]",
    ],
)
def test_whatever_stands_before_a_line_that_nothing_else_begins_like(line: str) -> None:
    """An error line, an ALB's entry or a JSON object is found behind any words without quotes."""
    wrapper = _named("something before each line")
    assert fits(wrapper, _frame(line)) == 1.0
    assert pl.concat(take_off(wrapper, [_frame(line)]))["text"].item() in {ERROR, ENTRY, RECORD}


@pytest.mark.parametrize("line", [LINE, ERROR, ENTRY, RECORD, f"  {RECORD},", f",{RECORD}", f'{{"log":{RECORD}}}'])
def test_nothing_stands_before_a_line(line: str) -> None:
    """A line as its program wrote it has no such wrapper."""
    assert fits(_named("something before each line"), _frame(line)) == 0.0
