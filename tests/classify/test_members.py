"""Who is in a spike, and how surely."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.classify.test_clusters import background, drops
from wslog.classify.clusters import find_clusters
from wslog.classify.members import add_membership, find_members


def test_membership_is_evidence_per_drop() -> None:
    """Decibans are high at the peak, lower in the thin tail, null outside; and only drops have any."""
    rng = np.random.default_rng(9)
    idle, life = background(rng, 3000)
    at = 47 + rng.exponential(0.1, 200)
    frame = drops(np.append(idle, at), np.append(life, at + rng.uniform(10, 900, 200)))
    frame = frame.with_columns((pl.int_range(pl.len()) != 3000).alias("is_client_drop"))
    found = find_clusters(frame, [], [])
    rows = add_membership(frame, find_members(frame, found))
    inside = rows.filter(pl.col("idle_db").is_not_null())
    peak, tail = (
        inside.select(pl.col("idle_db").filter(pl.col("idle_s").is_between(*span)).mean()).item()
        for span in ((47, 47.1), (47.35, 48))
    )
    assert peak > tail > 0
    assert rows["idle_db"][3000] is None
    assert rows.filter(pl.col("idle_s") > 60)["idle_cluster"].is_null().all()


@pytest.mark.parametrize("is_silent", [False, True])
def test_any_rows_are_judged_by_what_all_rows_say(is_silent: bool) -> None:
    """Membership of some rows is that of all: how many others of the path are in a spike is learnt from every row."""
    rng = np.random.default_rng(12)
    idle, life = background(rng)
    at = 60 + rng.exponential(0.05, 90)
    paths = rng.choice(["/a", "/b", "/c"], 690).tolist()
    paths[::50] = [None] * len(paths[::50])
    frame = drops(np.append(idle, at), np.append(life, at + (0 if is_silent else 100)), path=paths)
    members = find_members(frame, find_clusters(frame, [], []))
    whole = add_membership(frame, members)
    assert whole["idle_db"].drop_nulls().n_unique() > 3
    parts = pl.concat(add_membership(part, members) for part in frame.iter_slices(47))
    assert_frame_equal(parts, whole, check_exact=True)
