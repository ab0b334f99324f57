"""Which server row belongs to which client record, when no id says so.

Fellegi-Sunter scoring by likelihood ratios against the density of wrong candidates, clocks learnt per client from its
own sure matches (leaving the judged one out), one-to-one by belief propagation. Durations do not depend on clocks;
open times come next; close times last, because each side notices the end at its own moment.

Units: seconds. Clock offset: client minus server; positive runs ahead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from wslog.correlate.assignment import pair_probabilities
from wslog.correlate.clock_offsets import client_offsets

Floats = NDArray[np.float64]

MISSING: Final = 0.1  # prior chance that a client record has no server row
PASSES: Final = 4
SURE: Final = 0.95
WIDEST_S: Final = 400.0  # clock errors beyond this are only found by a shared id in the URL
DURATION_STEP_S: Final = 0.4
SMALL_BLOCK: Final = 60  # server rows of one URL that are all compared
DURATION_BIN_S: Final = 0.12
COMPARABLE: Final = 0.2  # part of the clients' values that must occur at the servers before differences mean anything


def match_clients(clients: pl.DataFrame, servers: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Match client records with server rows.

    Args:
        clients: From `clients.join_client_records`.
        servers: From `servers.join_servers`.

    Returns:
        Candidate pairs `client`, `server`, `p`; and `client`, `offset_s`, `offset_sd_s` of records whose clock is known.
    """
    left, right = _client_side(clients, servers), _server_side(servers)
    offsets = pl.DataFrame(schema={"client": pl.Int64, "offset_s": pl.Float64, "offset_sd_s": pl.Float64})
    pairs = pl.DataFrame(schema={"client": pl.Int64, "server": pl.Int64, "p": pl.Float64, "ahead_s": pl.Float64})
    if not left.height or not right.height:
        return pairs.drop("ahead_s"), offsets
    prior = OffsetPrior()
    for _ in range(PASSES):
        candidates = _candidates(left.join(offsets, on="client", how="left", maintain_order="left"), right)
        if not candidates.height:
            break
        candidates = candidates.join(_known_address(left, right, pairs), on="client", how="left", maintain_order="left")
        weight = np.exp(_log_weight(candidates, right, prior))
        p = pair_probabilities(candidates["client"].to_numpy(), candidates["server"].to_numpy(), weight)
        pairs = candidates.select("client", "server", "ahead_s").with_columns(pl.Series("p", p))
        sure = pairs.filter(pl.col("p") >= SURE).join(left.select("client", "clock", "end_at"), on="client")
        prior = prior.refit(sure["ahead_s"].to_numpy())
        offsets = client_offsets(left.select("client", "clock", "end_at"), sure)
    return pairs.drop("ahead_s"), offsets


class OffsetPrior:
    """Density of a clock offset before anything is known about that client: a core, wide tails, anything at all."""

    def __init__(self, centre: float = 0.0, core: float = 1.0) -> None:
        self.centre, self.core = centre, core

    def refit(self, offsets: Floats) -> OffsetPrior:
        """Learn centre and core width from sure matches; the wide parts stay, they are under-represented there."""
        if len(offsets) < 20:
            return self
        centre = float(np.median(offsets))
        core = 1.48 * float(np.median(np.abs(offsets - centre)))
        return OffsetPrior(centre, min(max(core, 0.05), 20.0))

    def density(self, ahead_s: Floats) -> Floats:
        """Per second, at each difference of times."""
        off = ahead_s - self.centre
        flat = (np.abs(off) <= WIDEST_S) / (2 * WIDEST_S)
        return np.asarray(0.65 * student3(off, self.core) + 0.25 * student3(off, 10 * self.core + 1) + 0.10 * flat)


def student3(x: Floats, scale: Floats | float) -> Floats:
    """Student's t with 3 degrees of freedom: a bell with honest tails."""
    return np.asarray(2.0 / (np.pi * np.sqrt(3.0) * scale) / (1.0 + (x / scale) ** 2 / 3.0) ** 2)


