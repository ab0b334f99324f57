"""Access lines that are not parsed: the full pattern reads each, to no concern, or with the path that it waits by."""

from __future__ import annotations

import random

import polars as pl
import pytest

from tests.ingest.test_log_format_clean import FORMATS, written
from wslog.ingest.concern import MAY_CONCERN
from wslog.ingest.log_format import compile_format
from wslog.ingest.log_format_plain import plain_lines, refused_lines
from wslog.ingest.nginx_access import parse_compiled

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
