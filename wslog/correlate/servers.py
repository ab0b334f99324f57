"""What the servers saw of each connection: nginx access, nginx error and ALB lines as one row."""

from __future__ import annotations

from typing import Final, NamedTuple

import polars as pl

from wslog.correlate.assignment import choose_partners, pair_probabilities
from wslog.schema import EventKind, Tier

# An error line is written when the session ends, the access line up to this much later (lingering close; FORMATS 1.7).
LINGER_S: Final = 35.0
QUARTER_HOUR_S: Final = 900.0
FEWEST_VOTES: Final = 3
# The path of an X-Forwarded-For header ends with the address the load balancer added.
LAST_FORWARDED: Final = pl.col("forwarded_for").str.extract(r"([^,\s]+)\s*$")

NGINX_FIELDS: Final = (
    "opened_at", "closed_at", "lifetime_s", "handshake_s", "status", "upstream_status", "is_complete", "body_bytes",
    "bytes_out", "upstream", "pid", "connection_no", "at_resolution_s", "log_host",
)  # fmt: skip
ALB_FIELDS: Final = ("opened_at", "closed_at", "lifetime_s", "handshake_s", "status", "upstream_status", "upstream", "bytes_in", "bytes_out")  # fmt: skip
ERROR_FIELDS: Final = ("level", "errno", "action", "message", "ref")


class ServerOffset(NamedTuple):
    """How far a server log's clock runs ahead of the reference clock, and from how many pairs that is known."""

    tier: Tier
    skew_s: float
    spread_s: float
    n: int
    note: str


def is_nginx_request() -> pl.Expr:
    """Select nginx access lines."""
    return (pl.col("tier") == Tier.NGINX) & (pl.col("event") == EventKind.REQUEST)


def is_nginx_error() -> pl.Expr:
    """Select nginx error lines about one connection."""
    return (pl.col("tier") == Tier.NGINX) & (pl.col("event") == EventKind.ERROR)


def is_alb_request() -> pl.Expr:
    """Select ALB access lines."""
    return (pl.col("tier") == Tier.ALB) & (pl.col("event") == EventKind.REQUEST)


def settle_error_zone(events: pl.DataFrame) -> tuple[pl.DataFrame, ServerOffset | None]:
    """Move zone-less error-log times into UTC by what the access log says of the same connections.

    Pairs share connection number, path and client; the most common difference in whole quarter hours wins if most
    pairs agree on it. Lines whose zone is known stay as they are.

    Returns:
        The events, moved; and the offset found (None: nothing to compare with).
    """
    zoneless = is_nginx_error() & ~pl.col("has_zone").fill_null(value=True)
    keys = ["connection_no", "path", "client_ip"] if events.filter(is_nginx_request())["connection_no"].is_not_null().any() else ["path", "query", "client_ip"]  # fmt: skip
    errors = events.filter(zoneless).select(*keys, "closed_at").drop_nulls([k for k in keys if k != "query"])
    access = events.filter(is_nginx_request()).select(*keys, pl.col("closed_at").alias("access_at"))
    quarter = (pl.col("closed_at") - pl.col("access_at")).dt.total_milliseconds() / 1000 / QUARTER_HOUR_S
    near = (quarter - quarter.round()).abs() * QUARTER_HOUR_S <= 2.0
    votes = (
        errors.join(access, on=keys, how="inner", nulls_equal=True)
        .filter(near & (quarter.abs() <= 60))
        .group_by(quarter.round().alias("quarters"))
        .len()
        .sort(["len", "quarters"], descending=[True, False])
    )
    if not votes.height or votes["len"][0] < FEWEST_VOTES:
        return events, None
    skew_s = float(votes["quarters"][0]) * QUARTER_HOUR_S
    note = "" if skew_s == 0 else f"the error log names no zone; its lines fit the access log at UTC{skew_s / 3600:+g} h"
    if skew_s:
        is_moved = (pl.col("format") == "nginx-error") & ~pl.col("has_zone").fill_null(value=True)
        shift = pl.duration(milliseconds=int(skew_s * 1000))
        events = events.with_columns(
            pl.when(is_moved).then(pl.col(name) - shift).otherwise(pl.col(name)).alias(name) for name in ("at", "closed_at")
        )
    return events, ServerOffset(Tier.NGINX, skew_s, 0.0, int(votes["len"][0]), note)


