from __future__ import annotations

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from wslog.result import Window
from wslog.schema import Tier
from wslog.summarize.windows import from_us, shared_window, to_us


def test_the_shared_window_is_what_every_tier_covers(at):
    """It begins with the last tier to begin and ends with the first to end; a tier without lines is not asked."""
    own = (
        Window(tier=Tier.CLIENT, start=at(0), end=at(100)),
        Window(tier=Tier.NGINX, start=at(10), end=at(200)),
        Window(tier=Tier.ALB, start=None, end=None),
    )
    assert shared_window(own) == Window(tier=None, start=at(10), end=at(100))


def test_tiers_that_never_meet_share_nothing(at):
    """Yesterday's client log and today's nginx log have no common time."""
    windows = [Window(tier=Tier.CLIENT, start=at(0), end=at(1)), Window(tier=Tier.NGINX, start=at(2), end=at(3))]
    assert shared_window(windows) == shared_window([]) == Window(tier=None, start=None, end=None)


@given(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)))
def test_microseconds_are_exact(instant):
    """No float comes between an instant and its microseconds."""
    assert from_us(to_us(instant)) == instant
