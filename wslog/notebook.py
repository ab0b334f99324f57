"""The notebook door: `wslog.analyze`, `wslog.load`, `wslog.read_events`, `wslog.Store`, and what shows itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from msgspec.structs import asdict

from wslog import ingest
from wslog import store as history
from wslog.errors import OptionError, SavedAnalysisError
from wslog.forms import Form, Screen, write_analysis, write_weekly
from wslog.result import Advice, CauseShare, Cluster, Document, Finding
from wslog.selection import Selection
from wslog.store.analyzer import open_analyzer
from wslog.store.weekly import find_weeks
from wslog.timespan import Moment, parse_span
from wslog.weekly import write_report
from wslog.weekly_result import WeeklyReport

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Paths = str | Path | Sequence[str | Path]
PARTS: Final = ("causes", "clusters", "findings", "advice", "bursts", "timeline", "clocks", "limits")
SCREEN: Final = Screen(width=80)
WEEKLY_SCREEN: Final = Screen(width=100)


class Analysis:
    """Who closed these WebSockets, how we know, and what to change.

    Attributes:
        document: Everything that `analysis.json` holds (see `wslog.result.Document`).
    """

    def __init__(self, document: Document, connections: pl.DataFrame | None = None) -> None:
        self.document = document
        self._connections = connections

    @property
    def connections(self) -> pl.DataFrame:
        """One row per connection attempt (`schema.CONNECTIONS`).

        Raises:
            SavedAnalysisError: If this analysis was loaded from a file that has no `connections.parquet` beside it.
        """
        if self._connections is None:
            raise SavedAnalysisError(
                "a saved analysis holds no connections",
                mend="Keep connections.parquet beside it, or analyze the logs again.",
            )
        return self._connections

    @property
    def drops(self) -> pl.DataFrame:
        """The rows of `connections` that are drops."""
        return self.connections.filter("is_drop")

    @property
    def verdict(self) -> str:
        """The answer in one or two sentences."""
        return self.document.verdict

    @property
    def causes(self) -> tuple[CauseShare, ...]:
        """What ended the drops, the most frequent first."""
        return self.document.causes

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Where idle durations and lifetimes pile up."""
        return self.document.clusters

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The answers with their evidence, ranked."""
        return self.document.findings

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to change, ranked by what it would prevent."""
        return self.document.advice

    def frame(self, part: str) -> pl.DataFrame:
        """Return one part of the document as a frame, a row per item.

        Args:
            part: One of `PARTS`.

        Raises:
            OptionError: If it is none of them.
        """
        if part not in PARTS:
            raise OptionError(f"an analysis has no part {part!r}", mend=f"Name one of: {', '.join(PARTS)}.")
        rows = [asdict(row) for row in getattr(self.document, part)]
        return pl.DataFrame(rows, infer_schema_length=None)

    def to_pandas(self) -> pd.DataFrame:
        """Return `connections` as a pandas frame, indexed by `closed_at`."""
        return self.connections.to_pandas().set_index("closed_at").sort_index()

    def to_text(self) -> str:
        """Return the terminal report, without colours."""
        return write_analysis(self.document, Form.TEXT, screen=SCREEN)

    def to_markdown(self) -> str:
        """Return the report for a ticket."""
        return write_analysis(self.document, Form.MARKDOWN, screen=SCREEN)

    def to_html(self) -> str:
        """Return the self-contained report page."""
        return write_analysis(self.document, Form.HTML, screen=SCREEN)

    def save(self, path: str | Path) -> None:
        """Write `analysis.json` to *path*, and the connections beside it as Parquet under the same name."""
        from wslog.render.saved import dump

        target = Path(path)
        target.write_bytes(dump(self.document))
        if self._connections is not None:
            self._connections.write_parquet(target.with_suffix(".parquet"))

    def draw_idle_histogram(self, ax: Axes | None = None) -> Axes:
        """Draw how long drops had been silent, with the known timers as lines."""
        return self._draw("idle-histogram", ax)

    def draw_drops_over_time(self, ax: Axes | None = None) -> Axes:
        """Draw drops over time by cause."""
        return self._draw("drops-over-time", ax)

    def draw_causes(self, ax: Axes | None = None) -> Axes:
        """Draw the causes with their intervals."""
        return self._draw("causes", ax)

    def draw_lifetime_against_idle(self, ax: Axes | None = None) -> Axes:
        """Draw each drop's lifetime against its silence."""
        return self._draw("lifetime-against-idle", ax)

    def draw_reconnects(self, ax: Axes | None = None) -> Axes:
        """Draw how soon clients came back."""
        return self._draw("reconnects", ax)

    def _draw(self, name: str, ax: Axes | None) -> Axes:
        from matplotlib.figure import Figure

        from wslog.render.charts import CHARTS

        if ax is None:
            ax = Figure(figsize=(9, 4.5), layout="constrained").subplots()
        return CHARTS[name].draw(self.document, ax)

    def _repr_html_(self) -> str:
        return _framed(self.to_html())

    def __repr__(self) -> str:
        totals = self.document.totals
        return f"<wslog.Analysis: {totals.drops} drops of {totals.attempts} attempts. {self.verdict}>"


