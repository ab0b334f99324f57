"""What wslog can say of one analysis: the Document, in its parts."""

from wslog.result.answers import Advice, Burst, CauseShare, Cluster, Finding, Limit, OwnerShare, Totals
from wslog.result.chart_data import Bin, ChartData, Point, TimerLine
from wslog.result.course import Breakdown, Group, Reconnects, Storm, TimelineBucket
from wslog.result.coverage import Clock, Coverage, FileCoverage, Reject, Window
from wslog.result.document import SCHEMA_VERSION, Document

__all__ = [
    "SCHEMA_VERSION",
    "Advice",
    "Bin",
    "Breakdown",
    "Burst",
    "CauseShare",
    "ChartData",
    "Clock",
    "Cluster",
    "Coverage",
    "Document",
    "FileCoverage",
    "Finding",
    "Group",
    "Limit",
    "OwnerShare",
    "Point",
    "Reconnects",
    "Reject",
    "Storm",
    "TimelineBucket",
    "TimerLine",
    "Totals",
    "Window",
]
