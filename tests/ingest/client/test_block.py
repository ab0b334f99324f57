"""Client records read by the column are what the exact reader makes of each line, on whole and on damaged logs."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from wslog.ingest.client import block as client_block
from wslog.ingest.client.block import Shapes, read_by_shape
from wslog.ingest.client.close import CLIENT_CLOSE, parse_records
from wslog.ingest.client.fields import ALIASES, CONTAINERS, NAMES, SPANS
from wslog.ingest.client.record import Rules

REPO = Path(__file__).resolve().parents[3]
SHARED = REPO.parent / "shared" / "data"
RULES = (
    Rules(),
    Rules(ignores_extra=True),
    Rules(zone=ZoneInfo("Europe/Berlin"), span_unit_s=1.0),
    Rules(paths={"close_code": "event.code", "event": "type", "closed_at": "t.0", "session_id": "data.user.id"}),
    Rules(paths={"duration": "life_ms", "url": "msg", "event": "event", "opened_at": "app"}),
)


@pytest.fixture(autouse=True)
def by_shape_from_the_first_line() -> Iterator[None]:
    """Small blocks are read by the column, too."""
    with mock.patch.object(client_block, "FEWEST_LINES", 1):
        yield


def block(lines: list[str]) -> pl.DataFrame:
    schema = {"line": pl.Int64, "text": pl.String}
    return pl.DataFrame({"line": range(1, len(lines) + 1), "text": lines}, schema=schema)


def assert_the_same(lines: list[str], rules: Rules, shapes: Shapes | None = None) -> int:
    """Compare both ways; return how many lines the exact reader was spared."""
    shapes = shapes or Shapes(rules)
    exact, fast = parse_records(block(lines), rules), parse_records(block(lines), rules, shapes)
    assert_frame_equal(fast.events, exact.events, check_exact=True)
    assert_frame_equal(fast.rejects, exact.rejects)
    return sum(records.height for records in read_by_shape(block(lines), shapes).records)


def _stamp(r: random.Random) -> str:
    second, ms = r.randint(0, 59), r.randint(0, 999)
    return f"2026-0{r.randint(1, 9)}-{r.randint(1, 31):02d}T{r.randint(0, 23):02d}:10:{second:02d}.{ms:03d}"


@pytest.mark.parametrize(
    "record",
    [
        {"time": 1773136860001, "msg": "WebSocket closed with status code: 1006 (x)."},
        {"time": 1773136860001, "msg": "a", "message": "WebSocket closed with status code: {} ({})."},
        {"time": {"$date": "2026-03-10T10:01:00.001Z"}, "code": 1006, "event": "close"},
        {"ts": {"$date": {"$numberLong": "1773136860001"}}, "closeCode": "{}", "uptime": "{}m{}s"},
    ],
)
def test_values_in_places_of_their_own(record: dict[str, object]) -> None:
    """Codes in texts, wrapped times and spans with units come to the same both ways."""
    assert_the_same([json.dumps(record).replace("{}", str(1000 + n % 60)) for n in range(200)], Rules())


TRACES = ("Root=", "Self=1-67891234-12456789abcdef012345678;Root=", "", "x")
ADDRESSES = (
    "::ffff:1.2.3.4", "[2001:DB8:0:0:1::7]", "1:2:3:4:5:6:7:8", "1::2:3:4:5:6:7", "1::2:3:4:5:6", "1:0:0:2::3",
    "fe80::1%eth0", "01.2.3.4", "",
)  # fmt: skip
VALUES: dict[str, Callable[[random.Random], object]] = {
    "ms": lambda r: 1_773_136_800_000 + r.randint(-(10**9), 10**9),
    "s": lambda r: 1_773_136_800 + r.randint(0, 10**6),
    "fraction": lambda r: 1_773_136_800 + r.random(),
    "us": lambda r: 1_773_136_800_000_123 + r.randint(0, 10**9),
    "any epoch": lambda r: r.randint(-5, 10 ** r.randint(1, 17)),
    "epoch text": lambda r: str(1_773_136_800_000 + r.randint(0, 10**9)),
    "iso": lambda r: _stamp(r) + "Z",
    "iso with offset": lambda r: _stamp(r) + r.choice(("+01:00", "-09:30", "+00:00", "+0530", "+23:59")),
    "iso of any kind": lambda r: r.choice((_stamp(r), _stamp(r)[:19] + "Z", _stamp(r) + "001Z", _stamp(r)[:16], "01")),
    "date": lambda r: f"Tue Mar {r.randint(10, 31)} 2026 10:01:00 GMT+0100",
    "code": lambda r: r.choice((1000, 1001, 1006, 4000, 999, 0)),
    "code text": lambda r: r.choice(("1006", "1000", " 1001", "abc", "", "1006.0", "٤٠٠٠")),
    "small": lambda r: r.randint(-2, 70_000),
    "large": lambda r: r.choice((-1, 1)) * r.randint(10**17, 10**18 - 1),
    "number": lambda r: r.choice((1006.0, 0.5, -0.0, 1.0, r.random() * 10 ** r.randint(-3, 9))),
    "huge": lambda r: r.choice((10**18, 10**30, 1e300, 2**63)),
    "span": lambda r: r.choice(("60.5s", "4 min", "12 ms", "1h", "90", "-3")),
    "flag": lambda r: r.random() < 0.5,
    "flag text": lambda r: r.choice(("true", "False", " yes ", "0", "off", "maybe")),
    "bit": lambda r: r.choice((0, 1, 2)),
    "none": lambda r: None,
    "list": lambda r: r.choice(([], [1, "a", None], [[1]], [{"a": 1}])),
    "buffer": lambda r: {"type": "Buffer", "data": [98, r.randint(0, 255)]},
    "object": lambda r: r.choice(({}, {"a": 1}, {"code": 1006})),
    "url": lambda r: r.choice((f"wss://h/ws?a={r.randint(0, 9)}", "https://h/p", "/ws", "", "ws://H:8080", "wss")),
    "name": lambda r: r.choice(("close", "open", "ws_error", "pagehide", "login", "websocket closed", "ws")),
    "sentence": lambda r: f"ws {r.choice(('closed', 'opened', 'talks'))} after {r.randint(0, 10**6)} s",
    "id": lambda r: f"c-{r.randint(0, 10**9)}",
    "text": lambda r: r.choice(("bye", "a b", "", "ünï", "a\\b", 'a"b', "{", "{}", " x", "tab\t", "\u2028", "\x7f")),
    "inner": lambda r: json.dumps({"code": 1006, "ts": 1_773_136_800_000}),
    "trace": lambda r: r.choice(TRACES) + f"1-67891233-{r.getrandbits(96):024x}",
    "address": lambda r: r.choice((*ADDRESSES, f"203.0.113.{r.randint(0, 299)}", f"2001:db8::{r.randint(0, 99):x}")),
    "sight": lambda r: r.choice(("visible", "HIDDEN", "prerender")),
}  # fmt: skip
LIKELY = {"ms": 4, "iso": 4, "code": 4, "flag": 4, "id": 4, "url": 4, "name": 4, "small": 3, "address": 3, "trace": 3}
KEYS = sorted({name for names in (*ALIASES.values(), *SPANS.values()) for name in names} | NAMES | {"istrusted", "x"})
OWN = ("event", "closedAt", "connId", "code", "openedAt", "createdAt", "wasClean", "visibilityState", "attempt", "url",
       "lastRecvAt", "hiddenAt", "clientIp", "reason", "onLine", "persisted")  # fmt: skip
OF_OWN = {
    "event": lambda r: r.choice(("ws_close", "pagehide")), "closedAt": VALUES["ms"], "connId": VALUES["id"],
    "code": VALUES["code"], "openedAt": VALUES["ms"], "createdAt": VALUES["ms"], "wasClean": VALUES["flag"],
    "visibilityState": lambda r: r.choice(("visible", "hidden", "visible", "prerender")), "attempt": VALUES["small"],
    "url": VALUES["url"], "lastRecvAt": VALUES["any epoch"], "hiddenAt": VALUES["fraction"],
    "clientIp": VALUES["address"], "reason": VALUES["text"], "onLine": VALUES["flag"], "persisted": VALUES["flag"],
}  # fmt: skip

Schema = dict[str, object]  # key → the value's generator, or the schema of an object


def _schema(r: random.Random, depth: int = 0) -> Schema:
    if depth == 0 and r.random() < 0.25:
        return {key: OF_OWN[key] for key in r.sample(OWN, r.randint(len(OWN) - 4, len(OWN)))}
    kinds, weights = list(VALUES), [LIKELY.get(kind, 1) for kind in VALUES]
    schema: Schema = {}
    if r.random() < 0.6:
        schema[r.choice(("event", "type", "msg"))] = VALUES["name"]
    if r.random() < 0.6:
        schema[r.choice(("ts", "closedAt", "time"))] = VALUES[
            r.choice(("ms", "iso", "iso with offset", "s", "fraction"))
        ]
    for _ in range(r.randint(1, 7)):
        key = (
            r.choice(KEYS)
            if r.random() < 0.85
            else r.choice(("user", "app", "life_ms", "t", "_Time", "ws-code", "close code", "a#b.c&"))
        )
        schema[key] = VALUES[r.choices(kinds, weights)[0]]
    if depth < 2 and r.random() < 0.5:
        schema[r.choice([*sorted(CONTAINERS), "user", "app"])] = _schema(r, depth + 1)
    return schema


def _record(schema: Schema, r: random.Random) -> dict[str, object]:
    return {
        key: _record(made, r) if isinstance(made, dict) else None if r.random() < 0.05 else made(r)  # type: ignore[operator]
        for key, made in schema.items()
    }


def _damaged(line: str, r: random.Random) -> str:
    at = r.randint(0, len(line))
    return r.choice(
        (
            line[:at],
            line[:at] + r.choice('"{}[],:\\x0 \t\x00\ufffd') + line[at:],
            line[:at] + line[at + 1 :],
            line + line,
            line + ",",
            f" {line}\r",
            line[:-1] + ',"code":1001}',
            line[:-1] + ',"' + r.choice(KEYS) + '":"x"}',
            line.replace("1", '"1"', 1),
            line.replace(":", " : ", 2),
            line.replace("e", "\\u0065", 1),
            line.replace("0", "0.0", 1),
            line.replace("1", "1e3", 1),
            "",
            "# " + line,
        )
    )


def log(seed: int) -> list[str]:
    """Lines of a few shapes, some damaged."""
    r = random.Random(seed)
    schemas = [_schema(r) for _ in range(r.randint(1, 3))]
    lines = []
    for _ in range(60):
        record = _record(r.choice(schemas), r)
        if r.random() < 0.05:
            record = {key: record[key] for key in r.sample(list(record), len(record))}
        space = r.choice(((",", ":"), (", ", ": ")))
        line = json.dumps(record, ensure_ascii=r.random() < 0.5, separators=space)
        lines.append(_damaged(line, r) if r.random() < 0.1 else line)
    return lines


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from(RULES))
def test_any_shapes(seed: int, rules: Rules) -> None:
    """Random shapes with every alias and every kind of value, some lines damaged: the same events and rejects."""
    assert_the_same(log(seed), rules)


def test_most_lines_are_spared() -> None:
    """The comparison is one: of random shapes most lines are read by the column, of every set of rules some."""
    spared = {n: sum(assert_the_same(log(seed), rules) for seed in range(12)) for n, rules in enumerate(RULES)}
    assert min(spared.values()) > 12 * 60 * 0.4, spared


def test_every_sample() -> None:
    """The format's own samples, a hundred times each, alone and together."""
    samples = list(CLIENT_CLOSE.samples)
    for lines in (*([sample] * 100 for sample in samples), samples * 30):
        for rules in RULES:
            assert_the_same(lines, rules)
    assert assert_the_same(samples[:1] * 100, Rules()) == 100


