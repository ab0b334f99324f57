from __future__ import annotations

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wslog.result import Coverage, Document
from wslog.schema import CONNECTIONS, Cause, Tier, conform


def test_an_empty_table_makes_a_whole_document(table, document):
    """No connections: every part is there and empty."""
    told = document(table())
    assert isinstance(told, Document)
    assert (told.totals.attempts, told.causes, told.findings, told.timeline, told.charts.idle) == (0, (), (), (), ())


def test_columns_of_nulls_do(document):
    """A drop of which nothing is known is one unknown drop."""
    told = document(conform(pl.DataFrame({"is_drop": [True]}), CONNECTIONS))
    assert [(share.cause, share.n, share.share) for share in told.causes] == [(Cause.UNKNOWN, 1, 1.0)]
    assert told.by.path == ()


@pytest.mark.parametrize("tier", [Tier.CLIENT, Tier.NGINX, Tier.ALB])
def test_one_tier_alone_does(table, document, file, tier):
    """Client logs only, or one server's only: a document, and limits that say what is missing."""
    told = document(table({"closed": 1, "cause": None}), coverage=Coverage(files=(file("a", tier),)))
    assert told.limits
    assert told.findings[0].cause is Cause.UNKNOWN


def test_bursts_are_told_in_order_of_time(table, document, burst):
    """Whoever hands them over may have looked for them in another order."""
    row = {"cause": "server_restart", "tier": "app"}
    told = document(table(row), bursts=[burst(60), burst(7)])
    assert told.bursts == (burst(7), burst(60))
    assert "at 12:00:07 UTC and 12:01:00 UTC" in told.verdict


_optional_s = st.none() | st.floats(-5, 1e6)
_row = st.fixed_dictionaries(
    {
        "cause": st.none() | st.sampled_from([cause.value for cause in Cause]),
        "tier": st.none() | st.sampled_from([tier.value for tier in Tier]),
        "timeout_s": st.sampled_from([None, 30.0, 60.0]),
        "timeout_id": st.sampled_from([None, [], ["aws-alb-idle"], ["nginx-proxy-read-timeout", "gone"]]),
        "handshake_status": st.sampled_from([None, 404, 502, 999]),
        "is_drop": st.sampled_from([True, False, None]),
        "is_opened": st.sampled_from([True, False, None]),
        "idle_s": _optional_s,
        "lifetime_s": _optional_s,
        "reconnect_gap_s": _optional_s,
        "confidence": st.none() | st.floats(0, 1),
        "cluster_id": st.sampled_from([None, 1, 9]),
        "evidence": st.sampled_from([None, [], ["a:1"], ["a:1", None]]),
        "session_id": st.sampled_from([None, "s", "t"]),
        "path": st.none() | st.text(max_size=6),
        "client_ip": st.sampled_from([None, "10.0.0.1", "::1", "p-1"]),
        "opened": st.integers(-1000, 1000),
        "closed": st.integers(-1000, 100_000),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(rows=st.lists(_row, max_size=12), seed=st.randoms())
def test_whatever_the_rows_the_parts_agree(table, document, cluster, rows, seed):
    """Shares add up to one, parts count the same drops, and the order of rows changes nothing."""
    connections = table(*rows)
    told = document(connections, clusters=[cluster])
    n = told.totals.drops
    assert sum(share.share for share in told.causes) == pytest.approx(1.0 if n else 0.0)
    assert sum(share.n for share in told.causes) == sum(finding.n for finding in told.findings) == n
    assert all(share.share_low <= share.share <= share.share_high for share in told.causes)
    assert sum(sum(bucket.by_cause.values()) for bucket in told.timeline) == n
    assert sum(b.n for b in told.reconnects.gaps) == told.reconnects.n
    assert all(index < len(told.advice) for finding in told.findings for index in finding.advice)
    assert all(0 <= advice.would_prevent_share <= 1 for advice in told.advice)
    shuffled = connections.with_row_index().sort(pl.col("index").shuffle(seed.randrange(1000))).drop("index")
    assert document(shuffled, clusters=[cluster]) == told
