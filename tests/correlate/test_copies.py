"""Copies of one line in several logs."""

from tests.correlate.lines import alb, client, combined, error, events, nginx
from wslog.correlate.copies import fold_copies


def test_three_access_logs_of_one_host_are_one():
    """A request in combined, timing and JSON logs is one event; the log that tells most gives the reference."""
    timing = [nginx(f"n/timing.log:{i}", i, i + 9.5, request_id=f"r{i}", body_bytes=i) for i in range(1, 6)]
    plain = [combined(f"n/access.log:{i}", i + 9.5, body_bytes=i) for i in range(1, 6)]
    json = [nginx(f"n/access-json.log:{i}", i, i + 9.5, body_bytes=i) for i in range(1, 6)]
    folded = fold_copies(events(*plain, *timing, *json))
    assert folded["ref"].to_list() == [f"n/timing.log:{i}" for i in range(1, 6)]


def test_a_copy_fills_what_the_richest_log_leaves_out():
    """Whatever one of the copies tells is kept."""
    timing = [nginx(f"n/timing.log:{i}", i, i + 9.5, request_id=f"r{i}") for i in range(1, 6)]
    plain = [combined(f"n/access.log:{i}", i + 9.5, user_agent="ua") for i in range(1, 6)]
    assert fold_copies(events(*timing, *plain))["user_agent"].to_list() == ["ua"] * 5


def test_logs_of_two_hosts_are_not_copies():
    """Two hosts' logs that hardly share a line stay apart."""
    one = [nginx(f"web-1/access.log:{i}", i, i + 5.0, body_bytes=i) for i in range(1, 6)]
    two = [nginx(f"web-2/access.log:{i}", i, i + 5.0, body_bytes=100 + i) for i in range(1, 6)]
    assert fold_copies(events(*one, *two)).height == 10


def test_error_logs_of_two_levels_are_one():
    """The same error in the default and in the info log counts once."""
    assert fold_copies(events(error("n/error.log:4", 7), error("n/error-info.log:9", 7))).height == 1


def test_equal_lines_of_one_file_are_two_happenings():
    """Two equal error lines in one log are two errors."""
    assert fold_copies(events(error("n/error.log:4", 7), error("n/error.log:5", 7))).height == 2


def test_an_alb_line_delivered_twice_counts_once():
    """AWS may deliver a line in two files."""
    assert fold_copies(events(alb("a/1.log.gz:1", 0, 60), alb("a/2.log.gz:7", 0, 60))).height == 1


def test_a_client_record_sent_twice_counts_once():
    """A record with an id of its own is one, though the file has it twice."""
    line = client("c.jsonl:1", 0, 60, connection_id="c1")
    assert fold_copies(events(line, line | {"ref": "c.jsonl:2"})).height == 1


def test_nothing_folds_to_nothing():
    """No events, no failure."""
    assert fold_copies(events(client("c.jsonl:1", 0, 1)).clear()).height == 0
