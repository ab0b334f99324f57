"""Server clocks that are minutes or hours off (a wrong zone, a clock never set) are found, named and taken out.

Lines of one connection in two logs share their words, and their durations where both tell them. Over pairs of lines
that few others look like, the differences of times pile up where the clocks' difference is; anything else scatters.
Whoever keeps a load balancer's or a server's clock, most clients' clocks are right: they are the measure, else the ALB.

A source is one machine's logs: what its wrapper names as the host, else a folder. Units: seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from wslog.correlate.clock_offsets import FEWEST_VOTES, QUARTER_HOUR_S, ServerOffset
from wslog.correlate.ordering import in_order
from wslog.correlate.places import collected, placed, taken
from wslog.correlate.select import is_alb_request, is_client_close, is_nginx_request
from wslog.schema import Tier

FARTHEST_S: Final = 15 * 3600.0  # zones are at most that far apart
LARGE_S: Final = 60.0  # below it, matching copes by itself
NEAR_ZONE_S: Final = 5.0
LEAST_APART_S: Final = 1.0
RARE: Final = 12  # lines that more others look like say little of a clock
MOST_LINES: Final = 50_000
BOX_S: Final = 10.0  # against clients, whose clocks scatter
FINE_BOX_S: Final = 0.5  # between servers
DURATION_STEP_S: Final = 0.1
BEATS: Final = 2  # how many times more votes than for "no difference"
SOURCE: Final = pl.coalesce("log_host", pl.col("ref").str.extract(r"^(.*)/[^/]*$"), pl.lit("")).alias("source")
TIMES: Final = ("at", "opened_at", "closed_at")
WORDS: Final = ("path", "is_opened", "host", "query", "user_agent")
TIMED: Final = ("tier", "opened_at", "closed_at", "lifetime_s", "handshake_s")


class _Lines(Struct, frozen=True):
    """Lines of one kind: what is compared of them is taken when it is asked for, not the wide rows."""

    events: pl.DataFrame
    places: pl.Series

    def told(self, *names: str) -> pl.DataFrame:
        """Take some columns of all lines."""
        return taken(self.events.select(names), self.places).pipe(collected)

    def tell(self, name: str) -> bool:
        """Whether any line tells this."""
        return bool(self.told(name).to_series().is_not_null().any())

    def first(self, *names: str) -> pl.DataFrame:
        """Take some columns of as many lines as are compared at most, the first ones."""
        if len(self.places) <= MOST_LINES:
            return self.told(*names)
        order = in_order(self.told("closed_at"), lambda tied: self.told("ref")[tied], nulls_last=True)
        return _Lines(self.events, self.places[order.head(MOST_LINES)]).told(*names)

    def by_source(self) -> Sequence[tuple[str | None, _Lines]]:
        """Split lines by source, in order."""
        if self.places.is_empty():
            return [(None, self)]
        sources = self.told("log_host", "ref").select(SOURCE, place=self.places)
        parts = sources.partition_by("source", as_dict=True, include_key=False)
        lines = ((str(key[0]), _Lines(self.events, part["place"])) for key, part in parts.items())
        return sorted(lines, key=lambda part: part[0])


def settle_sources(events: pl.DataFrame) -> tuple[pl.DataFrame, list[ServerOffset]]:
    """Move the times of sources whose clock is far off, and those of servers that differ among themselves.

    Args:
        events: `schema.EVENTS`.

    Returns:
        The events, moved; and what was found, one entry a source that was moved.
    """
    clients, alb = (_Lines(events, placed(events, which)) for which in (is_client_close(), is_alb_request()))
    found = []
    for tier, of_tier in ((Tier.ALB, is_alb_request()), (Tier.NGINX, is_nginx_request())):
        lines_of_tier = _Lines(events, placed(events, of_tier))
        for source, lines in [(None, lines_of_tier)] if tier == Tier.ALB else lines_of_tier.by_source():
            against = clients if len(clients.places) or tier == Tier.ALB else alb
            vote = _vote(against, lines, box_s=BOX_S)
            if vote is not None and abs(vote.skew_s) > LARGE_S:
                skew_s = _whole_zone(vote.skew_s)
                events = _moved(events, tier, source, skew_s)
                found.append(vote._replace(tier=tier, skew_s=skew_s, note=_named(tier, source, skew_s)))
    return _align_hosts(events, found)


def _align_hosts(events: pl.DataFrame, found: list[ServerOffset]) -> tuple[pl.DataFrame, list[ServerOffset]]:
    """Bring nginx hosts whose clocks differ by a second or more into line, by what the ALB, else the clients, say."""
    sources = _Lines(events, placed(events, is_nginx_request())).by_source()
    if len(sources) < 2:
        return events, found
    alb, clients = (_Lines(events, placed(events, which)) for which in (is_alb_request(), is_client_close()))
    against, box_s = (alb, FINE_BOX_S) if len(alb.places) else (clients, BOX_S)
    votes = [(source, vote) for source, lines in sources if (vote := _vote(against, lines, box_s=box_s)) is not None]
    skews = sorted(vote.skew_s for _, vote in votes)
    for source, vote in votes:
        apart_s = round(vote.skew_s - skews[(len(skews) - 1) // 2], 3)
        if abs(apart_s) >= max(LEAST_APART_S, 2 * vote.spread_s / vote.n**0.5):
            events = _moved(events, Tier.NGINX, source, apart_s)
            found = [*found, vote._replace(skew_s=apart_s, note=_named(Tier.NGINX, source, apart_s))]
    return events, found


def _moved(events: pl.DataFrame, tier: Tier, source: str | None, skew_s: float) -> pl.DataFrame:
    """Take a source's skew out of all its lines."""
    is_its = pl.col("tier") == tier
    is_its = is_its if source is None else is_its & (source == SOURCE)
    ahead = pl.duration(milliseconds=round(skew_s * 1000))
    return events.with_columns(pl.when(is_its).then(pl.col(name) - ahead).otherwise(pl.col(name)) for name in TIMES)


