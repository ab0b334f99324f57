"""Idle durations and lifetimes of drops that pile up, told apart by what else is constant in them.

An idle timer makes idle durations constant while lifetimes vary; a lifetime limit the other way round; a client that
gives up waiting for an answer makes the time since its last *unanswered* message constant. Connections that said
nothing but a greeting fit both: they join whichever stands at the same place, and else speak for the kind that the
greeting's delay, longer lives on the same path or known timers leave, or for either.

Drops inside bursts are left out first: two restarts 15 minutes apart would make a lifetime limit of 900 s, because
everybody came back at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl
from msgspec import Struct
from msgspec.structs import replace

from wslog.classify.combs import FEWEST_TEETH, find_comb
from wslog.classify.configured import standing_at
from wslog.classify.facts import FOR_PILES, share_of
from wslog.classify.fitting import IDLE_KINDS, fitting, known_kinds, known_values
from wslog.classify.histogram import coarsest_resolution, merge, sketch
from wslog.classify.scan import FEWEST
from wslog.classify.spikes import Spike, configured_value, find_in
from wslog.knowledge.model import Setting, Timeout
from wslog.knowledge.own_timers import ALB_IDLE, NGINX_READ
from wslog.knowledge.tolerance import tolerance_s
from wslog.schema import file_of

SILENT_FROM_S: Final = 5.0
UNANSWERED_SHARE: Final = 0.75  # a proxy's timer does not care who spoke last: half or less
UNANSWERED_S: Final = 1.0
OUTLIVED_SHARE: Final = 0.2  # of those that came to that age: who has no network learns late that its time was up
LEFT_SHARE: Final = 0.05  # the same of those that were closed with a code
ALONE_SHARE: Final = 0.25  # fewer others than this, per one that ended at an age: nobody is there who might outlive it
MADE_OF_IDLE: Final = 0.7  # of a lifetime spike's members; more than these in idle spikes, and it is their shadow
TOOTH: Final = 4  # drops on one path that make a comb's tooth
HEARD: Final = (
    "has_client", "is_client_drop", "burst", "late", "early", "is_silent", "is_unheard", "idle_s", "lifetime_s",
    "client_ref", "client_ip", "host", "path", "nginx_timed_out", "unanswered_s",
)  # fmt: skip
SOURCE: Final = file_of("client_ref").cast(pl.Categorical).alias("source")
PLACE: Final = pl.col("host", "path").cast(pl.Categorical)
LIVED: Final = ("host", "path", "lifetime_s", "idle_s", "is_client_drop", "has_client")
SAID: Final = ("path", "idle_s", "is_silent", "nginx_timed_out", "unanswered_s")
TIMED: Final = ("host", "path", "idle_s", "lifetime_s", "is_silent", "is_unheard", "source")


class TypedSpike(Struct, frozen=True):
    """A spike, the axis it was found on, and the timer value it points to.

    `axis`: `idle_s`, `lifetime_s`, or `idle_out_s` for clients that gave up waiting. `is_either`: only connections that
    never carried a message make it, so an idle timer and a lifetime limit explain it alike.
    """

    spike: Spike
    axis: str
    timeout_s: float
    q05_s: float
    q95_s: float
    is_either: bool = False


def find_clusters(facts: pl.DataFrame, timeouts: Sequence[Timeout], settings: Sequence[Setting]) -> list[TypedSpike]:
    """Find and type the spikes among dropped connections that ended outside of bursts.

    Args:
        facts: The columns of `HEARD`, of all rows.
        timeouts: Known timers, whose values lower the bar where they stand.
        settings: Timers found in configuration.
    """
    known = known_values(timeouts, settings)
    # There may be millions of rows, so each look takes the columns that it needs, and names as numbers.
    of_all = facts.lazy().select(HEARD).with_columns(*FOR_PILES, SOURCE, PLACE).filter(pl.col("burst").is_null())
    drops = of_all.filter("is_client_drop")
    # A client that noticed late shows how long it was away, not how long the line was silent.
    timely = drops.filter(~pl.col("late") & ~pl.col("early"))
    timed = timely.select(TIMED).collect(engine="in-memory")
    talking = timed.filter(~pl.col("is_silent"))
    found = _typed(talking, "idle_s", known)
    if found:
        prompt = timely.select(SAID).collect(engine="in-memory")
        found = _without_comb([_as_give_up(s, prompt) for s in found], prompt, settings)
    found += _typed(talking, "lifetime_s", known)
    silent = timed.filter(pl.col("is_silent") & (pl.col("lifetime_s") > SILENT_FROM_S))
    del talking, timed
    rows = of_all.select(LIVED).collect(engine="in-memory")
    for spike in _of_silent(silent, rows, found, timeouts, settings):
        if not any(_same_place(spike, other) for other in found):
            found.append(spike)
    found = [s for s in found if not _is_shadow(s, found, rows)]
    of_clients = drops.select("has_client", "idle_s", "client_ip").collect(engine="in-memory")
    if of_clients["has_client"].any():
        return found
    # Servers alone don't tell a limit's end, nor a timer's, from that of clients who say goodbye at an age.
    return [s for s in found if s.axis == "idle_s" and not s.is_either and not _is_of_one_client(s, of_clients)]


def _is_of_one_client(found: TypedSpike, drops: pl.DataFrame) -> bool:
    """Whether most members come from one address, as those of a monitor do, which stays for as long each time."""
    members = _members_of(found, drops)["client_ip"]
    most = members.drop_nulls().value_counts()["count"].max()
    return isinstance(most, int) and most > members.len() / 2


def _typed(rows: pl.DataFrame, axis: str, known: Sequence[float]) -> list[TypedSpike]:
    rows = rows.select(axis, "source").drop_nulls(axis)
    if rows.height < FEWEST:
        return []
    # Each log file has its own clock: one that writes whole seconds blurs all.
    files = rows.partition_by("source", maintain_order=True)
    sources = [sketch(f[axis].cast(pl.Float64).to_numpy()) for f in files]
    hist = merge(sources)
    grain = max(hist.resolution_s, coarsest_resolution(sources))
    spikes = find_in(hist, known_s=known, resolution_s=grain)
    return [TypedSpike(s, axis, configured_value(s, s.q05_s, known), s.q05_s, s.q95_s) for s in spikes]


def _without_comb(found: list[TypedSpike], drops: pl.DataFrame, settings: Sequence[Setting]) -> list[TypedSpike]:
    """Leave out idle spikes at multiples of one period on one path: a heartbeat's doing, not that of several timers.

    Timers of several paths may stand at multiples by chance, and what is configured or nginx's own word is no tooth.
    """
    idle = [s for s in found if s.axis == "idle_s"]
    if len(idle) < FEWEST_TEETH:
        return found
    durations = drops["idle_s"].cast(pl.Float64).to_numpy()
    in_spike = {f"spike {n}": s.spike.probability(durations) >= 0.5 for n, s in enumerate(idle)}
    per_path = drops.select("path", **{name: pl.Series(inside) for name, inside in in_spike.items()})
    teeth_of = per_path.group_by("path", maintain_order=True).agg(pl.exclude("path").sum() >= TOOTH)
    for _, *is_tooth in teeth_of.filter(pl.sum_horizontal(pl.exclude("path")) >= FEWEST_TEETH).sort("path").iter_rows():
        here = [s for s, is_one in zip(idle, is_tooth, strict=True) if is_one]
        comb = find_comb([s.spike.center_s for s in here])
        if comb is not None:
            teeth = [s for s in here if comb.has(s.spike.center_s) and not _is_witnessed(s, drops, settings)]
            if len(teeth) == len(comb.multiples):
                found = [s for s in found if not any(s is t for t in teeth)]
    return found


def _is_witnessed(found: TypedSpike, drops: pl.DataFrame, settings: Sequence[Setting]) -> bool:
    inside = drops.filter(pl.col("idle_s").is_between(found.spike.low_s, found.spike.high_s))
    is_set = any(abs(s.value_s - found.spike.center_s) <= tolerance_s(s.value_s) for s in settings)
    return is_set or share_of(inside, pl.col("nginx_timed_out")) > 0.5


def _of_silent(
    silent: pl.DataFrame, rows: pl.DataFrame, talking: Sequence[TypedSpike],
    timeouts: Sequence[Timeout], settings: Sequence[Setting],
) -> Iterator[TypedSpike]:  # fmt: skip
    """Yield the spikes of connections that said nothing after a greeting, whose delay parts their two durations.

    Args:
        silent: `is_unheard`, `idle_s`, `lifetime_s`, `host`, `path` and `source`.
        rows: All connections: who lived longer on the same path.
        talking: Spikes of the others.
        timeouts: Known timers.
        settings: Timers found in configuration.
    """
    known = known_values(timeouts, settings)
    limits = [s for s in _typed(silent, "lifetime_s", known) if not _is_outlived(s, rows)]
    idle = []
    for spike in _typed(silent, "idle_s", known):
        lifetimes = _members_of(spike, silent)["lifetime_s"]
        if (
            _is_known_idle(spike, silent, timeouts, settings)
            or _varies(lifetimes, spike)
            or not any(_is_near(lifetimes, limit) for limit in limits)
        ):
            idle.append(spike)
    yield from (spike for spike in idle if not _is_repeat(spike, idle, silent))
    for spike in limits:
        if not _is_made_of_idle(spike, [*talking, *idle], silent):
            members = _members_of(spike, silent)
            is_age = _varies(members["idle_s"], spike) or not _is_near(members["idle_s"], spike)
            if not _is_heard(members):
                yield replace(spike, axis="idle_s", is_either=True)  # whose default stands there says too little
            else:
                yield spike if is_age else _as_known(spike, timeouts, standing_at(spike.timeout_s, members, settings))


def _is_known_idle(
    found: TypedSpike, silent: pl.DataFrame, timeouts: Sequence[Timeout], settings: Sequence[Setting]
) -> bool:
    """Whether only idle timers are known at a place; nginx's or the ALB's, where nobody knows who was silent."""
    members = _members_of(found, silent)
    settings = standing_at(found.timeout_s, members, settings)
    names = fitting(found.timeout_s, IDLE_KINDS, timeouts, settings)
    is_ours = _is_heard(members) or not {ALB_IDLE, NGINX_READ}.isdisjoint(names)
    return is_ours and known_kinds(found.timeout_s, timeouts, settings) == (True, False)


def _is_repeat(found: TypedSpike, others: Sequence[TypedSpike], silent: pl.DataFrame) -> bool:
    """Whether ages alone make a spike, and on its paths more connections ended sooner by another one.

    A client that speaks at a fixed age and is silent then ends at that age later, by the same timer.
    """
    mine = _members_of(found, silent)
    sooner = [_members_of(other, silent) for other in others if other.spike.center_s < found.spike.center_s]
    if not sooner or _is_heard(mine):
        return False
    theirs = pl.concat(sooner).group_by("host", "path").len("n_sooner")
    here = mine.group_by("host", "path").len("n").join(theirs, on=["host", "path"], how="left", nulls_equal=True)
    is_fewer = here.filter(pl.col("n") < pl.col("n_sooner").fill_null(0))
    return int(is_fewer["n"].sum()) > mine.height / 2


def _is_heard(members: pl.DataFrame) -> bool:
    """Whether it is known of most of them when they spoke."""
    return share_of(members, pl.col("is_unheard")) < 0.5


def _members_of(found: TypedSpike, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(pl.col(found.axis).is_between(found.spike.low_s, found.spike.high_s))


def _varies(durations: pl.Series, found: TypedSpike) -> bool:
    """Whether the members of a spike differ on another axis: there, nine in ten lie farther apart than a timer lets."""
    low, high = durations.quantile(0.05) or 0.0, durations.quantile(0.95) or 0.0
    return high - low > max(tolerance_s(found.spike.center_s), 2 * (found.q95_s - found.q05_s))


def _is_near(durations: pl.Series, found: TypedSpike) -> bool:
    middle = durations.median()
    return isinstance(middle, float) and abs(middle - found.spike.center_s) <= tolerance_s(found.spike.center_s)


def _as_known(silent: TypedSpike, timeouts: Sequence[Timeout], settings: Sequence[Setting]) -> TypedSpike:
    """Type a spike of silent connections by the known timers at its place; either kind, if they don't tell."""
    as_idle, as_lifetime = known_kinds(silent.timeout_s, timeouts, settings)
    axis = "lifetime_s" if as_lifetime and not as_idle else "idle_s"
    return replace(silent, axis=axis, is_either=as_idle == as_lifetime)


