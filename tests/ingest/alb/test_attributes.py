"""Timers out of what the AWS command line prints."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wslog.ingest.alb.attributes import is_alb_attributes, read_alb_attributes
from wslog.knowledge.model import Setting

LB_ARN = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/stage-web/8c1f2ab3d4e5f607"
TG_ARN = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/stage-tg/73e2d6bc24d8a067"


def _attributes(**values: str) -> dict[str, object]:
    return {"Attributes": [{"Key": key.replace("__", "."), "Value": value} for key, value in values.items()]}


ANSWER = _attributes(
    deletion_protection__enabled="false", idle_timeout__timeout_seconds="75", client_keep_alive__seconds="3600"
)


def test_an_answer_gives_its_timers_for_every_load_balancer() -> None:
    """The answer does not name the load balancer, and `ref` names the line of the key."""
    text = json.dumps(ANSWER, indent=4)
    line = next(n for n, row in enumerate(text.split("\n"), 1) if "idle_timeout" in row)
    idle, keep_alive = read_alb_attributes(text, shown="conf/lb.json")
    assert idle == Setting(timeout_id="aws-alb-idle", value_s=75.0, scope="", host="", ref=f"conf/lb.json:{line}")
    assert (keep_alive.timeout_id, keep_alive.value_s) == ("aws-alb-client-keep-alive", 3600.0)


@pytest.mark.parametrize(
    ("name", "scope"),
    [({"LoadBalancerArn": LB_ARN}, "stage-web"), ({"LoadBalancerName": "web"}, "web"), ({"Name": "push"}, "push")],
)
def test_a_list_of_several_names_each(name: dict[str, str], scope: str) -> None:
    """Whatever key the collecting script used for the name."""
    text = json.dumps([name | ANSWER, {"Name": "other"} | _attributes(idle_timeout__timeout_seconds="10")])
    assert [(s.scope, s.value_s) for s in read_alb_attributes(text, shown="x") if s.timeout_id == "aws-alb-idle"] == [
        (scope, 75.0),
        ("other", 10.0),
    ]


def test_a_target_group_gives_its_drain_time() -> None:
    """Deregistration ends WebSockets after it."""
    text = json.dumps({"TargetGroupArn": TG_ARN} | _attributes(deregistration_delay__timeout_seconds="300"))
    (setting,) = read_alb_attributes(text, shown="x")
    assert (setting.timeout_id, setting.scope, setting.value_s) == ("aws-alb-deregistration-delay", "stage-tg", 300.0)


def test_several_answers_in_one_file_are_all_read() -> None:
    """As `for lb in …; do aws elbv2 …; done > file` writes them; each has its own line."""
    text = json.dumps(ANSWER) + "\n" + json.dumps(_attributes(idle_timeout__timeout_seconds="4000")) + "\n"
    found = read_alb_attributes(text, shown="x")
    assert [(s.value_s, s.ref) for s in found if s.timeout_id == "aws-alb-idle"] == [(75.0, "x:1"), (4000.0, "x:2")]


@pytest.mark.parametrize("value", ["", "sixty", "nan", "-1", "inf", None, [], {}])
def test_a_value_that_is_no_number_gives_no_timer(value: object) -> None:
    """Nothing is invented."""
    text = json.dumps({"Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": value}]})
    assert read_alb_attributes(text, shown="x") == ()


def test_a_torn_file_keeps_the_whole_answers_before_the_tear() -> None:
    """What is no JSON ends the reading."""
    assert len(read_alb_attributes(json.dumps(ANSWER) + '\n{"Attributes": [', shown="x")) == 2


@pytest.mark.parametrize(
    ("text", "is_ours"),
    [
        (json.dumps(ANSWER, indent=2), True),
        ('{"Attributes": []}', False),
        ('{"event":"ws_close","code":1006}', False),
        ('https 2026-11-22T17:01:36Z app/web/1 "Attributes" "Key": "a.b"', False),
    ],
)
def test_only_attributes_are_recognised(text: str, is_ours: bool) -> None:
    """Client logs are JSON too."""
    assert is_alb_attributes(text) == is_ours


@given(
    st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_any_json_is_read_without_failing(document: object) -> None:
    """Files are untrusted."""
    assert read_alb_attributes(json.dumps(document), shown="x") == ()