def _named(tier: Tier, source: str | None, skew_s: float) -> str:
    """Say what was found in words."""
    is_zone = skew_s % QUARTER_HOUR_S == 0
    what = f"{skew_s / 3600:+g} h, like a wrong time zone" if is_zone else f"{skew_s:+.0f} s"
    who = "the load balancer's clock" if tier == Tier.ALB else f"the clock of {source or 'nginx'}"
    return f"{who} was {what}; taken out"


def _whole_zone(skew_s: float) -> float:
    """Take what is near whole quarters of an hour for a wrong zone: then it is exactly that."""
    whole = round(skew_s / QUARTER_HOUR_S) * QUARTER_HOUR_S
    return whole if whole and abs(skew_s - whole) <= NEAR_ZONE_S else skew_s


def _vote(others: _Lines, lines: _Lines, *, box_s: float) -> ServerOffset | None:
    """Let pairs of rare lines vote how far *lines* run ahead of *others*; None if they do not agree."""
    if others.places.is_empty() or lines.places.is_empty():
        return None
    pairs = _rare_pairs(others, lines)
    boxes = (pl.col("ahead_s") / box_s).floor().cast(pl.Int64)
    # Boxes overlap by half, so that no pile is cut in two.
    in_boxes = pairs.with_columns(pl.concat_list(boxes, boxes + 1).alias("box")).explode("box")
    piles = in_boxes.group_by("box").agg(pl.col("line").n_unique().alias("n"), pl.col("ahead_s").median())
    piles = piles.sort(["n", "box"], descending=[True, False])
    if not piles.height or piles["n"][0] < FEWEST_VOTES + 2:
        return None
    skew_s, n = float(piles["ahead_s"][0]), int(piles["n"][0])
    none_s = pairs.filter(pl.col("ahead_s").abs() <= box_s)["line"].n_unique()
    if abs(skew_s) > LARGE_S and n < BEATS * none_s:
        return None
    agreeing = pairs.filter((pl.col("ahead_s") - skew_s).abs() <= box_s)["ahead_s"]
    spread_s = float((agreeing.quantile(0.95) or 0.0) - (agreeing.quantile(0.05) or 0.0))
    return ServerOffset(Tier.NGINX, round(skew_s, 3), round(spread_s, 3), n, "")


def _rare_pairs(others: _Lines, lines: _Lines) -> pl.DataFrame:
    """Pair lines that say the same and that few others look like: `line`, `ahead_s`."""
    both = others.tell("trace_id") and lines.tell("trace_id")
    words = ["trace_id"] if both else [name for name in WORDS if _is_shared(others, lines, name)]
    has_durations = others.tell("lifetime_s") and lines.tell("lifetime_s")
    on = words + (["step"] if has_durations and not both else [])
    if not on:
        return pl.DataFrame(schema={"line": pl.Int64, "ahead_s": pl.Float64})
    left, right = (_compared(of.first(*dict.fromkeys((*words, "is_opened", *TIMED))), words) for of in (others, lines))
    left, right = (of.filter(pl.len().over(on) <= RARE) for of in (left, right))
    pairs = left.join(right, on=on, how="inner", nulls_equal=not both, suffix="_line")
    ahead = pl.coalesce(pl.col("began_line") - pl.col("began"), pl.col("closed_at_line") - pl.col("closed_at"))
    return pairs.select("line", (ahead.dt.total_milliseconds() / 1000).alias("ahead_s")).filter(
        pl.col("ahead_s").abs() <= FARTHEST_S
    )


def _is_shared(others: _Lines, lines: _Lines, name: str) -> bool:
    """Whether both logs tell this, in the same words now and then."""
    theirs = lines.told(name).drop_nulls().unique()
    return not others.told(name).drop_nulls().join(theirs, on=name, how="semi").is_empty()


def _compared(lines: pl.DataFrame, words: list[str]) -> pl.DataFrame:
    """Reduce lines to their words, when they began, and how long they lasted in steps; without the handshake."""
    opened, is_client = pl.col("is_opened").fill_null(value=False), pl.col("tier") == Tier.CLIENT
    handshake_s = pl.when(is_client).then(0.0).otherwise(pl.col("handshake_s").fill_null(0.0))
    began = pl.col("opened_at") + pl.duration(milliseconds=(handshake_s * 1000).round().cast(pl.Int64))
    step = ((pl.col("lifetime_s") - handshake_s) / DURATION_STEP_S).round().cast(pl.Int64)
    return lines.select(
        *words, "closed_at", pl.when(opened).then(began).alias("began"), pl.when(opened).then(step).alias("step"),
        pl.int_range(pl.len()).alias("line"),
    )  # fmt: skip
