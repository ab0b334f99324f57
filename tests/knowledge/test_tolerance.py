from __future__ import annotations

import pytest

from wslog.knowledge import tolerance_s


@pytest.mark.parametrize(
    ("value_s", "reach_s"), [(0.0, 0.35), (10.0, 0.35), (35.0, 0.35), (60.0, 0.6), (-60.0, 0.6), (3_600.0, 36.0)]
)
def test_one_per_cent_but_nginx_is_up_to_300_ms_early(value_s: float, reach_s: float) -> None:
    """Short timers get room for nginx's lazy timer, long ones a share of themselves."""
    assert tolerance_s(value_s) == pytest.approx(reach_s)
