"""What is run on which logs: wslog, what the machine can do at best, and other tools where they are installed."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ANALYZE: Final = (sys.executable, "-m", "wslog", "analyze", "--no-output", "--format", "json", "-q")
_ALB_COLUMNS: Final = ["kind", "ended", *(f"a{n}" for n in range(19)), "created"]
_DUCKDB_ALB: Final = """
import duckdb, sys
columns = {name: "VARCHAR" for name in NAMES} | {f"x{n}": "VARCHAR" for n in range(16)}
print(duckdb.sql(f'''select count(*), median(epoch(ended::timestamp) - epoch(created::timestamp))
  from read_csv({sys.argv[1:]}, delim=' ', quote='"', escape='"', header=false, columns={columns}, null_padding=true,
  auto_detect=false, strict_mode=false) where kind = 'wss' ''').fetchall())
""".replace("NAMES", repr(_ALB_COLUMNS))
_DUCKDB_JSON: Final = """
import duckdb, sys
columns = dict(event="VARCHAR", connId="VARCHAR", code="INT", wasClean="BOOLEAN", openedAt="BIGINT", closedAt="BIGINT",
               url="VARCHAR")
print(duckdb.sql(f'''select count(*), median(closedAt - openedAt) from read_json('{sys.argv[1]}',
  format='newline_delimited', columns={columns}) where event = 'ws_close' ''').fetchall())
"""
_FILTER_ALB: Final = '{ if ($1 == "wss") n++ } END { print n }'
_GO: Final = "goaccess - --no-global-config -o json --log-format={} >/dev/null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One command on one kind of logs.

    Attributes:
        name: For the table.
        logs: The kind, a name in `logs.Logs`.
        command: Run in the logs' folder; a text is given to bash.
        needs: Programs, or Python modules with a leading `py:`, without which it is left out.
        is_wslog: Its output is checked against what was written.
        most_gigabytes: It is left out of larger sets: it would take minutes.
    """

    name: str
    logs: str
    command: tuple[str, ...] | str
    needs: tuple[str, ...] = ()
    is_wslog: bool = False
    most_gigabytes: float = 100.0

    @property
    def words(self) -> tuple[str, ...]:
        """The command as words."""
        return ("bash", "-o", "pipefail", "-c", self.command) if isinstance(self.command, str) else self.command

    @property
    def missing(self) -> str:
        """What it needs and is not there; empty: nothing."""
        return next((need for need in self.needs if not _is_there(need)), "")


# The same program where ISA-L is not installed.
_WITHOUT_ISAL: Final = (
    sys.executable, "-c",
    "import sys; sys.modules['isal'] = sys.modules['isal.isal_zlib'] = None; from wslog.cli import main; main()",
    *ANALYZE[3:],
)  # fmt: skip
_INFLATE: Final = "gzip -dc >/dev/null"
_LNAV: Final = "lnav -n -c ';SELECT sc_status, count(*) FROM access_log GROUP BY sc_status' {}"
_APACHELOGS: Final = """
import sys, apachelogs
parser = apachelogs.LogParser(apachelogs.COMBINED)
with open(sys.argv[1]) as lines:
    print(sum(parser.parse(line).final_status == 101 for line in lines))
"""
_SCAN_CSV: Final = """
import polars as pl, sys
names = ["kind", "ended", *(f"a{n}" for n in range(19)), "created", *(f"x{n}" for n in range(11))]
rows = pl.scan_csv(sys.argv[1], separator=" ", has_header=False, new_columns=names, infer_schema=False)
rows = rows.filter(pl.col("kind") == "wss").select(
    pl.col("ended", "created").str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us"))
print(rows.select((pl.col("ended") - pl.col("created")).median()).collect(engine="streaming"))
"""


def _is_there(need: str) -> bool:
    return bool(importlib.util.find_spec(need[3:]) if need.startswith("py:") else shutil.which(need))


def _wslog(logs: str, *paths: str, name: str = "wslog analyze") -> Contender:
    return Contender(name=name, logs=logs, command=(*ANALYZE, *(paths or (logs,))), is_wslog=True)


