"""Every line of every file accounted for, and only what concerns WebSockets kept."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wslog import schema
from wslog.errors import InputError, OptionError
from wslog.ingest import Read, ReadOptions, read_events
from wslog.ingest.format import Config, LineParser, LogFormat, Parsed
from wslog.result import FileCoverage
from wslog.schema import Tier

REPO = Path(__file__).resolve().parents[2]
SHARED = REPO.parent / "shared" / "data"
needs_lab = pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")


def _fake(word: str, *, tier: Tier = Tier.NGINX, has_zone: bool = True) -> LogFormat:
    """A format of lines `WORD SECOND PATH KIND`; KIND is `ws`, `http`, `maybe` or `start`; `WORD bad` is rejected."""

    def parse(lines: pl.DataFrame) -> Parsed:
        fields = lines.select(
            "line", "text", f=pl.col("text").str.extract_groups(rf"^{word} (?P<s>\d+) (?P<p>\S+) (?P<k>\w+)")
        )
        fields = fields.unnest("f")
        kind = pl.col("k")
        events = fields.filter(kind.is_not_null()).select(
            "line",
            pl.from_epoch(pl.col("s").cast(pl.Int64)).dt.cast_time_unit("us").dt.replace_time_zone("UTC").alias("at"),
            pl.col("p").alias("path"),
            pl.when(kind == "ws").then(True).when(kind == "http").then(False).alias("is_websocket"),
            pl.when(kind == "start").then(pl.lit("start")).otherwise(pl.lit("request")).alias("event"),
            pl.lit(has_zone).alias("has_zone"),
        )
        rejects = fields.filter(pl.col("text").str.starts_with(f"{word} bad") | ~pl.col("text").str.starts_with(word))
        return Parsed(events, rejects.select("line", pl.lit("odd").alias("reason"), "text"))

    def detect(sample: Sequence[str], config: Config) -> LineParser | None:
        score = sum(text.startswith(f"{word} ") for text in sample) / len(sample)
        return LineParser(why=f"begins with {word}", score=score, parse=parse, clock="UTC") if score else None

    return LogFormat(name=f"fake-{word}", tier=tier, about="", source="", samples=(), detect=detect)


FAKES = (_fake("acc"), _fake("err", has_zone=False))


def _read(folder: Path, *, all_lines: bool = False, formats: Sequence[LogFormat] = FAKES) -> Read:
    return read_events([folder], all_lines=all_lines, formats=formats, must_be_useful=False)


def _files(folder: Path, **texts: str | bytes) -> Path:
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def _counts(file: FileCoverage) -> tuple[int, int, int, int]:
    return (file.lines, file.events, file.ignored, file.rejected)


def test_lines_are_events_ignored_or_rejected(tmp_path: Path) -> None:
    """Plain HTTP and blank lines are ignored, lines that do not parse are rejected with number and text."""
    text = "acc 10 /ws ws\nacc 11 /x http\n\nacc bad\nacc 12 /ws ws\n"
    read = _read(_files(tmp_path, a=text))
    (file,) = read.coverage.files
    assert _counts(file) == (5, 2, 2, 1)
    assert [(r.line, r.reason, r.text) for r in file.rejects] == [(4, "odd", "acc bad")]
    assert (file.first_at, file.last_at) == tuple(dt.datetime.fromtimestamp(s, tz=dt.UTC) for s in (10, 12))
    assert read.events["ref"].to_list() == ["a:1", "a:5"]
    assert read.events.schema == schema.dtypes(schema.EVENTS)
    assert set(read.events["tier"]) == {"nginx"}
    assert set(read.events["format"]) == {"fake-acc"}


def test_all_lines_keeps_plain_requests(tmp_path: Path) -> None:
    """For `read_events(all=True)`."""
    (file,) = _read(_files(tmp_path, a="acc 10 /ws ws\nacc 11 /x http\n"), all_lines=True).coverage.files
    assert _counts(file) == (2, 2, 0, 0)


def test_a_failed_handshake_is_known_by_a_websocket_path_in_another_file(tmp_path: Path) -> None:
    """Ids in paths do not hide it; other paths are of no concern."""
    read = _read(
        _files(tmp_path, a="acc 1 /ws/17 maybe\nacc 1 /x/17 maybe\n", b="acc 2 /ws/9/ ws\nacc 2 /ws/a maybe\n")
    )
    assert read.events["ref"].to_list() == ["a:1", "b:1"]


def test_process_life_is_kept_without_a_path(tmp_path: Path) -> None:
    """Restarts explain drops of all paths."""
    read = _read(_files(tmp_path, a="acc 1 - start\n"))
    assert read.events["ref"].to_list() == ["a:1"]


def test_two_formats_in_one_stream_are_both_read(tmp_path: Path) -> None:
    """As a container's log holds them; lines of neither stay rejected."""
    text = "acc 1 /ws ws\n" * 30 + "err 2 /ws ws\n" + "neither\n" + "acc 1 /ws ws\n" * 30 + "err 3 /ws ws\n"
    read = _read(_files(tmp_path, a=text))
    (file,) = read.coverage.files
    assert _counts(file) == (63, 62, 0, 1)
    assert file.rejects[0].line == 32
    assert "also holds fake-err" in file.why
    assert read.events["format"].to_list()[30] == "fake-err"
    lines = read.events["ref"].str.extract(r":(\d+)$").cast(pl.Int64)
    assert lines.is_sorted()


