"""Access lines that are not parsed: the full pattern reads each, to no concern, or with the path that it waits by."""

from __future__ import annotations

import random

import polars as pl
import pytest

from tests.ingest.nginx.test_log_format_clean import FORMATS, written
from wslog.ingest.concern import MAY_CONCERN
from wslog.ingest.nginx.access import parse_compiled
from wslog.ingest.nginx.access_json import layout_of, name_keys, parse_json, read_pairs
from wslog.ingest.nginx.log_format import compile_format
from wslog.ingest.nginx.log_format_plain import plain_lines, refused_lines

JSON = (
    'escape=json {"t":"$time_iso8601","msec":"$msec","ip":"$remote_addr","local":"$time_local","m":"$request_method",'
    '"uri":"$request_uri","status":$status,"rt":$request_time,"up":"$http_upgrade","us":$upstream_status,"ua":"$unknown_1"}'
)
NO_LEVEL = pl.lit(None, pl.String).alias("level")


@pytest.mark.parametrize("name", FORMATS)
def test_lines_with_odd_values_are_left_out_rightly(name: str) -> None:
    """Whatever the values: each plain line gives one event that is dropped, each refused one an event with its path."""
    compiled = compile_format(FORMATS[name])
    r = random.Random(name)
    lines = [written(FORMATS[name], r, oddness) for oddness in (0.05, 0.1, 0.3) for _ in range(10_000)]
    block = pl.DataFrame(
        {"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String}
    )
    plain = block.filter(pl.col("text").str.contains(plain_lines(compiled.text)))
    parsed = parse_compiled(plain, formats=(compiled,))
    assert parsed.rejects.is_empty()
    assert parsed.events.height == plain.height
    assert parsed.events.with_columns(NO_LEVEL).filter(MAY_CONCERN).is_empty()
    refused = refused_lines(compiled.text)
    if refused is not None:
        waiting = block.filter(pl.col("text").str.contains(refused.line))
        events = parse_compiled(waiting, formats=(compiled,)).events
        assert events["line"].to_list() == waiting["line"].to_list()
        assert events["path"].to_list() == waiting["text"].str.extract(refused.path, 1).to_list()


def test_json_lines_with_any_second_clock_are_left_out_rightly() -> None:
    """Beside an epoch that is read first, a time that does not exist changes nothing; the line is JSON all the same."""
    r = random.Random(3)
    lines = [written(JSON, r, oddness) for oddness in (0.05, 0.1, 0.3) for _ in range(10_000)]
    lines = [line.replace('"status":101', '"status":200').replace('"up":"websocket"', '"up":""') for line in lines]
    sample = [written(JSON, r, 0.0) for _ in range(20)]
    named = name_keys([pairs for line in sample if (pairs := read_pairs(line))])
    layout = layout_of(sample[0], named)
    assert layout is not None
    compiled = compile_format(layout)
    block = pl.DataFrame({"line": range(len(lines)), "text": lines}, schema={"line": pl.Int64, "text": pl.String})
    plain = block.filter(pl.col("text").str.contains(plain_lines(compiled.text, is_json=True)))
    strict = block.filter(pl.col("text").str.contains(plain_lines(compiled.text)))
    assert plain.height > strict.height > 1_000
    parsed = parse_json(plain, named=named, layouts=(compiled,))
    assert parsed.rejects.is_empty()
    assert parsed.events.height == plain.height
    assert parsed.events.with_columns(NO_LEVEL).filter(MAY_CONCERN).is_empty()


def test_an_upgrade_behind_a_list_with_nothing_but_a_space_between_is_not_left_out() -> None:
    """`502 : 200 x 101`: two servers' statuses, one value, and the status that the client got."""
    compiled = compile_format("$time_iso8601 $upstream_status $unknown_2 $status $request_uri")
    plain = plain_lines(compiled.text)
    lines = ["2026-11-22T17:00:00+00:00 502 : 200 x 101 /ws", "2026-11-22T17:00:00+00:00 502 : 200 200 101 /ws"]
    sure = "2026-11-22T17:00:00+00:00 200 x 200 /a"
    found = parse_compiled(pl.DataFrame({"line": [1, 2], "text": lines}), formats=(compiled,)).events
    assert found["status"].to_list() == [101, 101]
    assert pl.Series([*lines, sure]).str.contains(plain).to_list() == [False, False, True]
