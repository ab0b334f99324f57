"""The ALB access log as text."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import json
import random
import re
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from tests.ingest.test_sift import DAMAGE, log
from wslog.ingest.alb import access, access_fields
from wslog.ingest.alb.access import ALB_ACCESS, parse_entries, split_entries
from wslog.ingest.format import Config, Parsed
from wslog.ingest.formats import FORMATS

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
recorded = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")
WSS = ALB_ACCESS.samples[0]


def block(*lines: str) -> pl.DataFrame:
    return pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema={"line": pl.Int64, "text": pl.String})


def parse(*lines: str, needed: int = 22) -> Parsed:
    return parse_entries(block(*lines), needed=needed)


def one(line: str) -> dict[str, Any]:
    parsed = parse(line)
    assert parsed.rejects.is_empty(), parsed.rejects
    return parsed.events.row(0, named=True)


def split(*lines: str) -> list[list[str]]:
    return split_entries(pl.Series(lines, dtype=pl.String)).to_list()


def test_a_websocket() -> None:
    """A `wss` entry is a whole WebSocket: opened at the request, closed at the entry's time, which names no closer."""
    event = one(WSS)
    assert event["closed_at"] == event["at"] == dt.datetime(2026, 3, 10, 10, 1, 0, 186641, tzinfo=dt.UTC)
    assert event["opened_at"] == dt.datetime(2026, 3, 10, 10, 0, 0, 183000, tzinfo=dt.UTC)
    assert event["lifetime_s"] == pytest.approx(60.003641, abs=1e-9)
    assert event["handshake_s"] == pytest.approx(0.004)
    assert (event["is_websocket"], event["is_opened"], event["status"], event["upstream_status"]) == (
        True,
        True,
        101,
        101,
    )
    assert (event["method"], event["host"], event["path"], event["query"]) == (
        "GET",
        "rt.example.com",
        "/ws/chat",
        "room=7",
    )
    assert (event["client_ip"], event["client_port"], event["upstream"]) == ("203.0.113.7", 40914, "10.0.1.192:8010")
    assert (event["bytes_in"], event["bytes_out"]) == (218, 587)
    assert event["trace_id"] == "1-69aff000-23a8c76965a2ef7629b185e3"
    assert event["conn_trace_id"] == "TID_dc57cebed65b444ebc8177bb698fe166"
    assert event["message"] == "waf,forward"
    assert event["at_resolution_s"] == 1e-6


def test_a_client_that_left() -> None:
    """Status 460 with no target: a failed attempt that may have been a WebSocket; -1 and `-` are absent, not zero."""
    event = one(ALB_ACCESS.samples[2])
    assert (event["status"], event["upstream_status"], event["upstream"]) == (460, None, None)
    assert event["handshake_s"] is None
    assert event["lifetime_s"] is None
    assert event["is_opened"] is False
    assert event["is_websocket"] is None
    assert (event["client_ip"], event["client_port"]) == ("2001:db8::7", 50599)
    assert event["user_agent"] is None


def test_a_malformed_request() -> None:
    """A request without a method has neither method nor path, but still its host."""
    event = one(ALB_ACCESS.samples[3])
    assert (event["method"], event["path"], event["host"]) == (None, None, "stage.example.com")


def test_plain_http_is_no_websocket() -> None:
    """A status below 400 other than 101 is surely no WebSocket."""
    event = one(WSS.replace("wss ", "https ", 1).replace(" 101 101 ", " 200 200 "))
    assert event["is_websocket"] is False
    assert event["is_opened"] is None
    assert event["lifetime_s"] is None


@pytest.mark.parametrize(
    ("written", "read"), [(r"a\x22b\xC3\xA9", 'a"bé'), (r"\x00000041z", "Az"), (r"\xFF", "\ufffd")]
)
def test_escapes(written: str, read: str) -> None:
    """Escaped bytes of the user agent are decoded as UTF-8, also in the long form."""
    assert one(WSS.replace("Mozilla/5.0 (X11; Linux x86_64)", written))["user_agent"] == read


