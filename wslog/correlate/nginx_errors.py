"""nginx error lines find the access line they are about, after their zone-less clock has been settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from wslog.correlate.clock_offsets import FEWEST_VOTES, QUARTER_HOUR_S, ServerOffset
from wslog.correlate.numbering import Ints, Narrow, number_met, number_rows
from wslog.correlate.select import is_nginx_error, is_nginx_request
from wslog.schema import Format, Tier

# An error line is written when the session ends, the access line up to this much later (lingering close).
LINGER_S: Final = 35.0
EXACT: Final = ("connection_no", "path")
LOOSE: Final = ("path", "query", "client_ip")
ROUNDS: Final = 3  # who lost its line to a nearer one looks again
TOLD: Final = ("tier", "event", "has_zone", "closed_at", "connection_no", "query", "path", "client_ip")
ERROR_FIELDS: Final = ("level", "errno", "action", "message", "ref")


def settle_error_zone(events: pl.DataFrame) -> tuple[pl.DataFrame, ServerOffset | None]:
    """Move zone-less error-log times into UTC by what the access log says of the same connections.

    Pairs share connection number, path and client; the most common difference in whole quarter hours wins if most
    pairs agree on it. Lines whose zone is known stay as they are.

    Returns:
        The events, moved; and the offset found (None: nothing to compare with).
    """
    zoneless = is_nginx_error() & ~pl.col("has_zone").fill_null(value=True)
    events, whole = events.select(TOLD), events
    errors = events.filter(zoneless)
    if errors.is_empty():
        return whole, None
    access = events.filter(is_nginx_request())
    keys = ["connection_no" if access["connection_no"].is_not_null().any() else "query", "path", "client_ip"]
    errors = errors.select(*keys, "closed_at").drop_nulls([k for k in keys if k != "query"])
    access = access.select(*keys, pl.col("closed_at").alias("access_at"))
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
        return whole, None
    skew_s = float(votes["quarters"][0]) * QUARTER_HOUR_S
    note = (
        "" if skew_s == 0 else f"the error log names no zone; its lines fit the access log at UTC{skew_s / 3600:+g} h"
    )
    if skew_s:
        is_moved = (pl.col("format") == Format.NGINX_ERROR) & ~pl.col("has_zone").fill_null(value=True)
        shift = pl.duration(milliseconds=int(skew_s * 1000))
        whole = whole.with_columns(
            pl.when(is_moved).then(pl.col(name) - shift).otherwise(pl.col(name)).alias(name)
            for name in ("at", "closed_at")
        )
    return whole, ServerOffset(Tier.NGINX, skew_s, 0.0, int(votes["len"][0]), note)


def attach_errors(access: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """Give each access line (column `row`) the error line (column `error`) about it.

    By connection number and path where the access log prints `$connection`, else by second, path, query and client.
    The line nearest in time wins; a group that holds more access lines than error lines gets none: it could be any.

    Returns:
        `row`, `error`: one row per attached pair, and one without an error for each access line that one of those left
        may be about.
    """
    late = ((pl.col("closed_at") - pl.col("error_at")).dt.total_milliseconds() / 1000).alias("late")
    wanted = errors.filter((pl.col("level") != "info") | pl.col("is_websocket"))
    has_number = access["connection_no"].is_not_null().any()
    # Pairs are many, so they hold numbers: of what they agree in, and of the error in the order of its place.
    left_about, right_about = _about(access, wanted, EXACT if has_number else LOOSE, has_all=has_number)
    left = access.select("row", "closed_at").with_columns(left_about)
    right = wanted.select("error", error_at="closed_at", error_nth=pl.col("ref").rank("dense")).with_columns(
        right_about
    )
    pairs = left.drop_nulls("about").join(right, on="about", how="inner")
    pairs = pairs.with_columns(late).filter(pl.col("late").is_between(-1.5, LINGER_S if has_number else 1.5))
    near = pairs.select("row", "error_nth")
    if not has_number:
        at_once = ("about", "error_at")
        pairs = pairs.filter(pl.col("row").n_unique().over(at_once) <= pl.col("error_nth").n_unique().over(at_once))
    # Of errors that are equally near, each line takes the one of its own rank.
    second, moment = (pairs[at].dt.timestamp("ms").to_numpy() for at in ("closed_at", "error_at"))
    row, error, about = (pairs[name].to_numpy() for name in ("row", "error_nth", "about"))
    apart = np.abs(_rank(row, about, second // 1000) - _rank(error, about, moment))
    pairs = pairs.sort(pl.col("late").abs(), pl.lit(pl.Series(apart)), "row", "error_nth")
    pairs = pairs.select("row", "error", "error_nth")
    found = [pairs.clear()]
    for _ in range(ROUNDS):
        nearest = pairs.unique("row", keep="first", maintain_order=True)
        nearest = nearest.unique("error_nth", keep="first", maintain_order=True)
        found.append(nearest)
        pairs = pairs.join(nearest, on="row", how="anti", maintain_order="left")
        pairs = pairs.join(nearest, on="error_nth", how="anti", maintain_order="left")
    attached = pl.concat(found)
    rest = near.join(attached, on="error_nth", how="anti").join(attached, on="row", how="anti")
    open_ones = rest.select(pl.col("row").unique(), pl.lit(None, attached.schema["error"]).alias("error"))
    return pl.concat([attached.select("row", "error"), open_ones]).sort("row")


def _rank(of: Ints | Narrow, *group: Ints | Narrow) -> Ints:
    """Tell how many smaller ones its group has; equal ones count once."""
    number, whose = number_rows(*group, of)[0], number_rows(*group)[0]
    first = np.full(int(whose.max(initial=-1)) + 1, len(number))
    np.minimum.at(first, whose, number)
    return np.asarray(number - first[whose])


def _about(
    access: pl.DataFrame, errors: pl.DataFrame, names: Sequence[str], *, has_all: bool
) -> tuple[pl.Series, pl.Series]:
    """Number what the lines of both logs are about (`about`): equal where all of *names* are.

    Args:
        access: Lines of the access log.
        errors: Of the error log.
        names: Columns of both.
        has_all: Lines that lack one of them are about nothing (null); else nothing equals nothing.
    """
    words = pl.concat([access.select(names), errors.select(names)])
    codes = [number_met(words[name]) for name in names]
    about = pl.Series("about", number_rows(*codes)[0])
    if has_all:
        about = about.set(pl.Series(np.any([code < 0 for code in codes], axis=0)), None)
    return about.head(access.height), about.slice(access.height)