def laplace(x: Floats, scale: float) -> Floats:
    """Double exponential density."""
    return np.asarray(np.exp(-np.abs(x) / scale) / (2.0 * scale))


def _client_side(clients: pl.DataFrame, servers: pl.DataFrame) -> pl.DataFrame:
    """Reduce client rows to what is compared. `anchor_at`: the open, or the failure of what never opened."""
    asked = pl.col("is_opened").fill_null(pl.col("opened_at").is_not_null())
    # A query is a key only where both sides log queries and they come through unchanged.
    has_query = _share_known(clients, servers, "query") >= COMPARABLE
    has_agent = _share_known(clients, servers, "user_agent") >= COMPARABLE
    return clients.select(
        "client", "path", "host", "clock", "client_ip", "lifetime_s",
        asked.alias("opened"),
        pl.when(pl.lit(has_query)).then(pl.col("query").fill_null("")).alias("query"),
        pl.when(pl.lit(has_agent)).then(pl.col("user_agent")).alias("user_agent"),
        pl.when(asked).then(pl.col("opened_at")).otherwise(pl.col("closed_at")).alias("anchor_at"),
        pl.col("closed_at").alias("end_at"),
    )  # fmt: skip


def _share_known(clients: pl.DataFrame, servers: pl.DataFrame, column: str) -> float:
    """How many of the clients' values the servers logged as they are."""
    theirs = servers[column].drop_nulls().unique().to_list()
    values = clients.filter(pl.col(column).is_not_null()).select(pl.col(column).is_in(theirs).mean().fill_null(0.0))
    return float(values.item())


def _server_side(servers: pl.DataFrame) -> pl.DataFrame:
    """Reduce server rows to what is compared; the row's own best clock and duration."""
    opened = pl.col("is_opened").fill_null(value=False)
    fields = {
        name: pl.coalesce(f"nginx_{name}", f"alb_{name}")
        for name in ("opened_at", "lifetime_s", "handshake_s", "closed_at")
    }
    handshake = pl.duration(milliseconds=(fields["handshake_s"].fill_null(0.0) * 1000).round().cast(pl.Int64))
    end = fields["closed_at"] + pl.duration(milliseconds=_end_resolution() / 2 * 1000)
    return servers.select(
        "server", "path", "host", "client_ip", "user_agent", opened.alias("opened"),
        pl.col("query").fill_null(""),
        pl.when(opened).then(fields["opened_at"] + handshake).otherwise(end).alias("anchor_at"),
        (fields["lifetime_s"] - fields["handshake_s"].fill_null(0.0)).alias("lifetime_s"),
        end.alias("end_at"),
        _end_resolution().alias("resolution_s"),
    )  # fmt: skip


def _end_resolution() -> pl.Expr:
    """How fine the row's close time is, in seconds."""
    return (
        pl.when(pl.col("nginx_closed_at").is_not_null())
        .then(pl.col("nginx_at_resolution_s"))
        .otherwise(0.001)
        .fill_null(1.0)
    )