@pytest.mark.parametrize("fields", [22, 23, 25, 27, 29, 30, 33, 34, 40])
def test_any_number_of_fields(fields: int) -> None:
    """Entries of any age parse alike, and fields that AWS may add are ignored."""
    tokens = [f'"{t}"' if " " in t or n in {12, 13, 17} else t for n, t in enumerate(split(WSS)[0])]
    event = one(" ".join((tokens + ["new"] * 10)[:fields]))
    assert event["lifetime_s"] == pytest.approx(60.003641, abs=1e-9)
    assert event["path"] == "/ws/chat"


def test_repeated_spaces_and_bare_lists() -> None:
    """Repeated spaces and unquoted fields 26 and 27 change nothing."""
    event = one(
        "  ".join(WSS.split(" ")).replace("GET  https", "GET https").replace("chat?room=7  HTTP", "chat?room=7 HTTP")
    )
    assert event["path"] == "/ws/chat"
    assert one(ALB_ACCESS.samples[1])["lifetime_s"] == pytest.approx(60.003641, abs=1e-9)


def test_a_stray_quote_in_the_user_agent() -> None:
    """A quote that no space follows does not end a field."""
    event = one(WSS.replace("(X11; Linux", '(X11"; Linux'))
    assert event["trace_id"] == "1-69aff000-23a8c76965a2ef7629b185e3"


@pytest.mark.parametrize("odd", ["\t", "\u00a0", "\u2028", "\r", "\x0b"])
@pytest.mark.parametrize("field", ["app/st", "TLS_AES_128", "203.0.113.7:4", "targetgroup/c"])
def test_fields_are_parted_by_spaces_alone(odd: str, field: str) -> None:
    """Another blank within a field damages that field; the WebSocket is read."""
    event = one(WSS.replace(field, field + odd))
    assert (event["path"], event["status"], event["lifetime_s"]) == (
        "/ws/chat",
        101,
        pytest.approx(60.003641, abs=1e-9),
    )
    assert event["trace_id"] == one(WSS)["trace_id"]


def test_every_cut_is_event_or_reject() -> None:
    """Cut anywhere, an entry is an event with right values or a reject with a reason; never one with wrong values."""
    whole = one(WSS)
    cuts = [WSS[:n] for n in range(1, len(WSS))]
    parsed = parse(*cuts)
    assert len(parsed.events) + len(parsed.rejects) == len(cuts)
    for event in parsed.events.iter_rows(named=True):
        wrong = {k for k, v in event.items() if v is not None and k != "line" and v != whole[k]}
        assert not wrong, (cuts[event["line"] - 1][-60:], wrong)
    assert parsed.events["line"].min() == WSS.index("183000Z") + len("183000Z")
    assert parsed.rejects["reason"].null_count() == 0


def test_an_old_entry_in_a_newer_file() -> None:
    """An entry from before request_creation_time is whole without it; a line of today is cut off."""
    old = " ".join(WSS.split(" ")[:12]).replace("2026-03-10", "2017-03-10") + ' "GET https://h:443/ws HTTP/1.1" "x" - -'
    parsed = parse(old, old.replace("2017", "2026"))
    assert parsed.events["path"].to_list() == ["/ws"]
    assert parsed.rejects["reason"].to_list() == ["cut off before field 22 (request_creation_time)"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (WSS.replace("2026-03-10T10:01", "1970-03-10T10:01"), "time out of range"),
        (WSS.replace("2026-03-10T10:01", "2026-13-10T10:01"), "field 2 (time) is not a time"),
        (WSS.replace(" 101 101 ", " 1o1 101 "), "field 9 (elb_status_code) is not a status"),
        (WSS.replace("2026-03-10T10:00", "2026-03-99T10:00"), "field 22 (request_creation_time) is not a time"),
        ("2026/03/10 10:01:00 [info] 31#31: *42 upstream timed out", "not an ALB access log entry"),
    ],
)
def test_rejects(line: str, reason: str) -> None:
    """A line that cannot be an event says why."""
    parsed = parse(line)
    assert parsed.rejects.rows() == [(1, reason, line[:200])]
    assert parsed.events.is_empty()


