"""Logs of one day for the benchmark: the same WebSockets in every tier, among twenty times as many plain requests.

All of it follows from the seed. A line costs a few bytes of entropy, so files compress about as real ones do.
"""

from __future__ import annotations

import json
import sys
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from tests.bench.measure import Logs

DAY_US: Final = 86_400_000_000
MIDNIGHT: Final = pl.datetime(2026, 11, 1, time_unit="us")
ALB_LINE_BYTES: Final = 640  # about, to find the number of lines for a size
WS_SHARE: Final = 0.05
SLOTS: Final = 288  # a load balancer's node delivers a file every five minutes
NODES: Final = 7
DAMAGED_EVERY: Final = 1_000
PATHS: Final = ("/ws", "/ws/chat?room=lobby", "/socket.io/?EIO=4&transport=websocket", "/cable")
STATUSES: Final = ((200, 0.82), (204, 0.04), (304, 0.05), (301, 0.02), (404, 0.04), (401, 0.02), (500, 0.01))
WS_STATUSES: Final = ((101, 0.95), (502, 0.03), (403, 0.02))
AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/"


def write_logs(folder: Path, *, gigabytes: float, seed: int = 1) -> Logs:
    """Write every kind of log of the same requests.

    `alb/…log.gz`, the same lines in `alb.log`, damaged ones among them in `alb-damaged/`, each plain one four times in
    `alb-4/`; `half.log`, where every second line is a WebSocket; `combined.log`, `timed.log`, `json.log`, `error.log`
    and `client.jsonl`.

    Args:
        folder: Where to; made if it is not there.
        gigabytes: Text of the ALB log; the others have as many requests.
        seed: Of all randomness.
    """
    folder.mkdir(parents=True, exist_ok=True)
    requests = _requests(np.random.default_rng(seed), max(200, int(gigabytes * 1e9 / ALB_LINE_BYTES)))
    texts = {name: requests.select(line).to_series() for name, line in _LINES.items()}
    sockets = requests.filter("is_ws")
    texts["error.log"] = sockets.filter(pl.col("status") != 101).select(_error()).to_series()
    texts["client.jsonl"] = sockets.select(_client()).to_series()
    is_upgraded = requests["status"] == 101
    n_upgraded = int(is_upgraded.sum())
    texts["half.log"] = texts["alb.log"].filter(is_upgraded | (~is_upgraded & ((~is_upgraded).cum_sum() <= n_upgraded)))
    for name, lines in texts.items():
        (folder / name).write_bytes(_joined(lines))
    damaged, is_damaged = _damaged(texts["alb.log"])
    n_times = pl.select(pl.when(requests["is_ws"]).then(1).otherwise(4).cast(pl.UInt32)).to_series()
    repeated = pl.DataFrame({"line": texts["alb.log"]}).select(pl.col("line").repeat_by(n_times))["line"]
    texts |= {"alb": texts["alb.log"], "alb-damaged": damaged, "alb-4": repeated.explode()}
    _write_parts(folder / "alb", requests, texts["alb"])
    _write_parts(folder / "alb-damaged", requests, damaged)
    _write_parts(folder / "alb-4", requests, repeated.list.join("\n"))
    return Logs(
        n_bytes={name: int(lines.str.len_bytes().sum()) + len(lines) for name, lines in texts.items()},
        n_lines={name: len(lines) for name, lines in texts.items()},
        n_websockets=dict.fromkeys(texts, n_upgraded) | {"alb-damaged": int((is_upgraded & ~is_damaged).sum())},
        n_damaged={"alb-damaged": int(is_damaged.sum())},
    )


def _joined(lines: pl.Series) -> bytes:
    return ("\n".join(lines.to_list()) + "\n").encode()


