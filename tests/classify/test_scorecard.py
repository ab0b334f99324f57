"""The weights file, and how evidence becomes a verdict."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any

import polars as pl
import pytest
from msgspec.structs import replace

from tests.classify.rows import facts
from wslog.classify import scorecard
from wslog.classify.evidence import ITEMS
from wslog.classify.scorecard import judge, load_scorecard
from wslog.schema import Cause

CARD = load_scorecard()
RAW: dict[str, Any] = tomllib.loads(resources.files("wslog.classify").joinpath("weights.toml").read_text("utf-8"))
TIMED_OUT: dict[str, Any] = {
    "error_ref": "error.log:7", "error_level": "info", "error_errno": 110, "error_message": "upstream timed out",
    "error_action": "proxying upgraded connection",
}  # fmt: skip


def test_weights_and_evidence_agree() -> None:
    """Every item of evidence has weights, every weight belongs to an item, none stands twice."""
    names = [item["name"] for item in RAW["item"]]
    assert sorted(names) == sorted(ITEMS)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("item", RAW["item"], ids=lambda item: item["name"])
def test_every_item_says_what_it_means(item: dict[str, Any]) -> None:
    """An item has a text, names only columns that rows have, and moves at least one label by 1 to 40 dB."""
    columns = set(facts({}).columns)
    assert len(item["says"]) > 8
    assert set(re.findall(r"\{(\w+)\}", item["says"])) <= columns
    assert item.get("ref", "client_ref") in columns
    moved = [value for label, value in item.items() if label in RAW["labels"]]
    assert moved
    assert all(0.1 <= abs(value) <= 40 for value in moved)


def test_every_label_can_win_and_can_lose() -> None:
    """Every verdict but unknown has an item that speaks strongly for it and one against; unknown has none."""
    for n, (name, _, _) in enumerate(CARD.labels):
        # A strength may bring 20 decibans of its own.
        weights = [item.weights[n] * (20.0 if item.is_strength else 1.0) for item in CARD.items]
        if name == scorecard.UNKNOWN:
            assert not any(weights)
        else:
            assert max(weights) >= 10, name
            assert min(weights) <= -5, name


def test_a_strange_item_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weights file that leaves an item out, or an item that no weight names, is a bug that shows at once."""
    monkeypatch.setattr(scorecard, "ITEMS", {**ITEMS, "telepathy": pl.lit(value=True)})
    with pytest.raises(ValueError, match="telepathy"):
        load_scorecard()


def test_the_posterior_sums_to_one() -> None:
    """Whatever the decibans, probabilities add up and the largest score is the likeliest."""
    decibans = pl.DataFrame([[0.0, 10.0, -300.0], [4000.0, 0.0, 3990.0], [0.0, 0.0, 0.0]], orient="row")
    found = scorecard._probabilities(decibans).rows()
    assert [sum(row) for row in found] == pytest.approx([1.0, 1.0, 1.0])
    assert found[0] == pytest.approx((1 / 11, 10 / 11, 0.0))
    assert found[1] == pytest.approx((10 / 11, 0.0, 1 / 11))


def test_ten_decibans_are_ten_to_one() -> None:
    """Without evidence the prior alone speaks, and it says unknown."""
    names = [name for name, _, _ in CARD.labels]
    (found,) = scorecard._probabilities(pl.DataFrame([CARD.prior], schema=names, orient="row")).rows(named=True)
    assert max(found, key=found.__getitem__) == scorecard.UNKNOWN
    decibans = dict(zip(names, CARD.prior, strict=True))
    apart = decibans["unknown"] - decibans["restart"]
    assert found["unknown"] / found["restart"] == pytest.approx(10 ** (apart / 10))


@pytest.mark.parametrize(("threshold", "cause"), [(0.5, "idle_timeout"), (0.999999, "unknown")])
def test_the_threshold_is_respected(threshold: float, cause: str) -> None:
    """A verdict below the threshold is not given."""
    card = replace(CARD, threshold=threshold)
    verdict = judge(facts(TIMED_OUT, levels=frozenset({"info"})), card)
    assert verdict["cause"].to_list() == [cause]


def test_no_verdict_is_less_likely_than_the_threshold() -> None:
    """Every cause but unknown is stated with at least the threshold's confidence, and every confidence is in 0 to 1."""
    rows = [
        TIMED_OUT,
        {},
        {"client_lag_s": -20.0},
        {"client_lag_s": 40.0},
        {"is_online": False},
        {"is_persisted": True},
    ]
    verdict = judge(facts(*rows), CARD)
    assert verdict["confidence"].is_between(0, 1).all()
    assert verdict.filter(pl.col("cause") != Cause.UNKNOWN)["confidence"].min() >= CARD.threshold
    assert verdict["cause"].n_unique() >= 3


def test_two_tiers_of_one_cause_are_an_idle_timeout_of_an_open_tier() -> None:
    """Where nginx and the ALB are alike likely: idle timeout, tier unknown, and the confidence is that of the cause."""
    verdict = judge(facts({"alb_ref": "alb.log:1"}, idle_db=20.0, idle_timer_s=60.0), CARD).row(0, named=True)
    assert (verdict["cause"], verdict["tier"], verdict["label"]) == ("idle_timeout", "unknown", "idle")
    assert verdict["confidence"] > 0.9


def test_a_decided_tier_is_no_less_sure_of_the_cause() -> None:
    """Settling the tier does not lower the confidence in the cause."""
    alike = {"alb_ref": "alb.log:1"}
    spike = {"idle_db": 20.0, "idle_timer_s": 60.0}
    open_tier = judge(facts(alike, **spike), CARD)
    decided = judge(facts(alike, **spike, nginx_setting_s=3600.0, alb_setting_s=60.0), CARD)
    assert decided["tier"].to_list() == ["alb"]
    assert decided["confidence"].item() >= open_tier["confidence"].item() - 0.01


def test_evidence_carries_decibans_and_line() -> None:
    """Evidence names its line, fills its blanks, says how much it weighs, and the strongest stands first."""
    said = (
        judge(facts(TIMED_OUT | {"idle_s": 59.97}, idle_db=13.2, idle_timer_s=60.0), CARD)["evidence"].item().to_list()
    )
    assert said[0] == "error.log:7: nginx wrote that its read timer fired on this connection (+26 dB)"
    assert said[1] == "silent for 59.97 s before the close, where many drops pile up (timer 60 s) (+13 dB)"
    sizes = [abs(int(size)) for text in said for size in re.findall(r"\(([+-]\d+) dB\)$", text)]
    assert sizes == sorted(sizes, reverse=True)
    assert len(sizes) == len(said)


def test_an_unknown_says_what_was_looked_at() -> None:
    """A verdict of unknown lists what spoke, without weights: there is no verdict that it could weigh for."""
    verdict = judge(facts({}), CARD)
    assert verdict["cause"].to_list() == ["unknown"]
    said = verdict["evidence"].item().to_list()
    assert "no other connections ended with it" in said
    assert not any("dB" in text for text in said)


def test_rows_are_judged_alone() -> None:
    """A row's verdict does not depend on its neighbours or its place."""
    rows = [TIMED_OUT, {}, {"client_lag_s": -20.0, "is_online": False}]
    together, reverse = judge(facts(*rows), CARD), judge(facts(*reversed(rows)), CARD)
    assert together.equals(reverse.reverse())