def test_blank_lines_are_ignored() -> None:
    """Blank lines, comments and AWS's test file are neither events nor rejects."""
    parsed = parse("", "  ", "# comment", "Enable AccessLog for ELB: stage at 2026-03-10T10:00:00Z")
    assert parsed.events.is_empty()
    assert parsed.rejects.is_empty()


def test_limits_name_what_is_missing() -> None:
    """A file's limits always say that an ALB line names no closer, and more where its entries are old."""
    new = ALB_ACCESS.detect([WSS], Config())
    old = ALB_ACCESS.detect([" ".join(WSS.split(" ")[:12])], Config())
    assert new is not None
    assert old is not None
    assert "an ALB line does not say who closed, nor with which code" in new.limits
    assert any("request_creation_time" in limit for limit in old.limits)
    assert len(old.parse(block(" ".join(WSS.split(" ")[:12]))).events) == 1


@settings(deadline=None, max_examples=60)
@given(st.lists(st.one_of(st.text(), st.text(alphabet='"- :w1.0\\x/TZ\r\t'), st.just(WSS)), max_size=6))
def test_any_text(lines: list[str]) -> None:
    """Arbitrary lines never raise, and each is an event, a reject or ignored, once."""
    parsed = parse(*lines)
    seen = parsed.events["line"].to_list() + parsed.rejects["line"].to_list()
    assert len(seen) == len(set(seen)) <= len(lines)
    assert set(parsed.events["line"]) >= {n for n, text in enumerate(lines, 1) if text == WSS}
    ALB_ACCESS.detect(lines, Config())


@recorded
def test_vector_test_lines() -> None:
    """Lines that another parser publishes with their values have the same values here."""
    for raw in (SHARED / "formats/vrl/alb.jsonl").read_text().splitlines():
        case = json.loads(raw)
        event, expected = one(case["line"]), case["expected"]
        assert str(event["status"]) == expected["elb_status_code"]
        assert (event["upstream_status"] and str(event["upstream_status"])) == expected["target_status_code"]
        assert f"{event['client_ip']}:{event['client_port']}" == expected["client_host"]
        assert event["upstream"] == expected["target_host"]
        assert (event["bytes_in"], event["bytes_out"]) == (expected["received_bytes"], expected["sent_bytes"])
        assert event["method"] == expected["request_method"]
        assert event["conn_trace_id"] == expected["traceability_id"]
        assert (event["trace_id"] and f"Root={event['trace_id']}") == expected["trace_id"]
        assert event["user_agent"] == expected["user_agent"]
        assert event["message"] == (expected["error_reason"] or expected["actions_executed"])
        assert event["opened_at"] == dt.datetime.fromisoformat(expected["request_creation_time"])
        assert event["at"] == dt.datetime.fromisoformat(expected["timestamp"])


@recorded
@pytest.mark.parametrize(
    "name",
    ["aws-docs/alb-examples.log", "crowdsecurity-hub/aws-alb-http-bad-user-agent__aws-alb-http-bad-user-agent.log"],
)
def test_published_examples(name: str) -> None:
    """AWS's own examples and a third party's parse without a reject."""
    parsed = parse(*(SHARED / "formats" / name).read_text().splitlines())
    assert parsed.rejects.is_empty()
    assert not parsed.events.is_empty()


@recorded
def test_recorded_lines() -> None:
    """Every recorded line parses, and trace id and client agree with the truth."""
    with (SHARED / "lab/truth.csv").open() as file:
        truth = {(row["alb_file"], row["alb_line"]): row for row in csv.DictReader(file) if row["alb_line"]}
    compared = 0
    for path in sorted((SHARED / "lab/logs/alb").glob("*.gz")):
        parsed = parse(*gzip.decompress(path.read_bytes()).decode().splitlines())
        assert parsed.rejects.is_empty()
        for event in parsed.events.iter_rows(named=True):
            row = truth.get((path.name, str(event["line"])))
            if row:
                compared += 1
                assert row["alb_trace_id"].endswith(event["trace_id"])
                assert row["alb_client"] == f"{event['client_ip']}:{event['client_port']}"
                assert event["at"].timestamp() == pytest.approx(float(row["alb_time"]), abs=0.01)
    assert compared > 1_000


