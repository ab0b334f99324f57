"""The choice that both doors leave to the store."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path

import pytest

from wslog import pipeline
from wslog.errors import InputError, OptionError
from wslog.selection import Selection
from wslog.store import Store
from wslog.store.analyzer import open_analyzer

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)


def test_without_a_store_it_is_the_pipeline() -> None:
    """Nothing is kept, nothing is wrapped."""
    with open_analyzer(None, now=NOW) as analyze:
        assert analyze is pipeline.analyze


def test_with_a_store_it_answers_the_same_and_keeps(incident: Path, tmp_path: Path) -> None:
    """The same document; the week is in the store, whose ledger is closed in the end."""
    with open_analyzer(tmp_path / "history", zone="Europe/Berlin", now=NOW) as analyze:
        kept = analyze([incident])
        ledger = analyze.args[0].ledger  # type: ignore[attr-defined]
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        ledger.execute("SELECT 1")
    assert kept.document == pipeline.analyze([incident]).document
    with Store(tmp_path / "history") as history:
        assert (history.weeks(), history.zone.key) == (["2026-W11"], "Europe/Berlin")


@pytest.mark.parametrize("zone", ["Mars/Base", "right/UTC", "", "../UTC"])
def test_no_zone_makes_no_store(tmp_path: Path, zone: str) -> None:
    """A typo is said before anything is written: a store whose zone is none could never be opened again."""
    with pytest.raises(OptionError, match="--store-tz: there is no time zone"):
        open_analyzer(tmp_path / "history", zone=zone, now=NOW).__enter__()
    assert not (tmp_path / "history").exists()
    with open_analyzer(tmp_path / "history", now=NOW):
        pass


def test_another_zone_is_refused(tmp_path: Path) -> None:
    """A store's weeks stay as they were made."""
    with open_analyzer(tmp_path / "history", now=NOW):
        pass
    with pytest.raises(OptionError), open_analyzer(tmp_path / "history", zone="Europe/Berlin", now=NOW):
        pass


def test_an_empty_selection_is_an_error_that_says_what_the_store_holds(incident: Path, tmp_path: Path) -> None:
    """Nothing to show, as without a store; the files are kept all the same, and the message says so."""
    after = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    with (
        open_analyzer(tmp_path / "history", now=NOW) as analyze,
        pytest.raises(InputError, match=r"in the store .* now: it keeps everything"),
    ):
        analyze([incident], selection=Selection(since=after))
    with Store(tmp_path / "history") as history:
        assert history.weeks() == ["2026-W11"]


def test_a_store_keeps_no_pseudonyms_and_says_so_before_it_keeps_anything(incident: Path, tmp_path: Path) -> None:
    """`--anonymize` with `--store` is refused: who asks for it would not want addresses kept."""
    with (
        open_analyzer(tmp_path / "history", now=NOW) as analyze,
        pytest.raises(OptionError, match="keeps addresses"),
    ):
        analyze([incident], anonymize=True)
    with Store(tmp_path / "history") as history:
        assert history.weeks() == []