ALL_SOURCES: Final = ("alb", "timed.log", "error.log", "client.jsonl")
# The first of each group is what the others are compared with.
GROUPS: Final[Mapping[str, tuple[Contender, ...]]] = {
    "ALB, as delivered (.log.gz)": (
        Contender(name="gzip -dc | wc -l", logs="alb", command="cat alb/*.gz | gzip -dc | wc -l", needs=("gzip",)),
        Contender(name="igzip -dc | wc -l", logs="alb", command="cat alb/*.gz | igzip -dc | wc -l", needs=("igzip",)),
        _wslog("alb"),
        Contender(name="wslog analyze, zlib only", logs="alb", command=(*_WITHOUT_ISAL, "alb"), is_wslog=True),
        _wslog("alb", "--jobs", "1", "alb", name="wslog analyze --jobs 1"),
        Contender(
            name="DuckDB, median only", logs="alb", needs=("py:duckdb",),
            command=(sys.executable, "-c", _DUCKDB_ALB, "alb/*.gz"),
        ),
        Contender(
            name="GoAccess", logs="alb", needs=("goaccess",), most_gigabytes=0.2,
            command=f"cat alb/*.gz | gzip -dc | {_GO.format('AWSALB')}",
        ),
    ),
    "ALB, one plain file": (
        Contender(name="wc -l", logs="alb.log", command=("wc", "-l", "alb.log")),
        _wslog("alb.log"),
        Contender(name="gawk, count only", logs="alb.log", command=("gawk", _FILTER_ALB, "alb.log"), needs=("gawk",)),
        Contender(name="mawk, count only", logs="alb.log", command=("mawk", _FILTER_ALB, "alb.log"), needs=("mawk",)),
    ),
    "nginx combined": (
        Contender(name="wc -l", logs="combined.log", command=("wc", "-l", "combined.log")),
        _wslog("combined.log"),
        Contender(
            name="mawk, count only", logs="combined.log", needs=("mawk",),
            command=("mawk", "$9 == 101 { n++ } END { print n }", "combined.log"),
        ),
        Contender(
            name="apachelogs, count only", logs="combined.log", needs=("py:apachelogs",), most_gigabytes=0.2,
            command=(sys.executable, "-c", _APACHELOGS, "combined.log"),
        ),
        Contender(
            name="lnav, count by status", logs="combined.log", command=_LNAV.format("combined.log"), needs=("lnav",),
            most_gigabytes=0.2,
        ),
        Contender(
            name="GoAccess", logs="combined.log", command=f"cat combined.log | {_GO.format('COMBINED')}",
            needs=("goaccess",), most_gigabytes=0.2,
        ),
    ),
    "nginx, log_format with times": (
        Contender(name="wc -l", logs="timed.log", command=("wc", "-l", "timed.log")),
        _wslog("timed.log"),
    ),
    "nginx, JSON": (
        Contender(name="wc -l", logs="json.log", command=("wc", "-l", "json.log")),
        _wslog("json.log"),
    ),
    "client close events": (
        Contender(name="wc -l", logs="client.jsonl", command=("wc", "-l", "client.jsonl")),
        _wslog("client.jsonl"),
        Contender(
            name="DuckDB, median only", logs="client.jsonl", needs=("py:duckdb",),
            command=(sys.executable, "-c", _DUCKDB_JSON, "client.jsonl"),
        ),
    ),
    "one line in a thousand damaged (.log.gz)": (
        _wslog("alb", name="wslog analyze, nothing damaged"),
        _wslog("alb-damaged"),
    ),
    "four times as many plain lines (.log.gz)": (
        _wslog("alb", name="wslog analyze, once as many"),
        _wslog("alb-4"),
    ),
    "half of the lines WebSockets": (
        Contender(
            name="polars scan_csv, median only", logs="half.log", command=(sys.executable, "-c", _SCAN_CSV, "half.log"),
        ),
        _wslog("half.log"),
    ),
    "all tiers together": (
        Contender(name="gzip -dc | wc -l of the ALB part", logs="alb", command="cat alb/*.gz | gzip -dc | wc -l"),
        _wslog("all", *ALL_SOURCES),
        _wslog("all", "--jobs", "1", *ALL_SOURCES, name="wslog analyze --jobs 1"),
        _wslog("all", "--memory", "256MiB", *ALL_SOURCES, name="wslog analyze --memory 256MiB"),
    ),
    "what a second core is worth here": (
        Contender(name="gzip -dc, one at a time", logs="alb", command=f"ls alb/*.gz | xargs -n 50 {_INFLATE}"),
        Contender(name="gzip -dc, two at a time", logs="alb", command=f"ls alb/*.gz | xargs -n 50 -P 2 {_INFLATE}"),
    ),
    "start-up": (
        Contender(name="import polars", logs="none", command=(sys.executable, "-c", "import polars")),
        Contender(
            name="a bare click program", logs="none",
            command=(sys.executable, "-c", "import click; click.command()(lambda: None)(['--help'])"),
        ),
        Contender(name="wslog --help", logs="none", command=(sys.executable, "-m", "wslog", "--help")),
        Contender(
            name="wslog analyze, ten lines", logs="none",
            command="head -10 timed.log >ten.txt; " + " ".join((*ANALYZE, "ten.txt")),
        ),
    ),
}  # fmt: skip
