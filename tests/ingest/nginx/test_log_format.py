"""log_format texts: taken apart, compiled, matched; escapes undone; what cannot be told apart is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from wslog.errors import OptionError
from wslog.ingest.nginx.conf import log_formats, read_conf
from wslog.ingest.nginx.log_format import compile_format, unescape_default
from wslog.ingest.nginx.log_format_text import parse_format_text

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
CAPTURED = SHARED / "formats" / "nginx-captured"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")


def block(*lines: str) -> pl.DataFrame:
    return pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String})


def extract(text: str, *lines: str) -> list[dict[str, object]]:
    return compile_format(text).extract(block(*lines)).to_dicts()


@pytest.mark.parametrize(
    "text",
    [
        """log_format ws escape=json '$status "$request"' # why\n ' ${msec}';""",
        """escape=json '$status "$request"' ' $msec'""",
        """escape=json $status "$request" ${msec}""",
    ],
)
def test_every_way_to_hand_it_over_is_the_same_format(text: str) -> None:
    """A directive, its pieces and the bare text give the same pieces and escape mode."""
    parsed = parse_format_text(text)
    assert (parsed.escape, parsed.body) == ("json", '${status} "${request}" ${msec}')


def test_variables_side_by_side_are_refused() -> None:
    """Nothing between two variables: an error that names both and says what to do."""
    with pytest.raises(OptionError, match=r"\$status and \$bytes_sent") as caught:
        compile_format("$msec $status$bytes_sent")
    assert caught.value.mend
    with pytest.raises(OptionError, match="no variable"):
        compile_format("plain text")


def test_variables_that_bring_their_own_separator_may_touch() -> None:
    """`$host$request_uri` and `$uri$is_args$args` can be told apart."""
    assert extract("$scheme://$host$request_uri $status", "https://a.b:1/c?d 101") == [
        {"line": 1, "scheme": "https", "host": "a.b:1", "request_uri": "/c?d", "status": "101"}
    ]
    assert extract("$uri$is_args$args $msec", "/c?d=/e?f 1.000", "/c 2.000") == [
        {"line": 1, "uri": "/c", "is_args": "?", "args": "d=/e?f", "msec": "1.000"},
        {"line": 2, "uri": "/c", "is_args": "", "args": "", "msec": "2.000"},
    ]


def test_upstream_lists_with_spaces_are_one_value() -> None:
    """`a, b : c` stays whole, with and without quotes around it; absent values may be `-` or nothing."""
    lines = ("a=10.0.0.1:1, 10.0.0.2:1 : unix:/x t=0.001, - : 2.000 s=101", "a=- t=- s=499", "a= t= s=000")
    rows = extract("a=$upstream_addr t=$upstream_response_time s=$status", *lines)
    assert [tuple(row.values())[1:] for row in rows] == [
        ("10.0.0.1:1, 10.0.0.2:1 : unix:/x", "0.001, - : 2.000", "101"),
        ("-", "-", "499"),
        ("", "", "000"),
    ]


def test_escapes_of_each_mode_are_undone() -> None:
    r"""default: `\xHH` to bytes, then UTF-8; json: JSON's own; none: nothing. Bytes that are no UTF-8 become U+FFFD."""
    agent = '$status "$http_user_agent"'
    assert extract(agent, r'101 "a \x22q\x22 \x5C \xC3\xA9 \xE9"')[0]["http_user_agent"] == 'a "q" \\ é \ufffd'
    assert extract("escape=json " + agent, r'101 "a \"q\" \\ \u0001 \ud800"')[0]["http_user_agent"] == 'a "q" \\ \x01 ?'
    assert extract("escape=none " + agent, r'101 "a "q" \x22"')[0]["http_user_agent"] == r'a "q" \x22'


def test_a_variable_named_twice_is_read_once() -> None:
    """Rust's engine has no repeated group names; the first place counts."""
    assert extract("$status $status $msec", "101 101 1.000") == [{"line": 1, "status": "101", "msec": "1.000"}]


def test_torn_lines_are_named() -> None:
    """A line cut anywhere after its second variable is called torn; another format's line is not."""
    text = '$remote_addr [$time_local] "$request" $status rt=$request_time'
    whole = '203.0.113.7 [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 rt=60.004'
    compiled = compile_format(text)
    start = whole.index("rt=") + 3
    cut = [whole[:end] for end in range(60, start)]
    assert compiled.extract(block(*cut)).is_empty()
    reasons = compiled.reasons(block(*cut, "something else"))["reason"].to_list()
    assert reasons[-1] == "does not match the log_format"
    assert set(reasons[:-1]) == {"torn line: begins like the log_format and ends early"}


@recorded
@pytest.mark.parametrize("run", ["run-b", "run-c-ws"])
def test_every_value_of_the_captured_lines_is_right(run: str) -> None:
    """All variables of all recorded lines, odd bytes and quotes included, are those that nginx had."""
    folder = CAPTURED / run
    text = log_formats(read_conf({"n": (folder / "nginx.conf.txt").read_text()}))["kv"]
    lines = (folder / "access.kv.log").read_text(encoding="utf-8", errors="replace").splitlines()
    expected = [json.loads(line) for line in (folder / "access.kv.expected.jsonl").read_text().splitlines()]
    # A column cannot hold the lone surrogates by which the expectation writes bytes that are not UTF-8.
    expected = [
        {key: unescape_default(re.sub("[\udc80-\udcff]", "\ufffd", value)) for key, value in row.items()}
        for row in expected
    ]
    found = [{key: value for key, value in row.items() if key != "line"} for row in extract(text, *lines)]
    assert found == expected


@recorded
@pytest.mark.parametrize("run", ["run-b", "run-c-ws"])
@pytest.mark.parametrize(("name", "file"), [("js", "json"), ("jsnum", "jsonnum"), ("none", "none")])
def test_the_other_captured_formats_match_every_line(run: str, name: str, file: str) -> None:
    """JSON that is not quite JSON and unescaped values are matched too, with the statuses of the first format."""
    folder = CAPTURED / run
    formats = log_formats(read_conf({"n": (folder / "nginx.conf.txt").read_text()}))

    def statuses(format_name: str, log: str) -> list[object]:
        lines = (folder / f"access.{log}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return [row["status"] for row in extract(formats[format_name], *lines)]

    assert statuses(name, file) == statuses("kv", "kv")
