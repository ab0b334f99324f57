from __future__ import annotations

import pytest

from wslog.errors import OptionError
from wslog.result import Coverage
from wslog.schema import Tier
from wslog.summarize.metrics import METRICS, Threshold, parse_threshold


@pytest.fixture
def told(table, document, file, idle_by_nginx):
    coverage = Coverage(files=(file("a", Tier.CLIENT, lines=200, rejected=3), file("b", Tier.NGINX, lines=100)))
    rows = [
        idle_by_nginx | {"opened": 0, "closed": 1800, "lifetime_s": 1800.0, "reconnect_gap_s": 4.0},
        {"cause": "idle_timeout", "tier": "alb", "opened": 0, "closed": 1800, "lifetime_s": 1800.0},
        {"cause": None, "is_opened": False},
        {"is_drop": False},
        {"is_drop": False},
    ]
    return document(table(*rows), coverage=coverage)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("drops_per_1000_connection_hours", 2000.0),
        ("drop_share", 0.6),
        ("unknown_share", 1 / 3),
        ("cause:idle_timeout_share", 2 / 3),
        ("cause:network_loss_share", 0.0),
        ("rejected_share", 0.01),
        ("p95_reconnect_s", 4.0),
    ],
)
def test_each_metric_is_what_its_name_says(told, metric, value):
    """Shares of causes are of drops, over all tiers and timers."""
    assert METRICS[metric](told) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "threshold"),
    [
        ("unknown_share > 0.2", Threshold(metric="unknown_share", op=">", number=0.2)),
        ("drop_share>=60%", Threshold(metric="drop_share", op=">=", number=0.6)),
        ("drop_share >= 100%", Threshold(metric="drop_share", op=">=", number=1.0)),
        ("drop_share == 0.5", Threshold(metric="drop_share", op="==", number=0.5)),
        ("p95_reconnect_s > 20", Threshold(metric="p95_reconnect_s", op=">", number=20.0)),
        (" cause:idle_timeout_share<1e-3 ", Threshold(metric="cause:idle_timeout_share", op="<", number=0.001)),
    ],
)
def test_expressions_are_read(text, threshold):
    """Blanks are optional, numbers may be in percent."""
    assert parse_threshold(text) == threshold


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown_share",
        "unknown_share > ",
        "unknown_share > many",
        "unknown_share > nan",
        "nope > 1",
        "drop_share = 1",
        "drop_share > 20",
        "drop_share > 1",
        "unknown_share >= 150%",
        "cause:idle_timeout_share == 5",
        "rejected_share < 0",
    ],
)
def test_what_cannot_be_read_says_how_to_mend_it(text):
    """Every mistake names the option and what to write instead."""
    with pytest.raises(OptionError) as error:
        parse_threshold(text)
    assert error.value.where == "--fail-if"
    assert error.value.mend


def test_an_unknown_metric_is_answered_with_the_list():
    """The mend lists every metric, causes by their pattern."""
    with pytest.raises(OptionError) as error:
        parse_threshold("nope > 1")
    assert "p95_reconnect_s" in (error.value.mend or "")
    assert "cause:NAME_share" in (error.value.mend or "")


@pytest.mark.parametrize("text", ["new_cluster", " new_cluster > 0", "delta:drop_share > 1%"])
def test_what_compares_weeks_is_asked_of_the_history(text):
    """One analysis has no week before it: the mend leads to the command that knows weeks."""
    with pytest.raises(OptionError, match="compares weeks") as error:
        parse_threshold(text)
    assert "wslog report --store DIR --fail-if" in (error.value.mend or "")


def test_a_threshold_holds_or_not_and_says_so(told):
    """The message has the value and the limit."""
    threshold = parse_threshold("unknown_share > 0.2")
    assert threshold.holds(told)
    assert threshold.message(told) == "unknown_share is 0.3333 (--fail-if unknown_share > 0.2)"
    assert not parse_threshold("unknown_share > 0.5").holds(told)


def test_a_share_that_cannot_be_is_answered_with_percent():
    """Who wrote 20 meant 20 %."""
    with pytest.raises(OptionError, match="can never hold") as error:
        parse_threshold("drop_share > 20")
    assert '"drop_share > 20%"' in (error.value.mend or "")


def test_large_numbers_are_written_out(told, monkeypatch):
    """Counts in groups of three, never in powers of ten."""
    monkeypatch.setitem(METRICS, "drops_per_1000_connection_hours", lambda _: 44_660.4)
    shown = parse_threshold("drops_per_1000_connection_hours > 20000").message(told).replace("\u00a0", " ")
    assert shown == "drops_per_1000_connection_hours is 44 660 (--fail-if drops_per_1000_connection_hours > 20000)"


def test_what_is_not_known_is_beyond_no_threshold(table, document):
    """Empty logs break no build, whichever way the threshold points."""
    empty = document(table())
    for metric in METRICS:
        assert not parse_threshold(f"{metric} >= 0").holds(empty)
        assert not parse_threshold(f"{metric} <= 0").holds(empty)
