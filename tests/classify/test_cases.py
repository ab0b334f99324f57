"""Verdicts on whole logs: every file of `cases/` is a promise, and what it expects is said."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import polars as pl
import pytest
from _pytest.mark import ParameterSet
from polars.testing import assert_frame_equal

from tests.classify.casebook import FILES, REF_COLUMNS, Case, Table, Written, load_cases, tiers_of, write_case
from wslog.cellar import AS_IT_COMES, Cellar
from wslog.classify import Explained, explain_closes
from wslog.classify.facts import share_of
from wslog.correlate import join_tiers
from wslog.ingest import read_events
from wslog.ingest.reader import Read
from wslog.knowledge import load_timeouts
from wslog.schema import Cause, Tier

CASES: Final = load_cases()
IDS: Final = [case.name for case in CASES]
EXPECTABLE: Final = {
    "name", "cause", "tier", "is_drop", "timeout_s", "timeout_id", "confidence", "evidence", "silent_about", "share",
    "rests_on",
}  # fmt: skip
SLACK: Final = 0.002  # two confidences this near are one


class Examined:
    """A case, written, read and explained once for all tests."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.written: Written = write_case(case, folder)
        self.read: Read = read_events([folder])
        self.explained: Explained = _explain(self.read)
        self.without = cache(lambda tier: _explain(self.read, without=tier))


Examine = Callable[[str], Examined]


@pytest.fixture(scope="module")
def examine(tmp_path_factory: pytest.TempPathFactory) -> Examine:
    """Give what was found in a case."""
    return cache(lambda case_name: Examined(_named(case_name), tmp_path_factory.mktemp(case_name)))


def _named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def _explain(read: Read, *, without: str | None = None, cellar: Cellar = AS_IT_COMES) -> Explained:
    """Explain a case's events; *without* one tier's lines, as if its log were not there."""
    events, levels, settings = read.events, read.levels, read.settings
    if without == "error":
        events, levels = events.filter(pl.col("format") != "nginx-error"), frozenset[str]()
    elif without == "nginx":
        events, levels = events.filter(pl.col("tier") != Tier.NGINX), frozenset[str]()
    elif without is not None:
        events = events.filter(pl.col("tier") != without)
    joined = join_tiers(events)
    return explain_closes(
        joined.connections, lifecycle=joined.lifecycle, levels=levels, settings=settings, timeouts=load_timeouts(),
        cellar=cellar,
    )  # fmt: skip


def _rows(found: Explained, written: Written, name: str) -> pl.DataFrame:
    """The rows of a group's members, in their order, with `member`: by the outermost line that is still there."""
    rows = found.connections
    picked = []
    for member in written.members(name):
        for tier, column in REF_COLUMNS.items():
            ref = written.refs[member].get(tier)
            mine = rows.filter(pl.col(column).str.ends_with(ref)) if ref else rows.clear()
            if mine.height:
                picked.append(mine.head(1).with_columns(pl.lit(member).alias("member")))
                break
    return pl.concat(picked) if picked else rows.clear().with_columns(pl.lit("").alias("member"))


def _param(case: Case) -> ParameterSet:
    """A case as a parameter; one that only a decision can mend must go on failing until it is made."""
    marks = [pytest.mark.xfail(strict=True, reason=case.decide)] if case.decide else []
    return pytest.param(case, id=case.name, marks=marks)


def test_every_case_is_a_promise() -> None:
    """A case says what it promises, expects something, and names only groups that it has."""
    assert len(CASES) >= 40
    for case in CASES:
        assert case.promise.endswith("."), case.name
        groups = {group["name"] for group in case.connections}
        assert case.expect, case.name
        for expected in case.expect:
            assert expected["name"] in groups, (case.name, expected["name"])
            assert set(expected) <= EXPECTABLE, case.name
            Cause(expected["cause"]), Tier(expected["tier"])


def test_every_cause_has_a_case() -> None:
    """No cause that wslog can name is without a case that shows it."""
    assert {expected["cause"] for case in CASES for expected in case.expect} == {cause.value for cause in Cause}


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_every_line_of_a_case_is_read(case: Case, examine: Examine) -> None:
    """What a case writes is recognised and read to the last line: a case proves nothing by a line nobody read."""
    files = {file.path.rpartition("/")[2]: file for file in examine(case.name).read.coverage.files}
    for name in (FILES[tier] for tier in tiers_of(case)):
        assert files[name].rejected == 0, files[name]
        assert files[name].format != "unknown"


