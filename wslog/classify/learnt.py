"""What is learnt from all connections together, from few columns of them: what each row is then explained by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.classify.burst_members import add_burst
from wslog.classify.clusters import TypedSpike, find_clusters
from wslog.classify.crowds import Floats, add_crowd, find_ends
from wslog.classify.echoes import without_echoes
from wslog.classify.facts import INFO, add_wire_timer, look_around, tell_facts
from wslog.classify.fitting import known_values
from wslog.classify.late_timers import LateTimer, add_late_timers, find_late_timers
from wslog.classify.mass_drops import MassDrop, find_mass_drops
from wslog.classify.members import HEARD as MEMBERS_HEARD
from wslog.classify.members import Members, add_membership, find_members
from wslog.classify.networks import NetworkIncident, add_network_incidents, find_network_incidents
from wslog.classify.owners import HEARD as OWNERS_HEARD
from wslog.classify.owners import Owners, add_owners, find_owners
from wslog.classify.talks import HEARD as TALKS_HEARD
from wslog.classify.talks import add_talk, talk_times
from wslog.knowledge.model import Setting, Timeout

# What bursts, clusters and incidents are found in: of `schema.JOINED`, and of the facts.
JOINED_HEARD: Final = (
    "host", "path", "upstream", "client_ip", "session_id", "client_ref", "has_client", "close_code", "is_opened",
    "is_online", "is_pagehide_only", "nginx_is_complete", "opened_at", "nginx_closed_at", "nginx_peer_ip", "lifetime_s",
    "idle_s", "idle_out_s", "may_have_error",
)  # fmt: skip
FACTS_HEARD: Final = (
    "ended_at", "proxy", "no_nginx_line", "is_unclaimed", "nginx_timed_out", "is_client_drop", "late", "early",
    "is_silent", "is_unheard", "unanswered_s", "has_alb", "from_alb", "ended_quietly",
)  # fmt: skip

PILED: Final = tuple(sorted({*MEMBERS_HEARD, *OWNERS_HEARD, *TALKS_HEARD}))
NOTICES: Final = frozenset({"notice", "info", "debug"})  # an error log that has these shows reloads and stops


class Learnt(Struct, frozen=True, eq=False):
    """What all rows together say.

    Attributes:
        facts: Of a row of `schema.JOINED`, by name, held against what is logged of all.
        drops: Bursts.
        spikes: Idle and lifetime clusters; `members` are theirs.
        late_timers: Timers that make no spike, because they fire late.
        ends: When those ended that are in no burst.
        owners: Whose timer the idle clusters may be.
        talks: How long connections talk before they fall silent for good, per path.
        incidents: Networks that went away.
    """

    facts: Mapping[str, pl.Expr]
    drops: Sequence[MassDrop]
    spikes: Sequence[TypedSpike]
    members: Sequence[Members]
    late_timers: Sequence[LateTimer]
    ends: Floats
    owners: Owners
    talks: Mapping[str, float]
    incidents: Sequence[NetworkIncident]

    def add_to(self, connections: pl.DataFrame) -> pl.DataFrame:
        """Add to any rows of `schema.JOINED` all that the scorecard looks at."""
        facts = connections.with_columns(fact.alias(name) for name, fact in self.facts.items())
        facts = add_membership(add_burst(facts, self.drops), self.members)
        facts = add_late_timers(facts, self.late_timers)
        facts = add_owners(add_crowd(facts, self.ends), self.owners)
        idle_timers = [(s.spike.low_s, s.spike.high_s, s.timeout_s) for s in self.spikes if s.axis == "idle_s"]
        facts = add_talk(add_wire_timer(facts, idle_timers), self.talks)
        return add_network_incidents(facts, self.incidents)


def learn(
    connections: pl.DataFrame,
    *,
    lifecycle: pl.DataFrame,
    levels: frozenset[str],
    settings: Sequence[Setting],
    timeouts: Sequence[Timeout],
) -> Learnt:
    """Learn from all connections what each of them is explained by.

    Args:
        connections: `schema.JOINED`.
        lifecycle: `schema.EVENTS` rows of nginx process life.
        levels: nginx error levels seen.
        settings: Timers found in configuration files.
        timeouts: Known timers.
    """
    around = look_around(connections, known_values(timeouts, settings))
    told = tell_facts(around, levels=levels, settings=settings)
    facts = connections.select(*JOINED_HEARD, *(told[name].alias(name) for name in FACTS_HEARD))
    drops = find_mass_drops(facts, lifecycle, has_notices=bool(levels & NOTICES))
    facts = add_burst(facts, drops)
    spikes = find_clusters(facts, timeouts, settings)
    proper = without_echoes(drops, facts, spikes)
    if len(proper) < len(drops):
        drops, facts = proper, add_burst(facts, proper)
    members = find_members(facts, spikes)
    piled = add_membership(facts.select(PILED).filter("is_client_drop"), members).drop_nulls("idle_timer_s")
    owners = find_owners(piled, spikes, timeouts=timeouts, settings=settings, shows_info=bool(levels & INFO))
    talks, incidents = talk_times(piled), find_network_incidents(facts)
    del piled
    late_timers = find_late_timers(facts, members, known_values(timeouts, settings))
    return Learnt(told, drops, spikes, members, late_timers, find_ends(facts), owners, talks, incidents)
