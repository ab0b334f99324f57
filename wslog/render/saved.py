"""What wslog says as JSON bytes: `analysis.json` and `weekly.json`; an analysis back again, and the JSON Schema of it.

All of it comes from the types by msgspec, so that a file, its reader and its schema cannot disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wslog.errors import SavedAnalysisError
from wslog.render.escape import json_escaped
from wslog.result import SCHEMA_VERSION, Document

if TYPE_CHECKING:
    from wslog.weekly_result import WeeklyReport

SCHEMA_TITLE: Final = "wslog analysis"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MEND_NAME: Final = "Name the analysis.json of a report folder that `wslog analyze` wrote."
_MEND_VERSION: Final = "Run `wslog analyze` again on the logs, or install the wslog version that wrote the file."


def dump(document: Document | WeeklyReport) -> bytes:
    """Return *document* as indented UTF-8 JSON with a final newline; the same document gives the same bytes.

    What a terminal obeys, or hides, stands there as JSON's own escapes: it may be printed.
    """
    import msgspec

    raw = msgspec.json.encode(document, order="deterministic")
    return json_escaped(msgspec.json.format(raw, indent=2).decode()).encode() + b"\n"


def load(data: bytes) -> Document:
    """Return the Document that `dump` wrote.

    Raises:
        SavedAnalysisError: If *data* is no JSON, of another schema version, or not in the schema's form.
    """
    import msgspec

    try:
        head = msgspec.json.decode(data, type=dict[str, Any])
    except msgspec.ValidationError:
        head = {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SavedAnalysisError(f"this is not JSON ({error})", mend=_MEND_NAME) from None
    version = head.get("schema_version")
    if not isinstance(version, int) or "wslog_version" not in head:
        raise SavedAnalysisError("this JSON is not a saved analysis", mend=_MEND_NAME)
    if version != SCHEMA_VERSION:
        raise SavedAnalysisError(
            f"saved with schema version {version}, this wslog reads {SCHEMA_VERSION}", mend=_MEND_VERSION
        )
    try:
        return msgspec.json.decode(data, type=Document)
    except msgspec.ValidationError as error:
        raise SavedAnalysisError(f"not in the form of a saved analysis: {error}", mend=_MEND_VERSION) from None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of `analysis.json`."""
    import msgspec

    return {
        "$schema": _DIALECT,
        "title": SCHEMA_TITLE,
        "description": f"Schema version {SCHEMA_VERSION} of the analysis.json that wslog writes.",
        **msgspec.json.schema(Document),
    }