def test_a_torn_line_spoils_nothing() -> None:
    """Lines cut anywhere leave their neighbours to the column."""
    own = CLIENT_CLOSE.samples[0]
    lines = [own if n % 2 else own[: n + 1] for n in range(len(own))]
    assert assert_the_same(lines, Rules()) == len(own) // 2


def test_shapes_are_shared_by_threads() -> None:
    """Many blocks at once, of a file whose shapes become known only then."""
    logs = [log(seed) for seed in range(16)] * 2
    shapes = Shapes(Rules())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda lines: assert_the_same(lines, shapes.rules, shapes), logs))


def test_shapes_without_end() -> None:
    """A file in which every record has other keys is read, the exact way, and no memory grows."""
    lines = [json.dumps({"event": "close", "ts": 1_773_136_800_000, f"k{n}": n}) for n in range(2_000)]
    shapes = Shapes(Rules())
    assert_the_same(lines, shapes.rules, shapes)
    assert len(shapes.known) <= client_block.MOST_TEMPLATES


@pytest.mark.skipif(not SHARED.exists(), reason="the recorded lab logs are not beside this checkout")
def test_recorded_lines() -> None:
    """Recorded logs, whole and with every tenth line damaged."""
    r = random.Random(4)
    paths = [*(SHARED / "lab/logs/client").glob("*.jsonl"), *(SHARED / "formats").rglob("client*.jsonl")]
    assert paths
    for path in sorted(paths):
        lines = path.read_text().splitlines()[:1_000]
        assert_the_same(lines, Rules())
        assert_the_same([_damaged(line, r) if n % 10 == 0 else line for n, line in enumerate(lines)], Rules())


