"""Rows out of CSV and its like."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.ingest.files import tables
from wslog.ingest.files.tables import delimiter_of, rows_of

FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=12)


@given(st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=6), st.sampled_from(",\t;|"))
def test_rows_are_what_was_written(rows: list[tuple[str, str, str]], delimiter: str) -> None:
    """Quotes, delimiters and line feeds inside fields included; each row knows the line that it begins on."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["time", "code", "reason"])
    writer.writerows(rows)
    lines = file.getvalue().split("\n")[:-1]
    read = list(rows_of(enumerate(lines, 1), delimiter))
    wanted = [dict(zip(("time", "code", "reason"), row, strict=True)) for row in rows]
    assert [row for _, row in read] == [{key: value for key, value in row.items() if value} for row in wanted]
    starts = [2]
    for row in rows[:-1]:
        starts.append(starts[-1] + 1 + sum(field.count("\n") for field in row))
    assert [line for line, _ in read] == starts


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["time,code,url", "1,1006,wss://x"], ","),
        (["@timestamp\tmessage", "a\tb", "c"], "\t"),
        (["time;code", "1;1006", "2;1000", "3"], ";"),
        (["time,code"], ""),
        (["time,time", "1,2"], ""),
        (["1,2,3", "4,5,6"], ""),
        (["a sentence, with a comma", "and no other one"], ""),
        (["2026/03/10 10:01:00 [error] 1#1: a, client: b", "2026/03/10 10:01:00 [error] 1#1: a, client: b"], ""),
    ],
)
def test_a_table_has_names(lines: list[str], delimiter: str) -> None:
    """Different names in the first line, and rows of as many fields: less is no table."""
    assert delimiter_of(lines) == delimiter


def test_what_does_not_fit_comes_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row with too many fields, and one whose quote never ends, are not guessed at; the next ones are read."""
    monkeypatch.setattr(tables, "LONGEST_FIELD", 30)
    lines = ["a,b", "1,2", "1,2,3", '4,"open', "5,6" * 12, "7,8"]
    read = list(rows_of(enumerate(lines, 1), ","))
    assert read == [(2, {"a": "1", "b": "2"}), (3, "1,2,3"), (4, '4,"open\n' + "5,6" * 12), (6, {"a": "7", "b": "8"})]
