"""Error lines of nginx and the access lines they are about."""

import polars as pl

from tests.correlate.lines import error, events, nginx
from wslog.correlate.nginx_errors import attach_errors, settle_error_zone


def _attached(access, errors):
    attached = attach_errors(events(*access).with_row_index("row"), events(*errors).with_row_index("error"))
    return {
        row: None if error is None else errors[error]["ref"] for row, error in attached.select("row", "error").rows()
    }


def test_an_error_attaches_by_connection_number():
    """With `$connection` logged, the number and path decide, whoever else is near."""
    access = [nginx(f"n:{i}", 0, 60, connection_no=i) for i in (1, 2)]
    assert _attached(access, [error("e:1", 60, connection_no=2)]) == {1: "e:1"}


def test_a_number_that_restarted_attaches_to_the_line_near_in_time():
    """Nginx counts from 1 again after a restart: the line of that moment is meant."""
    access = [nginx("n:1", 0, 60, connection_no=7), nginx("n:2", 1000, 1060, connection_no=7)]
    assert _attached(access, [error("e:1", 1060, connection_no=7)]) == {1: "e:1"}


def test_a_lingering_close_still_attaches():
    """An access line may come half a minute after the error that ended the connection."""
    assert _attached([nginx("n:1", 0, 90, connection_no=7)], [error("e:1", 61, connection_no=7)]) == {0: "e:1"}


def test_without_numbers_a_single_line_of_the_second_attaches():
    """Path, query, client and second identify a connection that stands alone."""
    assert _attached([nginx("n:1", 0, 60.4)], [error("e:1", 60)]) == {0: "e:1"}


def test_without_numbers_nobody_is_guessed():
    """Of two connections that ended in that second the error could be about either: both are named, without it."""
    lines = [nginx("n:1", 0, 60.2), nginx("n:2", 0, 60.4), nginx("n:3", 0, 70)]
    assert _attached(lines, [error("e:1", 60)]) == {0: None, 1: None}


def test_as_many_errors_as_lines_attach_to_each():
    """Two connections and two errors of one second: all were timeouts, whichever is whose."""
    access = [nginx("n:1", 0, 60.2), nginx("n:2", 0, 60.4)]
    assert set(_attached(access, [error("e:1", 60), error("e:2", 60)])) == {0, 1}


def test_an_error_log_in_local_time_is_moved_to_utc():
    """The zone that most lines agree on is found, named and taken out."""
    access = [nginx(f"n:{i}", 0, 60 + i, connection_no=i) for i in range(5)]
    errors = [error(f"e:{i}", 60 + i + 7200, connection_no=i) for i in range(5)]
    moved, offset = settle_error_zone(events(*access, *errors))
    assert offset is not None
    assert (offset.skew_s, "UTC+2 h" in offset.note) == (7200.0, True)
    ends = moved.filter(pl.col("event") == "error")["closed_at"].to_list()
    assert ends == moved.filter(pl.col("event") == "request")["closed_at"].to_list()


def test_too_few_lines_settle_no_zone():
    """Two pairs may agree by chance: nothing is moved."""
    access = [nginx(f"n:{i}", 0, 60 + i, connection_no=i) for i in range(2)]
    errors = [error(f"e:{i}", 60 + i + 7200, connection_no=i) for i in range(2)]
    before = events(*access, *errors)
    moved, offset = settle_error_zone(before)
    assert offset is None
    assert moved.equals(before)
