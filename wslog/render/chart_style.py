"""What all charts share: a colour, hatch and marker per cause, time axes in words, labels that never overlap."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from math import log
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wslog.render.escape import plain, shortened
from wslog.schema import Cause

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK: Final = "#1d2733"
MUTED: Final = "#5c6773"
GRID: Final = "#e3e7eb"
ACCENT: Final = "#24527a"
FONT_SIZE: Final = 9.5
LEAST_ROWS: Final = 4  # that horizontal bars leave room for: one alone would fill the whole chart
INTERVAL: Final[Mapping[str, Any]] = {"color": INK, "elinewidth": 1.1, "capsize": 3, "fmt": "none"}
_LABEL_SIZE: Final = 8.5
_LABEL_ROW: Final = 14.0  # points between two rows of labels
_LABEL_LENGTH: Final = 72
_TITLE_LENGTH: Final = 80  # letters that fit the width of a chart
_REACH: Final = 1.18  # how far labels may go, in widths of the axes: to the end of the legend
_LEAST_LABEL: Final = 16
_CHARACTER: Final = 0.56  # mean width of a DejaVu Sans letter, in font sizes


class Look(NamedTuple):
    """How one cause is drawn: the hatch and the marker tell causes apart where colour cannot."""

    colour: str
    hatch: str
    marker: str


# Hatches of lines only: one of dots or circles adds 80 to 300 kB to an SVG.
LOOKS: Final[Mapping[Cause, Look]] = {
    Cause.IDLE_TIMEOUT: Look("#1f4e79", "", "s"),
    Cause.LIFETIME_LIMIT: Look("#6ba3d6", "///", "D"),
    Cause.SERVER_RESTART: Look("#a83a22", "\\\\\\", "^"),
    Cause.SERVER_ABORT: Look("#e58a6f", "xxx", "v"),
    Cause.PROXY_RELOAD: Look("#2b7a5a", "---", "8"),
    Cause.PROXY_RESTART: Look("#86c7a5", "+++", ">"),
    Cause.NETWORK_LOSS: Look("#d99a00", "//", "P"),
    Cause.CLIENT_SUSPENDED: Look("#7d5fb2", "|||", "X"),
    Cause.HEARTBEAT_TIMEOUT: Look("#bd4a88", "\\\\", "p"),
    Cause.CLOSE_TIMEOUT: Look("#dba9c9", "--", "d"),
    Cause.PROTOCOL_ERROR: Look("#6a4d2b", "xx", "h"),
    Cause.HANDSHAKE_FAILED: Look("#3c4147", "++", "*"),
    Cause.CLIENT_LEFT: Look("#b9a789", "||", "<"),
    Cause.CLEAN_CLOSE: Look("#cfe3d6", "", "H"),
    Cause.UNKNOWN: Look("#b4bbc2", "", "o"),
}
_BY_NAME: Final = {str(cause): look for cause, look in LOOKS.items()}
_OTHER: Final = Look("#8d949b", "-/", "H")


def look(cause: str) -> Look:
    """Return how *cause* is drawn; a cause of a later version gets a look of its own."""
    return _BY_NAME.get(cause, _OTHER)


def in_order(causes: Sequence[str]) -> list[str]:
    """Return each cause once, in the order of `LOOKS`, so that colours stack the same way in every chart."""
    rank = {str(cause): place for place, cause in enumerate(LOOKS)}
    return sorted(set(causes), key=lambda cause: (rank.get(cause, len(rank)), cause))


def frame(ax: Axes, *, title: str, x: str, y: str, title_rows: int = 0) -> None:
    """Give *ax* its title, its axis names and a quiet frame.

    Args:
        ax: The axes to dress.
        title: What the chart shows, in words.
        x: Quantity and unit of the horizontal axis.
        y: Quantity and unit of the vertical axis.
        title_rows: Rows of labels between the axes and the title.
    """
    # Wrapped here: matplotlib's own wrapping depends on the layout that depends on it. parse_math: a "$" is a dollar.
    # y: left to itself, matplotlib measures all labels of the vertical axis in search of one that stands in the way.
    ax.set_title(
        textwrap.fill(plain(title), _TITLE_LENGTH), loc="left", y=1.0, fontsize=12.5, fontweight="bold", color=INK,
        pad=10 + title_rows * _LABEL_ROW, parse_math=False,
    )  # fmt: skip
    ax.set_xlabel(x, color=MUTED, fontsize=FONT_SIZE)
    ax.set_ylabel(y, color=MUTED, fontsize=FONT_SIZE)
    ax.tick_params(colors=MUTED, labelsize=FONT_SIZE - 0.5, length=3)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color("#b9c0c7")
    ax.set_axisbelow(True)


def plain_numbers(ax: Axes) -> None:
    """Write the numbers beside *ax* out: a common factor ("1e7") would stand above the axis, in the title's place."""
    ax.ticklabel_format(axis="y", style="plain", useOffset=False)