_WORDS = ("GET", "-", "https://h:443/ws", "http://h:80-", "/x", "HTTP/1.1", "HTTP/", " ", "  ", "", "\\x22")


@settings(deadline=None, max_examples=100)
@given(st.lists(st.lists(st.sampled_from(_WORDS), max_size=5).map(" ".join) | st.text() | st.none(), max_size=5))
def test_requests_are_cut_as_the_regex_captures_them(requests: list[str | None]) -> None:
    """Usual and odd ones side by side."""
    frame = pl.DataFrame({"request": requests}, schema={"request": pl.String})
    captured = frame.select(
        pl.col("request").str.extract(access_fields._REQUEST, group).alias(name)
        for group, name in ((1, "method"), (2, "url"))
    )
    assert_frame_equal(access_fields._with_request(frame).select("method", "url"), captured)


_TOKEN = re.compile(r'"(.*?)"(?= |$)|(".*)$|([^ ]+)', re.DOTALL)


def split_one(line: str) -> list[str]:
    """Split an entry with a regex that looks ahead, which Rust's cannot."""
    fields = []
    for quoted, torn, bare in _TOKEN.findall(line.strip()):
        if torn:
            break
        fields.append(bare or quoted)
    return fields


_BITS = ('"', '" ', ' "', " ", "  ", '""', '" "', "x", "\u00e9", "\ufffd", "\t", "\0", '"a b"', "-")


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.sampled_from(_BITS), max_size=12).map("".join), min_size=1, max_size=6))
def test_a_quote_closes_a_field_only_before_a_space_or_the_end(lines: list[str]) -> None:
    """Wherever quotes and spaces stand; a last field that no quote closes is left out."""
    assert split(*lines) == [split_one(line) for line in lines]


@settings(deadline=None, max_examples=200)
@given(
    agents=st.lists(st.lists(st.sampled_from(_BITS), max_size=8).map("".join), min_size=1, max_size=6),
    nuls=st.integers(0, 3),
)
def test_damage_that_moves_no_field_needs_no_parsing(agents: list[str], nuls: int) -> None:
    """What is left out for plain HTTP would parse into plain HTTP, whatever the user agent holds."""
    plain = WSS.replace("wss ", "\0" * nuls + "https ", 1).replace(" 101 101 ", " 200 200 ")
    lines = block(*(plain.replace("Mozilla/5.0 (X11; Linux x86_64)", agent) for agent in agents))
    left_out = lines.filter(pl.col("text").str.contains(access._PLAIN))
    events = parse_entries(left_out, needed=22).events
    assert events["line"].to_list() == left_out["line"].to_list()
    assert events["is_websocket"].to_list() == [False] * left_out.height


@pytest.mark.parametrize("agent", ['a"b c', '"a b', 'a b"', "\ufffd\ufffd b", '""', 'a "b" c'])
def test_a_damaged_user_agent_is_left_out_where_it_ends_is_clear(agent: str) -> None:
    """A quote before a space ends it, and then the rest is moved."""
    line = (
        WSS.replace("wss ", "https ", 1)
        .replace(" 101 101 ", " 200 200 ")
        .replace("Mozilla/5.0 (X11; Linux x86_64)", agent)
    )
    assert block(line)["text"].str.contains(access._PLAIN).to_list() == ['" ' not in agent]