def _as_give_up(found: TypedSpike, drops: pl.DataFrame) -> TypedSpike:
    """Retype an idle spike whose members all ended with a message that nobody answered.

    A proxy's timer does not care who spoke last; a heartbeat's does.
    """
    inside = drops.filter(pl.col("idle_s").is_between(found.spike.low_s, found.spike.high_s) & ~pl.col("is_silent"))
    unanswered = share_of(inside, pl.col("unanswered_s") > UNANSWERED_S)
    if share_of(inside, pl.col("nginx_timed_out")) > 0.5:  # its own word; these clients only ever send
        return found
    return replace(found, axis="idle_out_s") if unanswered >= UNANSWERED_SHARE else found


def _same_place(a: TypedSpike, b: TypedSpike) -> bool:
    return abs(a.spike.center_s - b.spike.center_s) <= tolerance_s(a.spike.center_s)


def _is_shadow(found: TypedSpike, others: list[TypedSpike], rows: pl.DataFrame) -> bool:
    """Whether a lifetime spike is made of members of idle spikes, or connections outlived it where it stands."""
    drops = rows.filter("is_client_drop")
    return found.axis == "lifetime_s" and (_is_made_of_idle(found, others, drops) or _is_outlived(found, rows))


def _is_outlived(found: TypedSpike, rows: pl.DataFrame) -> bool:
    inside = pl.col("lifetime_s").is_between(found.spike.low_s, found.spike.high_s)
    places = rows.filter(pl.col("is_client_drop") & inside).select("host", "path").unique()
    lasting = outlived(found, rows.join(places, on=["host", "path"], how="semi", nulls_equal=True))
    return bool(lasting["outlived"].all())


