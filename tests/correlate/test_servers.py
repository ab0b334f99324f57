"""Server rows of nginx access, nginx error and ALB lines."""

import pytest

from tests.correlate.lines import alb, at, error, events, nginx
from wslog.correlate.servers import join_servers as lines_of_servers


def join_servers(lines):
    """What the servers tell of each connection, and the offset of the ALB's clock."""
    servers, offset = lines_of_servers(lines)
    return servers.told().collect(), offset


def test_all_three_lines_of_a_connection_are_one_row():
    """Nginx's access and error line and the ALB's line, with the address that the ALB saw."""
    lines = [
        nginx("n:1", 0, 60, connection_no=4, trace_id="t"),
        error("e:1", 60, connection_no=4),
        alb("a:1", 0, 60.001, trace_id="t", host="rt.example"),
    ]
    rows, _ = join_servers(events(*lines))
    assert rows.select("nginx_ref", "error_ref", "alb_ref", "client_ip", "host", "is_via_alb").rows() == [
        ("n:1", "e:1", "a:1", "203.0.113.1", "rt.example", True)
    ]


def test_an_alb_line_without_nginx_stays_a_row():
    """A killed worker writes nothing: the ALB's line stands for the connection."""
    rows, _ = join_servers(events(alb("a:1", 0, 60), nginx("n:1", 500, 560)))
    assert rows.select("nginx_ref", "alb_ref").sort("alb_ref").rows() == [("n:1", None), (None, "a:1")]


def test_an_error_log_alone_stands_for_its_connections():
    """Without any access log each error line is a row of its own, without a reference to an access line."""
    rows, _ = join_servers(events(error("e:1", 60), error("e:2", 90)))
    assert rows.select("nginx_ref", "error_ref").rows() == [(None, "e:1"), (None, "e:2")]


def test_the_alb_is_put_on_the_clock_of_nginx():
    """Twelve seconds ahead by the trace ids: the ALB's times come out as nginx's."""
    lines = [nginx(f"n:{i}", i, i + 60, trace_id=f"t{i}") for i in range(5)]
    lines += [alb(f"a:{i}", i + 12, i + 72, trace_id=f"t{i}") for i in range(5)]
    rows, offset = join_servers(events(*lines))
    assert offset is not None
    assert offset.skew_s == pytest.approx(12, abs=0.001)
    off = (rows["alb_closed_at"] - rows["nginx_closed_at"]).dt.total_milliseconds().abs()
    assert off.max() <= 1


def test_lines_that_a_node_passed_on_came_through_the_alb():
    """An nginx line from a node's address came through the ALB though its own line there is lost."""
    lines = [nginx(f"n:{i}", i, i + 60, trace_id=f"t{i}", client_ip="10.0.0.5") for i in range(3)]
    lines += [alb(f"a:{i}", i, i + 60, trace_id=f"t{i}") for i in range(2)]
    rows, _ = join_servers(events(*lines, nginx("n:9", 0, 5, client_ip="198.51.100.7")))
    assert dict(rows.select("nginx_ref", "is_via_alb").rows()) == {"n:0": True, "n:1": True, "n:2": True, "n:9": False}


def test_without_alb_logs_nobody_knows_the_route():
    """No ALB lines: nothing is said of who came through it."""
    assert join_servers(events(nginx("n:1", 0, 60)))[0]["is_via_alb"].to_list() == [None]


def test_no_server_lines_no_rows():
    """Empty in, empty out."""
    rows, offset = join_servers(events(nginx("n:1", 0, 60)).clear())
    assert (rows.height, offset) == (0, None)


def test_the_closing_time_of_whole_seconds_is_kept_as_logged():
    """Estimates stay inside: what nginx printed is what the row says."""
    line = nginx("n:1", 0, 60, at_resolution_s=1.0, lifetime_s=None, opened_at=None)
    assert join_servers(events(line))[0]["nginx_closed_at"].to_list() == [at(60)]
