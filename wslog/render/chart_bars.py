"""Histograms on a logarithmic time axis: limits, bars wide enough to see, and stacks by cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from wslog.render import names
from wslog.render.chart_style import GRID, INK, in_order, look, plain_numbers, tick_text
from wslog.result import Bin

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.path import Path

LEAST_S: Final = 0.01  # what lasted less is drawn here: a logarithmic axis has no zero
_FROM_ZERO: Final = 1.7  # how wide the bar from zero to the first edge is drawn, as a factor
_BARS: Final = 140  # more would be thinner than the eye can tell apart


def bins_range(bins: Sequence[Bin]) -> tuple[float, float]:
    """Return the limits of a logarithmic axis that shows all *bins*; one that begins at zero gets a narrow bar."""
    low = min(one.low or one.high / _FROM_ZERO for one in bins)
    return max(low, LEAST_S / 2), max(one.high for one in bins) * 1.25


def name_least(ax: Axes, bins: Sequence[Bin]) -> None:
    """Write below the bar that begins at zero what is in it: all that is shorter than its end."""
    from matplotlib.ticker import FixedFormatter, FixedLocator

    end = next((one.high for one in bins if not one.low), None)
    if end is None:
        return
    low, high = ax.get_xlim()
    ticks = {float(at): tick_text(float(at)) for at in ax.get_xticks() if end * _FROM_ZERO < at <= high}
    ticks = {(low * end) ** 0.5: f"<{tick_text(end)}", **ticks}
    ax.xaxis.set_major_locator(FixedLocator(list(ticks)))
    ax.xaxis.set_major_formatter(FixedFormatter(list(ticks.values())))


def seconds_range(values: Sequence[float]) -> tuple[float, float]:
    """Return the limits of a logarithmic axis that shows all *values* with some air."""
    above = [value for value in values if value >= LEAST_S]
    low, high = (min(above), max(above)) if above else (LEAST_S, 1.0)
    if any(value < LEAST_S for value in values):
        low = min(low / 2, 1.0)
    air = 1.25 if high > 3 * low else 3.0
    return max(low / air, LEAST_S / 2), high * air


def merge_bins(bins: Sequence[Bin], *, low: float, high: float) -> list[Bin]:
    """Join neighbouring bins until every bar is wide enough to be seen on a logarithmic axis."""
    least = (high / low) ** (1 / _BARS)
    merged: list[Bin] = []
    for one in sorted(bins, key=lambda one: one.low):
        last = merged[-1] if merged else None
        if last is None or last.high < one.low or last.high / max(last.low, low) >= least:
            merged.append(one)
            continue
        causes = {
            cause: last.by_cause.get(cause, 0) + one.by_cause.get(cause, 0) for cause in last.by_cause | one.by_cause
        }
        merged[-1] = Bin(low=last.low, high=one.high, n=last.n + one.n, by_cause=causes)
    return merged


def stack_bins(ax: Axes, bins: Sequence[Bin]) -> None:
    """Draw bars from the lower limit of *ax* on, stacked by cause; a bin without causes counts as unknown."""
    low = ax.get_xlim()[0]
    lefts = [max(one.low, low) for one in bins]
    widths = [one.high - left for one, left in zip(bins, lefts, strict=True)]
    stack_causes(ax, lefts, widths, [one.by_cause or {"unknown": one.n} for one in bins])


def stack_causes(
    ax: Axes, lefts: Sequence[float], widths: Sequence[float], counts: Sequence[Mapping[str, int]]
) -> None:
    """Draw one bar per place, stacked by cause, and the legend beside the axes in the order of the stack.

    All bars of one cause are one shape, and a bar without height is not in it: drawn one by one, hundreds of them would
    take longer than all the rest of a chart.
    """
    from matplotlib.patches import PathPatch

    base = [0] * len(lefts)
    for cause in in_order([cause for by_cause in counts for cause, n in by_cause.items() if n]):
        style = look(cause)
        tops = [below + by_cause.get(cause, 0) for below, by_cause in zip(base, counts, strict=True)]
        bars = [one for one in zip(lefts, base, widths, tops, strict=True) if one[1] < one[3]]
        shape = PathPatch(
            _outline(bars), facecolor=style.colour, hatch=style.hatch, edgecolor="white", snap=True,
            linewidth=0.3 if len(lefts) < 60 else 0.0, label=names.cause_name(cause), zorder=2,
        )  # fmt: skip
        shape.set_in_layout(False)  # it lies within the axes
        ax.add_artist(shape)
        base = tops
    ax.set_ylim(0, max(base) * 1.05)
    count_axis(ax)
    ax.legend(
        loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9, labelcolor=INK, borderaxespad=0,
        reverse=True, handlelength=1.6, handleheight=1.1,
    )  # fmt: skip


def _outline(bars: Sequence[tuple[float, float, float, float]]) -> Path:
    """Return rectangles as one path; each is (left, bottom, width, top)."""
    from matplotlib.path import Path

    corners = [
        corner
        for left, bottom, width, top in bars
        for corner in ((left, bottom), (left + width, bottom), (left + width, top), (left, top), (left, bottom))
    ]
    return Path(corners, [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * len(bars))


def count_axis(ax: Axes) -> None:
    """Give the vertical axis of *ax* whole numbers only, starting at nothing."""
    from matplotlib.ticker import MaxNLocator

    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    plain_numbers(ax)
    ax.grid(axis="y", color=GRID, linewidth=0.8)