@pytest.mark.parametrize("case", [_param(case) for case in CASES])
def test_the_case_is_explained_as_expected(case: Case, examine: Examine) -> None:
    """Cause, tier, drop, timer, confidence and evidence are as the case says, for every member of the group."""
    examined = examine(case.name)
    for expected in case.expect:
        rows = _rows(examined.explained, examined.written, expected["name"])
        assert rows.height == len(examined.written.members(expected["name"])), "a member has no row"
        told = rows.select("member", "cause", "tier", "is_drop", "timeout_s", "timeout_id", "confidence", "evidence")
        right = rows.with_columns(_as_expected(expected).fill_null(value=False).alias("right"))
        wrong = told.filter(~right["right"]).head(3).to_dicts()
        assert share_of(right, pl.col("right")) >= expected.get("share", 1.0), wrong


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_some_rows_at_a_time_and_on_disk_explain_the_same(case: Case, examine: Examine) -> None:
    """However few rows are worked on at a time, and wherever the explained ones wait: the same to the last digit."""
    examined = examine(case.name)
    with Cellar(room_bytes=0, slice_rows=3) as cellar:
        found = _explain(examined.read, cellar=cellar)
    assert_frame_equal(found.connections, examined.explained.connections, check_exact=True)
    assert (found.clusters, found.bursts) == (examined.explained.clusters, examined.explained.bursts)


def _as_expected(expected: Table) -> pl.Expr:
    """Whether a row says all that is expected of it."""
    low, high = expected.get("confidence", (0.0, 1.0))
    holds = (pl.col("cause") == expected["cause"]) & (pl.col("tier") == expected["tier"])
    holds = holds & pl.col("confidence").is_between(low, high)
    if "is_drop" in expected:
        holds = holds & (pl.col("is_drop") == expected["is_drop"])
    if "timeout_s" in expected:
        holds = holds & (pl.col("timeout_s") == expected["timeout_s"])
    if "timeout_id" in expected:
        holds = holds & (pl.col("timeout_id").list.sort().list.join(" ") == " ".join(sorted(expected["timeout_id"])))
    evidence = pl.col("evidence").list.join("\n")
    for text in expected.get("evidence", ()):
        holds = holds & evidence.str.contains(text, literal=True)
    for text in expected.get("silent_about", ()):
        holds = holds & ~evidence.str.contains(text, literal=True)
    return holds


@pytest.mark.parametrize("case", [case for case in CASES if case.bursts is not None], ids=lambda case: case.name)
def test_the_bursts_are_as_expected(case: Case, examine: Examine) -> None:
    """Exactly these bursts are found, with these causes, in order of time."""
    assert [burst.cause.value for burst in examine(case.name).explained.bursts] == list(case.bursts or ())


@pytest.mark.parametrize("case", [case for case in CASES if case.clusters is not None], ids=lambda case: case.name)
def test_the_clusters_are_as_expected(case: Case, examine: Examine) -> None:
    """Exactly these clusters are found: axis and the timer's value."""
    found = [f"{cluster.axis} {cluster.timeout_s:g}" for cluster in examine(case.name).explained.clusters]
    assert sorted(found) == sorted(case.clusters or ())


RESTING: Final = [
    pytest.param(case, expected, tier, id=f"{case.name}-{expected['name']}-{tier}")
    for case in CASES
    for expected in case.expect
    for tier in expected.get("rests_on", ())
]


@pytest.mark.parametrize(("case", "expected", "tier"), RESTING)
def test_less_is_never_surer(case: Case, expected: Table, tier: str, examine: Examine) -> None:
    """Without the log of a tier that it rests on, a verdict is another one, of an open tier, or no surer."""
    examined = examine(case.name)
    verdict = ["member", "cause", "tier", "confidence"]
    before = _rows(examined.explained, examined.written, expected["name"]).select(verdict)
    after = _rows(examined.without(tier), examined.written, expected["name"]).select(verdict)
    same = before.join(after, on=["member", "cause"], suffix="_less")
    surer = same.filter(
        (pl.col("tier_less") == pl.col("tier")) & (pl.col("confidence_less") > pl.col("confidence") + SLACK)
    )
    assert surer.is_empty(), surer.head(2).to_dicts()
    moved = same.filter((pl.col("tier_less") != pl.col("tier")) & (pl.col("tier_less") != Tier.UNKNOWN))
    assert moved.is_empty(), moved.head(2).to_dicts()


def test_a_verdict_that_rests_on_one_tier_falls_with_it(examine: Examine) -> None:
    """The counterpart: most of these verdicts are gone or less sure without it, or the list would prove nothing."""
    fallen = 0
    for case, expected, tier in (param.values for param in RESTING):
        examined = examine(case.name)
        before = _rows(examined.explained, examined.written, expected["name"])
        after = _rows(examined.without(tier), examined.written, expected["name"])
        both = before.join(after, on=["member", "cause", "tier"], suffix="_less")
        fallen += both.is_empty() or (both["confidence_less"] < both["confidence"]).all()
    assert fallen >= 0.8 * len(RESTING)
