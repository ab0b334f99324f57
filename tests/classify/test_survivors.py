"""What outlived a burst."""

from __future__ import annotations

import pytest

from wslog.classify.survivors import Survivors


@pytest.mark.parametrize(
    ("n_elsewhere", "n_lost", "killed_share", "are_untouched"),
    [
        (0, 0, 0.6, False),  # nobody there
        (5, 0, 0.6, False),  # 0.4 ** 5 = 0.010
        (6, 0, 0.6, True),
        (50, 21, 0.6, True),
        (50, 22, 0.6, False),  # of Bin(50, 0.6), P(<= 21) = 0.0076 and P(<= 22) = 0.016
        (6, 0, 1.0, True),
        (70_000, 300, 0.6, True),  # numbers that no product of binomial coefficients can be made of
        (70_000, 42_000, 0.6, False),
    ],
)
def test_others_are_untouched_beyond_chance(
    n_elsewhere: int, n_lost: int, killed_share: float, *, are_untouched: bool
) -> None:
    """As many as that would hardly be left alone by what took this part of the burst's own scope."""
    assert Survivors(n_elsewhere, n_lost, False, False).are_untouched(killed_share) is are_untouched
