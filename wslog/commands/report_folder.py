"""The report folder: written whole beside its place, then moved there, or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import polars as pl

from wslog.errors import OptionError
from wslog.render.charts import draw_all
from wslog.render.escape import CSV_RISK, HIDDEN
from wslog.render.markdown import render_markdown
from wslog.render.page import render_html
from wslog.render.saved import dump
from wslog.result import Document

MARKER: Final = ".wslog-report"
_MARKER_TEXT: Final = b"Written by wslog. The next report written here replaces this folder as a whole.\n"
_MEND_FORCE: Final = "Name another folder with -o, or replace this one with --force."
_MEND_OTHER: Final = "Name another folder with -o."


def write_report(output: Path, document: Document, connections: pl.DataFrame, *, force: bool) -> None:
    """Write the report folder of one analysis; see `write_folder` for what may be replaced.

    Args:
        output: The folder to write.
        document: The analysis.
        connections: `schema.CONNECTIONS`.
        force: Replace a folder that wslog did not write.

    Raises:
        OptionError: If *output* may not be replaced.
    """
    check_output(output, force=force)
    files = document_files(document)
    files["connections.parquet"] = _parquet(connections)
    files["drops.csv"] = _drops_csv(connections)
    write_folder(output, files, force=force)


def holds_report(output: Path, document: Document) -> bool:
    """Return whether the folder is the report of this very analysis: the same document gives the same bytes."""
    wanted = ("report.html", "report.md", "connections.parquet", "drops.csv", "charts", MARKER)
    saved = output / "analysis.json"
    return all((output / name).exists() for name in wanted) and saved.is_file() and saved.read_bytes() == dump(document)


def document_files(document: Document) -> dict[str, bytes]:
    """Return the files of a report that need the analysis alone, by their path in the folder."""
    drawn = draw_all(document)
    files = {
        "report.html": render_html(document, {name: svg for name, (svg, _) in drawn.items()}).encode(),
        "report.md": render_markdown(document).encode(),
        "analysis.json": dump(document),
    }
    for name, (svg, png) in drawn.items():
        files[f"charts/{name}.svg"] = svg
        files[f"charts/{name}.png"] = png
    return files


def check_output(output: Path, *, force: bool) -> None:
    """Make sure that *output* may be written: before hours of reading, not after.

    Raises:
        OptionError: If it is a file, or a folder that wslog did not write and *force* is not set.
    """
    if not os.path.lexists(output):
        return
    if not output.is_dir():
        raise OptionError("this is a file, not a folder", where=str(output), mend="Name a folder with -o.")
    if output.resolve() in (Path.cwd(), *Path.cwd().parents):
        raise OptionError("the report cannot take the place of the working folder", where=str(output), mend=_MEND_OTHER)
    is_ours = (output / MARKER).is_file() or not any(output.iterdir())
    if not is_ours and not force:
        raise OptionError("this folder was not written by wslog", where=str(output), mend=_MEND_FORCE)


def write_folder(output: Path, files: Mapping[str, bytes], *, force: bool) -> None:
    """Write *files* as the whole content of *output*, or change nothing.

    A folder that wslog wrote before, or an empty one, is replaced; any other existing one only with *force*.

    Raises:
        OptionError: If *output* may not be replaced.
    """
    check_output(output, force=force)
    place = output.resolve()  # a link keeps pointing to where it did
    place.parent.mkdir(parents=True, exist_ok=True)
    with _temporary_sibling(place) as new:
        for name, content in {**files, MARKER: _MARKER_TEXT}.items():
            target = new / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
        _replace(place, new)


@contextlib.contextmanager
def _temporary_sibling(place: Path) -> Iterator[Path]:
    """Give a folder on the same disk as *place*, and remove what is left of it whatever happens."""
    made = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
    try:
        new = made / "new"
        new.mkdir()  # mkdtemp makes a private folder; this one gets the usual rights
        yield new
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _replace(place: Path, new: Path) -> None:
    """Move *new* to *place*; what stood there comes back if that fails, and goes with the temporary folder if not."""
    old = new.with_name("old")
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except BaseException:
        if old.exists() and not place.exists():
            old.rename(place)
        raise


def _parquet(connections: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    connections.write_parquet(buffer, compression="zstd", statistics=True)
    return buffer.getvalue()


def _drops_csv(connections: pl.DataFrame) -> bytes:
    """Return the drops as CSV that a spreadsheet opens without running anything in it."""
    drops = connections.filter(pl.col("is_drop"))
    columns = [_cell(name, dtype) for name, dtype in drops.schema.items()]
    # The mark of UTF-8 makes spreadsheets read umlauts as such.
    return drops.select(columns).write_csv(include_bom=True).encode()


def _cell(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.List(pl.String):
        return _spreadsheet_safe(column.list.join("; ", ignore_nulls=True)).alias(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ").alias(name)
    return _spreadsheet_safe(column).alias(name) if dtype == pl.String else column


def _spreadsheet_safe(text: pl.Expr) -> pl.Expr:
    """Do in a table what `escape.csv_safe` does for one text."""
    marked = text.str.replace(CSV_RISK, "'${1}")
    hidden = [chr(code) for code in HIDDEN if not 0xD800 <= code <= 0xDFFF]  # no table holds lone surrogates
    return marked.str.replace_many(hidden, [HIDDEN[ord(character)] for character in hidden])
