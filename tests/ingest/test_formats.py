"""The list of formats: each claims its own samples, and nothing else does."""

from __future__ import annotations

import polars as pl
import pytest

from wslog.ingest.format import Config, LogFormat
from wslog.ingest.formats import FORMATS
from wslog.ingest.kinds.recognise import recognise
from wslog.schema import Format

SAMPLES = [(log_format, sample) for log_format in FORMATS for sample in log_format.samples]


@pytest.mark.parametrize(("log_format", "sample"), SAMPLES)
def test_a_sample_is_claimed_by_its_own_format_alone(log_format: LogFormat, sample: str) -> None:
    """Among all formats and wrappers, and it gives an event."""
    found = recognise([sample], Config(), FORMATS)
    assert found.reader is not None
    assert found.reader.format is log_format
    assert found.wrappers == ()
    parsed = found.reader.parser.parse(
        pl.DataFrame({"line": [7], "text": [sample]}, schema_overrides={"line": pl.Int64})
    )
    assert parsed.events["line"].to_list() == [7]


@pytest.mark.parametrize("log_format", FORMATS)
def test_a_format_says_where_it_comes_from(log_format: LogFormat) -> None:
    """A name in the vocabulary, a line for help, a source to check against, samples to test with."""
    assert log_format.name in set(Format)
    assert log_format.about
    assert log_format.source.startswith("https://")
    assert log_format.samples


def test_no_line_of_any_format_makes_another_fail() -> None:
    """A parser gets whatever stands in its file: all samples, cut anywhere, are parsed or rejected by each format."""
    texts = [sample[:cut] for _, sample in SAMPLES for cut in (None, 1, 20, 60, len(sample) - 1)]
    block = pl.DataFrame({"line": range(1, len(texts) + 1), "text": texts}, schema_overrides={"line": pl.Int64})
    for log_format in FORMATS:
        parser = log_format.detect(list(log_format.samples), Config())
        assert parser is not None
        parsed = parser.parse(block)
        lines = pl.concat([parsed.events.select("line"), parsed.rejects.select("line")])["line"]
        assert lines.is_in(block["line"].implode()).all()