def test_records_of_any_size() -> None:
    """Records of thousands of keys are left to the exact reader, whatever a regex can hold."""
    wide = json.dumps({"event": "close", "ts": 1_773_136_800_000, **{f"key{n}": "ünï" for n in range(3_000)}})
    assert_the_same([wide] * 20, Rules())
    assert_the_same([wide.replace("\\u00fc", "ü")] * 20, Rules())


TS = 1_773_136_860_001


@pytest.mark.parametrize(
    "record",
    [
        {"event": "close", "ts": TS, "createdAt": TS - 60_000, "handshakeMs": 250},
        {"event": "close", "createdAt": TS - 60_000, "openAfterMs": 250.5, "durationMs": 50_000},
        {"event": "close", "openedAt": TS - 60_000, "durationMs": 59_000.25},
        {"event": "close", "ts": TS, "opened": False, "durationMs": 60_000},
        {"event": "close", "ts": TS, "openedAt": None, "durationMs": 60_000},
        {"event": "close", "ts": TS, "openedAt": None},
        {"event": "close", "ts": TS, "idleMs": 45_000},
        {"event": "close", "ts": TS, "idleMs": 45_000, "lastActivityAt": TS - 30_000},
        {"event": "close", "ts": TS, "idleMs": 45_000, "lastSentAt": TS - 20_000},
        {"event": "open", "ts": TS, "connId": "c", "durationMs": 1},
        {"event": "open", "ts": TS},
        {"event": "pagehide", "type": "close", "ts": TS, "persisted": 1},
        {"ts": TS, "code": 1006},
        {"ts": TS, "code": 1006, "type": "x"},
        {"ts": TS, "code": 1006, "type": "x", "url": "wss://h/p"},
        {"ts": TS, "code": 1006, "type": "x", "reason": ""},
        {"ts": TS, "closeCode": "1006", "type": "x"},
        {"ts": TS, "wasClean": "no", "type": "x"},
        {"ts": TS, "event": {"isTrusted": True}},
        {"ts": TS, "event": {"code": 1001, "reason": "bye"}, "code": 7},
        {"event": "close", "ts": TS, "url": "https://h/page", "endpoint": "wss://h/ws"},
        {"event": "close", "ts": TS, "visibility": "prerender", "hidden": True},
        {"event": "close", "ts": "never"},
        {"event": "close", "ts": 5, "time": TS},
    ],
)
def test_what_follows_from_what(record: dict[str, object]) -> None:
    """Each rule of the exact reader, alone, is a rule for columns, which read all but the rejected lines."""
    lines = [json.dumps(record | {"n": n}) for n in range(20)]
    has_time = record["ts"] != "never" if "ts" in record else True
    assert assert_the_same(lines, Rules()) == (20 if has_time else 0)


@pytest.mark.parametrize(
    "number", ["01", "-0", "-01", "1.", ".5", "+1", "1e3", "9" * 19, "0.1" + "0" * 30, "NaN", "0x1"]
)
def test_numbers_that_are_none_or_hard(number: str) -> None:
    """Among whole numbers, what JSON forbids, or another reader may round, is left to the exact reader."""
    lines = [f'{{"event":"close","ts":{TS},"sessionId":{n},"durationMs":{n}.5}}' for n in range(1, 40)]
    odd = [f'{{"event":"close","ts":{TS},"sessionId":{number},"durationMs":1.5}}',
           f'{{"event":"close","ts":{TS},"sessionId":1,"durationMs":{number}}}']  # fmt: skip
    assert assert_the_same([*lines, *odd, *lines], Rules()) >= 2 * len(lines)
