"""Which known timers a verdict allows."""

from __future__ import annotations

import polars as pl
import pytest

from wslog.classify.candidates import name_timers
from wslog.knowledge import load_timeouts
from wslog.knowledge.model import Setting

TIMEOUTS = load_timeouts()
NGINX, ALB = "nginx-proxy-read-timeout", "aws-alb-idle"


def names(
    cause: str,
    tier: str,
    value_s: float | None,
    *,
    nginx: bool = True,
    alb: bool = True,
    info: bool = False,
    settings: tuple[Setting, ...] = (),
) -> list[str] | None:
    rows = pl.DataFrame(
        {
            "cause": [cause], "tier": [tier], "timeout_s": [value_s],
            "nginx_ref": ["access.log:1" if nginx else None], "from_alb": [alb],
            "info_visible": [info], "nginx_timed_out": [False], "may_have_error": [False],
        },
        schema_overrides={"timeout_s": pl.Float64, "nginx_ref": pl.String},
    )  # fmt: skip
    found = name_timers(rows, TIMEOUTS, settings)[0]
    return None if found is None else list(found)


@pytest.mark.parametrize(("tier", "timer"), [("nginx", NGINX), ("alb", ALB)])
@pytest.mark.parametrize("value_s", [60.0, 37.0, None])
def test_a_known_tier_names_its_own_timer(tier: str, timer: str, value_s: float | None) -> None:
    """A decided tier has one candidate, whatever value its owner set."""
    assert names("idle_timeout", tier, value_s) == [timer]


def test_an_open_tier_leaves_those_that_logged_it() -> None:
    """Where both tiers logged the connection, their two timers remain, whatever the value."""
    assert names("idle_timeout", "unknown", 60.0) == [ALB, NGINX]
    assert names("idle_timeout", "unknown", 37.3) == [ALB, NGINX]


@pytest.mark.parametrize(("nginx", "alb"), [(True, False), (False, True)])
def test_one_tier_s_log_does_not_make_its_timer_the_only_one(nginx: bool, alb: bool) -> None:
    """A single candidate would read as decided: others of that value stand beside it, and at an odd value none does."""
    found = names("idle_timeout", "unknown", 60.0, nginx=nginx, alb=alb)
    assert found is not None
    assert found[0] == (NGINX if nginx else ALB)
    assert len(found) > 2
    assert names("idle_timeout", "unknown", 37.3, nginx=nginx, alb=alb) is None


def test_nginx_is_no_candidate_where_its_info_log_is_silent() -> None:
    """Nginx says at level info that it timed a connection out; where it shows other info lines, silence clears it."""
    found = names("idle_timeout", "unknown", 60.0, alb=False, info=True)
    assert found is not None
    assert NGINX not in found
    assert ALB in found


def test_without_any_server_line_every_timer_of_that_value_is_possible() -> None:
    """Client logs alone: all known idle timers of 60 s, both tiers' among them; at an odd value none."""
    found = names("idle_timeout", "unknown", 60.0, nginx=False, alb=False)
    assert found is not None
    assert {NGINX, ALB} < set(found)
    assert found == sorted(found)
    assert names("idle_timeout", "unknown", 37.3, nginx=False, alb=False) is None


def test_a_configured_timer_goes_before_defaults() -> None:
    """A timer that a configuration among the logs sets to that value is the candidate; defaults of others are not."""
    own = Setting(timeout_id=ALB, value_s=37.0, scope="web", host="", ref="alb.json:1")
    assert names("idle_timeout", "unknown", 37.0, nginx=False, alb=False, settings=(own,)) == [ALB]


@pytest.mark.parametrize("cause", ["unknown", "server_restart", "network_loss", "clean_close", "handshake_failed"])
def test_what_is_no_timer_names_none(cause: str) -> None:
    """Causes that are no timers have no candidates."""
    assert names(cause, "nginx", 60.0) is None


def test_a_lifetime_limit_names_lifetime_timers_only() -> None:
    """At 7200 s: API Gateway's limit on a connection's age, no idle timer of that length."""
    found = names("lifetime_limit", "unknown", 7200.0)
    assert found is not None
    assert "aws-api-gateway-ws-lifetime" in found
    assert all(timer.kind == "lifetime" for timer in TIMEOUTS if timer.id in found)
    assert names("lifetime_limit", "unknown", 123.4) is None


def test_every_row_has_its_own_answer() -> None:
    """Rows keep their order, equal ones share an answer, others are null."""
    rows = pl.DataFrame(
        {
            "cause": ["idle_timeout", "unknown", "idle_timeout"], "tier": ["alb", "unknown", "nginx"],
            "timeout_s": [60.0, None, 60.0], "nginx_ref": ["a:1"] * 3, "from_alb": [True] * 3,
            "info_visible": [True] * 3, "nginx_timed_out": [False] * 3, "may_have_error": [False] * 3,
        }
    )  # fmt: skip
    assert name_timers(rows, TIMEOUTS, ()).to_list() == [[ALB], None, [NGINX]]
