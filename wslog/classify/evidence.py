"""The evidence items of the scorecard: when each of them speaks, as one named expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from wslog.classify.culprits import BurstKind
from wslog.classify.facts import FOLLOWED_S
from wslog.knowledge.tolerance import NEAR_S, NEAR_SHARE

WAKE_S: Final = 1.5  # an overdue timer of a page that wakes fires within this
LATE_MESSAGE_S: Final = 0.2  # a beat that comes this shortly before the close is hardly chance
QUIET_S: Final = 30.0  # a server that answers heartbeats is not quiet for this long
AWAY_S: Final = 5.0  # a heartbeat that goes unanswered this long was not just slow
SETTLED_S: Final = 2.0  # margin of a learnt timer
CLOSE_WAITS_S: Final = (9.0, 65.0)  # browsers wait 10 s or 60 s for an answer to close()

_no_burst = pl.col("burst").is_null()
# In no pile, and of a silence that is known: of one that is not, some timer may have been the end.
_outside = pl.all_horizontal(
    pl.col("idle_db", "life_db", "idle_near", "life_near").is_null(),
    pl.col("idle_s").is_not_null(),
    ~pl.col("may_be_late_idle"),
    ~pl.col("may_be_late_limit"),
)
# Silence and age say the same of what said nothing, and where no log tells of messages.
_is_either = pl.col("is_unheard") | (pl.col("idle_cluster") == pl.col("life_cluster")).fill_null(value=False)
_is_unsaid = ~pl.col("may_have_error").fill_null(value=False)
_matched = pl.col("nginx_ref").is_not_null() & pl.col("has_client")
_sent_after_close = pl.col("wire_idle_s") < -FOLLOWED_S[1]
# The client's clock says a message went while nginx's or the ALB's timer was already counting: it never arrived.
_unheard = pl.col("wire_idle_s").is_between(FOLLOWED_S[1], pl.col("path_timer_s") - SETTLED_S).fill_null(value=False)
# No message for longer than the timer that fired: pings, which no page sees, kept it open until they stopped.
_was_pinged = pl.col("nginx_timed_out") & (pl.col("wire_idle_s") > pl.col("path_timer_s") + SETTLED_S)
_still_sending = (
    (pl.col("unanswered_s") > 2.0)
    & (pl.col("idle_out_s") >= CLOSE_WAITS_S[0])
    & (pl.col("is_silent").not_() | _unheard)
)
_silent_anyway = (
    pl.col("late")
    & (pl.col("nginx_timed_out") | pl.col("wire_timer_s").is_not_null())
    & ~_sent_after_close
    & ~_unheard
    & ~_was_pinged.fill_null(value=False)
    & (~pl.col("is_persisted").fill_null(value=False) | pl.col("is_silent"))  # a page in the cache cannot speak
)


def _fits(setting: str) -> pl.Expr:
    """Whether a configured timer is the one of the row's cluster, within `knowledge.tolerance_s`."""
    tolerance = pl.max_horizontal(pl.lit(NEAR_S), NEAR_SHARE * pl.col("idle_timer_s"))
    return ((pl.col(setting) - pl.col("idle_timer_s")).abs() <= tolerance).fill_null(value=False)


