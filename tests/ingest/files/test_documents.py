"""JSON values out of texts of any layout."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.ingest.files import documents
from wslog.ingest.files.documents import NotADocument, values_of

RECORDS = st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9) | st.none(), max_size=3))


@given(RECORDS, st.sampled_from(["", " ", "\n", ",\n", "\x1e"]), st.sampled_from([None, 2]))
def test_values_one_after_another(records: list[dict[str, object]], between: str, indent: int | None) -> None:
    """Objects that follow one another, with whatever between them, are as many values."""
    text = between.join(json.dumps(record, indent=indent) for record in records)
    assert list(values_of(text.encode())) == records


@given(RECORDS, st.sampled_from([None, 2]))
def test_an_array_is_its_items(records: list[dict[str, object]], indent: int | None) -> None:
    """An outermost array is taken apart, on one line or many."""
    assert list(values_of(json.dumps(records, indent=indent).encode())) == records


def test_a_torn_array_gives_what_stands_before() -> None:
    """And the torn rest as a text, so that it can be counted."""
    assert list(values_of(b'[{"a":1},\n{"a":2},\n{"a":')) == [{"a": 1}, {"a": 2}, '{"a":']
    assert list(values_of(b'{"a":1}{"a":2}oops')) == [{"a": 1}, {"a": 2}, "oops"]


@pytest.mark.parametrize("text", [b"[" * 100_000, b'{"a":' * 100_000, b"[" + b"{}," * 100, b""])
def test_hostile_nesting_ends(text: bytes) -> None:
    """Depth beyond reason is refused or comes as text, and never a crash."""
    with contextlib.suppress(NotADocument):
        assert all(isinstance(value, str | dict) for value in values_of(text))


def test_too_large_says_how_to_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document is read as a whole, so there is a limit, for its bytes and for its values."""
    monkeypatch.setattr(documents, "MAX_BYTES", 10)
    with pytest.raises(NotADocument, match="jq -c"):
        list(values_of(b'[{"a":1},{"a":2}]'))
    monkeypatch.setattr(documents, "MAX_BYTES", 1_000)
    monkeypatch.setattr(documents, "MAX_COMMAS", 2)
    with pytest.raises(NotADocument, match="jq -c"):
        list(values_of(b"[{},{},{},{}]"))
