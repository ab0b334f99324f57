"""What a file is, told from lines of which some are damaged."""

from __future__ import annotations

import random

import pytest

from wslog.ingest.format import Config
from wslog.ingest.formats import FORMATS
from wslog.ingest.kinds.recognise import MIN_SCORE, recognise, sample_lines
from wslog.ingest.nginx.error import NGINX_ERROR

TIMING = (
    "203.0.113.{0}:515{0} [2026-03-10T10:01:{0}+00:00] msec=17731368{0}.123 conn={0}67/1 rid=0a{0}f "
    'host=rt.example.com "GET /ws/chat?n={0} HTTP/1.1" status=101 rt=60.0{0} urt=60.0{0} ua=10.0.0.7:9000 us=101'
)


def _flipped(line: str, rng: random.Random) -> bytes:
    data = bytearray(line.encode())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(7)
    return bytes(data).replace(b"\n", b"?")


@pytest.mark.parametrize("seed", range(20))
def test_one_wrong_bit_in_every_fifth_line_does_not_hide_the_layout(seed: int) -> None:
    """The layout of an access log is told from what most lines have, wherever the damage is."""
    rng = random.Random(seed)
    lines = [TIMING.format(10 + n % 50) for n in range(150)]
    damaged = [_flipped(line, rng) if n % 5 == 0 else line.encode() for n, line in enumerate(lines)]
    found = recognise(sample_lines(b"\n".join(damaged), is_whole=True), Config(), FORMATS)
    assert found.reader is not None
    assert found.reader.format.name == "nginx-access"
    assert found.reader.parser.score > 0.8


def test_lines_damaged_for_all_to_see_do_not_count_against_a_form() -> None:
    """Blocks of NULs in front of most lines leave enough to tell the format by, and they are in no sample."""
    clean = NGINX_ERROR.samples[0].encode()
    sample = sample_lines(b"\n".join([clean, b"\0" * 40 + clean] * 50), is_whole=True)
    assert sample == [clean.decode()] * 50
    found = recognise(sample, Config(), FORMATS)
    assert found.best_score > MIN_SCORE