def _damaged(lines: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Damage one line in a thousand, in five ways in turn, and tell which ones."""
    frame = pl.DataFrame({"line": lines}).with_row_index("row")
    line, kind, head = pl.col("line"), pl.col("row") // DAMAGED_EVERY % 5, pl.col("line").str.slice(0, 200)
    is_damaged = pl.col("row") % DAMAGED_EVERY == DAMAGED_EVERY // 2
    damaged = (
        pl.when(kind == 0).then(head)  # cut
        .when(kind == 1).then(head + line)  # merged with the beginning of another
        .when(kind == 2).then(line.str.replace('" "', '"" "'))  # a stray quote
        .when(kind == 3).then(line.str.replace(" ", " \0\0\0"))
        .otherwise(line.str.replace("GET", "G\ufffdT"))
    )  # fmt: skip
    changed = frame.select(pl.when(is_damaged).then(damaged).otherwise(line).alias("line"), is_damaged.alias("damaged"))
    return changed["line"], changed["damaged"]


def _choice(rng: np.random.Generator, table: tuple[tuple[int, float], ...], n: int) -> np.ndarray:
    values, shares = zip(*table, strict=True)
    return rng.choice(np.array(values), n, p=np.array(shares) / sum(shares))


def _requests(rng: np.random.Generator, n: int) -> pl.DataFrame:
    """One row per request in order of its end; WebSockets are among them."""
    is_ws = rng.random(n) < WS_SHARE
    status = np.where(is_ws, _choice(rng, WS_STATUSES, n), _choice(rng, STATUSES, n))
    lasts_us = np.where(status == 101, rng.lognormal(18.5, 1.2, n), rng.lognormal(10.5, 1.2, n)).clip(1_000, 2e10)
    end = np.sort(rng.integers(0, DAY_US, n))
    frame = pl.DataFrame(
        {
            "is_ws": is_ws, "status": status, "end": end, "lasts": lasts_us.astype(np.int64), "n": np.arange(n),
            "ip": rng.integers(1, 60_000, n), "port": rng.integers(1_024, 65_535, n),
            "size": rng.integers(200, 90_000, n),
            "agent": rng.integers(100, 146, n), "which": rng.integers(0, 1 << 31, n),
            "id": rng.integers(1 << 40, 1 << 57, n),
        }
    )  # fmt: skip
    which = pl.col("which")
    ws_path = pl.lit(pl.Series(PATHS)).gather(which % len(PATHS))
    plain_path = pl.concat_str(pl.lit("/api/v1/items/"), which % 100_000, pl.lit("?q="), which % 7)
    return frame.with_columns(
        at=MIDNIGHT + pl.duration(microseconds="end"),
        opened=MIDNIGHT + pl.duration(microseconds=pl.col("end") - pl.col("lasts")),
        path=pl.when("is_ws").then(ws_path).otherwise(plain_path),
        ip=pl.concat_str(pl.lit("203."), pl.col("ip") // 251, pl.lit("."), pl.col("ip") % 251, pl.lit(".7")),
        target=pl.concat_str(pl.lit("10.0.0."), which % 24 + 10, pl.lit(":8080")),
        agent=pl.concat_str(pl.lit(AGENT), "agent", pl.lit(".0.0.0 Safari/537.36")),
        seconds=pl.concat_str(pl.col("lasts") // 1_000_000, pl.lit("."), _digits(pl.col("lasts") // 1_000 % 1_000, 3)),
        trace=pl.concat_str(pl.lit("Root=1-"), _digits(which, 8, 100_000_000), pl.lit("-"), _digits(pl.col("id"), 24)),
        tls=_digits(pl.col("id") * 31 + which, 32),
    )


def _digits(number: pl.Expr, width: int, below: int = 10**19) -> pl.Expr:
    return (number % below).cast(pl.String).str.zfill(width)


def _text(*parts: str | pl.Expr) -> pl.Expr:
    """Join literals and columns."""
    return pl.concat_str([pl.lit(part) if isinstance(part, str) else part for part in parts])


def _micros(name: str) -> pl.Expr:
    return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")


_COL: Final = pl.col
_UPGRADE: Final = pl.when("is_ws").then(pl.lit("websocket")).otherwise(pl.lit("-"))
_TYPE: Final = pl.when(_COL("status") == 101).then(pl.lit("wss")).otherwise(pl.lit("https"))
_COMBINED: Final = (
    _COL("ip"), " - - [", _COL("at").dt.strftime("%d/%b/%Y:%H:%M:%S +0000"), '] "GET ', _COL("path"), ' HTTP/1.1" ',
    _COL("status"), " ", _COL("size"), ' "-" "', _COL("agent"), '"',
)  # fmt: skip
_LINES: Final = {
    "alb.log": _text(
        _TYPE, " ", _micros("at"), " app/edge/50dc6c495c0c9188 ", _COL("ip"), ":", _COL("port"), " ", _COL("target"),
        " 0.001 0.002 0.000 ", _COL("status"), " ", _COL("status"), " 412 ", _COL("size"),
        ' "GET https://rt.example.com:443', _COL("path"), ' HTTP/1.1" "', _COL("agent"),
        '" TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/edge/73e2'
        'd6b "', _COL("trace"), '" "rt.example.com" "session-reused" 0 ', _micros("opened"), ' "forward" "-" "-" "',
        _COL("target"), '" "', _COL("status"), '" "-" "-" TID_', _COL("tls"), ' "-" "-" "-"',
    ),
    "combined.log": _text(*_COMBINED),
    "timed.log": _text(
        *_COMBINED, " rt=", _COL("seconds"), ' urt="', _COL("seconds"), '" ua="', _COL("target"), '" us="',
        _COL("status"), '" conn=', _COL("n"), ' trace="', _COL("trace"), '" up="', _UPGRADE, '"',
    ),
    "json.log": _text(
        '{"time_iso8601":"', _COL("at").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"), '","remote_addr":"', _COL("ip"),
        '","request_method":"GET","request_uri":"', _COL("path"), '","status":', _COL("status"),
        ',"body_bytes_sent":', _COL("size"), ',"request_time":', _COL("seconds"), ',"upstream_addr":"', _COL("target"),
        '","upstream_response_time":"', _COL("seconds"), '","http_user_agent":"', _COL("agent"), '","http_upgrade":"',
        _UPGRADE, '","trace_id":"', _COL("trace"), '"}',
    ),
}  # fmt: skip


def _error() -> pl.Expr:
    return _text(
        _COL("at").dt.strftime("%Y/%m/%d %H:%M:%S"), " [error] 31#31: *", _COL("n"),
        " connect() failed (111: Connection refused) while connecting to upstream, client: ", _COL("ip"),
        ', server: rt.example.com, request: "GET ', _COL("path"), ' HTTP/1.1", upstream: "http://', _COL("target"),
        _COL("path"), '", host: "rt.example.com"',
    )  # fmt: skip


def _client() -> pl.Expr:
    ms = _COL("at").dt.epoch("ms")
    created = _COL("opened").dt.epoch("ms")
    opened = pl.when(_COL("status") == 101).then(created.cast(pl.String)).otherwise(pl.lit("null"))
    code = pl.when(_COL("which") % 3 == 0).then(1000).otherwise(1006)
    return _text(
        '{"event":"ws_close","connId":"c', _COL("n"), '","sessionId":"s', _COL("which") % 5_000,
        '","url":"wss://rt.example.com', _COL("path"), '","code":', code,
        ',"reason":"","wasClean":false,"createdAt":', created, ',"openedAt":', opened,
        ',"lastSentAt":', opened, ',"lastRecvAt":', opened, ',"closedAt":', ms + 35,
        ',"closeCalledAt":null,"hiddenAt":null,"visibilityState":"visible","onLine":true,"attempt":0,"userAgent":"',
        _COL("agent"), '"}',
    )  # fmt: skip


def _write_parts(folder: Path, requests: pl.DataFrame, lines: pl.Series) -> None:
    """Write the ALB log as the load balancer delivers it: a file for each node and five minutes."""
    folder.mkdir(exist_ok=True)
    slot, node = requests["end"] * SLOTS // DAY_US, requests["which"] % NODES
    parts = pl.DataFrame({"slot": slot, "node": node, "line": lines}).group_by("slot", "node", maintain_order=True)
    for (at, number), part in parts:
        packer = zlib.compressobj(6, wbits=31)
        data = packer.compress(_joined(part["line"])) + packer.flush()
        (folder / f"{at:03}_172.16.0.{number}.log.gz").write_bytes(data)


if __name__ == "__main__":  # a process of its own: the one that measures stays small, or its size would count as theirs
    sys.stdout.write(json.dumps(asdict(write_logs(Path(sys.argv[1]), gigabytes=float(sys.argv[2])))))
