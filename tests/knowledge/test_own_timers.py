"""Timers that code knows by name, against the data."""

from __future__ import annotations

import pytest

from wslog.knowledge import load_timeouts, own_timers

IDS = {
    *own_timers.OWN_TIMER.values(),
    *own_timers.NGINX_LOCATION_TIMERS.values(),
    own_timers.NGINX_SHUTDOWN,
    *own_timers.ALB_ATTRIBUTES.values(),
}


@pytest.mark.parametrize("timeout_id", sorted(IDS))
def test_every_id_is_an_entry(timeout_id: str) -> None:
    """A renamed entry of timeouts.toml cannot leave code behind that asks for the old name."""
    assert timeout_id in {timeout.id for timeout in load_timeouts()}


def test_directives_are_the_settings_of_their_entries() -> None:
    """What configuration files call a timer is what its entry says to look for."""
    settings = {timeout.id: timeout.setting for timeout in load_timeouts()}
    named = own_timers.NGINX_LOCATION_TIMERS | own_timers.ALB_ATTRIBUTES
    named[own_timers.NGINX_SHUTDOWN_DIRECTIVE] = own_timers.NGINX_SHUTDOWN
    for setting, timeout_id in named.items():
        assert setting in settings[timeout_id]


def test_a_tier_owns_its_timer() -> None:
    """The timer named for a tier acts in that tier."""
    tiers = {timeout.id: timeout.tier for timeout in load_timeouts()}
    assert all(tiers[timeout_id] is tier for tier, timeout_id in own_timers.OWN_TIMER.items())