def _is_made_of_idle(found: TypedSpike, others: Sequence[TypedSpike], drops: pl.DataFrame) -> bool:
    """Whether most whose lifetimes make a spike are members of idle spikes: only their greetings came alike."""
    inside = drops.filter(pl.col("lifetime_s").is_between(found.spike.low_s, found.spike.high_s))
    idle = [pl.col("idle_s").is_between(o.spike.low_s, o.spike.high_s) for o in others if o.axis == "idle_s"]
    return bool(idle) and share_of(inside, pl.any_horizontal(idle)) > MADE_OF_IDLE


def outlived(found: TypedSpike, rows: pl.DataFrame) -> pl.DataFrame:
    """Tell per host and path whether connections lived past a lifetime spike: then it is no limit there.

    Args:
        found: The spike.
        rows: `host`, `path`, `lifetime_s`, `is_client_drop` and `has_client` of all connections.

    Returns:
        `host`, `path`, `outlived`, and `is_alone`: hardly anybody is there who might have.
    """
    age, spike, is_drop = pl.col("lifetime_s"), found.spike, pl.col("is_client_drop")
    is_past, is_inside = age > spike.high_s + 1.0, age.is_between(spike.low_s, spike.high_s)
    n_past, n_ended, n_all = (is_drop & is_past).sum(), (is_drop & is_inside).sum(), age.count()
    n_left = (~is_drop & pl.col("has_client") & is_past).sum()  # with a goodbye: these are not late
    is_outlived = (n_past > OUTLIVED_SHARE * (n_past + n_ended)) | (n_left > LEFT_SHARE * (n_left + n_ended))
    is_alone = n_all - n_ended < ALONE_SHARE * n_ended
    places = rows.drop_nulls("path").group_by("host", "path")
    return places.agg(is_outlived.alias("outlived"), is_alone.alias("is_alone"))
