"""The numbers that `--fail-if` can ask for, and what it asks of them."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from msgspec import Struct

from wslog.errors import OptionError
from wslog.result import Document
from wslog.schema import Cause
from wslog.wording import NOT_KNOWN, count

Metric = Callable[[Document], float | None]


def _drop_share(document: Document) -> float | None:
    """Return drops per connection attempt."""
    return document.totals.drops / document.totals.attempts if document.totals.attempts else None


def _rejected_share(document: Document) -> float | None:
    """Return the share of lines that did not parse, over all inputs."""
    coverage = document.coverage
    return coverage.rejected / coverage.lines if coverage.lines else None


def _cause_share(document: Document, *, cause: Cause) -> float | None:
    """Return a cause's share of all drops, over all tiers and timers; None without drops."""
    if not document.totals.drops:
        return None
    return sum(share.n for share in document.causes if share.cause is cause) / document.totals.drops


METRICS: Final[Mapping[str, Metric]] = {
    "drops_per_1000_connection_hours": lambda document: document.totals.drops_per_1000_connection_hours,
    "drop_share": _drop_share,
    "unknown_share": partial(_cause_share, cause=Cause.UNKNOWN),
    "rejected_share": _rejected_share,
    "p95_reconnect_s": lambda document: document.reconnects.p95_s,
    **{f"cause:{cause.value}_share": partial(_cause_share, cause=cause) for cause in Cause},
}
"""What one document alone can answer; what needs a history of weeks is asked of the store."""

DELTA: Final = "delta:"
NEW_CLUSTER: Final = "new_cluster"
"""What is asked of two weeks: a metric's change, and whether there is a cluster that was not there."""

OPERATORS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
EXPRESSION: Final = re.compile(r"\s*([A-Za-z0-9_:]+)\s*(>=|<=|==|!=|>|<)\s*(\S+?)\s*(%?)\s*")


class Threshold(Struct, frozen=True, kw_only=True):
    """One `--fail-if`: a metric, an operator of `OPERATORS`, and a number."""

    metric: str
    op: str
    number: float

    def value(self, document: Document) -> float | None:
        """Return the metric; None if the document has nothing to measure it by."""
        return METRICS[self.metric](document)

    def holds(self, document: Document) -> bool:
        """Return whether the metric is beyond the threshold; a metric that is not known is not beyond any."""
        value = self.value(document)
        return value is not None and OPERATORS[self.op](value, self.number)

    def message(self, document: Document) -> str:
        """Return what was measured, against what was asked."""
        value = self.value(document)
        shown = NOT_KNOWN if value is None else count(round(value)) if abs(value) >= 1000 else f"{value:.4g}"
        return f"{self.metric} is {shown} (--fail-if {self.metric} {self.op} {self.number:.10g})"


def parse_threshold(text: str) -> Threshold:
    """Read one `METRIC OP NUMBER`; blanks are optional, and a share may be given in percent (`20%`).

    Raises:
        OptionError: If it has another form or names a metric that does not exist.
    """
    if text.strip().startswith((DELTA, NEW_CLUSTER)):
        raise OptionError(
            f"{text.strip()!r} compares weeks, and logs alone are none",
            where="--fail-if",
            mend="Keep a history with --store DIR, then ask it: wslog report --store DIR --fail-if …",
        )
    found = EXPRESSION.fullmatch(text)
    if found is None:
        raise OptionError(
            f"{text!r} is not METRIC OP NUMBER",
            where="--fail-if",
            mend=f'Write for example "unknown_share > 0.2"; OP is one of {" ".join(OPERATORS)}.',
        )
    metric, op, digits, is_percent = found.groups()
    if metric not in METRICS:
        raise OptionError(f"there is no metric {metric!r}", where="--fail-if", mend=f"Metrics: {_names()}.")
    number = parse_number(digits, is_percent=bool(is_percent))
    check_share(metric, op, number, written=digits)
    return Threshold(metric=metric, op=op, number=number)


def parse_number(digits: str, *, is_percent: bool) -> float:
    """Read the number of a threshold; percent are hundredths.

    Raises:
        OptionError: If it is none, or not finite.
    """
    try:
        number = float(digits)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise OptionError(f"{digits!r} is not a number", where="--fail-if", mend="Give a number such as 0.2 or 20%.")
    return number / 100 if is_percent else number


def check_share(metric: str, op: str, number: float, *, written: str, lowest: float = 0.0) -> None:
    """Refuse a threshold for a share that could never hold: a build that cannot fail watches nothing.

    Args:
        metric: Its name; what is no share may be of any size.
        op: One of `OPERATORS`.
        number: The threshold as a fraction.
        written: The number as the user wrote it.
        lowest: The least that the metric can be; at most it is 1.

    Raises:
        OptionError: If no share from *lowest* to 1 is beyond the threshold.
    """
    # Operators are monotonic, so the ends tell for all but ==, which can hold anywhere between.
    is_possible = any(OPERATORS[op](end, number) for end in (lowest, 1.0)) or (op == "==" and lowest <= number <= 1)
    if metric.endswith("_share") and not is_possible:
        raise OptionError(
            f"{metric} {op} {number:.10g} can never hold: a share is at most 1, which is 100 %", where="--fail-if",
            mend=f'Write percent with its sign, such as "{metric} {op} {_sensible(written)}%", or a fraction.',
        )  # fmt: skip


def _sensible(written: str) -> str:
    return written if 0 < abs(float(written)) < 100 else "20"


def _names() -> str:
    """List the metrics, causes by their pattern."""
    plain = [name for name in METRICS if not name.startswith("cause:")]
    return f"{', '.join(plain)}, cause:NAME_share (NAME: {', '.join(cause.value for cause in Cause)})"
