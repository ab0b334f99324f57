"""The Document that `analysis.json` holds and every report is a reading of.

Key order in the file is the order of fields here. Optional values are null, never absent. Times are UTC.
"""

from __future__ import annotations

from msgspec import Struct

from wslog.result.answers import Advice, Burst, CauseShare, Cluster, Finding, Limit, OwnerShare, Totals
from wslog.result.chart_data import ChartData
from wslog.result.course import Breakdown, Reconnects, TimelineBucket
from wslog.result.coverage import Clock, Coverage, Window

SCHEMA_VERSION = 1


class Document(Struct, frozen=True, kw_only=True):
    """The whole answer, ready to be saved and rendered. See the classes for the meaning of each part.

    Attributes:
        verdict: The answer in one or two sentences.
        owners: The largest first; `unknown` last.
        bursts: In order of time.
        findings: Ranked, the largest share first; `unknown` last.
        advice: Ranked by what it would prevent.
    """

    schema_version: int
    wslog_version: str
    verdict: str
    window: tuple[Window, ...]
    coverage: Coverage
    clocks: tuple[Clock, ...]
    totals: Totals
    causes: tuple[CauseShare, ...]
    owners: tuple[OwnerShare, ...]
    clusters: tuple[Cluster, ...]
    bursts: tuple[Burst, ...]
    reconnects: Reconnects
    findings: tuple[Finding, ...]
    advice: tuple[Advice, ...]
    limits: tuple[Limit, ...]
    timeline: tuple[TimelineBucket, ...]
    by: Breakdown
    charts: ChartData
