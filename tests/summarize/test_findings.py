from __future__ import annotations

import pytest

from wslog.schema import Cause, Tier


def test_a_finding_is_the_group_and_its_proof(table, document, idle_by_nginx, cluster):
    """Statement, share, mean confidence, the surest lines first, then the cluster; advice by index."""
    connections = table(
        idle_by_nginx
        | {"cluster_id": 1, "evidence": ["nginx/error.log:7 upstream timed out", "client.jsonl:1 says 1006"]},
        idle_by_nginx | {"cluster_id": 1, "confidence": 0.99, "evidence": ["nginx/error.log:9 upstream timed out"]},
        {"is_drop": True, "cause": None},
        {"is_drop": True, "cause": None},
    )
    told = document(connections, clusters=[cluster])
    finding = told.findings[0]
    assert finding.statement == "nginx closed 2 connections after 60 s of silence (proxy_read_timeout)."
    assert (finding.cause, finding.tier, finding.timeout_s, finding.timeout_ids, finding.n, finding.share) == (
        Cause.IDLE_TIMEOUT,
        Tier.NGINX,
        60.0,
        ("nginx-proxy-read-timeout",),
        2,
        0.5,
    )
    assert finding.confidence == pytest.approx(0.945)
    assert finding.evidence == (
        "nginx/error.log:9 upstream timed out",
        "nginx/error.log:7 upstream timed out",
        "client.jsonl:1 says 1006",
        "3 drops pile up at 59.98 s of silence before the close (90 % within 0.3 s); "
        "the chance of that without a timer is below 1e-12",
    )
    assert {told.advice[index].is_observability for index in finding.advice} == {False}
    assert told.findings[1].cause is Cause.UNKNOWN


def test_a_burst_is_the_strongest_proof_of_a_restart(table, document, burst):
    """Where, how many, when, and which share of those open there."""
    restart = {"cause": "server_restart", "tier": "app", "closed": 7, "evidence": ["client.jsonl:3 in the burst"]}
    finding = document(table(restart), bursts=[burst(7)]).findings[0]
    assert finding.evidence == (
        "12:00:07 UTC: 40 connections ended within 1 s (upstream 10.0.0.7:9002), 98 % of those open there",
        "client.jsonl:3 in the burst",
    )


def test_a_bursts_own_evidence_is_told_with_its_moment(table, document, burst):
    """What classification wrote about a burst stands for its numbers, three lines of it at most."""
    reload = {"cause": "proxy_reload", "tier": "nginx", "closed": 7}
    hangup = "error.log:5: signal 1 (SIGHUP) received from 9, reconfiguring"
    lines = ("40 connections ended within 0.1 s (all)", hangup, "error.log:9: exiting", "more")
    ended = burst(7, scope="all", cause=Cause.PROXY_RELOAD, tier=Tier.NGINX, evidence=lines)
    finding = document(table(reload), bursts=[ended]).findings[0]
    assert finding.statement == (
        "The end of nginx's old workers after a reload cut 1 connection at 12:00:07 UTC (reload: error.log:5)."
    )
    assert finding.evidence == (f"12:00:07 UTC: {lines[0]}", lines[1], lines[2])


def test_few_examples_of_many_kinds(table, document, idle_by_nginx):
    """A hundred connections are not a hundred lines of proof, nor two lines ten times with other numbers."""
    rows = [
        idle_by_nginx
        | {"client_ref": f"c:{nth}", "evidence": [f"error.log:{nth}: timed out", f"silent for {nth}.5 s", "x"]}
        for nth in range(100)
    ]
    assert document(table(*rows)).findings[0].evidence == (
        "error.log:0: timed out",
        "c:0: silent for 0.5 s",
        "c:0: x",
        "error.log:1: timed out",
        "c:1: silent for 1.5 s",
        "c:1: x",
    )


def test_unknown_says_what_would_decide_it(table, document):
    """An honest unknown ends with the log line to switch on, and points to that advice."""
    told = document(table({"cause": "unknown", "tier": "unknown"}))
    (finding,) = told.findings
    assert finding.statement.startswith("These logs do not say what ended 1 connection. To know more next time: ")
    assert finding.statement.endswith(told.limits[0].log_next[1:])
    assert all(told.advice[index].is_observability for index in finding.advice)
    assert finding.advice


def test_rows_without_evidence_or_confidence(table, document):
    """Nulls and empty lists make no proof and no certainty, and no error."""
    (finding,) = document(
        table(
            {"cause": "network_loss", "tier": "network", "evidence": []}, {"cause": "network_loss", "tier": "network"}
        )
    ).findings
    assert (finding.evidence, finding.confidence) == ((), 0.0)
