from __future__ import annotations

from wslog.knowledge import load_mends
from wslog.result import Clock, Coverage, Window
from wslog.schema import LimitKind, Tier
from wslog.summarize.limits import MEND_OF


def _limits(told):
    return [limit.text for limit in told.limits]


def test_complete_logs_that_decided_all_have_no_limits(table, document, file, idle_by_nginx, at):
    """Silent about what did not matter: a clock in whole seconds is no limit if everything is decided."""
    files = (
        file("client.jsonl", Tier.CLIENT),
        file("access.log", Tier.NGINX, limits=("times in whole seconds",)),
        file("error.log", Tier.NGINX, format="nginx-error"),
    )
    row = {
        "closed": 5,
        "idle_s": 60.0,
        "lifetime_s": 61.0,
        "client_ref": "c:1",
        "nginx_access_ref": "a:1",
        "session_id": "s",
    }
    windows = [Window(tier=tier, start=at(0), end=at(10)) for tier in (Tier.CLIENT, Tier.NGINX)]
    assert _limits(document(table(idle_by_nginx | row), coverage=Coverage(files=files), windows=windows)) == []


def test_a_tie_without_info_lines_names_the_log_to_switch_on(table, document, file, idle_by_nginx):
    """An error log that hides info lines is what keeps nginx and the ALB apart; the mend says how to mend it."""
    files = (
        file("access.log", Tier.NGINX),
        file("error.log", Tier.NGINX, format="nginx-error", mendable={"no idle timeouts": LimitKind.INFO_LEVEL}),
    )
    tie = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "aws-alb-idle"]}
    told = document(table(tie), coverage=Coverage(files=files))
    assert _limits(told)[:3] == [
        "No nginx error log at level info: nginx's own idle timeout leaves no other trace, "
        "so it cannot be told from another tier's.",
        "No load balancer log, though a timer of the load balancer may be what ended connections.",
        "No configuration among the inputs: whose timer ended silent connections stays open for some.",
    ]
    assert "level info" in told.limits[0].log_next
    assert not [text for text in _limits(told) if text.startswith("error.log:")]


def test_a_files_own_limit_shows_where_drops_are_undecided(table, document, file):
    """Equal limits of several files are one; they tell whose they are."""
    lacks = {"no duration in this format": LimitKind.ACCESS_VARIABLES}
    files = tuple(file(f"nginx/{nth}.log", Tier.NGINX, mendable=lacks) for nth in range(4))
    told = document(table({"cause": None, "closed": 3, "lifetime_s": 3.0}), coverage=Coverage(files=files))
    (limit,) = [limit for limit in told.limits if "no duration" in limit.text]
    assert limit.text == "4 files (nginx-access): no duration in this format."
    assert "duration" in limit.log_next


def test_columns_that_are_missing_are_counted(table, document, file):
    """Ten per cent without a value matter, and the sentence says how many."""
    rows = [
        {"client_ref": f"c:{nth}", "session_id": "s", "lifetime_s": 1.0, "idle_s": None if nth < 3 else 1.0}
        for nth in range(10)
    ]
    told = document(table(*rows), coverage=Coverage(files=(file("c.jsonl", Tier.CLIENT),), no_code=7))
    assert "7 client records lost the close code on the way." in _limits(told)
    assert [text for text in _limits(told) if text.startswith("30 % of the clients' drops have no time of the last")]


def test_logs_of_different_days(table, document, file, at):
    """Tiers without common time cannot witness for one another."""
    files = (file("c.jsonl", Tier.CLIENT), file("a.log", Tier.NGINX))
    windows = [Window(tier=Tier.CLIENT, start=at(0), end=at(1)), Window(tier=Tier.NGINX, start=at(5), end=at(6))]
    told = document(table({"closed": 1}), coverage=Coverage(files=files), windows=windows)
    assert [text for text in _limits(told) if "no time that the logs of all tiers cover" in text]


def test_drops_outside_the_common_time_are_counted(table, document, at):
    """For one in five drops only some tiers could have a line; one in twenty is not worth a word."""
    windows = [Window(tier=Tier.CLIENT, start=at(0), end=at(99)), Window(tier=Tier.NGINX, start=at(0), end=at(50))]
    text = "20 % of the drops lie outside the time that the logs of all tiers cover."
    assert text in _limits(document(table(*[{"closed": 5}] * 4, {"closed": 60}), windows=windows))
    few = _limits(document(table(*[{"closed": 5}] * 19, {"closed": 60}), windows=windows))
    assert not [text for text in few if "lie outside" in text]


def test_clocks_and_rejects(table, document, file):
    """A server's clock that is off and lines that were not understood are limits of what was said."""
    clock = Clock(tier=Tier.NGINX, is_reference=False, skew_s=-3600.0, low_s=None, high_s=None, n=9)
    bad = file("c.jsonl", Tier.CLIENT, lines=100, events=95, rejected=5)
    told = document(table({}), coverage=Coverage(files=(bad,)), clocks=[clock])
    assert "The clock of tier nginx runs 3600 s behind the reference clock." in _limits(told)
    assert "5 % of the lines could not be read, most of them in c.jsonl." in _limits(told)


