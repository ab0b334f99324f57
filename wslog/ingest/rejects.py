"""The table of lines that did not parse, as every format hands it on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

REJECTS: Final[dict[str, pl.DataType]] = {"line": pl.Int64(), "reason": pl.String(), "text": pl.String()}
TEXT_LENGTH: Final = 200
REJECTED_TEXT: Final = pl.col("text").str.slice(0, TEXT_LENGTH)


def reject_rows(rows: Sequence[tuple[int, str, str]]) -> pl.DataFrame:
    """Return the rejects table of (line, reason, whole text) rows; the text is cut here."""
    cut = [(line, reason, text[:TEXT_LENGTH]) for line, reason, text in rows]
    return pl.DataFrame(cut, schema=REJECTS, orient="row")


def reject_where(frame: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    """Return the rejects table of the rows of *frame* (`line`, `text`) for which *reason* is not null."""
    return (
        frame.select(pl.col("line").cast(pl.Int64), reason.alias("reason"), REJECTED_TEXT)
        .filter(pl.col("reason").is_not_null())
        .with_columns(pl.col("reason").cast(pl.String))
    )