def test_docker_lines_are_unwrapped_and_their_times_set_local_clocks_right(tmp_path: Path) -> None:
    """An error log without a zone, on a host five and a half hours ahead, comes out in UTC."""
    at = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
    local = int(at.timestamp()) + 19_800
    lines = [
        json.dumps({"log": f"err {local + n} /ws ws\n", "stream": "stderr", "time": f"2026-11-22T12:00:0{n}.2Z"})
        for n in range(5)
    ]
    read = _read(_files(tmp_path, a="\n".join(lines)))
    assert read.events["at"].to_list() == [at + dt.timedelta(seconds=n) for n in range(5)]
    assert read.events["has_zone"].all()
    assert "docker" in read.coverage.files[0].why


def test_a_clock_that_nobody_named_a_zone_for_is_told(tmp_path: Path) -> None:
    """The user may name it, or a wrapper's own times; the lines do not."""
    line = "2026/11/22 17:30:00 [notice] 31#31: signal 1 (SIGHUP) received from 9, reconfiguring"
    wrapped = json.dumps({"log": f"{line}\n", "stream": "stderr", "time": "2026-11-22T12:00:00.2Z"})
    for text, tz, is_assumed in ((line, (), True), (line, ("Asia/Kolkata",), False), (wrapped, (), False)):
        (tmp_path / "error.log").write_text(f"{text}\n")
        read = read_events([tmp_path], ReadOptions(tz=tz))
        assert [file.is_zone_assumed for file in read.coverage.files] == [is_assumed]


ACCESS = '203.0.113.7 - - [22/Nov/2026:15:58:53 +0000] "GET /ws HTTP/1.1" 101 1 "-" "a"'
ERROR = (
    "2026/11/22 17:58:53 [info] 31#31: *57 upstream timed out (110: Connection timed out) while proxying upgraded "
    'connection, client: 203.0.113.7, server: x, request: "GET /ws HTTP/1.1", upstream: "http://10.0.0.5/ws", host: "x"'
)


@pytest.mark.parametrize(
    ("around", "has_utc"),
    [
        ("{}", False),
        ("<190>Nov 22 15:58:53 web-1 nginx: {}", False),
        ("<190>1 2026-11-22T15:58:53.2Z web-1 nginx 31 - - {}", True),
        ("2026-11-22T15:58:53.2Z stderr F {}", True),
        ("2026-11-22T15:58:53.2Z {}", True),
        ("edge-nginx-1  | {}", False),
        ("[pod/nginx-abc/nginx] 2026-11-22T15:58:53.2Z {}", True),
    ],
)
def test_mixed_streams_read_alike_in_every_wrapper(tmp_path: Path, around: str, has_utc: bool) -> None:
    """No guessed access-log layout swallows the wrapper; a wrapper's own time in UTC sets the error log right."""
    text = "\n".join(around.format(line) for line in (ACCESS, ACCESS, ERROR, ACCESS, ERROR) * 3)
    read = read_events([_files(tmp_path, a=text)])
    assert _counts(read.coverage.files[0]) == (15, 15, 0, 0)
    assert read.events["format"].value_counts(sort=True).rows() == [("nginx-access", 9), ("nginx-error", 6)]
    assert set(read.events["path"]) == {"/ws"}
    at = read.events.filter(pl.col("format") == "nginx-error")["at"].unique().to_list()
    assert at == [dt.datetime(2026, 11, 22, 15 if has_utc else 17, 58, 53, tzinfo=dt.UTC)]