def attach_errors(access: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Give each access line (column `row`) the error line about it.

    By connection number and path where the access log prints `$connection`, else by second, path, query and client.
    The line nearest in time wins; a group that holds more access lines than error lines gets none: it could be any.

    Returns:
        One row per attached pair: `row` and `error_*` columns.
    """
    fields = [pl.col(name).alias(f"error_{name}") for name in ERROR_FIELDS]
    late = ((pl.col("closed_at") - pl.col("error_at")).dt.total_milliseconds() / 1000).alias("late")
    wanted = errors.filter((pl.col("level") != "info") | pl.col("is_websocket"))
    exact_on, loose_on = ["connection_no", "path"], ["path", "query", "client_ip"]
    has_number = access["connection_no"].is_not_null().any()
    on = exact_on if has_number else loose_on
    right = wanted.select(*on, pl.col("closed_at").alias("error_at"), *fields)
    pairs = access.select("row", *on, "closed_at").join(right, on=on, how="inner", nulls_equal=not has_number)
    pairs = pairs.with_columns(late).filter(pl.col("late").is_between(-1.5, LINGER_S if has_number else 1.5))
    if not has_number:
        clear = pl.col("row").n_unique().over(*on, "error_at") <= pl.col("error_ref").n_unique().over(*on, "error_at")
        pairs = pairs.filter(clear)
    nearest = pairs.sort(pl.col("late").abs(), "row", "error_ref").unique("row", keep="first", maintain_order=True)
    nearest = nearest.unique("error_ref", keep="first", maintain_order=True)
    return nearest.drop(*on, "closed_at", "late", "error_at").sort("row")


def join_servers(events: pl.DataFrame) -> tuple[pl.DataFrame, list[ServerOffset]]:
    """Build one row per connection the servers logged.

    Args:
        events: `schema.EVENTS`, copies folded.

    Returns:
        `server` (row number), `host`, `path`, `query`, `client_ip`, `client_port`, `user_agent`, `is_opened`, `nginx_*`,
        `error_*`, `alb_*` columns with `nginx_ref`, `alb_ref`; and the offset of the ALB's clock.
    """
    events, zone = settle_error_zone(events)
    access = events.filter(is_nginx_request()).sort("closed_at", "ref").with_row_index("row")
    errors = events.filter(is_nginx_error())
    nginx = access.join(attach_errors(access, errors), on="row", how="left", maintain_order="left")
    alb = events.filter(is_alb_request()).sort("closed_at", "ref").with_row_index("alb_row")
    pairs, offset = pair_alb(alb, nginx)
    nginx_part = nginx.select("row", *_shared(nginx), *_named(NGINX_FIELDS, "nginx"), pl.col("ref").alias("nginx_ref"), "^error_.*$")
    alb_part = alb.select("alb_row", *_shared(alb, "alb_"), *_named(ALB_FIELDS, "alb"), pl.col("ref").alias("alb_ref"))
    joined = nginx_part.join(pairs, on="row", how="full", coalesce=True).join(alb_part, on="alb_row", how="full", coalesce=True)
    served = joined.with_columns(
        # The load balancer is nearer to the client: its address and port are the client's own.
        pl.coalesce("alb_client_ip", LAST_FORWARDED, "client_ip").alias("client_ip"),
        pl.coalesce("alb_client_port", "client_port").alias("client_port"),
        *(pl.coalesce(name, f"alb_{name}").alias(name) for name in ("host", "path", "query", "user_agent", "trace_id")),
        pl.max_horizontal("is_opened", "alb_is_opened").alias("is_opened"),
    )
    if "log_host" in served.columns:
        served = served.drop("log_host")
    drop = [name for name in served.columns if name in {f"alb_{n}" for n in SHARED}]
    served = served.drop(*drop, "row", "alb_row").sort("nginx_closed_at", "alb_closed_at", "nginx_ref", "alb_ref")
    return served.with_row_index("server").cast({"server": pl.Int64}), [o for o in (zone, offset) if o]


SHARED: Final = ("host", "path", "query", "client_ip", "client_port", "forwarded_for", "user_agent", "is_opened", "trace_id")


def _shared(frame: pl.DataFrame, prefix: str = "") -> list[pl.Expr]:
    return [pl.col(name).alias(prefix + name) for name in SHARED if name in frame.columns]


def _named(fields: tuple[str, ...], tier: str) -> list[pl.Expr]:
    return [pl.col(name).alias(f"{tier}_{name}") for name in fields]


def pair_alb(alb: pl.DataFrame, nginx: pl.DataFrame) -> tuple[pl.DataFrame, ServerOffset | None]:
    """Find the nginx line of each ALB line.

    By trace id where both log it. Lines whose nginx log has none are paired by path, close time and what else both
    print (query, user agent, forwarded address), after the ALB's clock offset has been voted for.

    Returns:
        `row`, `alb_row`, `pair_confidence`; and the ALB's offset (positive runs ahead of nginx).
    """
    empty = pl.DataFrame(schema={"row": pl.UInt32, "alb_row": pl.UInt32, "pair_confidence": pl.Float64})
    if not alb.height or not nginx.height:
        return empty, None
    exact = (
        alb.select("alb_row", "trace_id", pl.col("closed_at").alias("alb_at"))
        .drop_nulls("trace_id")
        .join(nginx.select("row", "trace_id", "closed_at"), on="trace_id", how="inner")
        .filter((pl.len().over("alb_row") == 1) & (pl.len().over("row") == 1))
        .with_columns(pl.lit(1.0).alias("pair_confidence"))
    )
    ahead = (pl.col("alb_at") - pl.col("closed_at")).dt.total_milliseconds() / 1000
    if exact.height >= FEWEST_VOTES:
        skew = exact.select(ahead.median().alias("m"), (ahead.quantile(0.95) - ahead.quantile(0.05)).alias("spread"))
        skew_s, spread_s = float(skew["m"][0]), float(skew["spread"][0])
        offset = ServerOffset(Tier.ALB, skew_s, spread_s, exact.height, "")
    else:
        offset = _vote(alb, nginx)
    rest = alb.join(exact, on="alb_row", how="anti")
    untraced = nginx.filter(pl.col("trace_id").is_null()).join(exact, on="row", how="anti")
    loose = _pair_by_time(rest, untraced, offset.skew_s if offset else 0.0) if rest.height and untraced.height else empty
    return pl.concat([exact.select(empty.columns), loose.cast(empty.schema)]), offset  # type: ignore[arg-type]


def _same_request(alb: pl.DataFrame, nginx: pl.DataFrame) -> pl.DataFrame:
    """Pair ALB with nginx lines that ask for the same and answered the same, whatever their times."""
    on = ["path", "status"]
    for name in ("query", "user_agent", "host"):
        if alb[name].is_not_null().any() and nginx[name].is_not_null().any():
            on.append(name)
    alb_side = alb.select("alb_row", *on, pl.col("closed_at").alias("alb_at"), pl.col("client_ip").alias("alb_ip"), pl.col("lifetime_s").alias("alb_s"))  # fmt: skip
    nginx_side = nginx.select("row", *on, "closed_at", "lifetime_s", "at_resolution_s", LAST_FORWARDED.alias("forwarded_ip"))
    pairs = alb_side.join(nginx_side, on=on, how="inner", nulls_equal=True)
    # nginx's stamp is a floor: compare with the middle of what it may mean.
    ahead = (pl.col("alb_at") - pl.col("closed_at")).dt.total_milliseconds() / 1000 - pl.col("at_resolution_s") / 2
    return pairs.with_columns(ahead.alias("ahead_s")).filter(
        (pl.col("forwarded_ip") == pl.col("alb_ip")).fill_null(value=True)
        & ((pl.col("alb_s") - pl.col("lifetime_s")).abs() <= 1.0).fill_null(value=True)
    )


def _vote(alb: pl.DataFrame, nginx: pl.DataFrame) -> ServerOffset | None:
    """Vote for the ALB's offset: the one-second box of close-time differences that most pairs fall into."""
    pairs = _same_request(alb, nginx)
    quarters = (pl.col("ahead_s") / QUARTER_HOUR_S).round() * QUARTER_HOUR_S
    near = pairs.filter((pl.col("ahead_s") - quarters).abs() <= 20.0)
    votes = near.group_by((pl.col("ahead_s") * 2).round().alias("box")).agg(pl.len(), pl.col("ahead_s").median())
    votes = votes.sort(["len", "box"], descending=[True, False])
    if not votes.height or votes["len"][0] < FEWEST_VOTES:
        return None
    rough = float(votes["ahead_s"][0])
    close = near.filter((pl.col("ahead_s") - rough).abs() <= 1.0)["ahead_s"]
    return ServerOffset(Tier.ALB, round(float(close.median() or 0.0), 3), 1.0, int(votes["len"][0]), "voted from close times")  # type: ignore[arg-type]


def _pair_by_time(alb: pl.DataFrame, nginx: pl.DataFrame, skew_s: float) -> pl.DataFrame:
    """Pair the rest one to one by close time, abstaining where it could be either."""
    off = (pl.col("ahead_s") - skew_s).abs()
    half = pl.col("at_resolution_s") / 2
    pairs = _same_request(alb, nginx).filter(off <= half + 0.6)
    # A stamp's own second is flat; beyond it, delays of the second writer fall off with some 50 ms.
    log_fit = -(off - half).clip(lower_bound=0.0) / 0.05
    pairs = pairs.with_columns((log_fit.exp() / (pl.col("at_resolution_s") + 0.1) * 10).alias("weight"))
    p = pair_probabilities(pairs["alb_row"].cast(pl.Int64).to_numpy(), pairs["row"].cast(pl.Int64).to_numpy(), pairs["weight"].to_numpy())
    found = pairs.select(pl.col("alb_row").alias("left"), pl.col("row").alias("right")).with_columns(pl.Series("p", p))
    chosen = choose_partners(found, at_least=0.5)
    return chosen.select(pl.col("right").alias("row"), pl.col("left").alias("alb_row"), pl.col("p").alias("pair_confidence"))
