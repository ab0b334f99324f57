"""What a report folder holds: page, Markdown, saved analysis, charts, and the two tables of connections."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import polars as pl

from wslog.cellar import SLICE_ROWS, Cellar
from wslog.commands.whole_folder import MARKER, check_output, real, whole_folder, write_files
from wslog.ingest.files.sources import STDIN, list_sources
from wslog.render.escape import CSV_RISK, HIDDEN
from wslog.render.pictures import files_of, svgs_of
from wslog.render.saved import dump
from wslog.result import Document

TABLES: Final = ("connections.parquet", "drops.csv")
"""What an analysis alone cannot be made into again."""
_PAGE_BYTES: Final = 256 << 20  # a whole column of a group: where smaller pages end depends on how the table lies
_CSV: Final = Cellar(slice_rows=SLICE_ROWS // 2)  # on its way into a cell a text is copied several times
_OWN: Final = re.compile(
    r"(?:report|weekly)\.(?:html|md)|(?:analysis|weekly)\.json|connections\.parquet|drops\.csv|charts/[^/]+"
)


def write_report(output: Path, document: Document, connections: pl.DataFrame, *, force: bool) -> None:
    """Write the report folder of one analysis; see `whole_folder` for what may be replaced.

    Args:
        output: The folder to write.
        document: The analysis.
        connections: `schema.CONNECTIONS`.
        force: Replace a folder that wslog did not write.

    Raises:
        OptionError: If *output* may not be replaced.
        OutputError: If the file system does not let it be written.
    """
    check_output(output, force=force)
    with whole_folder(output, force=force) as new:
        # The charts last: what the tables took is free again when they are drawn.
        _write_tables(connections, new)
        write_files(new, document_files(document))


def holds_report(output: Path, document: Document) -> bool:
    """Return whether the folder is the report of this very analysis: the same document gives the same bytes."""
    wanted = ("report.html", "report.md", *TABLES, "charts", MARKER)
    saved = output / "analysis.json"
    return all((output / name).exists() for name in wanted) and saved.is_file() and saved.read_bytes() == dump(document)


def inputs_at_risk(output: Path, paths: Sequence[str], *others: Path | None) -> Iterator[str | Path]:
    """Yield what must not lie in *output*: the paths as given, other files, and each file behind the paths.

    A report that lies among the logs is no input: its own files are left out.

    Args:
        output: The folder that will be replaced.
        paths: The arguments: files, folders, patterns, `-`.
        others: Folders and files that the command reads besides.

    Raises:
        InputError: If there is nothing behind one of *paths*.
    """
    yield from (path for path in paths if path != STDIN)
    yield from (path for path in others if path is not None)
    named = [path for path in paths if path != STDIN]
    if not named or not output.is_dir():
        return
    place = real(output)
    is_ours = (output / MARKER).is_file()
    for source in list_sources(named):
        file = real(source.file) if source.file else place.parent
        if file.is_relative_to(place) and not (is_ours and _OWN.fullmatch(file.relative_to(place).as_posix())):
            yield file


def document_files(document: Document) -> dict[str, bytes]:
    """Return the files of a report that need the analysis alone, by their path in the folder."""
    from wslog.render.charts import draw_all
    from wslog.render.markdown import render_markdown
    from wslog.render.page import render_html

    pictures = draw_all(document)
    return {
        "report.html": render_html(document, svgs_of(pictures)).encode(),
        "report.md": render_markdown(document).encode(),
        "analysis.json": dump(document),
        **files_of(pictures),
    }


def kept_tables(output: Path, document: Document, *, is_again: bool) -> dict[str, bytes]:
    """Return the tables of connections in the folder if they belong to this very analysis: then they stay.

    Args:
        output: The folder that will be replaced.
        document: The analysis to be written there.
        is_again: The document was read out of this folder, perhaps as another version of wslog wrote it.
    """
    saved = output / "analysis.json"
    if not is_again and not (saved.is_file() and saved.read_bytes() == dump(document)):
        return {}
    return {name: (output / name).read_bytes() for name in TABLES if (output / name).is_file()}


def _write_tables(connections: pl.DataFrame, folder: Path) -> None:
    """Write `TABLES` some rows at a time.

    Raises:
        OSError: If the file system does not take them.
    """
    try:
        with (folder / "connections.parquet").open("wb") as file:  # polars takes no path that is no UTF-8
            connections.write_parquet(
                file, compression="zstd", statistics=True, row_group_size=SLICE_ROWS, data_page_size=_PAGE_BYTES
            )
        _write_drops(connections, folder / "drops.csv")
    except pl.exceptions.ComputeError as error:
        if "os error" not in str(error):
            raise
        raise OSError(str(error)) from error


def _write_drops(connections: pl.DataFrame, target: Path) -> None:
    """Write the drops as CSV that a spreadsheet opens without running anything in it."""
    columns = [_cell(name, dtype) for name, dtype in connections.schema.items()]
    with target.open("wb") as file:
        for part in _CSV.slices(connections):
            is_first = file.tell() == 0
            drops = part.filter(pl.col("is_drop")).select(columns)
            # The mark of UTF-8 makes spreadsheets read umlauts as such.
            drops.write_csv(file, include_bom=is_first, include_header=is_first)


def _cell(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.List(pl.String):
        return _spreadsheet_safe(column.list.join("; ", ignore_nulls=True)).alias(name)
    if isinstance(dtype, pl.Datetime):
        return column.dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ").alias(name)
    if dtype == pl.Float64:
        return column.round(6)  # to the microsecond, as the times are: a difference of two reads 104.368, not …00000001
    return _spreadsheet_safe(column).alias(name) if dtype == pl.String else column


def _spreadsheet_safe(text: pl.Expr) -> pl.Expr:
    """Have no spreadsheet take a text for a formula: a risky start gets a leading apostrophe."""
    marked = text.str.replace(CSV_RISK, "'${1}")
    hidden = [chr(code) for code in HIDDEN if not 0xD800 <= code <= 0xDFFF]  # no table holds lone surrogates
    return marked.str.replace_many(hidden, [HIDDEN[ord(character)] for character in hidden])
