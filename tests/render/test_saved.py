"""analysis.json: what is saved comes back, and what is not ours is refused with a mend."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from msgspec.structs import fields, replace

from tests.render import documents
from wslog.errors import SavedAnalysisError
from wslog.render.saved import dump, json_schema, load
from wslog.result import Document

DOCUMENTS: tuple[Callable[[], Document], ...] = (documents.full, documents.one_row, documents.empty)


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
def test_round_trip_is_identity(build: Callable[[], Document]) -> None:
    """Loading gives an equal document, and saving that gives the same bytes."""
    saved = dump(build())
    assert load(saved) == build()
    assert dump(load(saved)) == saved == dump(build())
    assert saved.endswith(b"}\n")


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
def test_saved_analysis_fits_its_schema(build: Callable[[], Document]) -> None:
    """What is written validates against the schema that is printed."""
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(dump(build())), schema)


def test_what_is_saved_may_be_printed() -> None:
    """`wslog render --format json` on a terminal: a path with commands in it is data, and comes back as it was."""
    path = "/ws\x9b2J\x1b[31m\x7f\u202e\u2028\ufeff\U000e0041é\u00a0\\u009b"
    document = replace(documents.one_row(), wslog_version=path)
    saved = dump(document)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\ufeff\U000e0041]", saved.decode())
    assert "é\u00a0" in saved.decode()
    assert load(saved) == document


def test_schema_refuses_what_is_missing() -> None:
    """The schema is no rubber stamp: a document without its totals does not validate."""
    saved: dict[str, Any] = json.loads(dump(documents.one_row()))
    del saved["totals"]
    with pytest.raises(jsonschema.ValidationError, match="totals"):
        jsonschema.validate(saved, json_schema())


def test_keys_stand_in_the_order_of_the_types() -> None:
    """The file's keys are the fields of Document, in their order; null stands where nothing is known."""
    saved = json.loads(dump(documents.empty()))
    assert list(saved) == [field.name for field in fields(Document)]
    assert saved["totals"]["drops_per_1000_connection_hours"] is None


def test_times_carry_their_zone() -> None:
    """A time in the file is UTC and says so."""
    assert json.loads(dump(documents.full()))["bursts"][0]["at"] == "2026-03-10T11:30:02Z"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this is not JSON"),
        (b"\xff\xfe", "this is not JSON"),
        (b'{"schema_version": 1', "this is not JSON"),
        (b"[" * 100_000, "not"),
        (b"[]", "this JSON is not a saved analysis"),
        (b'{"version": 1}', "this JSON is not a saved analysis"),
        (b'{"schema_version": 99, "wslog_version": "9"}', "schema version 99, this wslog reads 1"),
        (b'{"schema_version": 1, "wslog_version": "1"}', "missing required field `verdict`"),
        (dump(documents.full()).replace(b'"idle_timeout"', b'"gremlins"'), "Invalid enum value 'gremlins'"),
    ],
)
def test_what_is_not_a_saved_analysis_is_refused(data: bytes, message: str) -> None:
    """Every wrong file gives the one error that names the mend."""
    with pytest.raises(SavedAnalysisError, match=message) as caught:
        load(data)
    assert caught.value.mend