def test_a_torn_archive_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    """And its coverage says that it ended early."""
    whole = "".join(f"acc {n * 7919 % 100_003} /ws ws\n" for n in range(20_000)).encode()
    (file,) = _read(_files(tmp_path, a=gzip.compress(whole)[:-200])).coverage.files
    assert file.compression == "gzip"
    assert 0 < file.events < 20_000
    assert any("ends early" in limit for limit in file.limits)


def test_a_file_of_mostly_rejects_says_so(tmp_path: Path) -> None:
    """It may be the wrong format; all its lines are still counted."""
    (file,) = _read(_files(tmp_path, a="acc 1 /ws ws\n" * 2 + "acc bad\n" * 50)).coverage.files
    assert _counts(file) == (52, 2, 0, 50)
    assert len(file.rejects) == 20
    assert any("50 of 52" in limit for limit in file.limits)


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "empty"), (bytes(range(256)), "binary"), (b"hello\nworld\n", "no known format")]
)
def test_what_is_none_of_ours_is_named_with_the_reason(tmp_path: Path, data: bytes, why: str) -> None:
    """And counts no rejects: it is no broken log."""
    (file,) = _read(_files(tmp_path, a=data)).coverage.files
    assert file.format == "unknown"
    assert why in file.why
    assert file.rejected == 0


def test_nothing_usable_is_an_error_that_names_what_was_seen(tmp_path: Path) -> None:
    """An empty answer would look like good news."""
    _files(tmp_path, a="hello\n", b=b"")
    with pytest.raises(InputError) as error:
        read_events([tmp_path])
    assert "a: text in no known format" in str(error.value)
    assert "b: empty" in str(error.value)


@pytest.mark.parametrize(
    "option", ["Nowhere/City", "fake-acc=", "unknown=UTC", "../../etc/passwd", "\x00", "right/UTC", "Factory"]
)
def test_an_unknown_zone_or_format_is_an_error_before_reading(tmp_path: Path, option: str) -> None:
    """A misread clock would make wrong verdicts."""
    with pytest.raises(OptionError) as error:
        read_events([_files(tmp_path, a="acc 1 /ws ws\n")], ReadOptions(tz=[option]), formats=FAKES)
    assert error.value.mend


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    """Bytes done never go back and reach the sum."""
    seen: list[tuple[int, int]] = []
    folder = _files(tmp_path, a="acc 1 /ws ws\n" * 10, b=gzip.compress(b"acc 1 /ws ws\n" * 10))
    read_events([folder], ReadOptions(on_progress=lambda done, total, _: seen.append((done, total))), formats=FAKES)
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]


def test_standard_input_is_read() -> None:
    """As `kubectl logs … | wslog inspect -`."""
    read = read_events(["-"], ReadOptions(stdin=io.BytesIO(b"acc 1 /ws ws\n")), formats=FAKES)
    assert read.events["ref"].to_list() == ["-:1"]


ALB = (
    "wss 2026-11-22T17:01:36.713467Z app/web/1 203.0.113.7:40000 10.0.0.5:80 0.001 0.002 0.000 101 101 500 600 "
    '"GET https://rt.example.com:443/ws HTTP/1.1" "Mozilla/5.0" - - arn:x "Root=1-6742b1f0-aaaaaaaaaaaaaaaaaaaaaaaa" '
    '"rt.example.com" "-" 0 2026-11-22T17:00:36.713000Z "forward" "-" "-" "10.0.0.5:80" "101" "-" "-" TID_x'
)


def test_a_load_balancer_line_delivered_twice_is_counted_once(tmp_path: Path) -> None:
    """AWS may deliver a log file again; the copy is ignored, and coverage says so."""
    read = read_events([_files(tmp_path, a=ALB + "\n", b=ALB + "\n")])
    assert read.events["ref"].to_list() == ["a:1"]
    first, second = read.coverage.files
    assert (_counts(first), _counts(second)) == ((1, 1, 0, 0), (1, 0, 1, 0))
    assert any("twice" in limit for limit in second.limits)