def say_empty(ax: Axes, *, title: str, why: str) -> Axes:
    """Turn *ax* into a chart that says why it shows nothing."""
    frame(ax, title=title, x="", y="")
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)
    ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", color=MUTED, fontsize=12)
    return ax


# Round lengths of time, the more familiar ones first: these keep their place where there is room for a few only.
_TICKS: Final = (
    *(1, 60, 3_600, 86_400, 0.1, 10, 600, 0.01, 36_000, 604_800),
    *(5, 30, 300, 1_800, 0.5, 0.05, 2, 20, 120, 1_200, 7_200, 14_400, 43_200, 0.2, 0.02, 172_800),
)
_TICK_ROOM: Final = {"x": 0.075, "y": 0.08}  # of the axis, between two ticks


def seconds_axis(ax: Axes, axis: str, *, low: float, high: float) -> None:
    """Make one axis of *ax* (`"x"` or `"y"`) logarithmic in seconds from *low* to *high*, with ticks in words."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

    room = _TICK_ROOM[axis] * log(high / low)
    shown: list[float] = []
    for tick in _TICKS:
        if low <= tick <= high and all(abs(log(tick / other)) >= room for other in shown):
            shown.append(tick)
    shown.sort()
    target = ax.xaxis if axis == "x" else ax.yaxis
    if axis == "x":
        ax.set_xscale("log")
        ax.set_xlim(low, high)
    else:
        ax.set_yscale("log")
        ax.set_ylim(low, high)
    target.set_major_locator(FixedLocator(shown))
    target.set_major_formatter(FixedFormatter([tick_text(tick) for tick in shown]))
    target.set_minor_locator(NullLocator())
    target.set_minor_formatter(NullFormatter())


def tick_text(value_s: float) -> str:
    """Return a tick's length of time, short: `0.1 s`, `60 s`, `5 min`, `1 h`."""
    for unit_s, unit, least in ((86_400, "d", 86_400), (3_600, "h", 3_600), (60, "min", 120)):
        if value_s >= least:
            return f"{value_s / unit_s:g} {unit}"
    return f"{value_s:g} s"


class Mark(NamedTuple):
    """A labelled line at one value of the horizontal axis."""

    value: float
    label: str
    is_strong: bool = False


def mark_lines(ax: Axes, marks: Sequence[Mark]) -> int:
    """Draw vertical lines with their labels above the axes, after the limits of *ax* are set.

    Labels stand to the right of their lines and are placed from the right: one that would run over its right
    neighbour moves a row up, where the neighbour's line no longer reaches.

    Returns:
        How many rows of labels there are, to move the title up by.
    """
    figure = ax.get_figure(root=True)
    width = ax.get_position().width * (figure.get_figwidth() * 72 if figure else 600)
    placed: list[tuple[float, int]] = []  # (left end in points, row) of the labels to the right
    for mark in sorted(marks, key=lambda mark: -mark.value):
        letter = _LABEL_SIZE * _CHARACTER * (1.12 if mark.is_strong else 1.0)
        start = _place(ax, mark.value) * width
        # A label that runs out of the figure would make the layout narrower, and that moves the label on.
        text = shortened(cut(mark.label), max(int((_REACH * width - start - 12) / letter), _LEAST_LABEL))
        end = start + len(text) * letter + 12
        row = max((row + 1 for left, row in placed if left < end), default=0)
        placed.append((start, row))
        _mark(ax, mark, text, lift=5 + row * _LABEL_ROW)
    return max((row + 1 for _, row in placed), default=0)


def _mark(ax: Axes, mark: Mark, text: str, *, lift: float) -> None:
    """Draw one line through the axes and on to its label, *lift* points above."""
    colour = INK if mark.is_strong else MUTED
    line: dict[str, Any] = {"color": colour, "linewidth": 0.9, "linestyle": "-" if mark.is_strong else (0, (4, 3))}
    ax.axvline(mark.value, zorder=1.5, alpha=0.8, **line)
    top: dict[str, Any] = {"xy": (mark.value, 1.0), "xycoords": ax.get_xaxis_transform(), "textcoords": "offset points"}
    ax.annotate("", xytext=(0, lift + 9), arrowprops={"arrowstyle": "-", "shrinkA": 0, "shrinkB": 0, **line}, **top)
    label = ax.annotate(
        text, xytext=(4, lift), fontsize=_LABEL_SIZE, color=colour, ha="left", va="bottom", parse_math=False,
        fontweight="bold" if mark.is_strong else "normal", annotation_clip=False, **top,
    )  # fmt: skip
    label.set_in_layout(False)  # `frame` leaves room above; to the right it may reach over the legend's column


def _place(ax: Axes, value: float) -> float:
    """Return where *value* lies along the horizontal axis, 0 to 1."""
    low, high = ax.get_xlim()
    if ax.get_xscale() == "log":
        low, high, value = log(low), log(high), log(value)
    return (value - low) / (high - low) if high > low else 0.0


def cut(text: str, length: int = _LABEL_LENGTH) -> str:
    """Return untrusted *text* fit for a label."""
    shown = plain(text)
    return shown if len(shown) <= length else shown[: length - 1] + "…"
