"""What a clock's own records, taken together, say of it."""

from itertools import pairwise

import numpy as np
import pytest

from wslog.correlate.densities import OffsetPrior
from wslog.correlate.voting import log_density_by_votes, vote_worth, voters


def _votes(pairs, *, clock, worth=None):
    """Weigh pairs (record, offset) of fine stamps, each worth e^3 without its offset."""
    record, ahead = (np.array(part) for part in zip(*pairs, strict=True))
    n = len(record)
    return log_density_by_votes(
        record=record, clock=np.array(clock), address=np.full(n, -1), usual=np.ones(n), ahead=ahead.astype(float),
        half=np.zeros(n), log_rest=np.full(n, 3.0), prior=OffsetPrior(),
        worth=np.ones(len(clock)) if worth is None else np.array(worth),
    )  # fmt: skip


def test_the_offset_that_all_records_share_wins():
    """Each record fits two rows; only one of them at an offset that the others fit too."""
    pairs = [(0, 5.0), (0, 6.0), (1, 5.0), (1, 8.1), (2, 5.0), (2, 11.3)]
    log_f = _votes(pairs, clock=[0, 0, 0])
    assert all(log_f[i] > log_f[i + 1] + 2 for i in (0, 2, 4))


def test_a_single_record_cannot_vouch_for_itself():
    """Its own vote is left out: alone, it is judged as if nobody had voted."""
    alone = _votes([(0, 5.0)], clock=[0])
    unheard = np.log(OffsetPrior().density(np.array([5.0])))
    assert alone == pytest.approx(unheard, abs=0.3)


def test_records_of_nobodys_clock_have_no_votes():
    """Without a session or address there are no others to ask."""
    pairs = [(0, 5.0), (1, 5.0)]
    assert _votes(pairs, clock=[-1, -1]) == pytest.approx(np.log(OffsetPrior().density(np.array([5.0, 5.0]))))


def test_shared_addresses_speak_with_the_offset():
    """Of two rows at the same offset, the one from the address that the other records came from is likelier."""
    log_f = log_density_by_votes(
        record=np.array([0, 0, 1, 2]), clock=np.zeros(3, dtype=np.int64), address=np.array([7, 8, 7, 7]),
        usual=np.full(4, 0.01), ahead=np.full(4, 2.0), half=np.zeros(4), log_rest=np.full(4, 1.0), prior=OffsetPrior(),
        worth=np.ones(3),
    )  # fmt: skip
    assert log_f[0] > log_f[1] + 3


def test_a_loop_of_reconnects_has_one_vote():
    """Ten records of one length, one after another, say as little as one; others keep theirs."""
    opened = np.concatenate([np.arange(10) * 61.0, [5000.0, 9000.0]])
    lifetime = np.concatenate([np.full(10, 60.0), [47.0, 333.0]])
    worth = vote_worth(np.zeros(12, dtype=np.int64), opened, lifetime)
    assert worth[:10] == pytest.approx(0.1)
    assert worth[10:].tolist() == [1.0, 1.0]


def test_what_cannot_repeat_keeps_its_vote():
    """Failed handshakes and records of nobody's clock are not compared."""
    worth = vote_worth(np.array([0, 0, -1]), np.array([0.0, 5.0, 5.0]), np.array([np.nan, np.nan, 60.0]))
    assert worth.tolist() == [1.0, 1.0, 1.0]


def test_clocks_can_be_asked_about_one_after_the_other():
    """What the records of one clock hear does not depend, in any bit, on who else is asked about with them."""
    rng = np.random.default_rng(4)
    clock = np.array([-1, 3, 3, 3, 3, 5, 5, 9, -1, 5, 9])
    record = rng.integers(0, len(clock), 400)
    pairs = {
        "record": record, "address": rng.integers(0, 4, 400), "usual": rng.uniform(0.1, 0.9, 400),
        "ahead": rng.normal(0, 3, 400), "half": np.where(record % 3 == 0, 0.55, 0.0), "log_rest": rng.normal(0, 4, 400),
    }  # fmt: skip
    of_all = {"clock": clock, "prior": OffsetPrior(), "worth": np.where(np.arange(len(clock)) == 2, 0.2, 1.0)}
    together = log_density_by_votes(**pairs, **of_all)
    for part in (np.flatnonzero(clock[record] == one) for one in (-1, 3, 5, 9)):
        alone = log_density_by_votes(**{name: of[part] for name, of in pairs.items()}, **of_all, others_vote=True)
        assert alone.tolist() == together[part].tolist()


def test_a_clock_of_thousands_votes_a_thousand_at_a_time_in_order_of_time():
    """What one session is asked to remember does not grow with its reconnects; other clocks vote as before."""
    rng = np.random.default_rng(4)
    clock = np.repeat([0, 1, -1], [2_500, 40, 10])
    at = rng.permutation(len(clock)).astype(float)
    number = voters(clock, at)
    assert (number[clock == -1] == -1).all()
    assert len(np.unique(number[clock == 1])) == 1
    long = [np.sort(at[number == one]) for one in np.unique(number[clock == 0])]
    assert sorted(map(len, long)) == [500, 1_000, 1_000]
    by_time = sorted(long, key=lambda times: times[0])
    assert all(one[-1] < other[0] for one, other in pairwise(by_time))
    few = np.repeat([0, 1], 900)
    assert (voters(few, np.arange(1_800.0)) == few).all()