def test_configuration_files_give_timers_and_formats(tmp_path: Path) -> None:
    """A log in a layout of its own is read by the nginx.conf beside it, whatever the files are called."""
    conf = """http { log_format odd '$status|$msec|$request|$request_time'; access_log a odd;
      server { server_name rt.example.com; location /ws { proxy_pass http://app; proxy_read_timeout 45s; } } }"""
    attributes = {"Attributes": [{"Key": "idle_timeout.timeout_seconds", "Value": "75"}]}
    log = "101|1795363133.555|GET /ws HTTP/1.1|45.000\n" * 3
    read = read_events([_files(tmp_path, a=log, z_conf=conf, lb=json.dumps(attributes))])
    assert {file.path: file.format for file in read.coverage.files} == {
        "a": "nginx-access",
        "lb": "alb-attributes",
        "z_conf": "nginx-conf",
    }
    values = {(s.timeout_id, s.value_s) for s in read.settings}
    assert {("nginx-proxy-read-timeout", 45.0), ("aws-alb-idle", 75.0)} <= values
    assert read.events["lifetime_s"].to_list() == [45.0] * 3


LINE = st.one_of(
    st.binary(max_size=60).map(lambda data: data.replace(b"\n", b"")),
    st.text(max_size=60).map(lambda text: text.replace("\n", "").encode()),
    st.sampled_from(
        [
            ALB.encode(),
            ALB.encode()[:150],
            b'203.0.113.7 - - [22/Nov/2026:15:58:53 +0000] "GET /ws HTTP/1.1" 101 1 "-" "a"',
            b"2026/11/22 15:58:53 [error] 31#31: *57 recv() failed (104: Connection reset by peer) while proxying "
            b'upgraded connection, client: 1.2.3.4, server: x, request: "GET /ws HTTP/1.1", host: "x"',
            b'{"event":"ws_close","connId":"a","url":"wss://x/ws","code":1006,"wasClean":false,"closedAt":1795363133000}',
            b'{"log":"2026/11/22 15:58:53 [notice] 31#31: exiting\\n","stream":"stderr","time":"2026-11-22T15:58:53Z"}',
            b"<190>Nov 22 15:58:53 web nginx: x",
            b"",
        ]
    ),
)


@given(lines=st.lists(LINE, max_size=30), end=st.sampled_from([b"\n", b"\r\n"]), cut=st.integers(0, 40))
@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_bytes_are_read_and_accounted_for(tmp_path: Path, lines: list[bytes], end: bytes, cut: int) -> None:
    """Random bytes between true lines never raise, and lines = events + ignored + rejected."""
    data = end.join(lines) + end
    file = tmp_path / "file"
    file.write_bytes(data[: len(data) - cut])
    read = read_events([file], must_be_useful=False)
    (coverage,) = read.coverage.files
    assert coverage.lines == coverage.events + coverage.ignored + coverage.rejected
    assert min(_counts(coverage)) >= 0
    assert coverage.events == read.events["ref"].n_unique()


@needs_lab
def test_every_lab_file_is_recognised_and_adds_up() -> None:
    """The recorded logs of all tiers, read as a folder."""
    read = read_events([SHARED / "lab" / "logs"])
    for file in read.coverage.files:
        assert file.format != "unknown", file.path
        assert file.lines == file.events + file.ignored + file.rejected
        assert file.rejected == 0, file.rejects
    assert str(SHARED) not in repr(read.coverage)
    assert set(read.events["format"]) == {"client-close", "alb-access", "nginx-access", "nginx-error"}


@needs_lab
def test_every_collected_file_is_recognised_or_named() -> None:
    """Other people's samples: nothing is silent about what it is."""
    for file in read_events([SHARED / "formats"]).coverage.files:
        assert file.why, file.path
        assert file.lines == file.events + file.ignored + file.rejected


def test_a_log_whose_format_changes_half_way(tmp_path: Path) -> None:
    """Far beyond the sample: lines that stand together are looked at anew, and scattered ones stay rejected."""
    before = '203.0.113.7 - - [10/Mar/2026:10:01:00 +0000] "GET /ws HTTP/1.1" 101 4 "-" "Mozilla/5.0 (X11)"\n'
    after = '1773136860.000 203.0.113.7 "GET /ws HTTP/1.1" 101 4 60.004 "Mozilla/5.0"\n'
    (tmp_path / "a").write_text(before * 6_000 + after * 3_000)
    (tmp_path / "b").write_text((before * 100 + after) * 60)
    changed, scattered = read_events([tmp_path]).coverage.files
    assert _counts(changed) == (9_000, 9_000, 0, 0)
    assert _counts(scattered) == (6_060, 6_000, 0, 60)