# Booleans speak with the weight itself; `strength` items bring decibans of their own (null: silent).
ITEMS: Final[Mapping[str, pl.Expr]] = {
    "nginx_timed_out": pl.col("nginx_timed_out"),
    "nginx_silent_about_timeout": pl.col("info_visible")
    & pl.col("nginx_ref").is_not_null()
    & ~pl.col("nginx_timed_out")
    & _is_unsaid,
    "pile_unsaid": pl.col("is_pile_unsaid")
    & ~pl.col("nginx_timed_out")
    & (pl.col("nginx_ref").is_null() | ~_is_unsaid),
    "in_idle_cluster": pl.when(~_is_either).then("idle_db"),
    "in_idle_cluster_by_age": pl.when(_is_either).then("idle_db"),
    "not_in_idle_cluster": pl.col("idle_s").is_not_null()
    & pl.col("idle_db").is_null()
    & ~pl.col("idle_near").fill_null(value=False)  # at its edge speaks neither way
    & ~pl.col("may_be_late_idle")
    & ~pl.col("nginx_timed_out")  # nginx counts pings, which a page cannot see
    & ~pl.col("late")
    & ~pl.col("early"),
    "in_lifetime_cluster": pl.when(~_is_either).then("life_db"),
    "in_lifetime_cluster_by_age": pl.when(_is_either).then("life_db"),
    "not_in_lifetime_cluster": pl.col("lifetime_s").is_not_null()
    & pl.col("life_db").is_null()
    & ~pl.col("life_near").fill_null(value=False)
    & ~pl.col("may_be_late_limit"),
    "late_idle_timer": pl.col("late_idle_db"),
    "late_lifetime_limit": pl.col("late_life_db"),
    "in_give_up_cluster": pl.col("give_up_db"),
    "nginx_setting_fits": _fits("nginx_setting_s") & ~_fits("alb_setting_s") & pl.col("alb_setting_s").is_not_null(),
    "alb_setting_fits": _fits("alb_setting_s") & ~_fits("nginx_setting_s") & pl.col("nginx_setting_s").is_not_null(),
    "through_alb": pl.col("from_alb") & pl.col("idle_db").is_not_null() & pl.col("is_pile_of_alb"),
    "through_alb_alone": pl.col("from_alb") & pl.col("idle_db").is_not_null() & ~pl.col("is_pile_of_alb"),
    "not_through_alb": pl.col("alb_missing"),
    "alb_outlasted": pl.col("alb_silence_s").is_not_null(),
    "followed": pl.col("followed"),
    "early": pl.col("early"),
    "late": pl.col("late"),
    "woke_up": pl.col("late") & _sent_after_close & (pl.col("idle_out_s") <= WAKE_S),
    "late_message": (pl.col("idle_out_s") <= LATE_MESSAGE_S)
    & (pl.col("idle_in_s") >= QUIET_S)
    & pl.col("client_lag_s").is_null(),
    "sent_into_the_void": (pl.col("late") | pl.col("early"))
    & _still_sending
    & (pl.col("idle_out_s") > WAKE_S)
    & pl.col("wire_timer_s").is_null(),  # a timer that ran from its last message heard that
    "silent_anyway": _silent_anyway,
    "talked_before": pl.when(_silent_anyway).then("talked_db"),
    "pings_stopped": pl.col("late") & _was_pinged,
    "hidden": pl.col("visibility") == "hidden",
    "visible": pl.col("visibility") == "visible",
    "offline": ~pl.col("is_online"),
    "in_page_cache": pl.col("is_persisted"),
    "close_called": pl.col("close_wait_s") >= CLOSE_WAITS_S[0],
    "unanswered": pl.col("followed") & (pl.col("unanswered_s") > AWAY_S) & pl.col("give_up_db").is_not_null(),
    **{f"burst_{kind}": pl.col("burst_kind") == kind.value for kind in BurstKind},
    "network_incident": pl.col("lost_network").is_not_null(),
    "alone": _no_burst & pl.col("ended_at").is_not_null(),
    "crowded": _no_burst & pl.col("is_crowded"),
    "cut_by_nginx": ~pl.col("nginx_is_complete"),
    "nginx_line_missing": pl.col("nginx_missing"),
    "upstream_reset": pl.col("upstream_reset"),
    "downstream_reset": pl.col("downstream_reset"),
    "nginx_lost_client": pl.col("nginx_lost_client"),
    "quiet_end": pl.col("followed")
    & _matched
    & pl.col("error_ref").is_null()
    & _is_unsaid
    & pl.col("info_visible")
    & _outside
    & _no_burst,
    "quiet_end_unlogged": pl.col("followed")
    & _matched
    & pl.col("error_ref").is_null()
    & ~pl.col("info_visible")
    & _outside
    & _no_burst,
}