def test_entries_are_surely_of_this_format_and_other_lines_are_not() -> None:
    """Damaged ones too: they are not offered to other formats, whose lines are."""
    whole = WSS.encode()
    damaged = [change(whole).decode("utf-8", "replace") for change in DAMAGE.values()]
    other = [line for log_format in FORMATS if log_format is not ALB_ACCESS for line in log_format.samples]
    lines = block(WSS, *damaged, *other)
    is_own = lines["text"].str.contains(access._OWN)
    assert is_own.to_list() == [True] * (1 + len(damaged)) + [False] * len(other)


STROKES = ('"', ' "', '" ', " ", "  ", "", "\\", "x", "-", "\t", '" "', "\u00a0", "\r", '"-" ', " TID_" + "0" * 32)


def assert_cut_as_exact(lines: list[str]) -> int:
    """Parse with and without cutting; return how many lines are cut."""
    entries = block(*lines)
    cut = parse_entries(entries, needed=22)
    with mock.patch.object(access, "_CLEAN", "^never$"):
        exact = parse_entries(entries, needed=22)
    assert_frame_equal(cut.events, exact.events)
    assert_frame_equal(cut.rejects, exact.rejects)
    return int(entries["text"].str.contains(access._CLEAN).sum())


def test_whole_entries_are_cut_and_read_alike() -> None:
    """Else cutting would be right and unused; of the samples only the last, which is cut off, goes the exact way."""
    entries = [line.decode() for line in log("alb", 500, seed=1)]
    assert assert_cut_as_exact(entries) == 500
    assert assert_cut_as_exact(list(ALB_ACCESS.samples)) == len(ALB_ACCESS.samples) - 1


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 1 << 30), data=st.data())
def test_changed_entries_read_alike(seed: int, data: st.DataObject) -> None:
    """Cut, joined or changed lines: what is cut is what the exact way reads."""
    lines = [line.decode() for line in log("alb", 20, seed)] + list(ALB_ACCESS.samples)
    for row, line in enumerate(lines):
        at, n = random.Random(seed + row).randint(0, len(line)), data.draw(st.integers(0, 2))
        lines[row] = line[:at] + data.draw(st.sampled_from(STROKES)) + line[at + n :]
    assert_cut_as_exact(lines)


def test_a_damaged_line_does_not_say_how_many_fields_a_file_has() -> None:
    """One entry merged with the beginning of another has more; where all differ, the longest one tells."""
    many = ALB_ACCESS.detect([WSS] * 60 + [f"{WSS} {WSS[:90]}"], Config())
    assert many is not None
    assert many.why == f"ALB access log entries of {len(split(WSS)[0])} fields"
    odd = ALB_ACCESS.detect([WSS + " x" * n for n in range(40)], Config())
    assert odd is not None
    assert odd.why == f"ALB access log entries of {len(split(WSS)[0]) + 39} fields"


_CLIENTS = (
    "1.2.3.4:5",
    "1.2.3.4",
    "256.2.3.4:5",
    "1.2.3.4:65536",
    "2001:db8::7:443",
    "[::1]:443",
    "-",
    "",
    "x:1",
    "1.2.3.4:-",
)
_TRACES = ("Root=1-2-3", "Self=1-2-3;Root=1-4-5", "Root=", "root=1", "-", "Root=1-2-3;Self=1", 'Root=a"b', "Root=a b")


NEVER = r"\z."  # matches no text


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from(_CLIENTS) | st.none(), st.sampled_from(_TRACES) | st.text()), max_size=6))
def test_usual_addresses_and_traces_are_read_as_odd_ones(rows: list[tuple[str | None, str]]) -> None:
    """Usual and odd ones side by side."""
    frame = pl.DataFrame(rows, schema={"client": pl.String, "trace": pl.String}, orient="row")
    with (
        mock.patch.object(access_fields, "_USUAL_CLIENT", NEVER),
        mock.patch.object(access_fields, "_USUAL_TRACE", NEVER),
    ):
        exact, exact_traces = access_fields._with_addresses(frame), access_fields._trace_id(frame["trace"])
    assert_frame_equal(access_fields._with_addresses(frame), exact)
    assert access_fields._trace_id(frame["trace"]).to_list() == exact_traces.to_list()
