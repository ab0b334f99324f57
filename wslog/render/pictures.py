"""Charts as files: each is laid out once and then drawn twice, as SVG and as PNG; the same each time, to the byte."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from wslog.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.backend_bases import RendererBase
    from matplotlib.figure import Figure

FIGURE_INCHES: Final = (9.2, 4.6)
PNG_DPI: Final = 144
_PAD_INCHES: Final = 3 / 72  # between the edge and what is nearest to it
_PASSES: Final = 2  # a wider plot moves the last tick's label; a third pass moves nothing by a tenth of a pixel
_RC: Final[dict[Any, Any]] = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same letters on every machine
    "svg.hashsalt": "wslog",
    "svg.fonttype": "path",
    "hatch.linewidth": 0.7,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
}


def draw_pictures(charts: Mapping[str, Callable[[Axes], object]]) -> dict[str, tuple[bytes, bytes]]:
    """Return each chart, by its name, as (SVG, PNG).

    Args:
        charts: By name, what draws the chart into the axes it is given.

    Raises:
        OutputError: If matplotlib refuses what it was told.
    """
    try:
        from matplotlib import rc_context, rcParamsDefault
    except ValueError as error:
        raise OutputError(
            f"no charts can be drawn: {error}", where="matplotlib", mend="Mend its matplotlibrc file, or MPLBACKEND."
        ) from error
    # A matplotlibrc, also one that lies among the logs, may ask for other letters, or have LaTeX run on them.
    defaults = {name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")}
    with rc_context(defaults | _RC):
        return {name: _draw(draw) for name, draw in charts.items()}


def svgs_of(pictures: Mapping[str, tuple[bytes, bytes]]) -> dict[str, bytes]:
    """Return what a page shows of pictures."""
    return {name: svg for name, (svg, _) in pictures.items()}


def files_of(pictures: Mapping[str, tuple[bytes, bytes]]) -> dict[str, bytes]:
    """Return pictures by their path in a report folder."""
    both = ((f"charts/{name}", *drawn) for name, drawn in pictures.items())
    return {f"{path}.{kind}": data for path, svg, png in both for kind, data in (("svg", svg), ("png", png))}


def _draw(draw: Callable[[Axes], object]) -> tuple[bytes, bytes]:
    # The canvases themselves: `savefig` makes a new one for each layout and file, which measures all letters again.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure
    from PIL import Image  # what matplotlib writes pictures with

    figure = Figure(figsize=FIGURE_INCHES, dpi=PNG_DPI, facecolor="white")
    as_png: Any = FigureCanvasAgg(figure)  # what canvases do has no types
    ax = figure.subplots()
    draw(ax)
    lay_out(figure, ax, as_png.get_renderer())
    as_png.draw()
    png, svg = io.BytesIO(), io.BytesIO()
    drawn = Image.frombuffer("RGBA", as_png.get_width_height(), as_png.buffer_rgba())
    # Without the alpha channel: the figure is white, nothing shines through, and files are a tenth smaller.
    drawn.convert("RGB").save(png, format="png", dpi=(PNG_DPI, PNG_DPI))
    as_svg: Any = FigureCanvasSVG(figure)
    as_svg.print_svg(svg, metadata={"Date": None, "Creator": None})
    return svg.getvalue(), png.getvalue()


def lay_out(figure: Figure, ax: Axes, renderer: RendererBase) -> None:
    """Make *ax*, the only axes of *figure*, as large as its labels and its legend leave room for.

    What matplotlib's constrained layout does, for one axes: measured fewer times, and then settled, so that drawing
    does not measure all labels again.
    """
    whole, pad = figure.bbox, _PAD_INCHES * figure.dpi
    for _ in range(_PASSES):
        plot, taken = ax.bbox.frozen(), ax.get_tightbbox(renderer, for_layout_only=True) or ax.bbox
        left, below = plot.x0 - taken.x0 + pad, plot.y0 - taken.y0 + pad
        right, above = taken.x1 - plot.x1 + pad, taken.y1 - plot.y1 + pad
        names = [axis.label.get_transform().transform(axis.label.get_position()) for axis in (ax.xaxis, ax.yaxis)]
        width, height = whole.width - left - right, whole.height - below - above
        ax.set_position((left / whole.width, below / whole.height, width / whole.width, height / whole.height))
    ax.xaxis.set_label_coords(0.5, (names[0][1] - plot.y0) / height)
    ax.yaxis.set_label_coords((names[1][0] - plot.x0) / width, 0.5)
    for axis in (ax.xaxis, ax.yaxis):
        if not axis.get_offset_text().get_text():  # what stands below the ticks' labels has to know where they end
            for label in axis.get_ticklabels():
                label.set_in_layout(False)