def _framed(page: str) -> str:
    """Put a whole page into a notebook cell: framed, so that its styles stay its own."""
    import html

    return f'<iframe srcdoc="{html.escape(page)}" style="width:100%;height:720px;border:0" sandbox></iframe>'


class Weekly:
    """One week among others: `report` is everything that `weekly.json` holds."""

    def __init__(self, report: WeeklyReport) -> None:
        self.report = report

    def to_text(self) -> str:
        """Return the terminal report, without colours."""
        return write_weekly(self.report, Form.TEXT, screen=WEEKLY_SCREEN)

    def to_markdown(self) -> str:
        """Return the report for a ticket or a chat."""
        return write_weekly(self.report, Form.MARKDOWN, screen=WEEKLY_SCREEN)

    def to_html(self) -> str:
        """Return the self-contained page."""
        return write_weekly(self.report, Form.HTML, screen=WEEKLY_SCREEN)

    def _repr_html_(self) -> str:
        return _framed(self.to_html())

    def __repr__(self) -> str:
        return f"<wslog.Weekly {self.report.week}: {self.report.headline}>"


class Store(history.Store):
    """A history of weeks (see `wslog.store.Store`): `weeks()`, `connections(week)`, `files(week)`, `report(week)`."""

    def __repr__(self) -> str:
        weeks = self.weeks()
        span = " to ".join(dict.fromkeys([*weeks[:1], *weeks[-1:]]))
        return f"<wslog.Store {self.root}: {span or 'no weeks yet'}>"

    def report(
        self, week: str | None = None, *, compare_to: str | None = None, weeks: int = 12, slo: str | None = None
    ) -> Weekly:
        """Report on a week, as `wslog report` does; None: the last complete one.

        Raises:
            WslogError: If there is no such week, or an option cannot be understood.
        """
        now = dt.datetime.now(dt.UTC)
        pair = find_weeks(self, week=week, compare_to=compare_to, weeks=weeks, now=now)
        return Weekly(write_report(pair, now=now, slo=slo))