def test_a_log_that_names_no_zone_is_no_clock_that_is_wrong(table, document):
    """The error log is in local time by nature: what the access log says of its zone settles it."""
    note = "the error log names no zone; its lines fit the access log at UTC-3.5 h"
    told = {"low_s": None, "high_s": None, "n": 9}
    reference = Clock(tier=Tier.NGINX, is_reference=True, skew_s=0.0, **told)
    zone = Clock(tier=Tier.NGINX, is_reference=False, skew_s=-12600.0, note=note, **told)
    drift = Clock(tier=Tier.NGINX, is_reference=False, skew_s=-12.0, **told)
    assert not [text for text in _limits(document(table({}), clocks=[reference, zone])) if "clock" in text]
    assert [text for text in _limits(document(table({}), clocks=[reference, drift])) if "clock" in text]


def test_a_copy_in_a_better_format_makes_up_for_a_limit(table, document, file, at):
    """The stock format beside a full one lacks nothing; alone it does. What no logging can mend is not told."""
    span = {"first_at": at(0), "last_at": at(9)}
    lacks = dict.fromkeys(("no $request_time", "no $msec"), LimitKind.ACCESS_VARIABLES)
    poor = file("access.log", Tier.NGINX, limits=(*lacks, "says not who closed"), mendable=lacks, **span)
    rich = file("timing.log", Tier.NGINX, **span)
    drop = table({"cause": None, "closed": 3, "lifetime_s": 3.0})
    alone = [text for text in _limits(document(drop, coverage=Coverage(files=(poor,)))) if text.startswith("access")]
    assert alone == ["access.log: no $request_time; no $msec."]
    both = _limits(document(drop, coverage=Coverage(files=(poor, rich))))
    assert not [text for text in both if text.startswith("access")]


def test_configuration_is_missed_only_where_a_timer_stayed_open(table, document, file, idle_by_nginx):
    """One drop in two hundred with an open timer is no reason to ask for configuration."""
    tie = idle_by_nginx | {"tier": "unknown", "timeout_id": ["nginx-proxy-read-timeout", "aws-alb-idle"]}
    files = (file("access.log", Tier.NGINX), file("alb.log", Tier.ALB))
    few = document(table(*[idle_by_nginx] * 200, tie), coverage=Coverage(files=files))
    assert not [text for text in _limits(few) if "configuration" in text]
    many = document(table(*[idle_by_nginx] * 20, tie), coverage=Coverage(files=files))
    assert len([text for text in _limits(many) if "configuration" in text]) == 1


def test_failed_handshakes_without_any_server_log_call_for_one(table, document, file):
    """Browsers hide the status, so only a server's log can tell; the finding points to that advice."""
    failed = {"cause": "handshake_failed", "tier": "unknown", "is_opened": False, "client_ref": "c:1"}
    told = document(table(failed), coverage=Coverage(files=(file("c.jsonl", Tier.CLIENT),)))
    (limit,) = [limit for limit in told.limits if "never opened" in limit.text]
    assert limit.log_next == "Collect the servers' access logs: browsers hide the status of a failed handshake."
    assert any(told.advice[index].text.startswith(limit.log_next) for index in told.findings[0].advice)


def test_every_kind_of_limit_has_its_mend():
    """A kind without a mend, or with one that is gone, would fail on the logs of the one who needs it."""
    assert set(MEND_OF) == set(LimitKind)
    assert set(MEND_OF.values()) <= {mend.id for mend in load_mends()}


def test_a_log_in_another_zone_is_suspected_where_hardly_a_line_fits(table, document, file):
    """An hour off, each drop of such a log counts twice: the first limit says how to read it."""
    files = (
        file("client.jsonl", Tier.CLIENT),
        file("error.log", Tier.NGINX, format="nginx-error", is_zone_assumed=True),
    )
    alone = {"cause": "unknown", "client_ref": "c:1", "session_id": "s", "idle_s": 60.0, "lifetime_s": 61.0}
    told = document(table(alone, alone), coverage=Coverage(files=files))
    assert _limits(told)[0] == (
        "error.log names no time zone and was read as UTC, and 100 % of the clients' drops found no line in the "
        "servers' logs: name its zone with --tz, or drops may count twice."
    )
    assert told.limits[0].log_next == "Say which zone that host keeps, e.g. --tz nginx-error=Europe/Berlin."
    assert sum("found no line" in text for text in _limits(told)) == 1
    matched = alone | {"nginx_error_ref": "error.log:3"}
    assert not any(
        "names no time zone" in text for text in _limits(document(table(matched), coverage=Coverage(files=files)))
    )
    given = (files[0], file("error.log", Tier.NGINX, format="nginx-error"))
    assert not any("names no" in text for text in _limits(document(table(alone), coverage=Coverage(files=given))))
