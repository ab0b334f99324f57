"""Charts as files: laid out so that all is seen, drawn without a share of transparency, the same in both forms."""

from __future__ import annotations

import io
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from PIL import Image

from tests.render import documents
from wslog.render.charts import CHARTS
from wslog.render.pictures import FIGURE_INCHES, PNG_DPI, draw_pictures, lay_out
from wslog.result import Document

DOCUMENTS: tuple[Callable[[], Document], ...] = (documents.full, documents.one_row, documents.empty)


def drawn(name: str, build: Callable[[], Document]) -> tuple[Figure, Axes, RendererBase]:
    figure = Figure(figsize=FIGURE_INCHES, dpi=PNG_DPI)
    canvas: Any = FigureCanvasAgg(figure)  # what canvases do has no types
    return figure, CHARTS[name].draw(build(), figure.subplots()), canvas.get_renderer()


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("name", list(CHARTS))
def test_a_chart_is_laid_out_as_matplotlib_would(name: str, build: Callable[[], Document]) -> None:
    """The plot is where constrained layout, given all the time it wants, puts it: to a fifth of a pixel."""
    figure, ax, renderer = drawn(name, build)
    lay_out(figure, ax, renderer)
    settled, wanted, _ = drawn(name, build)
    for _ in range(3):
        ConstrainedLayoutEngine().execute(settled)
    assert ax.bbox.extents == pytest.approx(wanted.bbox.extents, abs=0.2)


@pytest.mark.parametrize("build", DOCUMENTS, ids=lambda build: build.__name__)
@pytest.mark.parametrize("name", list(CHARTS))
def test_names_of_axes_stand_clear_of_the_labels(name: str, build: Callable[[], Document]) -> None:
    """An axis' name is where matplotlib puts it, though its place is found once and not again for each drawing."""
    figure, ax, renderer = drawn(name, build)
    lay_out(figure, ax, renderer)
    free, other, _ = drawn(name, build)
    other.set_position(ax.get_position())
    free.draw(renderer)
    figure.draw(renderer)
    for mine, theirs in ((ax.xaxis.label, other.xaxis.label), (ax.yaxis.label, other.yaxis.label)):
        assert mine.get_window_extent(renderer).extents == pytest.approx(
            theirs.get_window_extent(renderer).extents, abs=0.2
        )


def test_the_readers_own_style_draws_nothing_else() -> None:
    """A matplotlibrc changes no byte, and no letter of a log is given to LaTeX."""
    picture = {"causes": lambda ax: CHARTS["causes"].draw(documents.full(), ax)}
    before = draw_pictures(picture)
    own: dict[Any, object] = {
        "text.usetex": True,
        "font.size": 40.0,
        "axes.facecolor": "red",
        "timezone": "Asia/Tokyo",
        "path.sketch": (1, 9, 2),
    }
    with rc_context(own):
        assert draw_pictures(picture) == before


def test_a_matplotlibrc_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """Matplotlib reads it while it is imported, out of the working folder first."""
    (tmp_path / "matplotlibrc").write_bytes(b"\xff")
    code = "from wslog.errors import OutputError\nfrom wslog.render.pictures import draw_pictures\n"
    code += "try:\n    draw_pictures({})\nexcept OutputError as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("matplotlib: no charts can be drawn: 'utf-8' codec can't decode")
    assert "matplotlibrc" in done.stdout.splitlines()[-1]


def test_the_day_stands_below_the_hours() -> None:
    """What a date axis leaves out of its labels is written under them, not over them."""
    figure, ax, renderer = drawn("drops-over-time", documents.full)
    lay_out(figure, ax, renderer)
    figure.draw(renderer)
    day = ax.xaxis.get_offset_text()
    assert day.get_text() == "2026-Mar-10"
    lowest = min(label.get_window_extent(renderer).y0 for label in ax.get_xticklabels())
    assert 0 < day.get_window_extent(renderer).y1 < lowest


def test_both_pictures_are_of_the_same_size_and_opaque() -> None:
    """SVG and PNG show the same figure; the PNG says its resolution and carries no alpha channel."""
    ((svg, png),) = draw_pictures({"causes": lambda ax: CHARTS["causes"].draw(documents.full(), ax)}).values()
    image = Image.open(io.BytesIO(png))
    assert image.mode == "RGB"
    assert image.info["dpi"] == pytest.approx((PNG_DPI, PNG_DPI), abs=0.02)
    *_, width, height = map(float, ET.fromstring(svg).attrib["viewBox"].split())
    assert image.size == pytest.approx((width * PNG_DPI / 72, height * PNG_DPI / 72), abs=1)