def analyze(
    paths: Paths,
    *,
    since: Moment = None,
    until: Moment = None,
    path: str | Sequence[str] = (),
    host: str | Sequence[str] = (),
    tz: str | Sequence[str] = (),
    log_format: str | None = None,
    nginx_conf: str | Path | None = None,
    timeouts: str | Path | None = None,
    client_fields: Mapping[str, str] | None = None,
    anonymize: bool = False,
    store: str | Path | None = None,
    store_tz: str | None = None,
    memory: str | None = None,
) -> Analysis:
    """Explain the 1006 closes found under *paths*; the options are those of `wslog analyze`.

    Args:
        paths: A file, folder or glob, or several.
        since: ISO date or time, `24h`, `yesterday`, … or a datetime; connections that ended from then on.
        until: The same, up to then.
        path: Glob or globs of paths to keep.
        host: Glob or globs of hosts to keep.
        tz: `ZONE` or `FORMAT=ZONE` for clocks that name none.
        log_format: An nginx `log_format` text.
        nginx_conf: An nginx configuration file.
        timeouts: A TOML file of own timers.
        client_fields: Client log fields, ours → theirs.
        anonymize: Replace addresses, user agents and sessions by pseudonyms.
        store: A history store to append to as well (`--store`); what it knows is not parsed again.
        store_tz: Whose Mondays bound a new store's weeks; None: UTC.
        memory: What to get by with, `1GiB`; beyond, tables wait on disk (`TMPDIR`). None: that, or half of all.

    Raises:
        WslogError: If an input or an option cannot be used; it says how to mend it.
    """
    now = dt.datetime.now(dt.UTC)
    start, end = parse_span(since, until, tz=_many(tz), now=now)
    selection = Selection(since=start, until=end, path_globs=_many(path), host_globs=_many(host))
    options = _options(tz=tz, log_format=log_format, nginx_conf=nginx_conf, client_fields=client_fields)
    own = Path(timeouts) if timeouts else None
    with open_analyzer(store, zone=store_tz, now=now) as run:
        outcome = run(_many(paths), options, selection=selection, timeouts=own, anonymize=anonymize, memory=memory)
    return Analysis(outcome.document, outcome.connections)


def load(path: str | Path) -> Analysis:
    """Load a saved analysis, with its connections if they lie beside it.

    Args:
        path: An `analysis.json`, or a report folder.

    Raises:
        SavedAnalysisError: If it is no saved analysis.
    """
    from wslog.render.saved import load as load_document

    file = Path(path)
    file = file / "analysis.json" if file.is_dir() else file
    try:
        document = load_document(file.read_bytes())
    except FileNotFoundError:
        raise SavedAnalysisError(
            "there is no such file", where=str(file), mend="Name an analysis.json or a report folder."
        ) from None
    except SavedAnalysisError as error:
        raise error.at(str(file)) from None
    beside = (file.with_suffix(".parquet"), file.with_name("connections.parquet"))
    table = next((candidate for candidate in beside if candidate.exists()), None)
    return Analysis(document, pl.read_parquet(table) if table else None)


def read_events(
    paths: Paths,
    *,
    all: bool = False,  # noqa: A002  (the public name)
    tz: str | Sequence[str] = (),
    log_format: str | None = None,
    nginx_conf: str | Path | None = None,
    client_fields: Mapping[str, str] | None = None,
) -> pl.DataFrame:
    """Read every line that parsed, all formats in one frame (`schema.EVENTS`).

    Args:
        paths: A file, folder or glob, or several.
        all: Also plain HTTP lines that are of no concern to WebSockets.
        tz: `ZONE` or `FORMAT=ZONE` for clocks that name none.
        log_format: An nginx `log_format` text.
        nginx_conf: An nginx configuration file.
        client_fields: Client log fields, ours → theirs.

    Raises:
        WslogError: If nothing can be read.
    """
    options = _options(tz=tz, log_format=log_format, nginx_conf=nginx_conf, client_fields=client_fields)
    return ingest.read_events(_many(paths), options, all_lines=all).events


def _options(*, tz: str | Sequence[str], nginx_conf: str | Path | None, **others: Any) -> ingest.ReadOptions:
    return ingest.ReadOptions(tz=_many(tz), nginx_conf=Path(nginx_conf) if nginx_conf else None, **others)


def _many(value: str | Path | Sequence[str | Path]) -> Any:
    return (value,) if isinstance(value, str | Path) else tuple(value)