def _candidates(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Pair up what could be partners: same URL and outcome, and near in duration or in time (or few in all)."""
    on = ["path", "opened"] + (["query"] if left["query"].is_not_null().any() else [])
    right = right if "query" in on else right.drop("query")
    left = left if "query" in on else left.drop("query")
    few = right.group_by(on).len("n_block").filter(pl.col("n_block") <= SMALL_BLOCK).drop("n_block")
    by_block = left.join(few, on=on).join(right, on=on, suffix="_server")
    moved = pl.col("anchor_at") - pl.duration(
        milliseconds=(pl.col("offset_s").fill_null(0.0) * 1000).round().cast(pl.Int64)
    )
    seconds = pl.col("anchor_at").dt.timestamp("ms") / 1000
    near_time = _near(
        left.with_columns(moved.dt.timestamp("ms").alias("near") / 1000),
        right.with_columns(seconds.alias("near")), on=on, step=3.0,
    )  # fmt: skip
    near_end = _near(
        left.with_columns((moved - pl.col("anchor_at") + pl.col("end_at")).dt.timestamp("ms").alias("near") / 1000),
        right.with_columns((pl.col("end_at").dt.timestamp("ms") / 1000).alias("near")), on=on, step=3.0,
    )  # fmt: skip
    near_duration = _near(
        left.with_columns(pl.col("lifetime_s").alias("near")),
        right.with_columns(pl.col("lifetime_s").alias("near")), on=on, step=DURATION_STEP_S,
    )  # fmt: skip
    pairs = pl.concat([by_block, near_time, near_end, near_duration]).unique(["client", "server"], maintain_order=True)
    ahead = pl.coalesce(
        (pl.col("anchor_at") - pl.col("anchor_at_server")).dt.total_milliseconds() / 1000,
        (pl.col("end_at") - pl.col("end_at_server")).dt.total_milliseconds() / 1000,
    )
    same_host = (pl.col("host") == pl.col("host_server")).fill_null(value=True)
    return (
        pairs.with_columns(
            ahead.alias("ahead_s"),
            (pl.col("lifetime_s") - pl.col("lifetime_s_server")).alias("longer_s"),
            (pl.col("anchor_at_server").is_null() & pl.col("opened")).alias("by_end"),
        )
        .filter(same_host & (pl.col("ahead_s").abs() <= WIDEST_S))
        .sort("client", "server")
    )


def _near(left: pl.DataFrame, right: pl.DataFrame, *, on: list[str], step: float) -> pl.DataFrame:
    """Join rows whose `near` values differ by at most one *step* or so, without comparing all with all."""
    left = left.filter(pl.col("near").is_not_null())
    right = right.filter(pl.col("near").is_not_null())
    bucket = (pl.col("near") / step).floor().cast(pl.Int64)
    around = (
        left.with_columns(pl.concat_list(bucket - 1, bucket, bucket + 1).alias("bucket")).explode("bucket").drop("near")
    )
    return around.join(
        right.with_columns(bucket.alias("bucket")).drop("near"), on=[*on, "bucket"], suffix="_server"
    ).drop("bucket")


def _known_address(left: pl.DataFrame, right: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """The address that other sure matches of the same clock came from (`known_ip`; never the record's own match)."""
    sure = (
        pairs.filter(pl.col("p") >= SURE)
        .join(left.select("client", "clock"), on="client")
        .join(right.select("server", pl.col("client_ip").alias("known_ip")), on="server")
        .drop_nulls(["clock", "known_ip"])
    )
    per_clock = sure.group_by("clock", "known_ip").len("n")
    own = sure.select("client", "clock", "known_ip").with_columns(pl.lit(1).alias("own"))
    counted = (
        left.select("client", "clock")
        .join(per_clock, on="clock")
        .join(own, on=["client", "clock", "known_ip"], how="left")
        .with_columns((pl.col("n") - pl.col("own").fill_null(0)).alias("n"))
        .filter(pl.col("n") > 0)
    )
    best = counted.sort(["client", "n", "known_ip"], descending=[False, True, False]).unique(
        "client", keep="first", maintain_order=True
    )
    return best.select("client", "known_ip")


def _log_weight(pairs: pl.DataFrame, right: pl.DataFrame, prior: OffsetPrior) -> Floats:
    """Log likelihood ratio of "partners" against "the record has none", per pair."""
    ahead = pairs["ahead_s"].to_numpy()
    slack = np.where(pairs["by_end"], pairs["resolution_s"].to_numpy() / 2 + 0.15, 0.0)
    unknown = prior.density(ahead)
    offset = pairs["offset_s"].to_numpy()
    spread = np.hypot(np.nan_to_num(pairs["offset_sd_s"].to_numpy(), nan=1.0), slack)
    known = 0.97 * student3(ahead - np.nan_to_num(offset), spread) + 0.03 * unknown
    log_f = np.log(np.where(np.isnan(offset), unknown, known) + 1e-300)
    longer = pairs["longer_s"].to_numpy()
    g = 0.70 * laplace(longer, 0.06) + 0.15 * laplace(longer, 5.0) + 0.15 * laplace(longer, 300.0)
    h = _duration_density(right)(pairs["lifetime_s_server"].to_numpy())
    has_duration = ~np.isnan(longer) & pairs["opened"].to_numpy()
    log_g = np.where(has_duration, np.log(np.where(has_duration, g, 1.0)) - np.log(np.where(has_duration, h, 1.0)), 0.0)
    return np.asarray(
        np.log((1 - MISSING) / MISSING) + log_f + log_g - np.log(_block_rate(pairs, right))
        + _log_agreement(pairs, right, "user_agent", "user_agent", agree=0.98)
        + _log_agreement(pairs, right, "client_ip", "client_ip", agree=0.95)
        + _log_agreement(pairs, right, "known_ip", "client_ip", agree=0.95)
    )  # fmt: skip


def _block_rate(pairs: pl.DataFrame, right: pl.DataFrame) -> Floats:
    """Server rows per second of the pair's URL and outcome around the server row, at least one in five minutes."""
    on = ["path", "opened"] + (["query"] if "query" in pairs.columns else [])
    window = (pl.col("end_at").dt.timestamp("ms") // 150_000).alias("window")
    counts = right.with_columns(window).group_by([*on, "window"]).len("n_window")
    counted = pairs.with_columns((pl.col("end_at_server").dt.timestamp("ms") // 150_000).alias("window")).join(
        counts, on=[*on, "window"], how="left", maintain_order="left"
    )
    return np.maximum(counted["n_window"].fill_null(1).to_numpy() / 150.0, 1 / 300.0)


def _duration_density(right: pl.DataFrame) -> Callable[[Floats], Floats]:
    """Density of server durations per second: the term-frequency table that makes a match on a spike weak evidence."""
    values = right.filter("opened")["lifetime_s"].drop_nulls().to_numpy()
    if not len(values):
        return lambda at: np.full(len(at), 1.0)
    bins = np.maximum(np.floor(values / DURATION_BIN_S).astype(np.int64), 0)
    counts = np.convolve(np.bincount(bins, minlength=2), [0.25, 0.5, 0.25], mode="same")
    floor = 0.5 / (len(values) + 1) / max(float(values.max()), 1.0)

    def density(at: Floats) -> Floats:
        where = np.clip(np.floor(np.nan_to_num(at) / DURATION_BIN_S).astype(np.int64), 0, len(counts) - 1)
        return np.asarray(counts[where] / len(values) / DURATION_BIN_S + floor)

    return density


def _log_agreement(pairs: pl.DataFrame, right: pl.DataFrame, ours: str, theirs: str, *, agree: float) -> Floats:
    """Log ratio for a value that partners share with probability *agree* and strangers as often as it occurs."""
    frequency = right[theirs].value_counts(normalize=True, name="frequency").rename({theirs: "value"})
    theirs_name = f"{theirs}_server" if f"{theirs}_server" in pairs.columns else theirs
    both = pairs.select(pl.col(ours).alias("ours"), pl.col(theirs_name).alias("value"))
    u = both.join(frequency, left_on="ours", right_on="value", how="left", maintain_order="left")[
        "frequency"
    ].fill_null(1e-4)
    strangers = u.clip(1e-4, 0.95).to_numpy()
    same = (both["ours"] == both["value"]).fill_null(value=False).to_numpy()
    known = (both["ours"].is_not_null() & both["value"].is_not_null()).to_numpy()
    log_ratio = np.where(same, np.log(agree / strangers), np.log((1 - agree) / (1 - strangers)))
    return np.asarray(np.where(known, log_ratio, 0.0))
